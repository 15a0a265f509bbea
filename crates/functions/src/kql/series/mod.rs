//! Series: dynamic arrays of numbers.
//!
//! What has several results in KQL is here one bag of them, under the names that Kusto gives the columns:
//! `kql_series_stats_dynamic`, `kql_series_decompose_dynamic`. Where the documentation leaves a rule open the module says what was
//! inferred, and the planner warns of it.

mod decompose;
mod elementwise;
mod fill;
mod filter;
mod fit;
mod fourier;
mod outliers;
mod periods;
mod poly;
mod whole;

use super::json;
use crate::udf::{Functions, Row};
use serde_json::{Number, Value};

pub(super) fn register(f: &mut Functions) {
    decompose::register(f);
    elementwise::register(f);
    fill::register(f);
    filter::register(f);
    fit::register(f);
    fourier::register(f);
    poly::register(f);
    outliers::register(f);
    periods::register(f);
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

/// The numbers of the array at argument `i`; what is null is missing, and `None` where an element is neither.
fn known(r: &Row<'_>, i: usize) -> Option<Vec<Option<f64>>> {
    array(r, i)?.iter().map(|v| if v.is_null() { Some(None) } else { v.as_f64().map(Some) }).collect()
}

/// The middle value, or between the two of an even number.
fn median(mut all: Vec<f64>) -> Option<f64> {
    all.sort_unstable_by(f64::total_cmp);
    let middle = all.len() / 2;
    let upper = *all.get(middle)?;
    Some(if all.len() % 2 == 1 { upper } else { f64::midpoint(all[middle - 1], upper) })
}

/// A real as JSON; one that JSON cannot write is null.
fn real(v: f64) -> Value {
    Number::from_f64(v).map_or(Value::Null, Value::Number)
}

fn put(w: &mut String, value: impl Into<Value>) -> Option<()> {
    json::write_value(w, &value.into());
    Some(())
}
