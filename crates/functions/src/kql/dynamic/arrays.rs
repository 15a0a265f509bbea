//! Arrays.

use super::{Value, array, element, put};
use crate::kql::json;
use crate::udf::{Functions, Row};
use std::cmp::Ordering;

pub(super) fn register(f: &mut Functions) {
    for name in ["array_length", "arraylength"] {
        f.long(&format!("{name}(dynamic) long"), |r| i64::try_from(json::length(r.text(0)?)?).ok());
    }
    f.text("array_concat(dynamic...) dynamic", |r, w| {
        let mut all = Vec::new();
        for i in 0..r.len() {
            all.extend(array(r, i)?);
        }
        put(w, all)
    });
    f.text("array_reverse(dynamic) dynamic", |r, w| put(w, array(r, 0)?.into_iter().rev().collect::<Vec<_>>()));
    f.text("array_slice(dynamic, long, long) dynamic", |r, w| {
        put(w, slice(&array(r, 0)?, r.long(1)?, r.long(2)?).to_vec())
    });
    f.text("array_split(dynamic, dynamic) dynamic", split);
    f.long("array_index_of(dynamic, dynamic, long?, long?, long?) long", index_of);
    f.real("array_sum(dynamic) real", |r| array(r, 0)?.iter().try_fold(0.0, |sum, v| Some(sum + number(v)?)));
    for (name, left) in [("left", true), ("right", false)] {
        f.text(&format!("array_rotate_{name}(dynamic, long) dynamic"), move |r, w| {
            let mut all = array(r, 0)?;
            if !all.is_empty() {
                let n = r.long(1)?.rem_euclid(all.len() as i64) as usize;
                if left { all.rotate_left(n) } else { all.rotate_right(n) }
            }
            put(w, all)
        });
        f.text(&format!("array_shift_{name}(dynamic, long, dynamic?) dynamic"), move |r, w| {
            let n = r.long(1)?;
            put(w, shift(&array(r, 0)?, if left { n } else { n.checked_neg()? }, &element(r, 2)))
        });
    }
    for (name, descending) in [("array_sort_asc", false), ("array_sort_desc", true)] {
        f.text(&format!("{name}(any...) dynamic"), move |r, w| sort(r, w, descending));
    }
    for name in ["array_iff", "array_iif"] {
        f.text(&format!("{name}(dynamic, dynamic, dynamic) dynamic"), iff);
    }
}

/// What an element counts as a number.
pub(super) fn number(v: &Value) -> Option<f64> {
    match v {
        Value::Bool(b) => Some(f64::from(u8::from(*b))),
        v => v.as_f64(),
    }
}

/// From one position to another, the last included; negative ones count from the end (documented).
fn slice(all: &[Value], start: i64, end: i64) -> &[Value] {
    let length = all.len() as i64;
    let absolute = |n: i64| if n < 0 { n + length } else { n };
    let (start, end) = (absolute(start).max(0), absolute(end).min(length - 1));
    if start > end { &[] } else { &all[start as usize..=end as usize] }
}

/// At a position, or at each of several.
fn split(r: &Row<'_>, w: &mut String) -> Option<()> {
    let all = array(r, 0)?;
    let points = match element(r, 1) {
        Value::Array(points) => points,
        point => vec![point],
    };
    let mut parts = Vec::new();
    let mut from = 0;
    for point in points {
        let n = point.as_i64()?;
        let at = if n < 0 { n + all.len() as i64 } else { n };
        let at = usize::try_from(at).unwrap_or(0).clamp(from, all.len());
        parts.push(Value::from(all[from..at].to_vec()));
        from = at;
    }
    parts.push(Value::from(all[from..].to_vec()));
    put(w, parts)
}

fn shift(all: &[Value], left: i64, fill: &Value) -> Vec<Value> {
    (0..all.len() as i64)
        .map(|i| i.checked_add(left).and_then(|j| usize::try_from(j).ok()).and_then(|j| all.get(j)).unwrap_or(fill))
        .cloned()
        .collect()
}

/// Whether two elements are the same value; 1 and 1.0 are.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        _ => a == b,
    }
}

/// The position of a value, or -1: from `start`, over `length` elements, the n-th occurrence.
fn index_of(r: &Row<'_>) -> Option<i64> {
    let (all, wanted) = (array(r, 0)?, element(r, 1));
    let start = r.long(2).unwrap_or(0);
    let start = if start < 0 { (start + all.len() as i64).max(0) } else { start } as usize;
    let length = r.long(3).filter(|n| *n >= 0).map_or(usize::MAX, |n| n as usize);
    let occurrence = usize::try_from(r.long(4).unwrap_or(1)).ok()?.checked_sub(1)?;
    let found = (all.iter().enumerate().skip(start).take(length)).filter(|(_, v)| same(v, &wanted)).nth(occurrence);
    Some(found.map_or(-1, |(i, _)| i as i64))
}

/// The first array sorted and the others in its order, those of another length null (documented); of several arrays an
/// array of the results. A last argument that is a Boolean says whether nulls come last, as they do where it is not given.
fn sort(r: &Row<'_>, w: &mut String, descending: bool) -> Option<()> {
    let nulls_last = r.len().checked_sub(1).and_then(|last| r.bool(last));
    let arrays = r.len() - usize::from(nulls_last.is_some());
    let nulls_last = nulls_last.unwrap_or(true);
    let first = array(r, 0)?;
    let mut places: Vec<usize> = (0..first.len()).collect();
    places.sort_by(|a, b| order(&first[*a], &first[*b], descending, nulls_last));
    let sorted = |all: &[Value]| -> Value { places.iter().map(|i| all[*i].clone()).collect::<Vec<_>>().into() };
    if arrays == 1 {
        return put(w, sorted(&first));
    }
    let one = |i: usize| array(r, i).filter(|a| a.len() == first.len()).map_or(Value::Null, |a| sorted(&a));
    put(w, (0..arrays).map(one).collect::<Vec<_>>())
}

/// Numbers before strings before the rest; strings by their code points.
fn order(a: &Value, b: &Value, descending: bool, nulls_last: bool) -> Ordering {
    let nulls = match (a.is_null(), b.is_null()) {
        (true, true) => return Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            let by_value = compare(a, b);
            return if descending { by_value.reverse() } else { by_value };
        }
    };
    if nulls_last { nulls } else { nulls.reverse() }
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => match (x.as_i64(), y.as_i64()) {
            (Some(x), Some(y)) => x.cmp(&y),
            _ => x.as_f64().unwrap_or(f64::NAN).total_cmp(&y.as_f64().unwrap_or(f64::NAN)),
        },
        (Value::String(x), Value::String(y)) => x.cmp(y),
        (Value::Bool(x), Value::Bool(y)) => x.cmp(y),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn rank(v: &Value) -> u8 {
    match v {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// Element by element; a plain value stands for an array of it (documented).
fn iff(r: &Row<'_>, w: &mut String) -> Option<()> {
    let (yes, no) = (element(r, 1), element(r, 2));
    let pick = |from: &Value, i: usize| match from {
        Value::Array(all) => all.get(i).cloned().unwrap_or(Value::Null),
        value => value.clone(),
    };
    let conditions = array(r, 0)?;
    let all: Vec<Value> = (conditions.iter().enumerate())
        .map(|(i, c)| match c {
            Value::Bool(b) => pick(if *b { &yes } else { &no }, i),
            Value::Number(n) => pick(if n.as_f64() != Some(0.0) { &yes } else { &no }, i),
            _ => Value::Null,
        })
        .collect();
    put(w, all)
}
