//! Tables as Parquet.

use crate::blocks::{Block, Size};
use crate::rows::{Columns, Kind, Put};
use crate::{Error, Plan, Table, tables};
use arrow::array::{ArrayRef, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::io::Write;
use std::sync::Arc;

/// Writes so many rows of a table, with `matching` of its processes being Lua.
pub fn write_parquet<W: Write + Send>(table: Table, matching: f64, rows: u64, file: W) -> Result<(), Error> {
    let wrong = |e: &dyn std::fmt::Display| Error(e.to_string());
    let plan = Plan::new(crate::What::Table(table, crate::Shape::Json)).matching(matching);
    let mut out = Parquet::new(tables::columns(table).0, file).map_err(|e| wrong(&e))?;
    for index in 0.. {
        let block = Block::new(index, Size::Rows(rows), &plan);
        if block.events.is_empty() {
            break;
        }
        tables::fill(table, &plan, &block, &mut out);
        if out.rows >= BATCH {
            out.flush().map_err(|e| wrong(&e))?;
        }
    }
    out.flush().map_err(|e| wrong(&e))?;
    out.out.close().map_err(|e| wrong(&e))?;
    Ok(())
}

/// Rows in a row group: DuckDB's own default, small enough to share out over cores.
const GROUP: usize = 122_880;
const BATCH: usize = 8_192;

enum Builder {
    Time(TimestampMicrosecondBuilder),
    Long(Int64Builder),
    Text(StringBuilder),
}

struct Parquet<W: Write + Send> {
    schema: Arc<Schema>,
    builders: Vec<Builder>,
    at: usize,
    rows: usize,
    out: ArrowWriter<W>,
}

impl<W: Write + Send> Parquet<W> {
    fn new(columns: Columns, file: W) -> parquet::errors::Result<Self> {
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

    fn flush(&mut self) -> parquet::errors::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
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
        self.out.write(&RecordBatch::try_new(self.schema.clone(), arrays)?)
    }
}

impl<W: Write + Send> Put for Parquet<W> {
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

    fn end_row(&mut self) {
        (self.at, self.rows) = (0, self.rows + 1);
    }
}
