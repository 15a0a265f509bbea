//! Dynamic values: paths, arrays, property bags, sets.

mod access;
mod arrays;
mod bags;
mod pack;
mod sequences;
mod sets;

use crate::kql::json;
use crate::udf::{Functions, Row};
use serde_json::Value;

pub(super) fn register(f: &mut Functions) {
    access::register(f);
    arrays::register(f);
    bags::register(f);
    pack::register(f);
    sequences::register(f);
    sets::register(f);
}

/// The array at argument `i`.
fn array(r: &Row<'_>, i: usize) -> Option<Vec<Value>> {
    json::array(r.text(i)?)
}

/// The value at argument `i`; JSON's null where there is none.
fn element(r: &Row<'_>, i: usize) -> Value {
    r.text(i).and_then(json::value).unwrap_or(Value::Null)
}

fn put(w: &mut String, value: impl Into<Value>) -> Option<()> {
    json::write_value(w, &value.into());
    Some(())
}
