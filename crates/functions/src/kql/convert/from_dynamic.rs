//! A dynamic as a value of a type: by the type it has inside, text being read as text.

use super::to_number::{long_of, whole};
use crate::kql::json;
use crate::kql::values::{parse_bool, parse_decimal, parse_real};
use crate::udf::{DECIMAL_ONE, Functions, Row};
use serde_json::Value;

pub(super) fn register(f: &mut Functions) {
    f.bool("tobool_dynamic(dynamic) bool", |r| match value(r)? {
        Value::Bool(b) => Some(b),
        Value::Number(n) => Some(n.as_f64()? != 0.0),
        Value::String(s) => parse_bool(&s),
        _ => None,
    });
    f.int("toint_dynamic(dynamic) int", |r| long(&value(r)?)?.try_into().ok());
    f.long("tolong_dynamic(dynamic) long", |r| long(&value(r)?));
    f.real("toreal_dynamic(dynamic) real", |r| match value(r)? {
        Value::Bool(b) => Some(f64::from(u8::from(b))),
        Value::Number(n) => n.as_f64(),
        Value::String(s) => parse_real(&s),
        _ => None,
    });
    f.decimal("todecimal_dynamic(dynamic) decimal", |r| match value(r)? {
        Value::Bool(b) => Some(i128::from(b) * DECIMAL_ONE),
        Value::Number(n) => parse_decimal(&n.to_string()),
        Value::String(s) => parse_decimal(&s),
        _ => None,
    });
}

fn value(r: &Row<'_>) -> Option<Value> {
    json::scalar(r.text(0)?)
}

fn long(v: &Value) -> Option<i64> {
    match v {
        Value::Bool(b) => Some(i64::from(*b)),
        Value::Number(n) => n.as_i64().or_else(|| long_of(n.as_f64()?)),
        Value::String(s) => whole(s),
        _ => None,
    }
}
