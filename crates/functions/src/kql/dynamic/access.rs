//! Into a dynamic: `a.b`, `a["b"]`, `a[-1]`, JSON paths.

use super::{Value, element, json, put};
use crate::udf::{Functions, Row};
use sonic_rs::{JsonValueTrait as _, LazyValue, PointerNode};

pub(super) fn register(f: &mut Functions) {
    f.text("member(dynamic, string) dynamic", |r, w| {
        let bag = r.text(0)?;
        if !bag.trim_start().starts_with('{') {
            return None;
        }
        raw(w, bag, &[PointerNode::Key(r.str(1).to_owned().into())])
    });
    f.text("element(dynamic, long) dynamic", at);
    for name in ["extractjson", "extract_json"] {
        f.text(&format!("{name}(string, string) string"), |r, w| {
            json::write_text(w, &by_path(r.str(1), r.str(0))?);
            Some(())
        });
        f.text(&format!("{name}_dynamic(string, string) dynamic"), |r, w| {
            w.push_str(&by_path(r.str(1), r.str(0))?);
            Some(())
        });
    }
    f.text("gettype(dynamic) string", |r, w| {
        w.push_str(type_of(&element(r, 0)));
        Some(())
    });
    f.text("dynamic_to_json(dynamic) string", |r, w| {
        let mut value = element(r, 0);
        value.sort_all_objects();
        put(w, value)
    });
    f.text("treepath(dynamic) dynamic", |r, w| {
        let mut paths = Vec::new();
        tree_paths(&element(r, 0), &mut String::new(), &mut paths);
        put(w, paths)
    });
}

fn lazy<'j>(text: &'j str, path: &[PointerNode]) -> Option<LazyValue<'j>> {
    sonic_rs::get_from_str(text, path).ok()
}

/// The text of the value at a path, as it stands; nothing where there is none, or null.
fn raw(w: &mut String, text: &str, path: &[PointerNode]) -> Option<()> {
    let value = lazy(text, path)?;
    if value.is_null() {
        return None;
    }
    w.push_str(value.as_raw_str());
    Some(())
}

/// An element by its position; a negative one counts from the end (documented).
fn at(r: &Row<'_>, w: &mut String) -> Option<()> {
    let (text, n) = (r.text(0)?, r.long(1)?);
    if !text.trim_start().starts_with('[') {
        return None;
    }
    let index = if n >= 0 { n } else { i64::try_from(json::array(text)?.len()).ok()? + n };
    raw(w, text, &[PointerNode::Index(usize::try_from(index).ok()?)])
}

/// The JSON text of what a path (`$.a.b[0]["c"]`) names.
fn by_path(text: &str, path: &str) -> Option<String> {
    let path = parse_path(path)?;
    let mut out = String::new();
    if path.is_empty() {
        json::value(text)?;
        out.push_str(text.trim());
        return Some(out);
    }
    raw(&mut out, text, &path)?;
    Some(out)
}

/// The steps of a JSON path; `None` where it is none.
pub(super) fn parse_path(path: &str) -> Option<Vec<PointerNode>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            if end == 0 {
                return None;
            }
            steps.push(PointerNode::Key(after[..end].to_owned().into()));
            rest = &after[end..];
        } else {
            let (inner, after) = rest.strip_prefix('[')?.split_once(']')?;
            let quoted = ['"', '\''].iter().find_map(|q| inner.strip_prefix(*q)?.strip_suffix(*q));
            steps.push(match quoted {
                Some(key) => PointerNode::Key(key.to_owned().into()),
                None => PointerNode::Index(inner.parse().ok()?),
            });
            rest = after;
        }
    }
    Some(steps)
}

fn type_of(v: &Value) -> &'static str {
    match v {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "double",
        Value::Number(_) => "long",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "dictionary",
    }
}

fn tree_paths(v: &Value, prefix: &mut String, paths: &mut Vec<String>) {
    let mut step = |part: String, child: &Value| {
        let length = prefix.len();
        prefix.push_str(&part);
        paths.push(prefix.clone());
        tree_paths(child, prefix, paths);
        prefix.truncate(length);
    };
    match v {
        Value::Object(map) => map.iter().for_each(|(k, child)| step(format!("['{k}']"), child)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, child)| step(format!("[{i}]"), child)),
        _ => {}
    }
}
