//! Rows, by table and time, until they fill a file.

use super::encode::{Encoders, Job};
use super::tables::{Rows, compact};
use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::TimestampNanosecondType;
use parallax_telemetry::View;
use std::collections::BTreeMap;
use std::io;

/// The rows of a file, if nobody says otherwise.
pub const FILE_ROWS: usize = 128 << 10;
/// What they may take in memory.
const BYTES: usize = 64 << 20;
/// What may wait in memory altogether.
const BUDGET: usize = 192 << 20;

/// Batches of fewer rows are small.
const SMALL: usize = 2048;

/// How tables are cut by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    /// By hours.
    Hour,
    /// By days.
    Day,
    /// Not at all.
    None,
}

impl Partition {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Partition::Hour => "hour",
            Partition::Day => "day",
            Partition::None => "none",
        }
    }

    /// The number of the partition of a time; rows without a time have one of their own.
    fn of(self, time: Option<i64>) -> i64 {
        const HOUR: i64 = 3_600_000_000_000;
        match (self, time) {
            (Partition::None, _) => 0,
            (_, None) => i64::MIN,
            (Partition::Hour, Some(time)) => time.div_euclid(HOUR),
            (Partition::Day, Some(time)) => time.div_euclid(24 * HOUR),
        }
    }

    /// The name of a partition's files: its first instant.
    fn label(self, number: i64) -> String {
        let (seconds, length) = match self {
            Partition::None => return "all".to_owned(),
            _ if number == i64::MIN => return "timeless".to_owned(),
            Partition::Hour => (number.saturating_mul(3600), 13),
            Partition::Day => (number.saturating_mul(86_400), 10),
        };
        let text = parallax_telemetry::time::format(seconds.saturating_mul(1_000_000_000));
        text.get(..length).unwrap_or(&text).replace(':', "")
    }
}

#[derive(Default)]
struct Waiting {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl Waiting {
    fn add(&mut self, mut batch: RecordBatch) -> Result<(), arrow::error::ArrowError> {
        self.rows += batch.num_rows();
        // Columns of few rows take more room than they need: small batches are put together.
        if batch.num_rows() < SMALL {
            if let Some(last) = self.batches.pop_if(|last| last.num_rows() + batch.num_rows() <= SMALL) {
                self.bytes -= last.get_array_memory_size();
                batch = concat_batches(&batch.schema(), &[last, batch])?;
            }
            batch = compacted(batch)?;
        }
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch);
        Ok(())
    }
}

/// Rows of all tables that wait for more.
pub(super) struct Gather {
    tables: Vec<(String, BTreeMap<i64, Waiting>)>,
    partition: Partition,
    file_rows: usize,
    bytes: usize,
}

impl Gather {
    pub(super) fn new(views: &[View], partition: Partition, file_rows: usize) -> Self {
        let tables = views.iter().map(|v| (v.name().to_owned(), BTreeMap::new())).collect();
        Gather { tables, partition, file_rows: file_rows.max(1), bytes: 0 }
    }

    /// Takes rows, which follow those before them in the order of the sources.
    pub(super) fn add(&mut self, rows: Rows, encoders: &Encoders) -> io::Result<()> {
        for (number, batch) in self.cut(rows.batch)? {
            let (name, table) = &mut self.tables[rows.view];
            let waiting = table.entry(number).or_default();
            self.bytes -= waiting.bytes;
            waiting.add(batch).map_err(io::Error::other)?;
            self.bytes += waiting.bytes;
            if waiting.rows >= self.file_rows || waiting.bytes >= BYTES {
                self.bytes -= waiting.bytes;
                let batches = std::mem::take(waiting).batches;
                table.remove(&number);
                encoders.take(Job { table: name.clone(), label: self.partition.label(number), batches })?;
            }
        }
        // Many partitions that fill slowly: those of the table that has most go, neighbours together.
        while self.bytes > BUDGET {
            let held = |table: &BTreeMap<i64, Waiting>| table.values().map(|w| w.bytes).sum::<usize>();
            let largest = (0..self.tables.len()).max_by_key(|at| held(&self.tables[*at].1));
            match largest {
                Some(at) => self.let_go(at, encoders)?,
                None => break,
            }
        }
        Ok(())
    }

    /// Hands over what is left.
    pub(super) fn finish(mut self, encoders: &Encoders) -> io::Result<()> {
        (0..self.tables.len()).try_for_each(|at| self.let_go(at, encoders))
    }

    /// Hands over all that a table has. Neighbours in time that do not fill a file share one.
    fn let_go(&mut self, at: usize, encoders: &Encoders) -> io::Result<()> {
        let (name, table) = &mut self.tables[at];
        let mut group = Waiting::default();
        let mut labels: Option<(i64, i64)> = None;
        let mut all = Vec::new();
        for (number, waiting) in std::mem::take(table) {
            self.bytes -= waiting.bytes;
            if group.rows + waiting.rows > self.file_rows || group.bytes + waiting.bytes > BYTES {
                all.extend(labels.take().map(|l| (l, std::mem::take(&mut group))));
            }
            labels = Some((labels.map_or(number, |(first, _)| first), number));
            group.rows += waiting.rows;
            group.bytes += waiting.bytes;
            group.batches.extend(waiting.batches);
        }
        all.extend(labels.map(|l| (l, group)));
        for ((first, last), group) in all {
            let (first, last) = (self.partition.label(first), self.partition.label(last));
            let label = if first == last { first } else { format!("{first}_{last}") };
            encoders.take(Job { table: name.clone(), label, batches: group.batches })?;
        }
        Ok(())
    }

    /// The rows of a batch by their partitions.
    fn cut(&self, batch: RecordBatch) -> io::Result<Vec<(i64, RecordBatch)>> {
        if self.partition == Partition::None {
            return Ok(vec![(0, batch)]);
        }
        let times = batch.column_by_name("$time").and_then(|c| c.as_primitive_opt::<TimestampNanosecondType>());
        let Some(times) = times else { return Ok(vec![(i64::MIN, batch)]) };
        let mut places: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
        let mut last: Option<i64> = None;
        let mut alike = true;
        for time in times {
            let number = self.partition.of(time);
            alike &= last.is_none_or(|l| l == number);
            last = Some(number);
        }
        if let (true, Some(number)) = (alike, last) {
            return Ok(vec![(number, batch)]);
        }
        for (row, time) in times.iter().enumerate() {
            places.entry(self.partition.of(time)).or_default().push(u32::try_from(row).map_err(io::Error::other)?);
        }
        let part = |(number, rows): (i64, Vec<u32>)| {
            let some = take_record_batch(&batch, &UInt32Array::from(rows)).map_err(io::Error::other)?;
            Ok((number, compacted(some).map_err(io::Error::other)?))
        };
        places.into_iter().map(part).collect()
    }
}

fn compacted(batch: RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
    RecordBatch::try_new(batch.schema(), batch.columns().iter().map(compact).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_partitions() {
        let time = Some(1_772_366_400_000_000_000 + 5);
        let label = |p: Partition| p.label(p.of(time));
        assert_eq!(label(Partition::Hour), "2026-03-01T12");
        assert_eq!(label(Partition::Day), "2026-03-01");
        assert_eq!(label(Partition::None), "all");
        assert_eq!(Partition::Hour.label(Partition::Hour.of(None)), "timeless");
    }
}
