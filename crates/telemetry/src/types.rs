//! The types that a column can have. They are the scalar types of KQL, the richest of the dialects.

use arrow::datatypes::{DataType, TimeUnit};

/// A column's type as a view declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// `true`, `false`, null.
    Bool,
    /// 32-bit signed.
    Int,
    /// 64-bit signed.
    Long,
    /// 64-bit floating point.
    Real,
    /// 128-bit decimal.
    Decimal,
    /// UTF-8 text. Never null in a typed view: missing is `""`.
    String,
    /// An instant, UTC.
    DateTime,
    /// A length of time.
    TimeSpan,
    /// A GUID as lower-case hyphenated text.
    Guid,
    /// A JSON value as text; null where there is none.
    Dynamic,
}

impl ColumnType {
    /// The Arrow type in which telemetry delivers such a column.
    ///
    /// Instants are nanoseconds since the Unix epoch (1677 to 2262: enough for recorded events); a language that needs
    /// a wider range converts when it scans. Time spans are ticks of 100 ns.
    pub fn arrow(self) -> DataType {
        match self {
            ColumnType::Bool => DataType::Boolean,
            ColumnType::Int => DataType::Int32,
            ColumnType::Long | ColumnType::TimeSpan => DataType::Int64,
            ColumnType::Real => DataType::Float64,
            ColumnType::Decimal => DataType::Decimal128(34, 14),
            ColumnType::String | ColumnType::Guid | ColumnType::Dynamic => DataType::Utf8View,
            ColumnType::DateTime => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        }
    }

    /// The name that KQL gives the type.
    pub fn name(self) -> &'static str {
        match self {
            ColumnType::Bool => "bool",
            ColumnType::Int => "int",
            ColumnType::Long => "long",
            ColumnType::Real => "real",
            ColumnType::Decimal => "decimal",
            ColumnType::String => "string",
            ColumnType::DateTime => "datetime",
            ColumnType::TimeSpan => "timespan",
            ColumnType::Guid => "guid",
            ColumnType::Dynamic => "dynamic",
        }
    }

    /// The type of that name, KQL's synonyms included (`boolean`, `double`, `date`, `time`, `uuid`, …).
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "bool" | "boolean" => ColumnType::Bool,
            "int" | "int32" => ColumnType::Int,
            "long" | "int64" => ColumnType::Long,
            "real" | "double" => ColumnType::Real,
            "decimal" => ColumnType::Decimal,
            "string" => ColumnType::String,
            "datetime" | "date" => ColumnType::DateTime,
            "timespan" | "time" => ColumnType::TimeSpan,
            "guid" | "uuid" | "uniqueid" => ColumnType::Guid,
            "dynamic" => ColumnType::Dynamic,
            _ => return None,
        })
    }
}
