//! Series: dynamic arrays of numbers.
//!
//! What has several results in KQL is here one bag of them, under the names that Kusto gives the columns:
//! `kql_series_stats_dynamic`, `kql_series_fit_line_dynamic`. The decompositions are not here: how Kusto finds a season is not
//! published, and a guess at it would mark other events than the product does.

mod elementwise;
mod fill;
mod fit;
mod whole;

use super::json;
use crate::udf::{Functions, Row};
use serde_json::{Number, Value};

pub(super) fn register(f: &mut Functions) {
    elementwise::register(f);
    fill::register(f);
    fit::register(f);
    whole::register(f);
}

/// The array at argument `i`.
fn array(r: &Row<'_>, i: usize) -> Option<Vec<Value>> {
    json::array(r.text(i)?)
}

/// The numbers of the array at argument `i`; `None` where an element is none.
fn numbers(r: &Row<'_>, i: usize) -> Option<Vec<f64>> {
    array(r, i)?.iter().map(Value::as_f64).collect()
}

/// A real as JSON; one that JSON cannot write is null.
fn real(v: f64) -> Value {
    Number::from_f64(v).map_or(Value::Null, Value::Number)
}

fn put(w: &mut String, value: impl Into<Value>) -> Option<()> {
    json::write_value(w, &value.into());
    Some(())
}
