//! A row whose fields are its own entries.

use super::fields::{Pseudo, Wanted};
use super::unescape;
use super::value::{self, Entry};
use crate::event::{Late, RawText, Value};
use std::borrow::Cow;

/// A row whose fields are its entries: Defender's, which has a table, or one of no known product.
pub(super) struct Plain<'a, 'r> {
    pub(super) raw: &'a str,
    /// The object of all fields.
    pub(super) fields: &'a str,
    pub(super) entries: &'r [Entry<'a>],
    pub(super) table: Option<&'r str>,
}

impl<'a> Plain<'a, '_> {
    /// The value of a pseudo-field.
    pub(super) fn pseudo(&self, pseudo: Pseudo) -> Value<'a> {
        let defender = self.table.is_some();
        match pseudo {
            Pseudo::Time if defender => time(self.entries, &["Timestamp", "TimeGenerated", "time"]),
            Pseudo::Time => time(self.entries, &TIMES),
            Pseudo::Host if defender => first(self.entries, &["DeviceName"]),
            Pseudo::Host => first(self.entries, &HOSTS),
            Pseudo::Id if defender => first(self.entries, &["ReportId"]),
            Pseudo::Id => first(self.entries, &["id", "_id", "uuid", "RecordId"]),
            Pseudo::Raw => Value::text(self.raw),
            Pseudo::Fields => Value::Json(Cow::Borrowed(self.fields)),
            Pseudo::Table => self.table.map_or(Value::Missing, |t| Value::Text(Cow::Owned(t.to_owned()))),
            Pseudo::Unknown => Value::Missing,
        }
    }
}

/// The asked fields of such a row, decoded when they are looked at.
pub(super) struct Asked<'a, 'r> {
    pub(super) row: &'r Plain<'a, 'r>,
    pub(super) found: &'r [(usize, &'a str)],
    pub(super) wanted: &'r Wanted,
}

impl Late for Asked<'_, '_> {
    fn value(&self, slot: usize) -> Value<'_> {
        // Of a name that stands there twice, the last counts.
        if let Some((_, raw)) = self.found.iter().rfind(|(s, _)| *s == slot) {
            return value::decode(raw);
        }
        match self.wanted.pseudo_of(slot) {
            Some(Pseudo::Table) => self.row.table.map_or(Value::Missing, Value::text),
            Some(pseudo) => self.row.pseudo(pseudo),
            None => self.wanted.below(slot, self.row.entries, self.row.table.is_none()),
        }
    }

    fn raw(&self, slot: usize) -> RawText<'_> {
        match self.found.iter().rfind(|(s, _)| *s == slot) {
            Some((_, raw)) if raw.starts_with('"') => RawText::Text { raw, form: RawText::JSON },
            _ => RawText::Unknown,
        }
    }

    fn text_into(&self, slot: usize, out: &mut String) -> bool {
        if let Some((_, raw)) = self.found.iter().rfind(|(s, _)| *s == slot)
            && let Some(inner) = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'))
            && unescape::append(inner, out)
        {
            return true;
        }
        self.value(slot).into_text().is_some_and(|text| {
            out.push_str(&text);
            true
        })
    }

    fn has(&self, slot: usize) -> bool {
        match self.found.iter().rfind(|(s, _)| *s == slot) {
            Some((_, raw)) => *raw != "null",
            None => !self.wanted.below(slot, self.row.entries, false).is_missing(),
        }
    }
}

/// Names under which rows of no known product keep their time.
pub(crate) const TIMES: [&str; 12] = [
    "Timestamp",
    "TimeGenerated",
    "timestamp",
    "@timestamp",
    "time",
    "_time",
    "EventTime",
    "eventTime",
    "UtcTime",
    "ts",
    "date",
    "datetime",
];

/// Names under which they keep their host.
pub(crate) const HOSTS: [&str; 7] = ["host", "hostname", "Hostname", "Computer", "computer", "DeviceName", "host.name"];

fn first<'a>(entries: &[Entry<'a>], names: &[&str]) -> Value<'a> {
    let found = names.iter().filter_map(|n| value::find(entries, n));
    found.map(value::decode).find(|v| !v.is_missing()).unwrap_or_default()
}

/// The first of the named values that is an instant.
fn time<'a>(entries: &[Entry<'a>], names: &[&str]) -> Value<'a> {
    names
        .iter()
        .filter_map(|n| value::find(entries, n))
        .find_map(|raw| match value::decode(raw) {
            Value::Text(text) => crate::time::parse(&text),
            Value::Int(n) => Some(crate::time::epoch(n)),
            Value::Real(_) => crate::time::parse(raw),
            _ => None,
        })
        .map_or(Value::Missing, Value::Time)
}
