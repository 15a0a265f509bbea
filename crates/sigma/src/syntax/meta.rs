//! What people say of a rule, and which telemetry it is about.

use super::said::Said;
use super::yaml::{Data, Entry, Node, get};
use crate::tree::{LogSource, Meta};
use parallax_diagnostics::{Diagnostic, Span};

const STATUS: [&str; 5] = ["stable", "test", "experimental", "deprecated", "unsupported"];
const LEVELS: [&str; 5] = ["informational", "low", "medium", "high", "critical"];
const RELATIONS: [&str; 6] = ["derived", "obsolete", "merged", "renamed", "similar", "correlation"];
/// The keys that the specification knows at the top of a document; others are the writer's own.
const KEYS: [&str; 26] = [
    "title",
    "id",
    "related",
    "name",
    "taxonomy",
    "status",
    "description",
    "license",
    "author",
    "references",
    "date",
    "modified",
    "logsource",
    "detection",
    "fields",
    "falsepositives",
    "level",
    "tags",
    "scope",
    "correlation",
    "filter",
    "generate",
    "action",
    "sigma-version",
    "custom_attributes",
    "regression_tests_path",
];

/// Reads what is said of a rule; without a title it is none.
pub(crate) fn meta(entries: &[Entry], span: Span, said: &mut Said) -> Option<Meta> {
    let title = get(entries, "title").and_then(|e| e.value.text()).map(str::trim).unwrap_or_default();
    for entry in entries {
        near_key(entry, said);
    }
    if title.is_empty() {
        let at = get(entries, "title").map_or(span, |e| e.key_span);
        let at = if at == span { Span::new(span.start, span.start) } else { at };
        return said.refuse("SIGMA0201", at, "this document has no title", "begin it with `title: What it finds`");
    }
    let meta = Meta {
        id: text(entries, "id", said),
        name: text(entries, "name", said),
        title: title.to_owned(),
        status: text(entries, "status", said),
        level: text(entries, "level", said),
        tags: texts(entries, "tags", said),
        description: text(entries, "description", said),
        author: text(entries, "author", said),
        references: texts(entries, "references", said),
        date: text(entries, "date", said),
        modified: text(entries, "modified", said),
        falsepositives: texts(entries, "falsepositives", said),
        fields: texts(entries, "fields", said),
        related: related(entries, said),
    };
    check(entries, &meta, said);
    Some(meta)
}

/// A key that is nearly one of the specification's.
fn near_key(entry: &Entry, said: &mut Said) {
    if KEYS.contains(&entry.key.as_str()) {
        return;
    }
    let lower = entry.key.to_ascii_lowercase();
    let near = if KEYS.contains(&lower.as_str()) {
        Some(lower.as_str())
    } else {
        // A short key of the writer's own is near to many.
        parallax_diagnostics::did_you_mean(&entry.key, KEYS).filter(|_| entry.key.len() > 4)
    };
    if let Some(near) = near {
        let message = format!("`{}` is a key of your own", entry.key);
        said.warn("SIGMA0613", entry.key_span, message, format!("did you mean `{near}`?"));
    }
}

fn text(entries: &[Entry], key: &str, said: &mut Said) -> Option<String> {
    let entry = get(entries, key)?;
    match entry.value.text() {
        Some(text) => Some(text.trim().to_owned()).filter(|t| !t.is_empty()),
        None if matches!(entry.value.data(), Data::Null) => None,
        None => {
            let message = format!("`{key}` is {} and not a text", entry.value.kind());
            said.warn("SIGMA0614", entry.value.span, message, "it is left out");
            None
        }
    }
}

fn texts(entries: &[Entry], key: &str, said: &mut Said) -> Vec<String> {
    get(entries, key).map_or_else(Vec::new, |entry| strings(&entry.value, key, said))
}

/// A text, or a list of them.
pub(crate) fn strings(node: &Node, key: &str, said: &mut Said) -> Vec<String> {
    let nodes: Vec<&Node> = match node.data() {
        Data::List(nodes) => nodes.iter().collect(),
        Data::Null => return Vec::new(),
        _ => vec![node],
    };
    let mut out = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node.text() {
            Some(text) => out.push(text.to_owned()),
            None => {
                let message = format!("`{key}` holds {} where a text is due", node.kind());
                said.warn("SIGMA0614", node.span, message, "it is left out");
            }
        }
    }
    out
}

