//! Parquet files as tables of their own.

use crate::scan::{self, ParquetFile};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::datasource::{TableProvider, provider_as_source};
use parallax_catalog::{Column, Table};
use parallax_telemetry::{ColumnType, Source};
use parquet::file::metadata::ParquetMetaData;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// A Parquet file as a table.
pub(super) struct ParquetTable {
    columns: Vec<Column>,
    provider: Arc<dyn TableProvider>,
    nulls: Vec<String>,
}

impl ParquetTable {
    pub(super) fn table(&self, name: &str) -> Table {
        Table {
            name: name.to_owned(),
            columns: self.columns.clone(),
            source: provider_as_source(self.provider.clone()),
            provenance: false,
            fed: true,
            nulls: self.nulls.clone(),
        }
    }
}

/// Reads what a file declares.
pub(super) fn open(source: &Source) -> Result<ParquetTable, String> {
    let path = source.inputs.first().and_then(|i| i.plain_path()).ok_or("packed Parquet can't be read in place")?;
    let path = path.canonicalize().map_err(|e| e.to_string())?;
    footer(&path)?;
    let file = ParquetFile::open(path).map_err(|e| e.to_string())?;
    let declared = file.declared().map_err(|e| e.to_string())?;
    let fields: Vec<(Column, Field)> = declared.fields().iter().filter_map(|f| column(f)).collect();
    let schema = Arc::new(Schema::new(fields.iter().map(|(_, f)| f.clone()).collect::<Vec<_>>()));
    let columns: Vec<Column> = fields.into_iter().map(|(c, _)| c).collect();
    let nulls = nulls(file.metadata(), &columns);
    let provider = Arc::new(scan::ParquetTable::new(Arc::new(file), schema));
    Ok(ParquetTable { columns, provider, nulls })
}

/// The columns of text that don't say that each of their rows has a value.
fn nulls(metadata: &ParquetMetaData, columns: &[Column]) -> Vec<String> {
    let full = |name: &str| {
        let schema = metadata.file_metadata().schema_descr();
        let leaf = (0..schema.num_columns()).find(|at| schema.column(*at).path().parts() == [name]);
        leaf.is_some_and(|leaf| {
            schema.column(leaf).max_def_level() == 0
                || metadata
                    .row_groups()
                    .iter()
                    .all(|group| group.column(leaf).statistics().and_then(|s| s.null_count_opt()) == Some(0))
        })
    };
    let text = columns.iter().filter(|c| c.ty == ColumnType::String && !full(&c.name));
    text.map(|c| c.name.clone()).collect()
}

/// Looks at a file's end before the Parquet crate does, which takes the length that stands there on trust and panics
/// where it is more than the file.
fn footer(path: &Path) -> Result<(), String> {
    /// The metadata's length and the mark behind it.
    const END: usize = 8;
    let mut file = File::open(path).map_err(|e| e.to_string())?;
    let length = file.seek(SeekFrom::End(0)).map_err(|e| e.to_string())?;
    // The mark stands at the beginning too.
    let Some(most) = length.checked_sub(4 + END as u64) else {
        return Err("damaged Parquet: the file ends within its beginning".to_owned());
    };
    let mut end = [0; END];
    file.seek(SeekFrom::End(-(END as i64))).and_then(|_| file.read_exact(&mut end)).map_err(|e| e.to_string())?;
    let [a, b, c, d, mark @ ..] = end;
    match &mark {
        b"PAR1" if u64::from(u32::from_le_bytes([a, b, c, d])) <= most => Ok(()),
        b"PAR1" => Err("damaged Parquet: its metadata is said to be longer than the file".to_owned()),
        b"PARE" => Err("encrypted Parquet can't be read".to_owned()),
        _ => Err("damaged Parquet: the file breaks off, its metadata is missing".to_owned()),
    }
}

/// A declared column as one of ours; `None` for what has no type in any of the languages (lists, structs).
fn column(field: &Field) -> Option<(Column, Field)> {
    let ty = match field.data_type() {
        DataType::Boolean => ColumnType::Bool,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => ColumnType::Int,
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => ColumnType::Long,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => ColumnType::Real,
        DataType::Decimal128(..) | DataType::Decimal256(..) => ColumnType::Decimal,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ColumnType::String,
        DataType::Dictionary(_, value) if matches!(**value, DataType::Utf8 | DataType::LargeUtf8) => ColumnType::String,
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => ColumnType::DateTime,
        _ => return None,
    };
    let arrow = match field.data_type() {
        // Times without a zone are taken for UTC. To give them one, Arrow would look each value up in the calendar.
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Nanosecond, None),
        _ => ty.arrow(),
    };
    let name = field.name().clone();
    Some((Column { name: name.clone(), ty }, Field::new(name, arrow, true)))
}
