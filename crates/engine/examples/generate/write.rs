//! Rows, a value at a time, as Parquet or as JSON lines.

use arrow::array::{ArrayRef, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;

pub(crate) type Done = Result<(), Box<dyn Error>>;

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Time,
    Long,
    Text,
}

/// Takes the values of a row in the order of its columns.
pub(crate) trait Put {
    /// Microseconds since the Unix epoch.
    fn time(&mut self, micros: i64);
    fn long(&mut self, value: i64);
    fn text(&mut self, value: &str);
    fn end_row(&mut self) -> Done;
    fn finish(self: Box<Self>) -> Done;
}

/// Rows in a row group: DuckDB's own default, small enough to share out over cores.
const GROUP: usize = 122_880;
const BATCH: usize = 8_192;

enum Builder {
    Time(TimestampMicrosecondBuilder),
    Long(Int64Builder),
    Text(StringBuilder),
}

pub(crate) struct Parquet {
    schema: Arc<Schema>,
    builders: Vec<Builder>,
    at: usize,
    rows: usize,
    out: ArrowWriter<BufWriter<File>>,
}

impl Parquet {
    pub(crate) fn new(columns: &[(&str, Kind)], file: BufWriter<File>) -> Result<Self, Box<dyn Error>> {
        let field = |(name, kind): &(&str, Kind)| match kind {
            Kind::Time => Field::new(*name, DataType::Timestamp(TimeUnit::Microsecond, None), false),
            Kind::Long => Field::new(*name, DataType::Int64, false),
            Kind::Text => Field::new(*name, DataType::Utf8, false),
        };
        let builder = |(_, kind): &(&str, Kind)| match kind {
            Kind::Time => Builder::Time(TimestampMicrosecondBuilder::new()),
            Kind::Long => Builder::Long(Int64Builder::new()),
            Kind::Text => Builder::Text(StringBuilder::new()),
        };
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_max_row_group_row_count(Some(GROUP))
            .build();
        let out = ArrowWriter::try_new(file, schema.clone(), Some(properties))?;
        Ok(Parquet { schema, builders: columns.iter().map(builder).collect(), at: 0, rows: 0, out })
    }

    fn next(&mut self) -> &mut Builder {
        self.at += 1;
        &mut self.builders[self.at - 1]
    }

    fn flush(&mut self) -> Done {
        let arrays: Vec<ArrayRef> = self
            .builders
            .iter_mut()
            .map(|b| match b {
                Builder::Time(b) => Arc::new(b.finish()) as ArrayRef,
                Builder::Long(b) => Arc::new(b.finish()),
                Builder::Text(b) => Arc::new(b.finish()),
            })
            .collect();
        self.rows = 0;
        Ok(self.out.write(&RecordBatch::try_new(self.schema.clone(), arrays)?)?)
    }
}

impl Put for Parquet {
    fn time(&mut self, micros: i64) {
        if let Builder::Time(b) = self.next() {
            b.append_value(micros);
        }
    }

    fn long(&mut self, value: i64) {
        if let Builder::Long(b) = self.next() {
            b.append_value(value);
        }
    }

    fn text(&mut self, value: &str) {
        if let Builder::Text(b) = self.next() {
            b.append_value(value);
        }
    }

    fn end_row(&mut self) -> Done {
        (self.at, self.rows) = (0, self.rows + 1);
        if self.rows == BATCH { self.flush() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Done {
        self.flush()?;
        self.out.close()?;
        Ok(())
    }
}

/// The lines of Defender's streaming export.
pub(crate) struct JsonLines {
    names: Vec<String>,
    category: &'static str,
    at: usize,
    line: String,
    out: BufWriter<File>,
}

impl JsonLines {
    pub(crate) fn new(columns: &[(&str, Kind)], category: &'static str, out: BufWriter<File>) -> Self {
        let names = columns.iter().map(|(n, _)| (*n).to_owned()).collect();
        JsonLines { names, category, at: 0, line: String::new(), out }
    }

    fn name(&mut self) {
        self.line.push_str(if self.at == 0 { "{\"" } else { ",\"" });
        self.line.push_str(&self.names[self.at]);
        self.line.push_str("\":");
        self.at += 1;
    }
}

impl Put for JsonLines {
    fn time(&mut self, micros: i64) {
        self.name();
        self.line.push('"');
        iso(micros, &mut self.line);
        self.line.push('"');
    }

    fn long(&mut self, value: i64) {
        self.name();
        self.line.push_str(&value.to_string());
    }

    fn text(&mut self, value: &str) {
        self.name();
        self.line.push('"');
        for c in value.chars() {
            if matches!(c, '"' | '\\') {
                self.line.push('\\');
            }
            self.line.push(c);
        }
        self.line.push('"');
    }

    fn end_row(&mut self) -> Done {
        // The first column is the event's time.
        let time = self.line.split('"').nth(3).unwrap_or_default();
        writeln!(
            self.out,
            r#"{{"time":"{time}","tenantId":"11111111-2222-3333-4444-555555555555","operationName":"Publish","category":"AdvancedHunting-{}","properties":{}}}}}"#,
            self.category, self.line
        )?;
        self.at = 0;
        self.line.clear();
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Done {
        Ok(self.out.flush()?)
    }
}

fn iso(micros: i64, out: &mut String) {
    use std::fmt::Write as _;
    let (days, rest) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
    // From days to a date: Howard Hinnant's `civil_from_days`.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (s, us) = (rest / 1_000_000, rest % 1_000_000);
    let _ = write!(out, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{us:06}Z", s / 3600, s / 60 % 60, s % 60);
}
