//! JSON by path.

use super::capture;
use super::json_paths::{self, Wanted};
use super::json_walk::{Step, is_path, path, walk, write};
use crate::udf::{Body, Functions};
use serde_json::Value;

pub(super) fn register(f: &mut Functions) {
    // `json "a.b[0].c"`: keys are case-sensitive; text comes without quotes, anything else as JSON; a JSON null is
    // a value that is missing.
    f.compiled_once("json(string, string) dynamic", &[1], |c| {
        let (wanted, _) = Wanted::new(std::iter::once(c.str(1)));
        Ok(Body::text(move |r, out| {
            out.push_str(wanted.find(r.text(0)?, 1)?.first()?.as_ref()?);
            Some(())
        }))
    });
    // Several packed paths; their values packed, for `sumo_json_part`.
    f.compiled_once("json_paths(string, string) dynamic", &[1], |c| {
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
    f.compiled_once("json_auto(string, string) dynamic", &[1], |c| {
        // A name that is no path can still be that of a key.
        let path = if is_path(c.str(1)) { path(c.str(1)) } else { vec![Step::Key(c.str(1).to_owned())] };
        let whole = vec![Step::Key(c.str(1).to_owned())];
        Ok(Body::text(move |r, out| {
            let value = last_object(r.text(0)?)?;
            let found = walk(&value, &whole, true).or_else(|| walk(&value, &path, true))?;
            write(&found, out)
        }))
    });
    // The names of the fields of `json auto`, packed: `a.b[0]`, as deep as the second argument says; with the third, the
    // elements of arrays of single values too.
    f.compiled("json_keys(string, long, bool) dynamic", &[1], |c| {
        let depth = usize::try_from(c.long(1).unwrap_or(i64::MAX)).unwrap_or(0);
        Ok(Body::text(move |r, out| {
            let value = last_object(r.text(0)?)?;
            names(&value, "", depth, r.bool(2).unwrap_or(false), &mut |name| capture::pack(name, out));
            (!out.is_empty()).then_some(())
        }))
    });
    // A JSON value as a field holds it.
    f.text("json_text(string) dynamic", |r, out| {
        let text = r.text(0)?;
        match serde_json::from_str::<Value>(text) {
            Ok(value) => write(&value, out),
            Err(_) => {
                out.push_str(text);
                Some(())
            }
        }
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

/// Goes through the names of a value's fields, as deep as `depth`.
fn names(value: &Value, prefix: &str, depth: usize, arrays: bool, each: &mut dyn FnMut(&str)) {
    let flat = |items: &[Value]| !items.iter().any(|i| i.is_object() || i.is_array());
    let below = |name: &str, value: &Value, each: &mut dyn FnMut(&str)| match value {
        Value::Object(map) if depth > 1 && !map.is_empty() => names(value, name, depth - 1, arrays, each),
        Value::Array(items) if depth > 1 && !items.is_empty() && (arrays || !flat(items)) => {
            names(value, name, depth - 1, arrays, each);
        }
        _ => each(name),
    };
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                // White space in names becomes an underscore (documented).
                let key = key.replace(' ', "_");
                let name = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
                below(&name, value, each);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| below(&format!("{prefix}[{at}]"), item, each));
        }
        _ => {}
    }
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
