//! Filling what is missing: null, or the placeholder that the caller names.

use super::{Value, array, json, put, real};
use crate::udf::{Functions, Row};

pub(super) fn register(f: &mut Functions) {
    f.text("series_fill_const(dynamic, dynamic, dynamic?) dynamic", |r, w| {
        let (missing, with) = (placeholder(r, 2), json::value(r.text(1)?)?);
        let fill = |v: Value| if v == missing { with.clone() } else { v };
        put(w, array(r, 0)?.into_iter().map(fill).collect::<Vec<_>>())
    });
    f.text("series_fill_forward(dynamic, dynamic?) dynamic", |r, w| {
        let mut all = array(r, 0)?;
        carry(all.iter_mut(), &placeholder(r, 1));
        put(w, all)
    });
    f.text("series_fill_backward(dynamic, dynamic?) dynamic", |r, w| {
        let mut all = array(r, 0)?;
        carry(all.iter_mut().rev(), &placeholder(r, 1));
        put(w, all)
    });
    f.text("series_fill_linear(dynamic, dynamic?, bool?, dynamic?) dynamic", linear);
}

fn placeholder(r: &Row<'_>, i: usize) -> Value {
    r.text(i).and_then(json::value).unwrap_or(Value::Null)
}

/// Each missing element becomes the last one before it that is not.
fn carry<'v>(all: impl Iterator<Item = &'v mut Value>, missing: &Value) {
    let mut last: Option<Value> = None;
    for v in all {
        match &last {
            Some(last) if v == missing => *v = last.clone(),
            _ if v != missing => last = Some(v.clone()),
            _ => {}
        }
    }
}

/// Between two known elements on a straight line; at the ends, where asked (the default), the nearest; a series with none
/// known becomes the constant (documented).
fn linear(r: &Row<'_>, w: &mut String) -> Option<()> {
    let missing = placeholder(r, 1);
    let at_the_ends = r.bool(2).unwrap_or(true);
    let mut all = array(r, 0)?;
    let known: Vec<(usize, f64)> =
        all.iter().enumerate().filter(|(_, v)| **v != missing).filter_map(|(i, v)| Some((i, v.as_f64()?))).collect();
    let (Some(first), Some(last)) = (known.first(), known.last()) else {
        let constant = r.text(3).and_then(json::value).unwrap_or_else(|| Value::from(0.0));
        return put(w, vec![constant; all.len()]);
    };
    // A series of whole numbers stays one: what is between is cut to one (documented by example).
    let whole = all.iter().all(|v| *v == missing || v.is_i64());
    let real = |v: f64| if whole { Value::from(v.trunc() as i64) } else { real(v) };
    for pair in known.windows(2) {
        let [(i, a), (j, b)] = pair else { continue };
        for (k, v) in all[*i..*j].iter_mut().enumerate().skip(1) {
            *v = real(a + (b - a) * k as f64 / (j - i) as f64);
        }
    }
    if at_the_ends {
        all[..first.0].fill(real(first.1));
        all[last.0 + 1..].fill(real(last.1));
    }
    put(w, all)
}