fn related(entries: &[Entry], said: &mut Said) -> Vec<(String, String)> {
    let Some(entry) = get(entries, "related") else { return Vec::new() };
    let mut out = Vec::new();
    for node in entry.value.list().unwrap_or(std::slice::from_ref(&entry.value)) {
        let of = |key| node.map().and_then(|m| get(m, key)).and_then(|e| e.value.text());
        match (of("type"), of("id")) {
            (Some(kind), Some(id)) => {
                if !RELATIONS.contains(&kind) {
                    let help = format!("one of {}", RELATIONS.join(", "));
                    said.warn("SIGMA0615", node.span, format!("there is no relation `{kind}`"), help);
                }
                out.push((kind.to_owned(), id.to_owned()));
            }
            _ => said.warn("SIGMA0614", node.span, "a related rule has an `id` and a `type`", "it is left out"),
        }
    }
    out
}

fn check(entries: &[Entry], meta: &Meta, said: &mut Said) {
    let at = |key: &str| get(entries, key).map_or(Span::at(0), |e| e.value.span);
    let one_of = |key: &str, value: &Option<String>, known: &[&'static str], said: &mut Said| {
        let Some(value) = value.as_deref().filter(|v| !known.contains(v)) else { return };
        let d = Diagnostic::warning("SIGMA0615", at(key), format!("there is no {key} `{value}`"));
        said.push(d.help(format!("one of {}", known.join(", "))));
    };
    one_of("status", &meta.status, &STATUS, said);
    one_of("level", &meta.level, &LEVELS, said);
    if let Some(id) = meta.id.as_deref().filter(|id| !is_uuid(id)) {
        let help = "others refer to the rule by it; `uuidgen` makes one";
        said.warn("SIGMA0616", at("id"), format!("the id `{id}` is no UUID"), help);
    }
    for (key, date) in [("date", &meta.date), ("modified", &meta.modified)] {
        if let Some(date) = date.as_deref().filter(|d| !is_date(d)) {
            said.warn("SIGMA0617", at(key), format!("`{date}` is no date"), "write it as 2026-11-22");
        }
    }
    let nodes = get(entries, "tags").and_then(|e| e.value.list()).unwrap_or_default();
    for node in nodes {
        let Some(tag) = node.text() else { continue };
        if !is_tag(tag) {
            let help = "lower-case letters, digits, `-` and `_`, with a namespace: `attack.t1059.011`";
            said.warn("SIGMA0618", node.span, format!("`{tag}` has not the form of a tag"), help);
        }
    }
}

fn is_uuid(id: &str) -> bool {
    let hex = |(at, b): (usize, u8)| if matches!(at, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() };
    id.len() == 36 && id.bytes().enumerate().all(hex)
}

fn is_date(date: &str) -> bool {
    let digit = |(at, b): (usize, u8)| if matches!(at, 4 | 7) { b == b'-' } else { b.is_ascii_digit() };
    date.len() == 10 && date.bytes().enumerate().all(digit)
}

fn is_tag(tag: &str) -> bool {
    let part = |p: &str| {
        !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
    };
    tag.contains('.') && tag.split('.').all(part)
}

/// What telemetry a rule is about.
pub(crate) fn log_source(entry: &Entry, said: &mut Said) -> Option<LogSource> {
    let Some(entries) = entry.value.map() else {
        let help = "write `logsource: {product: windows, category: process_creation}`";
        return said.refuse("SIGMA0207", entry.value.span, "the log source is a map", help);
    };
    let mut part = |key: &str| {
        let entry = get(entries, key)?;
        let text = entry.value.text()?.trim().to_owned();
        let lower = text.to_lowercase();
        if lower != text {
            said.warn(
                "SIGMA0612",
                entry.value.span,
                format!("`{text}` is written `{lower}`"),
                "log sources are lower-case",
            );
        }
        Some(lower).filter(|t| !t.is_empty())
    };
    let source = LogSource { category: part("category"), product: part("product"), service: part("service") };
    if source == LogSource::default() {
        let help = "name a `category`, a `product` or a `service`";
        return said.refuse("SIGMA0207", entry.value.span, "the log source says nothing", help);
    }
    Some(source)
}
