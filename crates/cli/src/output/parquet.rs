//! Apache Parquet.

use super::{Column, Rows, distinct};
use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, StringBuilder, TimestampNanosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;
use parallax_engine::value::{Value, ticks_of_nanos};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::io::{self, Write};
use std::sync::Arc;

/// Rows that are built before they are handed to the encoder.
const BATCH: usize = 8_192;

pub(super) struct Parquet {
    schema: SchemaRef,
    builders: Vec<Builder>,
    rows: usize,
    out: ArrowWriter<Box<dyn Write + Send>>,
}

enum Builder {
    Bool(BooleanBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Real(Float64Builder),
    Time(TimestampNanosecondBuilder),
    Text(StringBuilder),
}

impl Parquet {
    pub(super) fn new(columns: Vec<Column>, out: Box<dyn Write + Send>) -> io::Result<Self> {
        let builders: Vec<Builder> = columns.iter().map(Builder::new).collect();
        let fields = distinct(&columns).into_iter().zip(&builders).map(|(n, b)| Field::new(n, b.data_type(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let zstd = ZstdLevel::try_new(3).map_err(failure)?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(zstd)).build();
        let out = ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(failure)?;
        Ok(Parquet { schema, builders, rows: 0, out })
    }

    fn flush(&mut self) -> io::Result<()> {
        let arrays: Vec<ArrayRef> = self.builders.iter_mut().map(Builder::finish).collect();
        self.rows = 0;
        let batch = RecordBatch::try_new(self.schema.clone(), arrays).map_err(io::Error::other)?;
        self.out.write(&batch).map_err(failure)
    }
}

impl Rows for Parquet {
    fn row(&mut self, values: &[Value<'_>]) -> io::Result<()> {
        self.builders.iter_mut().zip(values).for_each(|(builder, value)| builder.push(value));
        self.rows += 1;
        if self.rows == BATCH { self.flush() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if self.rows > 0 {
            self.flush()?;
        }
        self.out.close().map(|_| ()).map_err(failure)
    }
}

impl Builder {
    fn new(column: &Column) -> Self {
        match column.type_name {
            _ if column.epoch_millis => Builder::Long(Int64Builder::new()),
            "bool" | "boolean" => Builder::Bool(BooleanBuilder::new()),
            "int" => Builder::Int(Int32Builder::new()),
            "long" => Builder::Long(Int64Builder::new()),
            "real" | "double" => Builder::Real(Float64Builder::new()),
            "datetime" => Builder::Time(TimestampNanosecondBuilder::new().with_timezone("UTC")),
            _ => Builder::Text(StringBuilder::new()),
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Builder::Bool(_) => DataType::Boolean,
            Builder::Int(_) => DataType::Int32,
            Builder::Long(_) => DataType::Int64,
            Builder::Real(_) => DataType::Float64,
            Builder::Time(_) => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Builder::Text(_) => DataType::Utf8,
        }
    }

    /// A value that does not fit the column's type is null; so is an instant outside of 1677 to 2262.
    fn push(&mut self, value: &Value<'_>) {
        match (self, value) {
            (Builder::Bool(b), v) => b.append_option(if let Value::Bool(x) = v { Some(*x) } else { None }),
            (Builder::Int(b), v) => {
                b.append_option(if let Value::Long(n) = v { i32::try_from(*n).ok() } else { None });
            }
            (Builder::Long(b), v) => {
                b.append_option(if let Value::Long(n) | Value::EpochMillis(n) = v { Some(*n) } else { None });
            }
            (Builder::Real(b), v) => b.append_option(match v {
                Value::Real(x) => Some(*x),
                Value::Long(n) => Some(*n as f64),
                _ => None,
            }),
            (Builder::Time(b), v) => b.append_option(match v {
                Value::DateTime(ticks) => ticks.checked_sub(ticks_of_nanos(0)).and_then(|t| t.checked_mul(100)),
                _ => None,
            }),
            (Builder::Text(b), v) => b.append_option(v.text()),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Bool(b) => Arc::new(b.finish()),
            Builder::Int(b) => Arc::new(b.finish()),
            Builder::Long(b) => Arc::new(b.finish()),
            Builder::Real(b) => Arc::new(b.finish()),
            Builder::Time(b) => Arc::new(b.finish()),
            Builder::Text(b) => Arc::new(b.finish()),
        }
    }
}

fn failure(e: ParquetError) -> io::Error {
    match e {
        ParquetError::External(e) => match e.downcast::<io::Error>() {
            Ok(e) => *e,
            Err(e) => io::Error::other(e),
        },
        e => io::Error::other(e),
    }
}
