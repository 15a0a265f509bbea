//! Arrays as sets, in order of first appearance.

use super::arrays::same;
use super::{Value, array, element, put};
use crate::udf::Functions;
use std::collections::HashSet;

pub(super) fn register(f: &mut Functions) {
    f.text("set_union(dynamic...) dynamic", |r, w| {
        let mut all = Vec::new();
        for i in 0..r.len() {
            all.extend(array(r, i)?);
        }
        put(w, distinct(all))
    });
    f.text("set_intersect(dynamic...) dynamic", |r, w| {
        let mut all = distinct(array(r, 0)?);
        for i in 1..r.len() {
            let other = keys(&array(r, i)?);
            all.retain(|v| other.contains(&key(v)));
        }
        put(w, all)
    });
    f.text("set_difference(dynamic...) dynamic", |r, w| {
        let mut all = distinct(array(r, 0)?);
        for i in 1..r.len() {
            let other = keys(&array(r, i)?);
            all.retain(|v| !other.contains(&key(v)));
        }
        put(w, all)
    });
    f.bool("set_has_element(dynamic, dynamic) bool", |r| Some(has(&array(r, 0)?, &element(r, 1))));
    f.bool("set_equals(dynamic, dynamic) bool", |r| Some(keys(&array(r, 0)?) == keys(&array(r, 1)?)));
    f.real("jaccard_index(dynamic, dynamic) real", |r| {
        let (a, b) = (keys(&array(r, 0)?), keys(&array(r, 1)?));
        let common = a.intersection(&b).count();
        Some(common as f64 / (a.len() + b.len() - common) as f64)
    });
}

fn has(all: &[Value], v: &Value) -> bool {
    all.iter().any(|a| same(a, v))
}

fn distinct(all: Vec<Value>) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::with_capacity(all.len());
    let mut seen = HashSet::new();
    for v in all {
        if seen.insert(key(&v)) {
            kept.push(v);
        }
    }
    kept
}

fn keys(all: &[Value]) -> HashSet<String> {
    all.iter().map(key).collect()
}

/// Equal for what is the same value.
fn key(v: &Value) -> String {
    match v {
        Value::Number(n) => match n.as_f64() {
            Some(f) if n.is_f64() && f.fract() == 0.0 && f.abs() < 9e15 => (f as i64).to_string(),
            _ => n.to_string(),
        },
        other => super::json::compact(other),
    }
}
