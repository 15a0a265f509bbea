//! The alerts of a run of an analytics rule.
//!
//! Documented: an alert of several rows takes the values of its texts from the first of them; a text with a column that
//! has no value is the rule's own, as are a severity and tactics that are none (“Customize alert details”). Of more rows
//! than a run may have alerts, the last alert is of all.

use crate::finding::{Entity, Event, Finding, Hash, RELATED, Related};
use crate::pack::Severity;
use crate::source::{About, Analytics, tactic};
use parallax_engine::value::ticks_of_nanos;
use serde_json::Value as Json;
use std::sync::Arc;

/// The most entities of an alert, and the most values of a detail (documented: 500 and 20; of values more are kept).
const ENTITIES: usize = 500;
const VALUES: usize = 100;

/// The rows of a run, on their way to alerts.
pub(crate) struct Alerts<'a> {
    about: &'a Arc<About>,
    rule: &'a Analytics,
    window: (i64, i64),
    rows: u64,
    /// Alerts of single rows.
    singles: Vec<Finding>,
    /// The alert of all rows.
    whole: Option<Finding>,
    last: Option<i64>,
    hash: Hash,
}

impl<'a> Alerts<'a> {
    pub(crate) fn new(about: &'a Arc<About>, rule: &'a Analytics, (after, at): (i64, i64)) -> Self {
        let mut hash = Hash::default();
        hash.put(Some(&about.name));
        hash.put(Some(&at.to_string()));
        let window = (ticks_of_nanos(after), ticks_of_nanos(at));
        Alerts { about, rule, window, rows: 0, singles: Vec::new(), whole: None, last: None, hash }
    }

    /// Takes in a row.
    pub(crate) fn row(&mut self, row: Finding) {
        self.rows += 1;
        self.hash.put(Some(&row.id));
        if self.rule.per_row && self.singles.len() < self.rule.most {
            self.singles.push(self.alert(row.clone()));
        }
        let entities = self.entities(&row);
        let details = self.details(&row);
        let time = row.event.as_ref().and_then(|e| e.time);
        let later = self.last.is_none_or(|last| time.is_some_and(|t| t > last));
        self.last = self.last.max(time);
        let Some(whole) = &mut self.whole else {
            let event = row.event.clone();
            let mut first = self.alert(row);
            relate(&mut first, event);
            self.whole = Some(first);
            return;
        };
        relate(whole, row.event.clone());
        if later {
            whole.event = row.event;
        }
        merge(&mut whole.columns, row.columns);
        for entity in entities {
            if whole.entities.len() < ENTITIES && !whole.entities.contains(&entity) {
                whole.entities.push(entity);
            }
        }
        for (own, more) in whole.details.iter_mut().zip(details) {
            add_value(&mut own.1, &more.1);
        }
    }

    /// The alerts, if there are any.
    pub(crate) fn finish(self) -> Vec<Finding> {
        if !self.rule.trigger.holds(self.rows) {
            return Vec::new();
        }
        let whole = self.whole.unwrap_or_else(|| Finding { count: 0, ..Finding::of(self.about) });
        let id = self.hash.finish();
        let whole = Finding { id, count: self.rows, window: Some(self.window), ..whole };
        if !self.rule.per_row || self.rows == 0 {
            return vec![whole];
        }
        let mut all = self.singles;
        if self.rows > self.rule.most as u64 {
            all.truncate(self.rule.most.saturating_sub(1));
            all.push(whole);
        }
        all
    }

    /// The alert of a row.
    fn alert(&self, row: Finding) -> Finding {
        let get = |name: &str| value(&row, name);
        let title = self.rule.name_format.as_deref().and_then(|f| filled(f, &get, 256));
        let description = self.rule.description_format.as_deref().and_then(|f| filled(f, &get, 5000));
        let severity = self.rule.severity_column.as_deref().and_then(get).and_then(severity);
        let tactics = self.rule.tactics_column.as_deref().and_then(get).map(tactics).filter(|t| !t.is_empty());
        let mut attack = None;
        let mut properties = Vec::new();
        for (name, column) in &self.rule.properties {
            match (name.as_str(), get(column)) {
                ("Techniques", Some(value)) => attack = Some(words(value)),
                (_, Some(value)) => properties.push((name.clone(), value.to_owned())),
                _ => {}
            }
        }
        let mut hash = Hash::default();
        hash.put(Some(&row.id));
        hash.put(Some(&self.window.1.to_string()));
        let mut details = self.details(&row);
        details.extend(properties);
        Finding {
            id: hash.finish(),
            title: title.unwrap_or_else(|| row.title.clone()),
            description: description.unwrap_or_else(|| row.description.clone()),
            severity: severity.unwrap_or(row.severity),
            tactics: tactics.unwrap_or_else(|| row.tactics.clone()),
            attack: attack.filter(|a| !a.is_empty()).unwrap_or_else(|| row.attack.clone()),
            entities: self.entities(&row),
            details,
            window: Some(self.window),
            ..row
        }
    }

