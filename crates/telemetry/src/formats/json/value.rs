//! One JSON object: its entries found, only the asked values decoded.

use super::depth::too_deep;
use super::members::{Members, Unusual};
use crate::event::Value;
use std::borrow::Cow;

/// An object's entry: its name and its value's text.
pub(crate) type Entry<'a> = (Cow<'a, str>, &'a str);

/// Finds the entries of an object. Values are passed over, not decoded; an object that breaks off is an error. What
/// stands behind the object comes back.
pub(crate) fn entries<'a>(object: &'a str, out: &mut Vec<Entry<'a>>) -> Result<&'a str, String> {
    out.clear();
    if let Ok(rest) = usual(object, out) {
        return Ok(rest);
    }
    out.clear();
    if too_deep(object) {
        return Err("nested too deep".to_owned());
    }
    for entry in sonic_rs::to_object_iter(object) {
        let (name, value) = entry.map_err(|e| brief(&e))?;
        match value.as_raw_cow() {
            Cow::Borrowed(raw) => out.push((name, raw)),
            Cow::Owned(_) => return Err("an unreadable value".to_owned()),
        }
    }
    // The parser does not say where it stopped: behind the last value, white space and the closing brace.
    let read = match out.last() {
        Some((_, raw)) => (raw.as_ptr() as usize + raw.len()).wrapping_sub(object.as_ptr() as usize),
        None => object.find('{').map_or(0, |i| i + 1),
    };
    let behind = object.get(read..).unwrap_or_default().trim_start();
    Ok(behind.strip_prefix('}').unwrap_or(behind).trim_start())
}

/// The same of an object as products write it.
fn usual<'a>(object: &'a str, out: &mut Vec<Entry<'a>>) -> Result<&'a str, Unusual> {
    let mut members = Members::new(object)?;
    while let Some((name, raw)) = members.next()? {
        out.push((Cow::Borrowed(name), raw));
    }
    Ok(members.rest().trim_start())
}

/// The elements of an array, as they stand. One that is damaged ends it.
pub(crate) fn elements(array: &str) -> impl Iterator<Item = Result<&str, String>> {
    let deep = too_deep(array);
    let text = if deep { "[]" } else { array };
    let elements = sonic_rs::to_array_iter(text).map(|element| match element.map_err(|e| brief(&e))?.as_raw_cow() {
        Cow::Borrowed(raw) => Ok(raw),
        Cow::Owned(_) => Err("an unreadable value".to_owned()),
    });
    deep.then(|| Err("nested too deep".to_owned())).into_iter().chain(elements)
}

/// The parser's message without the piece of the input that it quotes.
pub(crate) fn brief(e: &sonic_rs::Error) -> String {
    let text = e.to_string();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// The value of a JSON text: strings unescaped, numbers read, containers as they stand, null missing.
pub(crate) fn decode(raw: &str) -> Value<'_> {
    match raw.as_bytes().first() {
        Some(b'"') => string(raw).map_or(Value::Missing, Value::Text),
        Some(b'{' | b'[') => Value::Json(Cow::Borrowed(raw)),
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'n') | None => Value::Missing,
        Some(_) => number(raw),
    }
}

/// A JSON string's text, borrowed where nothing is escaped.
pub(crate) fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    match sonic_rs::from_str::<String>(raw) {
        Ok(text) => Some(Cow::Owned(text)),
        // A lone surrogate: keep what stands there, escapes and all, so that nothing vanishes.
        Err(_) => Some(Cow::Borrowed(inner)),
    }
}

fn number(raw: &str) -> Value<'_> {
    if let Ok(n) = raw.parse::<i64>() {
        return Value::Int(n);
    }
    match raw.parse::<f64>() {
        // A whole number beyond 64 bits would lose digits: its text is exact.
        Ok(_) if !raw.contains(['.', 'e', 'E']) => Value::text(raw),
        Ok(x) => Value::Real(x),
        Err(_) => Value::Missing,
    }
}

