//! Paths through JSON: what they say and where they lead.
//!
//! Documented: `.` and `[]` as child, `[n]`, `*`, `..`, `[a,b]`, `[start:end]`. A path that can lead to several values
//! gives them as an array.

use serde_json::Value;

/// How deep `..` descends.
const DEPTH: usize = 64;

/// A step of a path.
pub(super) enum Step {
    /// The member of that name.
    Key(String),
    /// The element at that place, from 0.
    Index(usize),
    /// All elements, or all members.
    Every,
    /// Those members or elements.
    Union(Vec<Step>),
    /// The elements from one place to before another; negative ones count from the end.
    Slice(Option<i64>, Option<i64>),
    /// Here and everywhere below.
    Descent,
}

impl Step {
    /// Whether it can lead to several values.
    pub(super) fn fans_out(&self) -> bool {
        !matches!(self, Step::Key(_) | Step::Index(_))
    }
}

/// Whether a path can be followed: it has no more steps than a JSON text can be deep, and does not branch without end.
pub fn is_path(text: &str) -> bool {
    if text.len() > 64 << 10 {
        return false;
    }
    let steps = path(text);
    let ways = steps.iter().try_fold(1usize, |ways, step| match step {
        Step::Union(several) => ways.checked_mul(several.len()).filter(|w| *w <= 10_000),
        _ => Some(ways),
    });
    steps.len() <= 128 && ways.is_some() && steps.iter().filter(|s| matches!(s, Step::Descent)).count() <= 3
}

/// `a.b[0]`, `a[*].b`, `$['a.b'].c`, `..c`.
pub(super) fn path(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = text.strip_prefix('$').filter(|r| r.starts_with(['.', '['])).unwrap_or(text);
    while !rest.is_empty() {
        if let Some((step, after)) = rest.strip_prefix('[').and_then(bracket) {
            steps.push(step);
            rest = after;
            continue;
        }
        if let Some(after) = rest.strip_prefix("..").filter(|after| !after.is_empty()) {
            steps.push(Step::Descent);
            rest = after;
            continue;
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let end = rest.char_indices().skip(1).find(|(_, c)| matches!(c, '.' | '[')).map_or(rest.len(), |(at, _)| at);
        if end == 0 {
            break;
        }
        steps.push(if &rest[..end] == "*" { Step::Every } else { Step::Key(rest[..end].to_owned()) });
        rest = &rest[end..];
    }
    steps
}

/// What stands in brackets, and what follows them.
fn bracket(inner: &str) -> Option<(Step, &str)> {
    let mut parts = Vec::new();
    let mut rest = inner;
    loop {
        let part = rest.trim_start();
        let quote = part.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let quoted = quote.and_then(|q| {
            let body = &part[1..];
            let ends = |(at, _): &(usize, &str)| body[at + 1..].trim_start().starts_with([']', ',']);
            let (end, _) = body.match_indices(q).find(ends)?;
            Some((Step::Key(body[..end].to_owned()), &body[end + 1..]))
        });
        let (step, after) = match quoted {
            Some(found) => found,
            None => {
                let end = part.find([']', ','])?;
                (plain(part[..end].trim()), &part[end..])
            }
        };
        parts.push(step);
        let after = after.trim_start();
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None => {
                let after = after.strip_prefix(']')?;
                return Some((if parts.len() == 1 { parts.remove(0) } else { Step::Union(parts) }, after));
            }
        }
    }
}

fn plain(text: &str) -> Step {
    if text == "*" {
        return Step::Every;
    }
    if let Ok(index) = text.parse() {
        return Step::Index(index);
    }
    if let Some((start, end)) = text.split_once(':') {
        let bound = |text: &str| if text.trim().is_empty() { Ok(None) } else { text.trim().parse().map(Some) };
        if let (Ok(start), Ok(end)) = (bound(start), bound(end)) {
            return Step::Slice(start, end);
        }
    }
    Step::Key(text.to_owned())
}

