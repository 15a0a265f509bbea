//! JSON by path.

use super::capture;
use super::json_paths::{self, Wanted};
use crate::udf::{Body, Functions};
use serde_json::Value;

pub(super) fn register(f: &mut Functions) {
    // `json "a.b[0].c"`: keys are case-sensitive; text comes without quotes, anything else as JSON; a JSON null is
    // a value that is missing.
    f.compiled("json(string, string) dynamic", &[1], |c| {
        let (wanted, _) = Wanted::new(std::iter::once(c.str(1)));
        Ok(Body::text(move |r, out| {
            out.push_str(wanted.find(r.text(0)?, 1)?.first()?.as_ref()?);
            Some(())
        }))
    });
    // Several packed paths; their values packed, for `sumo_json_part`.
    f.compiled("json_paths(string, string) dynamic", &[1], |c| {
        let (wanted, count) = Wanted::new(capture::unpack(c.str(1)));
        Ok(Body::text(move |r, out| {
            json_paths::pack_all(&wanted.find(r.text(0)?, count)?, out);
            Some(())
        }))
    });
    f.text("json_part(string, long) dynamic", |r, out| {
        out.push_str(json_paths::part(r.text(0)?, usize::try_from(r.long(1)?).ok()?)?);
        Some(())
    });
    // `json auto keys "a.b"`: keys without regard to case, from the last JSON object of the message.
    f.compiled("json_auto(string, string) dynamic", &[1], |c| {
        let path = path(c.str(1));
        let whole = vec![Step::Key(c.str(1).to_owned())];
        Ok(Body::text(move |r, out| {
            let value = last_object(r.text(0)?)?;
            let found = walk(&value, &whole, true).or_else(|| walk(&value, &path, true))?;
            write(&found, out)
        }))
    });
    f.long("jsonarraysize(string) long", |r| match serde_json::from_str(r.str(0)) {
        Ok(Value::Array(items)) => i64::try_from(items.len()).ok(),
        _ => Some(-1),
    });
    f.bool("jsonarraycontains(string, string) bool", |r| {
        let Ok(Value::Array(items)) = serde_json::from_str::<Value>(r.str(0)) else { return Some(false) };
        Some(items.iter().any(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned) == r.str(1)))
    });
    // A value and the time of its message, for `most_recent`.
    f.text("withtime(string, long) dynamic", |r, out| {
        let pair = serde_json::json!({ "value": r.text(0)?, "time": r.long(1) });
        out.push_str(&pair.to_string());
        Some(())
    });
    f.text("withtime_value(string) dynamic", |r, out| {
        let value: Value = serde_json::from_str(r.text(0)?).ok()?;
        write(value.get("value")?, out)
    });
    f.long("withtime_time(string) long", |r| {
        let value: Value = serde_json::from_str(r.text(0)?).ok()?;
        value.get("time")?.as_i64()
    });
    // What the packed values of an aggregate are shown as.
    f.text("lines(string) dynamic", |r, out| {
        out.push_str(&capture::unpack(r.text(0)?).collect::<Vec<_>>().join("\n"));
        Some(())
    });
}

pub(super) enum Step {
    Key(String),
    Index(usize),
    Every,
}

/// `a.b[0]`, `a[*].b`, `$['a.b'].c`.
pub(super) fn path(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = text.strip_prefix('$').filter(|r| r.starts_with(['.', '['])).unwrap_or(text);
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let quote = inner.chars().next().filter(|c| matches!(c, '\'' | '"'));
            if let Some(end) = quote.and_then(|q| inner[1..].find(&format!("{q}]"))) {
                steps.push(Step::Key(inner[1..=end].to_owned()));
                rest = &inner[end + 3..];
                continue;
            }
            if let Some(end) = inner.find(']') {
                let index = &inner[..end];
                match (index, index.trim().parse()) {
                    ("*", _) => steps.push(Step::Every),
                    (_, Ok(n)) => steps.push(Step::Index(n)),
                    (name, _) => steps.push(Step::Key(name.to_owned())),
                }
                rest = &inner[end + 1..];
                continue;
            }
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let end = rest.char_indices().skip(1).find(|(_, c)| matches!(c, '.' | '[')).map_or(rest.len(), |(at, _)| at);
        if end == 0 {
            break;
        }
        steps.push(Step::Key(rest[..end].to_owned()));
        rest = &rest[end..];
    }
    steps
}

pub(super) fn walk(value: &Value, path: &[Step], nocase: bool) -> Option<Value> {
    let Some((step, rest)) = path.split_first() else { return Some(value.clone()) };
    match (step, value) {
        (Step::Key(key), Value::Object(map)) => {
            let found = map.get(key).or_else(|| {
                nocase.then(|| map.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v)).flatten()
            });
            walk(found?, rest, nocase)
        }
        (Step::Index(index), Value::Array(items)) => walk(items.get(*index)?, rest, nocase),
        (Step::Every, Value::Array(items)) => {
            Some(Value::Array(items.iter().filter_map(|item| walk(item, rest, nocase)).collect()))
        }
        // JSON inside of text is read on (published queries expect it of `"a.b"` over nested documents).
        (_, Value::String(text)) if text.trim_start().starts_with(['{', '[']) => {
            walk(&serde_json::from_str(text).ok()?, path, nocase)
        }
        _ => None,
    }
}

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

/// The JSON object at the end of a message (documented: searched from the end). Its start is the first brace from
/// which everything parses.
fn last_object(text: &str) -> Option<Value> {
    let end = text.rfind(['}', ']'])?;
    let text = text.get(..=end)?;
    // Each try reads the text again, so their number is bounded.
    text.match_indices(['{', '['])
        .take(64)
        .find_map(|(at, _)| serde_json::from_str::<Value>(&text[at..]).ok().filter(Value::is_object))
}