/// The value at a dotted path below an object, names compared without regard to case. Names may hold dots themselves,
/// so the longest one that fits is tried first.
pub(crate) fn path<'a>(object: &'a str, path: &str) -> Option<&'a str> {
    let mut found = Vec::new();
    entries(object, &mut found).ok()?;
    find(&found, path)
}

/// As [`path`], in entries that were found already.
pub(crate) fn find<'a>(entries: &[Entry<'a>], path: &str) -> Option<&'a str> {
    if let Some((_, raw)) = entries.iter().find(|(name, _)| name.eq_ignore_ascii_case(path)) {
        return Some(raw);
    }
    if !path.contains('.') {
        return None;
    }
    let mut best: Option<(&'a str, &str)> = None;
    let mut length = 0;
    for (name, raw) in entries {
        let fits = path.len() > name.len()
            && path.is_char_boundary(name.len())
            && path.as_bytes()[name.len()] == b'.'
            && path[..name.len()].eq_ignore_ascii_case(name);
        if fits && name.len() >= length {
            length = name.len();
            best = Some((raw, &path[name.len() + 1..]));
        }
    }
    let (raw, rest) = best?;
    match raw.as_bytes().first() {
        Some(b'{') => self::path(raw, rest),
        Some(b'[') => {
            let index: usize = rest.split('.').next()?.parse().ok()?;
            let element = elements(raw).nth(index)?.ok()?;
            match rest.split_once('.') {
                Some((_, rest)) if element.starts_with('{') => self::path(element, rest),
                Some(_) => None,
                None => Some(element),
            }
        }
        // A string that holds JSON, as Log Analytics keeps AdditionalFields, is left as it is: KQL says parse_json.
        _ => None,
    }
}

/// The first value below an object, at any depth, whose own name is `leaf`.
pub(crate) fn leaf<'a>(entries: &[Entry<'a>], leaf: &str, depth: usize) -> Option<&'a str> {
    const DEEPEST: usize = 8;
    if depth > DEEPEST {
        return None;
    }
    for (_, raw) in entries.iter().filter(|(_, raw)| raw.starts_with('{')) {
        let mut inner = Vec::new();
        if self::entries(raw, &mut inner).is_err() {
            continue;
        }
        let hit = inner.iter().find(|(name, _)| name.eq_ignore_ascii_case(leaf)).map(|(_, raw)| *raw);
        if let Some(raw) = hit.or_else(|| self::leaf(&inner, leaf, depth + 1)) {
            return Some(raw);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        assert_eq!(decode("\"a\\u0041\\n\""), Value::text("aA\n"));
        assert_eq!(decode("12"), Value::Int(12));
        assert_eq!(decode("-1.5"), Value::Real(-1.5));
        assert_eq!(decode("18446744073709551615"), Value::text("18446744073709551615"));
        assert_eq!(decode("null"), Value::Missing);
        assert_eq!(decode("{\"a\":1}"), Value::Json("{\"a\":1}".into()));
    }

    #[test]
    fn paths() {
        let json = r#"{"a.b":{"c":1},"a":{"b":2,"x":[{"y":3}]},"q":{"deep":{"Leaf":4}}}"#;
        assert_eq!(path(json, "a.b.c"), Some("1"));
        assert_eq!(path(json, "A.X.0.y"), Some("3"));
        assert_eq!(path(json, "a.z"), None);
        let mut e = Vec::new();
        entries(json, &mut e).unwrap();
        assert_eq!(leaf(&e, "leaf", 0), Some("4"));
        assert!(entries("{\"a\":1,\"b\":\"cut", &mut Vec::new()).is_err());
        assert_eq!(entries("{ }", &mut e), Ok(""));
        assert_eq!(entries("{\"a\": {} } ,{\"b\":2}", &mut e), Ok(",{\"b\":2}"));
    }
}
