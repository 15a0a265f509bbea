//! `parse_url`, `parse_urlquery`.

use crate::kql::json;
use crate::udf::Functions;
use serde_json::{Map, Value};

pub(super) fn register(f: &mut Functions) {
    for name in ["parse_url", "parseurl"] {
        f.text(&format!("{name}(string) dynamic"), |r, w| {
            json::write_value(w, &url(r.str(0)));
            Some(())
        });
    }
    for name in ["parse_urlquery", "parseurlquery"] {
        f.text(&format!("{name}(string) dynamic"), |r, w| {
            let text = r.str(0);
            let mut all = Map::new();
            all.insert("Query Parameters".into(), query(text.strip_prefix('?').unwrap_or(text)));
            json::write_value(w, &Value::from(all));
            Some(())
        });
    }
}

/// The parts, each a string and empty where there is none (documented).
fn url(text: &str) -> Value {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = rest.split_once("://").unwrap_or(("", rest));
    let (authority, path) = if scheme.is_empty() && !text.starts_with("//") {
        ("", rest)
    } else {
        let rest = rest.strip_prefix("//").filter(|_| scheme.is_empty()).unwrap_or(rest);
        rest.split_at(rest.find('/').unwrap_or(rest.len()))
    };
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, port),
        _ => (host, ""),
    };
    let mut all = Map::new();
    let parts = [
        ("Scheme", scheme),
        ("Host", host),
        ("Port", port),
        ("Path", path),
        ("Username", name),
        ("Password", password),
    ];
    for (key, part) in parts {
        all.insert(key.into(), part.into());
    }
    all.insert("Query Parameters".into(), query(parameters));
    all.insert("Fragment".into(), fragment.into());
    Value::from(all)
}

fn query(text: &str) -> Value {
    let pairs = text.split('&').filter(|p| !p.is_empty());
    pairs.map(|p| p.split_once('=').unwrap_or((p, ""))).map(|(k, v)| (k.to_owned(), Value::from(v))).collect()
}