/// The value that the path leads to; where it can lead to several, an array of them.
pub(super) fn walk(value: &Value, path: &[Step], nocase: bool) -> Option<Value> {
    let Some((step, rest)) = path.split_first() else { return Some(value.clone()) };
    match (step, value) {
        (Step::Key(key), Value::Object(map)) => {
            let found = map
                .get(key)
                .or_else(|| nocase.then(|| map.iter().find(|(k, _)| is_named(k, key)).map(|(_, v)| v)).flatten());
            walk(found?, rest, nocase)
        }
        (Step::Index(index), Value::Array(items)) => walk(items.get(*index)?, rest, nocase),
        (Step::Every, Value::Array(items)) => Some(all(items.iter(), rest, nocase)),
        (Step::Every, Value::Object(map)) => Some(all(map.values(), rest, nocase)),
        (Step::Slice(start, end), Value::Array(items)) => {
            let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let place = |at: i64| if at < 0 { (length + at).max(0) } else { at.min(length) };
            let from = usize::try_from(place(start.unwrap_or(0))).ok()?;
            let to = usize::try_from(place(end.unwrap_or(length))).ok()?;
            Some(all(items.get(from..to.max(from))?.iter(), rest, nocase))
        }
        (Step::Union(steps), Value::Object(_) | Value::Array(_)) => {
            let found = steps.iter().filter_map(|s| walk(value, std::slice::from_ref(s), nocase));
            Some(Value::Array(found.filter_map(|v| walk(&v, rest, nocase)).collect()))
        }
        (Step::Descent, Value::Object(_) | Value::Array(_)) => {
            let mut found = Vec::new();
            descend(value, rest, nocase, DEPTH, &mut found);
            Some(Value::Array(found))
        }
        // JSON inside of text is read on (published queries expect it of `"a.b"` over nested documents).
        (_, Value::String(text)) if text.trim_start().starts_with(['{', '[']) => {
            walk(&serde_json::from_str(text).ok()?, path, nocase)
        }
        _ => None,
    }
}

/// Whether `json auto` calls a key by that name: in any case, `_` for white space (documented).
fn is_named(key: &str, name: &str) -> bool {
    key.eq_ignore_ascii_case(name) || (key.contains(' ') && key.replace(' ', "_").eq_ignore_ascii_case(name))
}

fn all<'v>(values: impl Iterator<Item = &'v Value>, rest: &[Step], nocase: bool) -> Value {
    Value::Array(values.filter_map(|v| walk(v, rest, nocase)).collect())
}

fn descend(value: &Value, rest: &[Step], nocase: bool, depth: usize, found: &mut Vec<Value>) {
    let fans_out = rest.first().is_some_and(Step::fans_out);
    match walk(value, rest, nocase) {
        Some(Value::Array(several)) if fans_out => found.extend(several),
        other => found.extend(other),
    }
    let below: Vec<&Value> = match value {
        Value::Object(map) => map.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => return,
    };
    if depth > 0 {
        let below = below.into_iter().filter(|v| v.is_object() || v.is_array());
        below.for_each(|v| descend(v, rest, nocase, depth - 1, found));
    }
}

/// As a field holds it: text without quotes, anything else as JSON; a JSON null is missing.
pub(super) fn write(value: &Value, out: &mut String) -> Option<()> {
    match value {
        Value::Null => return None,
        Value::String(text) => out.push_str(text),
        other => out.push_str(&other.to_string()),
    }
    Some(())
}

/// The JSON of a message: what begins at its first brace or bracket.
#[cfg(test)]
pub(super) fn first_value(text: &str) -> Option<Value> {
    let start = if text.trim_start().starts_with('[') { text.find('[')? } else { text.find('{')? };
    serde_json::Deserializer::from_str(&text[start..]).into_iter().next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_jsonpath_says() {
        let value: Value = serde_json::from_str(
            r#"{"a":[{"n":1,"t":"x"},{"n":2},{"n":3,"d":{"n":4}}],"b":{"c":5,"e f":6},"k,l":7,"m:n":8}"#,
        )
        .expect("JSON");
        for (text, expected) in [
            ("$.a[1].n", "2"),
            ("a[*].n", "[1,2,3]"),
            ("a[0:2].n", "[1,2]"),
            ("a[-1:].n", "[3]"),
            ("a[0,2].n", "[1,3]"),
            ("b['c','e f']", "[5,6]"),
            ("b.*", "[5,6]"),
            ("$..n", "[1,2,3,4]"),
            ("a..n", "[1,2,3,4]"),
            ("['k,l']", "7"),
            ("['m:n']", "8"),
            ("a[9]", ""),
        ] {
            let mut out = String::new();
            let _ = walk(&value, &path(text), false).and_then(|v| write(&v, &mut out));
            assert_eq!(out, expected, "{text}");
        }
    }
}
