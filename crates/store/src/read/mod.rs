//! Reading a typed table of a segment: what cannot matter is not read, and rows come in the order of the sources.

mod file;
mod merge;
mod test;

pub use test::Test;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use merge::Merge;
use parallax_telemetry::needles::Clause;
use parallax_telemetry::store::{File, Segment};
use parallax_telemetry::{Report, View};
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Some of the rows of a typed table of a segment: those of which the place in the order is in a range.
#[derive(Clone, Debug)]
pub struct Rows {
    segment: Arc<Segment>,
    view: View,
    files: Vec<File>,
    /// The first place, and the one after the last.
    range: (i64, i64),
}

/// What is asked of rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask<'a> {
    /// The columns, the hidden ones too.
    pub columns: &'a [String],
    /// What rows must fulfil for anybody to look at them, except rows that have no value there.
    pub tests: &'a [Test],
    /// The same, of texts.
    pub clauses: &'a [Clause],
    /// Before which time in which column rows are counted that are not read.
    pub before: Option<(&'a str, i64)>,
}

/// What was left out.
#[derive(Debug, Default)]
pub struct Passed {
    /// Rows.
    pub rows: u64,
    /// Those of them that lie before the time that [`Ask::before`] gives.
    pub before: u64,
}

/// What was left out so far, counted from where rows are looked at.
#[derive(Debug, Default)]
struct Counts {
    rows: AtomicU64,
    before: AtomicU64,
}

impl Counts {
    fn add(&self, rows: usize, before: usize) {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.before.fetch_add(before as u64, Ordering::Relaxed);
    }
}

impl Rows {
    /// All rows of the view's table, if the segment has it.
    pub fn of(segment: &Arc<Segment>, view: &View) -> Option<Self> {
        let table = segment.entry.tables.get(view.name())?;
        let range = (i64::MIN, i64::MAX);
        Some(Rows { segment: segment.clone(), view: view.clone(), files: table.files.clone(), range })
    }

    /// What they take in memory, unpacked.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|f| f.size).sum()
    }

    /// The same rows in parts of about `size` bytes, in order.
    pub fn parts(&self, size: u64) -> Vec<Rows> {
        let mut borders = Vec::new();
        let mut held = 0;
        // A file's first row is a good border: fewest files have rows on both sides.
        for file in &self.files {
            if held >= size && file.order.0 > self.range.0 {
                borders.push(file.order.0);
                held = 0;
            }
            held += file.size;
        }
        borders.dedup();
        let ends = borders.iter().copied().chain([self.range.1]);
        let begins = [self.range.0].into_iter().chain(borders.iter().copied());
        let part = |(from, to): (i64, i64)| {
            let files = self.files.iter().filter(|f| f.order.0 < to && f.order.1 >= from).cloned().collect();
            Rows { files, range: (from, to), ..self.clone() }
        };
        begins.zip(ends).map(part).collect()
    }

    /// How many files they are in, and in how many of them no row fulfils all tests: these are not read.
    ///
    /// # Errors
    /// A file is not there, or not as it was written.
    pub fn files(&self, tests: &[Test]) -> io::Result<(usize, usize)> {
        let out = self.files.iter().map(|file| file::is_out(self, file, tests).map(usize::from));
        Ok((self.files.len(), out.sum::<io::Result<usize>>()?))
    }

    /// Whether they begin with the first row of the table.
    pub fn is_first(&self) -> bool {
        self.range.0 == i64::MIN
    }

    /// Says what was said when the sources of these rows were read.
    pub fn say_again(&self, columns: &[String], report: &Report) {
        let fed = |entry: &&parallax_telemetry::store::SourceEntry| entry.tables.contains_key(self.view.name());
        for entry in self.segment.entry.sources.iter().filter(fed) {
            let seen = entry.tables.get(self.view.name());
            seen.and_then(|t| t.heard.as_ref()).unwrap_or(&entry.heard).say_again(report);
            let unreadable = seen.map(|t| &t.unreadable);
            let lost: u64 = unreadable.into_iter().flatten().filter(|(c, _)| columns.contains(c)).map(|(_, n)| n).sum();
            if lost > 0 {
                report.note(&format!("{}: values that are not of their column's type, made missing", entry.name), lost);
            }
        }
    }

    /// Hands batches to `out`, in the order of the sources, until all is read or `out` breaks.
    ///
    /// # Errors
    /// A file is not there, or not as it was written.
    pub fn scan(
        &self,
        ask: Ask<'_>,
        batch_rows: usize,
        report: &Report,
        out: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
    ) -> io::Result<Passed> {
        let schema: SchemaRef = self.view.schema_of(ask.columns);
        let passed = Arc::new(Counts::default());
        let mut merge = Merge::new(self, ask, schema, batch_rows, passed.clone());
        let (mut said, mut bytes) = (0, 0);
        let flow = loop {
            let Some(batch) = merge.next()? else { break ControlFlow::Continue(()) };
            report.add_events(batch.num_rows() as u64);
            report.add_bytes(merge.bytes() - bytes);
            bytes = merge.bytes();
            // What is passed over is known as it happens: a query that ends early has not read the rest.
            let rows = passed.rows.load(Ordering::Relaxed);
            report.pass(0, rows - said);
            said = rows;
            if out(batch).is_break() {
                break ControlFlow::Break(());
            }
        };
        report.add_bytes(merge.bytes() - bytes);
        let rows = passed.rows.load(Ordering::Relaxed);
        if flow.is_continue() {
            report.pass(0, rows - said);
        }
        Ok(Passed { rows, before: passed.before.load(Ordering::Relaxed) })
    }
}
