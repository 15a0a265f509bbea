//! A finding as a row.

use crate::output::Column;
use parallax_detect::Finding;
use parallax_engine::value::Value;
use std::borrow::Cow;

/// Its columns.
pub(in super::super) fn columns() -> Vec<Column> {
    let columns = [
        ("id", "string"),
        ("rule", "string"),
        ("title", "string"),
        ("kind", "string"),
        ("severity", "string"),
        ("confidence", "string"),
        ("attack", "string"),
        ("time", "datetime"),
        ("host", "string"),
        ("user", "string"),
        ("process_id", "long"),
        ("image", "string"),
        ("command_line", "string"),
        ("parent_image", "string"),
        ("parent_command_line", "string"),
        ("source", "string"),
        ("record", "long"),
        ("columns", "dynamic"),
        ("description", "string"),
        ("tactics", "string"),
        ("status", "string"),
        ("tags", "string"),
        ("references", "string"),
        ("reasons", "dynamic"),
        ("entities", "dynamic"),
        ("details", "dynamic"),
        ("related", "dynamic"),
        ("count", "long"),
        ("window_start", "datetime"),
        ("window_end", "datetime"),
    ];
    columns.into_iter().map(|(name, ty)| Column::new(name, ty)).collect()
}

/// A finding's values that are JSON.
pub(in super::super) struct Parts {
    columns: String,
    reasons: String,
    entities: String,
    details: String,
    related: String,
}

impl Parts {
    pub(in super::super) fn of(f: &Finding) -> Self {
        Parts {
            columns: f.columns_json().to_string(),
            reasons: f.reasons_text(),
            entities: f.entities_json().to_string(),
            details: f.details_json().to_string(),
            related: f.related_json().to_string(),
        }
    }
}

/// Its values.
pub(in super::super) fn row<'a>(f: &'a Finding, parts: &'a Parts) -> Vec<Value<'a>> {
    let text = |t: &'a str| Value::Text(Cow::Borrowed(t));
    let maybe = |t: Option<&'a String>| t.map_or(Value::Null, |t| text(t));
    let number = |n: Option<i64>| n.map_or(Value::Null, Value::Long);
    let list = |all: &[String]| Value::Text(Cow::Owned(all.join(" ")));
    let time = |t: Option<i64>| t.map_or(Value::Null, Value::DateTime);
    let e = f.event.as_ref();
    vec![
        text(&f.id),
        text(&f.rule),
        text(&f.title),
        text(f.about.kind.word()),
        text(f.severity.word()),
        f.confidence.map_or(Value::Null, |c| text(c.word())),
        list(&f.attack),
        time(e.and_then(|e| e.time)),
        maybe(e.and_then(|e| e.host.as_ref())),
        maybe(e.and_then(|e| e.user.as_ref())),
        number(e.and_then(|e| e.process_id)),
        maybe(e.and_then(|e| e.image.as_ref())),
        maybe(e.and_then(|e| e.command_line.as_ref())),
        maybe(e.and_then(|e| e.parent_image.as_ref())),
        maybe(e.and_then(|e| e.parent_command_line.as_ref())),
        maybe(e.and_then(|e| e.source.as_ref())),
        number(e.and_then(|e| e.record)),
        Value::Dynamic(&parts.columns),
        text(&f.description),
        Value::Text(Cow::Owned(f.tactics.join(", "))),
        maybe(f.about.status.as_ref()),
        list(&f.about.tags),
        list(&f.about.references),
        Value::Dynamic(&parts.reasons),
        Value::Dynamic(&parts.entities),
        Value::Dynamic(&parts.details),
        Value::Dynamic(&parts.related),
        Value::Long(i64::try_from(f.count).unwrap_or(i64::MAX)),
        time(f.window.map(|w| w.0)),
        time(f.window.map(|w| w.1)),
    ]
}
