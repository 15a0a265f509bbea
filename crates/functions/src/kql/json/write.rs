//! Writing JSON as Kusto does: compact, reals that keep their point.

use serde_json::Value;

/// A string in quotes, escaped as JSON needs.
pub(crate) fn write_string(w: &mut String, text: &str) {
    w.push('"');
    // Without a way out in the middle this takes many bytes at a time.
    let odd = |b: &u8| (*b < 0x20) | (*b == b'"') | (*b == b'\\');
    if !text.as_bytes().iter().fold(false, |found, b| found | odd(b)) {
        w.push_str(text);
        w.push('"');
        return;
    }
    let mut from = 0;
    for (i, b) in text.bytes().enumerate() {
        let escape = match b {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0c => "\\f",
            0..=0x1f => "",
            _ => continue,
        };
        w.push_str(&text[from..i]);
        if escape.is_empty() {
            w.push_str(&format!("\\u{b:04x}"));
        } else {
            w.push_str(escape);
        }
        from = i + 1;
    }
    w.push_str(&text[from..]);
    w.push('"');
}

/// A real; one that JSON cannot write is text (`"NaN"`), as Kusto prints it.
pub(crate) fn write_real(w: &mut String, v: f64) {
    if v.is_finite() {
        w.push_str(&serde_json::Number::from_f64(v).map_or_else(|| "null".to_owned(), |n| n.to_string()));
    } else {
        write_string(w, &crate::kql::values::format_real(v));
    }
}

/// A value, compact.
pub(crate) fn write_value(w: &mut String, v: &Value) {
    match v {
        Value::Null => w.push_str("null"),
        Value::Bool(b) => w.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => w.push_str(&n.to_string()),
        Value::String(s) => write_string(w, s),
        Value::Array(items) => {
            w.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    w.push(',');
                }
                write_value(w, item);
            }
            w.push(']');
        }
        Value::Object(map) => {
            w.push('{');
            for (i, (key, item)) in map.iter().enumerate() {
                if i > 0 {
                    w.push(',');
                }
                write_string(w, key);
                w.push(':');
                write_value(w, item);
            }
            w.push('}');
        }
    }
}

/// [`write_value`] as a string of its own.
pub(crate) fn compact(v: &Value) -> String {
    let mut w = String::new();
    write_value(&mut w, v);
    w
}
