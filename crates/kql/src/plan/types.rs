//! KQL's scalar types, how they combine, and how a plan holds them.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use parallax_catalog::{ColumnType, Encoding};

/// A scalar type of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Type {
    Bool,
    Int,
    Long,
    Real,
    Decimal,
    String,
    DateTime,
    TimeSpan,
    Guid,
    Dynamic,
}

impl From<ColumnType> for Type {
    fn from(ty: ColumnType) -> Self {
        match ty {
            ColumnType::Bool => Type::Bool,
            ColumnType::Int => Type::Int,
            ColumnType::Long => Type::Long,
            ColumnType::Real => Type::Real,
            ColumnType::Decimal => Type::Decimal,
            ColumnType::String => Type::String,
            ColumnType::DateTime => Type::DateTime,
            ColumnType::TimeSpan => Type::TimeSpan,
            ColumnType::Guid => Type::Guid,
            ColumnType::Dynamic => Type::Dynamic,
        }
    }
}

impl From<Type> for ColumnType {
    fn from(ty: Type) -> Self {
        match ty {
            Type::Bool => ColumnType::Bool,
            Type::Int => ColumnType::Int,
            Type::Long => ColumnType::Long,
            Type::Real => ColumnType::Real,
            Type::Decimal => ColumnType::Decimal,
            Type::String => ColumnType::String,
            Type::DateTime => ColumnType::DateTime,
            Type::TimeSpan => ColumnType::TimeSpan,
            Type::Guid => ColumnType::Guid,
            Type::Dynamic => ColumnType::Dynamic,
        }
    }
}

impl Type {
    /// The type of that name, synonyms included.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        ColumnType::from_name(name).map(Type::from)
    }

    /// Its canonical name.
    pub(crate) fn name(self) -> &'static str {
        ColumnType::from(self).name()
    }

    /// The .NET name that `getschema` shows.
    pub(crate) fn dotnet(self) -> &'static str {
        match self {
            Type::Bool => "System.SByte",
            Type::Int => "System.Int32",
            Type::Long => "System.Int64",
            Type::Real => "System.Double",
            Type::Decimal => "System.Data.SqlTypes.SqlDecimal",
            Type::String => "System.String",
            Type::DateTime => "System.DateTime",
            Type::TimeSpan => "System.TimeSpan",
            Type::Guid => "System.Guid",
            Type::Dynamic => "System.Object",
        }
    }

    /// The Arrow type that holds it inside a plan.
    pub(crate) fn arrow(self) -> DataType {
        match self {
            Type::Bool => DataType::Boolean,
            Type::Int => DataType::Int32,
            Type::Long | Type::DateTime | Type::TimeSpan => DataType::Int64,
            Type::Real => DataType::Float64,
            Type::Decimal => DataType::Decimal128(34, 14),
            Type::String | Type::Guid | Type::Dynamic => DataType::Utf8View,
        }
    }

    /// How a result column of the type is to be read.
    pub(crate) fn encoding(self) -> Encoding {
        match self {
            Type::DateTime => Encoding::TicksDateTime,
            Type::TimeSpan => Encoding::TicksTimeSpan,
            Type::Dynamic => Encoding::Json,
            _ => Encoding::Plain,
        }
    }

    /// Null of the type; a string has none and is empty instead.
    pub(crate) fn null(self) -> ScalarValue {
        match self {
            Type::String => ScalarValue::Utf8View(Some(String::new())),
            other => ScalarValue::try_from(&other.arrow()).unwrap_or(ScalarValue::Null),
        }
    }

    pub(crate) fn is_integer(self) -> bool {
        matches!(self, Type::Int | Type::Long)
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Type::Int | Type::Long | Type::Real | Type::Decimal)
    }

    /// What `sum`, `avg` and arithmetic accept.
    pub(crate) fn is_summable(self) -> bool {
        self.is_number() || matches!(self, Type::DateTime | Type::TimeSpan)
    }

    fn rank(self) -> u8 {
        match self {
            Type::Int => 1,
            Type::Long => 2,
            Type::Decimal => 3,
            Type::Real => 4,
            _ => 0,
        }
    }

    /// The wider of two numbers.
    pub(crate) fn wider(self, other: Type) -> Type {
        if other.rank() > self.rank() { other } else { self }
    }

    /// The one type that both values of `iff`, `case`, `coalesce` and the like take; none where they do not go together.
    pub(crate) fn common(self, other: Type) -> Option<Type> {
        match (self, other) {
            (a, b) if a == b => Some(a),
            (a, b) if a.is_number() && b.is_number() => Some(a.wider(b)),
            // A dynamic value takes the other's type (measured against the official binder).
            (Type::Dynamic, other) | (other, Type::Dynamic) => Some(other),
            _ => None,
        }
    }
}

/// Ticks of 100 ns between 0001-01-01 and 1970-01-01.
pub(crate) const EPOCH_TICKS: i64 = 621_355_968_000_000_000;

/// Nanoseconds since the Unix epoch as ticks.
pub(crate) fn ticks_from_nanos(nanos: i64) -> i64 {
    nanos.div_euclid(100) + EPOCH_TICKS
}
