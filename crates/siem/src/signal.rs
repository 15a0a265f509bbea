//! Signals.

use crate::entity::Entity;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A record by which a rule fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRef {
    /// When, in nanoseconds since the Unix epoch.
    pub time: Option<i64>,
    /// The input.
    pub source: Arc<str>,
    /// Where it stands there.
    pub record: i64,
}

/// A rule that fired on an entity.
#[derive(Clone, Debug)]
pub struct Signal {
    /// The same for the same rule, entity and records.
    pub id: String,
    /// The rule's id.
    pub rule: String,
    /// What kind of rule it is.
    pub kind: &'static str,
    /// Its name, by which Signals are the same.
    pub name: String,
    /// In a line.
    pub summary: String,
    /// In more.
    pub description: String,
    /// What it is about.
    pub entity: Entity,
    /// 1 to 10.
    pub severity: u8,
    /// The rule's tags.
    pub tags: Vec<String>,
    /// When: the time of the latest of its records, in nanoseconds since the Unix epoch.
    pub time: Option<i64>,
    /// Whether it counts for nothing.
    pub prototype: bool,
    /// The Signal of the same name on the same entity that made this one redundant.
    pub suppressed_by: Option<String>,
    /// How many records made the rule fire.
    pub count: u64,
    /// Those of them that are kept: the latest.
    pub records: Vec<RecordRef>,
}

impl Signal {
    /// An id that depends on nothing but what happened.
    pub(crate) fn identify(rule: &str, entity: &Entity, name: &str, records: &[RecordRef]) -> String {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        [rule, &entity.kind, &entity.value, name].into_iter().for_each(&mut part);
        for record in records {
            part(&record.source);
            part(&record.record.to_string());
        }
        hash.finalize().iter().take(10).map(|b| format!("{b:02x}")).collect()
    }

    /// As JSON; times are nanoseconds since the Unix epoch, as `show` writes them.
    pub fn json(&self, show: &dyn Fn(i64) -> String) -> Value {
        let time = |t: Option<i64>| t.map_or(Value::Null, |t| Value::String(show(t)));
        let records: Vec<Value> = self
            .records
            .iter()
            .map(|r| json!({ "time": time(r.time), "source": &*r.source, "record": r.record }))
            .collect();
        json!({
            "id": self.id,
            "rule": self.rule,
            "kind": self.kind,
            "name": self.name,
            "summary": self.summary,
            "description": self.description,
            "entity": { "type": self.entity.kind, "value": self.entity.value },
            "severity": self.severity,
            "tags": self.tags,
            "time": time(self.time),
            "prototype": self.prototype,
            "suppressedBy": self.suppressed_by,
            "recordCount": self.count,
            "records": records,
        })
    }
}