    fn details(&self, row: &Finding) -> Vec<(String, String)> {
        let details = self.rule.details.iter();
        details.map(|(name, column)| (name.clone(), value(row, column).unwrap_or_default().to_owned())).collect()
    }

    fn entities(&self, row: &Finding) -> Vec<Entity> {
        let mut all = Vec::new();
        for (kind, mapped) in &self.rule.entities {
            let fields = mapped.iter().filter_map(|(id, column)| Some((id.clone(), value(row, column)?.to_owned())));
            let fields: Vec<_> = fields.collect();
            let entity = Entity { kind: kind.clone(), fields };
            if !entity.fields.is_empty() && !all.contains(&entity) {
                all.push(entity);
            }
        }
        for column in &self.rule.entity_columns {
            all.extend(value(row, column).map(given).unwrap_or_default());
        }
        all
    }
}

/// A column's value, if there is one.
fn value<'f>(row: &'f Finding, name: &str) -> Option<&'f str> {
    let exact = row.columns.iter().find(|(n, ..)| n == name);
    let found = exact.or_else(|| row.columns.iter().find(|(n, ..)| n.eq_ignore_ascii_case(name)));
    found.map(|(_, text, _)| text.as_str()).filter(|t| !t.is_empty())
}

/// The text with the values of `{{Column}}`; nothing where one has none.
fn filled<'f>(format: &str, get: &dyn Fn(&str) -> Option<&'f str>, most: usize) -> Option<String> {
    let mut out = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}")?;
        out.push_str(before);
        out.push_str(get(name.trim())?);
        rest = after;
    }
    out.push_str(rest);
    Some(out.chars().take(most).collect())
}

fn severity(text: &str) -> Option<Severity> {
    Severity::from_word(&text.to_ascii_lowercase()).filter(|s| *s != Severity::Critical)
}

fn tactics(text: &str) -> Vec<String> {
    words(text).into_iter().filter_map(|t| tactic(&t)).collect()
}

/// A JSON array's texts, or what stands between commas.
fn words(text: &str) -> Vec<String> {
    match serde_json::from_str::<Json>(text) {
        Ok(Json::Array(all)) => all.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => text.split(',').map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned).collect(),
    }
}

/// Entities as a column holds them: JSON objects with a `Type`.
fn given(text: &str) -> Vec<Entity> {
    let all = match serde_json::from_str::<Json>(text) {
        Ok(Json::Array(all)) => all,
        Ok(one @ Json::Object(_)) => vec![one],
        _ => return Vec::new(),
    };
    let entity = |one: &Json| {
        let map = one.as_object()?;
        let kind = map.get("Type").or_else(|| map.get("type"))?.as_str()?.to_owned();
        let text = |v: &Json| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        let fields = map.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("type") && !name.starts_with('$'));
        Some(Entity { kind, fields: fields.map(|(name, v)| (name.clone(), text(v))).collect() })
    };
    all.iter().filter_map(entity).collect()
}

fn relate(whole: &mut Finding, event: Option<Event>) {
    if let Some(event) = event.filter(|_| whole.related.len() < RELATED) {
        whole.related.push(Related { rule: whole.rule.clone(), event });
    }
}

/// Columns whose values differ between rows hold all of them, up to some.
fn merge(columns: &mut [(String, String, Json)], more: Vec<(String, String, Json)>) {
    for (own, (_, text, json)) in columns.iter_mut().zip(more) {
        if own.1 == text {
            continue;
        }
        if !matches!(&own.2, Json::Array(all) if own.1 == joined(all)) {
            own.2 = Json::Array(vec![own.2.clone()]);
        }
        if let Json::Array(all) = &mut own.2
            && all.len() < VALUES
            && !all.contains(&json)
        {
            all.push(json);
            own.1 = joined(all);
        }
    }
}

fn joined(all: &[Json]) -> String {
    let text = |v: &Json| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    all.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn add_value(own: &mut String, more: &str) {
    if more.is_empty() || own.split(", ").any(|v| v == more) || own.split(", ").count() >= VALUES {
        return;
    }
    if !own.is_empty() {
        own.push_str(", ");
    }
    own.push_str(more);
}
