//! Dynamic values: JSON text, read and written.

mod write;

pub(crate) use write::{compact, write_real, write_string, write_value};

use serde_json::Value;
use std::borrow::Cow;

/// The JSON text as a value. `None` for JSON's null, and for text that is no JSON (a dynamic never is).
pub(crate) fn value(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(|v: &Value| !v.is_null())
}

/// As [`value`], but arrays and bags are not looked into: they are no scalar.
pub(crate) fn scalar(text: &str) -> Option<Value> {
    if text.trim_start().starts_with(['[', '{']) { None } else { value(text) }
}

/// The array; `None` for anything else.
pub(crate) fn array(text: &str) -> Option<Vec<Value>> {
    match value(text)? {
        Value::Array(a) => Some(a),
        _ => None,
    }
}

/// How many elements an array has; `None` for anything else.
pub(crate) fn length(text: &str) -> Option<usize> {
    texts_in(text).or_else(|| Some(array(text)?.len()))
}

/// How many elements a compact array of plain strings has; `None` where it may be anything else.
fn texts_in(text: &str) -> Option<usize> {
    let mut rest = text.strip_prefix('[')?.strip_suffix(']')?.as_bytes();
    let mut count = 0;
    if rest.is_empty() {
        return Some(0);
    }
    loop {
        rest = plain_string(rest)?;
        count += 1;
        if rest.is_empty() {
            return Some(count);
        }
        rest = rest.strip_prefix(b",")?;
    }
}

/// What stands behind a string in quotes; `None` where it is none, or has an escape that may be wrong.
fn plain_string(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text.strip_prefix(b"\"")?;
    loop {
        let end = memchr::memchr2(b'"', b'\\', rest)?;
        if rest[..end].iter().fold(false, |control, b| control | (*b < 0x20)) {
            return None;
        }
        if rest[end] == b'"' {
            return Some(&rest[end + 1..]);
        }
        matches!(rest.get(end + 1)?, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't').then_some(())?;
        rest = &rest[end + 2..];
    }
}

/// The property bag; `None` for anything else.
pub(crate) fn bag(text: &str) -> Option<serde_json::Map<String, Value>> {
    match value(text)? {
        Value::Object(m) => Some(m),
        _ => None,
    }
}

/// `tostring` of a dynamic: a string without its quotes, null as nothing, all else as compact JSON.
pub(crate) fn text(json: &str) -> Cow<'_, str> {
    let trimmed = json.trim();
    if let Some(inner) = trimmed.strip_prefix('"').and_then(|t| t.strip_suffix('"'))
        && !inner.contains('\\')
    {
        return Cow::Borrowed(inner);
    }
    if trimmed.starts_with('"')
        && let Ok(text) = serde_json::from_str::<String>(trimmed)
    {
        return Cow::Owned(text);
    }
    match serde_json::from_str::<Value>(trimmed) {
        Ok(v) => Cow::Owned(text_of(&v)),
        Err(_) => Cow::Borrowed(json),
    }
}

/// [`text`] of a value.
pub(crate) fn text_of(v: &Value) -> String {
    match v {
        Value::String(s) => s.clone(),
        Value::Null => String::new(),
        other => compact(other),
    }
}

/// [`text`] into a buffer.
pub(crate) fn write_text(w: &mut String, json: &str) {
    w.push_str(&text(json));
}

/// `parse_json`: the text as JSON; text that is no JSON is a string; empty text is null.
pub(crate) fn write_parsed(w: &mut String, given: &str) -> Option<()> {
    let trimmed = given.trim();
    if trimmed.is_empty() || trimmed == "null" {
        return None;
    }
    if serde_json::from_str::<serde::de::IgnoredAny>(trimmed).is_ok() {
        w.push_str(trimmed);
    } else {
        write_string(w, given);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lengths_are_those_of_what_is_parsed(text in r#"\[?(("[ab\\"u/]{0,3}"|1|null|\[\]|"é\x01?"),? ?){0,3}\]?"#) {
            prop_assert_eq!(length(&text), array(&text).map(|a| a.len()));
        }

        #[test]
        fn strings_are_written_as_json(text in "[ -~\\x00-\\x1f\"\\\\é]{0,40}") {
            let mut written = String::new();
            write_string(&mut written, &text);
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }
    }
}
