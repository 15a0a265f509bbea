//! Literals, decoded.

/// The scalar types, by their canonical names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScalarType {
    /// `bool`, `boolean`, `int8`
    Bool,
    /// `int`
    Int,
    /// `long`, `int64`
    Long,
    /// `real`, `double`
    Real,
    /// `decimal`
    Decimal,
    /// `string`
    String,
    /// `datetime`, `date`
    DateTime,
    /// `timespan`, `time`
    Timespan,
    /// `guid`, `uniqueid`
    Guid,
    /// `dynamic`
    Dynamic,
}

impl ScalarType {
    /// The canonical name.
    pub const fn name(self) -> &'static str {
        match self {
            ScalarType::Bool => "bool",
            ScalarType::Int => "int",
            ScalarType::Long => "long",
            ScalarType::Real => "real",
            ScalarType::Decimal => "decimal",
            ScalarType::String => "string",
            ScalarType::DateTime => "datetime",
            ScalarType::Timespan => "timespan",
            ScalarType::Guid => "guid",
            ScalarType::Dynamic => "dynamic",
        }
    }
}

/// A literal's value. `None` is the typed null, as in `int(null)`; strings have none.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `true`, `bool(null)`
    Bool(Option<bool>),
    /// `int(5)`
    Int(Option<i32>),
    /// `5`, `0x1f`, `long(5)`. A bare number and `long(…)` are one and the same.
    Long(Option<i64>),
    /// `1.5`, `1e3`, `real(nan)`, `double(+inf)`
    Real(Option<f64>),
    /// `decimal(1.10)`: the number as written, without spaces.
    Decimal(Option<String>),
    /// Every spelling of a string; adjacent literals are joined.
    String {
        /// The text that it means.
        value: String,
        /// Whether it was written `h"…"`: to be kept out of logs.
        hidden: bool,
    },
    /// `datetime(2024-01-02 03:04)`: ticks of 100 ns since 0001-01-01T00:00Z.
    DateTime(Option<i64>),
    /// `datetime(8:00)`: ticks of 100 ns into the day of the reference time.
    TimeOfDay(i64),
    /// `1d`, `2.5h`, `time(1.02:03:04)`: ticks of 100 ns.
    Timespan(Option<i64>),
    /// `guid(…)`: 36 lower-case characters.
    Guid(Option<String>),
    /// `dynamic(…)`
    Dynamic(Box<Json>),
}

impl Literal {
    /// Its type.
    pub const fn ty(&self) -> ScalarType {
        match self {
            Literal::Bool(_) => ScalarType::Bool,
            Literal::Int(_) => ScalarType::Int,
            Literal::Long(_) => ScalarType::Long,
            Literal::Real(_) => ScalarType::Real,
            Literal::Decimal(_) => ScalarType::Decimal,
            Literal::String { .. } => ScalarType::String,
            Literal::DateTime(_) | Literal::TimeOfDay(_) => ScalarType::DateTime,
            Literal::Timespan(_) => ScalarType::Timespan,
            Literal::Guid(_) => ScalarType::Guid,
            Literal::Dynamic(_) => ScalarType::Dynamic,
        }
    }
}

/// What stands in `dynamic(…)`: JSON, whose scalars may also be KQL literals (`datetime(…)`, `1d`, `'single'`).
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// Any scalar; a nested `dynamic(…)` is dissolved into its value.
    Scalar(Literal),
    /// `[ … ]`
    Array(Vec<Json>),
    /// `{ … }`, in written order, doubles kept.
    Object(Vec<(String, Json)>),
    /// `{name}`, a dashboard's parameter.
    Placeholder(String),
}
