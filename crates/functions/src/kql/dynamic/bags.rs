//! Property bags.

use super::{Value, array, element, json, put};
use crate::udf::{Functions, Row};
use serde_json::Map;
use sonic_rs::PointerNode;

pub(super) fn register(f: &mut Functions) {
    f.text("bag_keys(dynamic) dynamic", |r, w| put(w, bag(r, 0)?.keys().cloned().collect::<Vec<_>>()));
    // The first bag that has a key decides (documented).
    f.text("bag_merge(dynamic...) dynamic", |r, w| {
        let mut all = Map::new();
        for i in 0..r.len() {
            for (key, value) in r.text(i).and_then(json::bag).unwrap_or_default() {
                all.entry(key).or_insert(value);
            }
        }
        put(w, all)
    });
    f.bool("bag_has_key(dynamic, string) bool", |r| {
        let bag = Value::from(bag(r, 0)?);
        Some(path(r.str(1)).iter().try_fold(&bag, |v, step| child(v, step)).is_some())
    });
    f.text("bag_remove_keys(dynamic, dynamic) dynamic", |r, w| {
        let mut all = Value::from(bag(r, 0)?);
        for key in array(r, 1)? {
            if let Value::String(key) = key {
                remove(&mut all, &path(&key));
            }
        }
        put(w, all)
    });
    f.text("bag_set_key(dynamic, string, dynamic) dynamic", |r, w| {
        let mut all = Value::from(bag(r, 0)?);
        set(&mut all, &path(r.str(1)), element(r, 2))?;
        put(w, all)
    });
    // Keys that are no strings are passed over; a missing value is null (measured).
    f.text("bag_zip(dynamic, dynamic) dynamic", |r, w| {
        let (keys, values) = (array(r, 0)?, array(r, 1).unwrap_or_default());
        let mut all = Map::new();
        for (i, key) in keys.into_iter().enumerate() {
            if let Value::String(key) = key {
                all.insert(key, values.get(i).cloned().unwrap_or(Value::Null));
            }
        }
        put(w, all)
    });
}

fn bag(r: &Row<'_>, i: usize) -> Option<Map<String, Value>> {
    json::bag(r.text(i)?)
}

/// A key that begins with `$.` or `$[` is a path (documented).
fn path(key: &str) -> Vec<PointerNode> {
    super::access::parse_path(key)
        .filter(|p| !p.is_empty())
        .unwrap_or_else(|| vec![PointerNode::Key(key.to_owned().into())])
}

fn child<'v>(v: &'v Value, step: &PointerNode) -> Option<&'v Value> {
    match step {
        PointerNode::Key(key) => v.as_object()?.get(key.as_str()),
        PointerNode::Index(i) => v.as_array()?.get(*i),
    }
}

/// Bags on the way that are not there are made; an index of an array is no key (documented).
fn set(v: &mut Value, path: &[PointerNode], to: Value) -> Option<()> {
    let Some((PointerNode::Key(key), rest)) = path.split_first() else { return None };
    if !v.is_object() {
        *v = Value::Object(Map::new());
    }
    let map = v.as_object_mut()?;
    if rest.is_empty() {
        map.insert(key.to_string(), to);
        return Some(());
    }
    set(map.entry(key.to_string()).or_insert(Value::Null), rest, to)
}

fn remove(v: &mut Value, path: &[PointerNode]) {
    match (path, v) {
        ([PointerNode::Key(key)], Value::Object(map)) => {
            map.shift_remove(key.as_str());
        }
        ([PointerNode::Key(key), rest @ ..], Value::Object(map)) => {
            if let Some(v) = map.get_mut(key.as_str()) {
                remove(v, rest);
            }
        }
        ([PointerNode::Index(i), rest @ ..], Value::Array(items)) => {
            if let Some(v) = items.get_mut(*i) {
                remove(v, rest);
            }
        }
        _ => {}
    }
}
