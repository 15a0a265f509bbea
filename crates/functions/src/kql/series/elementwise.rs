//! Element by element. Where one series ends before the other, or an element is no number, the result is null.

use super::{array, put, real};
use crate::kql::json;
use crate::udf::{Functions, Row};
use serde_json::{Number, Value};

type Whole = fn(i64, i64) -> Option<i64>;
type Real = fn(f64, f64) -> f64;
type Holds = fn(f64, f64) -> bool;
type OfReal = fn(f64) -> f64;

pub(super) fn register(f: &mut Functions) {
    let arithmetic: [(&str, Option<Whole>, Real); 5] = [
        ("add", Some(i64::checked_add), |a, b| a + b),
        ("subtract", Some(i64::checked_sub), |a, b| a - b),
        ("multiply", Some(i64::checked_mul), |a, b| a * b),
        ("divide", None, |a, b| a / b),
        ("pow", None, f64::powf),
    ];
    for (name, whole, of_reals) in arithmetic {
        f.text(&format!("series_{name}(dynamic, dynamic) dynamic"), move |r, w| {
            pairs(r, w, |a, b| match (whole, a.as_i64(), b.as_i64()) {
                // Longs stay longs (measured).
                (Some(whole), Some(a), Some(b)) => whole(a, b).map_or(Value::Null, Value::from),
                _ => real(of_reals(a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN))),
            })
        });
    }
    let comparisons: [(&str, Holds); 6] = [
        ("equals", |a, b| a == b),
        ("not_equals", |a, b| a != b),
        ("greater", |a, b| a > b),
        ("greater_equals", |a, b| a >= b),
        ("less", |a, b| a < b),
        ("less_equals", |a, b| a <= b),
    ];
    for (name, holds) in comparisons {
        f.text(&format!("series_{name}(dynamic, dynamic) dynamic"), move |r, w| {
            pairs(r, w, |a, b| Value::from(holds(a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN))))
        });
    }
    let of_one: [(&str, OfReal); 10] = [
        ("acos", f64::acos),
        ("asin", f64::asin),
        ("atan", f64::atan),
        ("ceiling", f64::ceil),
        ("cos", f64::cos),
        ("exp", f64::exp),
        ("floor", f64::floor),
        ("log", f64::ln),
        ("sin", f64::sin),
        ("tan", f64::tan),
    ];
    for (name, function) in of_one {
        f.text(&format!("series_{name}(dynamic) dynamic"), move |r, w| {
            put(
                w,
                array(r, 0)?.iter().map(|v| v.as_f64().map_or(Value::Null, |v| real(function(v)))).collect::<Vec<_>>(),
            )
        });
    }
    f.text("series_abs(dynamic) dynamic", |r, w| {
        put(w, array(r, 0)?.iter().map(|v| same_kind(v, i64::checked_abs, f64::abs)).collect::<Vec<_>>())
    });
    f.text("series_sign(dynamic) dynamic", |r, w| {
        let sign = |v: f64| {
            if v > 0.0 {
                1.0
            } else if v < 0.0 {
                -1.0
            } else {
                0.0
            }
        };
        put(w, array(r, 0)?.iter().map(|v| same_kind(v, |v| Some(v.signum()), sign)).collect::<Vec<_>>())
    });
}

fn same_kind(v: &Value, whole: fn(i64) -> Option<i64>, of_real: impl Fn(f64) -> f64) -> Value {
    match (v.as_i64(), v.as_f64()) {
        (Some(v), _) => whole(v).map_or(Value::Null, |v| Value::Number(Number::from(v))),
        (None, Some(v)) => real(of_real(v)),
        _ => Value::Null,
    }
}

/// Two series, or a series and a number that stands for one of that number.
fn pairs(r: &Row<'_>, w: &mut String, f: impl Fn(&Value, &Value) -> Value) -> Option<()> {
    let (a, b) = (json::value(r.text(0)?)?, json::value(r.text(1)?)?);
    let length = match (&a, &b) {
        (Value::Array(a), Value::Array(b)) => a.len().max(b.len()),
        (Value::Array(a), _) | (_, Value::Array(a)) => a.len(),
        _ => return None,
    };
    let at = |v: &Value, i: usize| match v {
        Value::Array(all) => all.get(i).filter(|v| v.is_number()).cloned(),
        v => Some(v.clone()).filter(Value::is_number),
    };
    let element = |i| match (at(&a, i), at(&b, i)) {
        (Some(a), Some(b)) => f(&a, &b),
        _ => Value::Null,
    };
    put(w, (0..length).map(element).collect::<Vec<_>>())
}
