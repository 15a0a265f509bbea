//! One row of a call's arguments.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array, StringViewArray,
};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int32Type, Int64Type};
use datafusion::common::{Result, exec_err};

/// The scale of a decimal: values are integers of 10⁻¹⁴.
pub const DECIMAL_SCALE: u32 = 14;
/// One, as a decimal.
pub const DECIMAL_ONE: i128 = 10i128.pow(DECIMAL_SCALE);

enum Data<'a> {
    Null,
    Bool(&'a BooleanArray),
    Int(&'a Int32Array),
    Long(&'a Int64Array),
    Real(&'a Float64Array),
    Decimal(&'a Decimal128Array, u32),
    Text(&'a StringViewArray),
}

/// An argument column; a constant is a column of length 1 that every row reads.
pub(super) struct Column<'a> {
    data: Data<'a>,
    constant: bool,
}

impl<'a> Column<'a> {
    pub(super) fn new(array: &'a ArrayRef, constant: bool) -> Result<Self> {
        let data = match array.data_type() {
            DataType::Null => Data::Null,
            DataType::Boolean => Data::Bool(array.as_boolean()),
            DataType::Int32 => Data::Int(array.as_primitive::<Int32Type>()),
            DataType::Int64 => Data::Long(array.as_primitive::<Int64Type>()),
            DataType::Float64 => Data::Real(array.as_primitive::<Float64Type>()),
            DataType::Decimal128(_, scale) => {
                Data::Decimal(array.as_primitive::<Decimal128Type>(), u32::try_from(*scale).unwrap_or(0))
            }
            DataType::Utf8View => Data::Text(array.as_string_view()),
            t => return exec_err!("a function was called with a {t}"),
        };
        Ok(Column { data, constant })
    }
}

/// One row of a call's arguments. Accessors give `None` for null, so that a body propagates nulls with `?`.
pub struct Row<'a> {
    pub(super) columns: &'a [Column<'a>],
    pub(super) at: usize,
}

impl<'a> Row<'a> {
    fn column(&self, i: usize) -> Option<(&'a Data<'a>, usize)> {
        let c = self.columns.get(i)?;
        Some((&c.data, if c.constant { 0 } else { self.at }))
    }

    /// The number of arguments.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there are no arguments.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The string argument `i`; a missing one is empty, as Kusto's strings are.
    #[inline]
    pub fn str(&self, i: usize) -> &'a str {
        self.text(i).unwrap_or("")
    }

    /// The text of argument `i` (string, guid or dynamic), or null.
    #[inline]
    pub fn text(&self, i: usize) -> Option<&'a str> {
        match self.column(i)? {
            (Data::Text(a), at) => a.is_valid(at).then(|| a.value(at)),
            _ => None,
        }
    }

    /// Argument `i` as a Boolean.
    pub fn bool(&self, i: usize) -> Option<bool> {
        match self.column(i)? {
            (Data::Bool(a), at) => a.is_valid(at).then(|| a.value(at)),
            _ => None,
        }
    }

    /// Argument `i` as an integer: int, long, datetime or timespan.
    #[inline]
    pub fn long(&self, i: usize) -> Option<i64> {
        match self.column(i)? {
            (Data::Long(a), at) => a.is_valid(at).then(|| a.value(at)),
            (Data::Int(a), at) => a.is_valid(at).then(|| i64::from(a.value(at))),
            _ => None,
        }
    }

    /// Argument `i` as a real: any number.
    pub fn real(&self, i: usize) -> Option<f64> {
        match self.column(i)? {
            (Data::Real(a), at) => a.is_valid(at).then(|| a.value(at)),
            (Data::Decimal(a, scale), at) => a.is_valid(at).then(|| a.value(at) as f64 / 10i128.pow(*scale) as f64),
            _ => self.long(i).map(|v| v as f64),
        }
    }

    /// Argument `i` as a decimal, an integer of 10⁻¹⁴; what is too large for that is null.
    pub fn decimal(&self, i: usize) -> Option<i128> {
        match self.column(i)? {
            (Data::Decimal(..), _) => match self.scaled(i)? {
                (v, DECIMAL_SCALE) => Some(v),
                (v, scale) if scale < DECIMAL_SCALE => v.checked_mul(10i128.pow(DECIMAL_SCALE - scale)),
                (v, scale) => v.checked_div(10i128.checked_pow(scale - DECIMAL_SCALE)?),
            },
            _ => self.long(i).map(|v| i128::from(v) * DECIMAL_ONE),
        }
    }

    /// Argument `i`, a decimal, as it is kept: an integer, and how many of its digits stand behind the point.
    pub fn scaled(&self, i: usize) -> Option<(i128, u32)> {
        match self.column(i)? {
            (Data::Decimal(a, scale), at) => a.is_valid(at).then(|| (a.value(at), *scale)),
            _ => None,
        }
    }

    /// Whether argument `i` is a column of decimals.
    pub fn is_decimal(&self, i: usize) -> bool {
        matches!(self.column(i), Some((Data::Decimal(..), _)))
    }

    /// Whether argument `i` is null or not given.
    pub fn is_null(&self, i: usize) -> bool {
        let Some((data, at)) = self.column(i) else { return true };
        match data {
            Data::Null => true,
            Data::Bool(a) => a.is_null(at),
            Data::Int(a) => a.is_null(at),
            Data::Long(a) => a.is_null(at),
            Data::Real(a) => a.is_null(at),
            Data::Decimal(a, _) => a.is_null(at),
            Data::Text(a) => a.is_null(at),
        }
    }
}

/// Columns to be read row by row, outside a scalar function.
pub struct Columns<'a>(Vec<Column<'a>>);

impl<'a> Columns<'a> {
    /// Over arrays of one length.
    ///
    /// # Errors
    /// Where a column has a type that no row can be read from.
    pub fn new(arrays: &'a [ArrayRef]) -> Result<Self> {
        arrays.iter().map(|a| Column::new(a, false)).collect::<Result<_>>().map(Columns)
    }

    /// The row at an index.
    pub fn row(&'a self, at: usize) -> Row<'a> {
        Row { columns: &self.0, at }
    }
}
