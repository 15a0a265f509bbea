//! The explanation as one JSON object.

use super::Text;
use parallax_diagnostics::{Severity, Span};
use parallax_engine::{Explanation, Followed, LooksFor, Part, Role, Shown, StoreRead};
use serde_json::{Value as Json, json};

pub(super) fn report(query: &Text, e: &Explanation, followed: Option<&[Followed]>) -> Json {
    let tables: Vec<Json> = e
        .tables
        .iter()
        .map(|t| {
            let inputs: Vec<Json> = t.inputs.iter().map(|(n, f)| json!({ "name": n, "format": f })).collect();
            let columns: Vec<Json> = t
                .columns
                .iter()
                .map(|c| {
                    let from: serde_json::Map<String, Json> =
                        c.from.iter().map(|(family, fields)| ((*family).to_owned(), json!(fields))).collect();
                    json!({ "name": c.name, "from": from })
                })
                .collect();
            let mut looks_for: serde_json::Map<String, Json> = serde_json::Map::new();
            for (format, looks) in &t.looks_for {
                // Where the table is read for several things, all of them; where one of them needs all events, nothing.
                let LooksFor::Pieces(pieces) = looks else {
                    looks_for.insert((*format).to_owned(), Json::Null);
                    continue;
                };
                if let Json::Array(all) = looks_for.entry(*format).or_insert_with(|| json!([])) {
                    all.extend(pieces.iter().map(|p| json!(p)));
                }
            }
            let store = |s: &StoreRead| {
                let of = if s.typed { "table" } else { "originals" };
                json!({ "segment": s.segment, "of": of, "all": s.all, "passed": s.passed })
            };
            let stores: Vec<Json> = t.stores.iter().map(store).collect();
            json!({
                "name": t.name,
                "fed": t.fed,
                "inputs": inputs,
                "columns": columns,
                "filters": t.filters,
                "looks_for": looks_for,
                "stores": stores,
            })
        })
        .collect();
    let diagnostics: Vec<Json> = e
        .diagnostics
        .iter()
        .map(|d| {
            let severity = match d.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            };
            json!({
                "severity": severity,
                "code": d.code,
                "message": d.message,
                "help": d.help,
                "place": place(d.span, &query.text),
            })
        })
        .collect();
    let columns: Vec<Json> = e.columns.iter().map(|c| json!({ "name": c.name, "type": c.type_name })).collect();
    let events = followed.map(|all| all.iter().map(|f| event(f, &query.text)).collect::<Vec<_>>());
    json!({
        "dialect": query.dialect.name(),
        "query": e.canonical,
        "diagnostics": diagnostics,
        "columns": columns,
        "tables": tables,
        "plan": e.planned,
        "logical_plan": e.logical,
        "physical_plan": e.physical,
        "events": events,
    })
}

fn event(f: &Followed, text: &str) -> Json {
    let about: serde_json::Map<String, Json> = f
        .about
        .iter()
        .map(|(name, value)| (name.trim_start_matches('$').to_owned(), about(name, value.as_deref())))
        .collect();
    let steps: Vec<Json> = f
        .steps
        .iter()
        .map(|s| {
            let values: Vec<Json> =
                s.values.iter().map(|(n, v)| json!({ "name": n, "type": v.type_name, "value": v.json })).collect();
            json!({
                "place": place(s.span, text),
                "keeps": s.keeps,
                "conditions": s.parts.iter().map(|p| part(p, text)).collect::<Vec<_>>(),
                "values": values,
            })
        })
        .collect();
    json!({
        "event": about,
        "steps": steps,
        "dropped_at_step": f.dropped.map(|n| n + 1),
        "not_followed": f.beyond.as_ref().map(|b| json!({ "place": place(b.span, text), "why": b.why })),
        "returned": f.returned,
    })
}

/// What findings give as numbers are numbers here.
fn about(name: &str, value: Option<&str>) -> Json {
    match value {
        Some(n) if matches!(name, "$record" | "$process_id") => n.parse::<i64>().map_or(json!(n), Json::from),
        value => json!(value),
    }
}

fn part(p: &Part, text: &str) -> Json {
    let (kind, needle) = match &p.role {
        Role::All => ("and", None),
        Role::Any => ("or", None),
        Role::Not => ("not", None),
        Role::Named(_) => ("named", None),
        Role::Test => ("test", None),
        Role::Operand => ("operand", None),
        Role::Matched => ("matched", None),
        Role::Needle(sought) => ("needle", Some(&sought.text)),
    };
    let value = p.value.as_ref().map_or(Json::Null, |Shown { json, .. }| json.clone());
    let mut whole = json!({ "kind": kind, "place": place(p.span, text), "value": value });
    if let Role::Named(name) = &p.role {
        whole["name"] = json!(name);
    }
    if let Some(needle) = needle {
        whole["text"] = json!(needle);
        whole["found_at"] = json!(p.hit.map(|h| h.start));
    }
    if !p.parts.is_empty() {
        whole["parts"] = p.parts.iter().map(|p| part(p, text)).collect();
    }
    whole
}

fn place(span: Span, text: &str) -> Json {
    let (line, column) = position(span, text);
    json!({ "line": line, "column": column, "start": span.start, "end": span.end, "text": span.of(text) })
}

/// Line and column, both from 1, the column in characters.
pub(super) fn position(span: Span, text: &str) -> (usize, usize) {
    let before = text.get(..span.start).unwrap_or(text);
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}
