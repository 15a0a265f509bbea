//! `parse_path`.

use crate::kql::json;
use crate::udf::Functions;
use serde_json::{Map, Value};

pub(super) fn register(f: &mut Functions) {
    f.text("parse_path(string) dynamic", |r, w| {
        json::write_value(w, &path(r.str(0)));
        Some(())
    });
}

/// The parts of a Windows or Unix path, or of a `file:` URL (measured).
fn path(text: &str) -> Value {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let separator = |c: char| c == '/' || c == '\\';
    let drive = rest.get(1..2) == Some(":") && rest.as_bytes()[0].is_ascii_alphabetic();
    let root = if drive && rest[2..].starts_with(separator) { &rest[..3] } else { "" };
    let last = rest.rfind(separator);
    let (directory, file) = match last {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => ("", rest),
    };
    let (file, stream) = file.split_once(':').unwrap_or((file, ""));
    let directory_name = directory.rsplit(separator).next().unwrap_or("");
    let extension = file.rsplit_once('.').map_or("", |(_, e)| e);
    let mut all = Map::new();
    let parts = [
        ("Scheme", scheme),
        ("RootPath", root),
        ("DirectoryPath", directory),
        ("DirectoryName", directory_name),
        ("Filename", file),
        ("Extension", extension),
        ("AlternateDataStreamName", stream),
    ];
    for (key, part) in parts {
        all.insert(key.into(), part.into());
    }
    Value::from(all)
}
