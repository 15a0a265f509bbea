//! A row of a detection as a person or an alert queue needs it.

use crate::pack::{Confidence, Severity};
use crate::source::About;
use arrow::record_batch::RecordBatch;
use parallax_engine::value::{Value, datetime, value};
use parallax_engine::{Encoding, Output, PROVENANCE};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Something that a detection found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// A hash of the rule and the event: the same event found again by the same rule has the same id.
    pub id: String,
    /// The rule's name, [`About::name`].
    pub rule: String,
    /// What people say of the rule, and its text.
    pub about: Arc<About>,
    /// A title; the rule's, unless the rule makes one of the row.
    pub title: String,
    /// A paragraph, likewise.
    pub description: String,
    /// How bad it is, if it is true; the rule's, unless the row says otherwise.
    pub severity: Severity,
    /// How likely it is true, where somebody said.
    pub confidence: Option<Confidence>,
    /// ATT&CK technique ids.
    pub attack: Vec<String>,
    /// ATT&CK tactics, as the rule spells them.
    pub tactics: Vec<String>,
    /// The event behind the row; `None` where the row stands for many.
    pub event: Option<Event>,
    /// What the query publishes, or the fields that the rule shows: name, text, JSON.
    pub columns: Vec<(String, String, Json)>,
    /// Why a Sigma rule matched.
    pub reasons: Vec<Reason>,
    /// Whom and what it is about, where the rule says which columns tell.
    pub entities: Vec<Entity>,
    /// Values that the rule wants to be seen with the alert: name and text.
    pub details: Vec<(String, String)>,
    /// The events that were put together, the first in time first; no more than [`RELATED`].
    pub related: Vec<Related>,
    /// How many there are: events of a correlation, rows of an alert; 1 for a single event.
    pub count: u64,
    /// The time that was looked at (ticks), where the finding is of a span of time.
    pub window: Option<(i64, i64)>,
}

/// The most events that a finding lists.
pub const RELATED: usize = 100;

/// A part of a rule that holds, and by which text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The test, as the rule has it.
    pub what: String,
    /// The field; empty for a keyword.
    pub field: String,
    /// The field's value in the event.
    pub value: String,
    /// The bytes of the value that the test is about; none where it is all of it.
    pub hits: Vec<(usize, usize)>,
}

/// A person, machine or thing that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// `Account`, `Host`, `Process`, …
    pub kind: String,
    /// Identifiers and their values.
    pub fields: Vec<(String, String)>,
}

/// An event that was put together with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// The name of the rule that it matched.
    pub rule: String,
    /// The event.
    pub event: Event,
}

/// The recorded event behind a finding. What the source does not say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The file.
    pub source: Option<String>,
    /// Where in it.
    pub record: Option<i64>,
    /// When it happened: ticks of 100 ns since 0001-01-01T00:00:00Z.
    pub time: Option<i64>,
    /// On which machine.
    pub host: Option<String>,
    /// As whom.
    pub user: Option<String>,
    /// The process id.
    pub process_id: Option<i64>,
    /// The program.
    pub image: Option<String>,
    /// Its command line.
    pub command_line: Option<String>,
    /// The program that started it.
    pub parent_image: Option<String>,
    /// That one's command line.
    pub parent_command_line: Option<String>,
}

impl Finding {
    /// A finding of that rule with nothing in it yet.
    pub fn of(about: &Arc<About>) -> Self {
        Finding {
            id: String::new(),
            rule: about.name.clone(),
            about: about.clone(),
            title: about.title.clone(),
            description: about.description.clone(),
            severity: about.severity,
            confidence: about.confidence,
            attack: about.attack.clone(),
            tactics: about.tactics.clone(),
            event: None,
            columns: Vec::new(),
            reasons: Vec::new(),
            entities: Vec::new(),
            details: Vec::new(),
            related: Vec::new(),
            count: 1,
            window: None,
        }
    }

    /// The same with its id.
    pub(crate) fn identified(mut self) -> Self {
        self.identify();
        self
    }

    /// Gives it its id: of the rule and the event, or of the rule and the columns.
    pub(crate) fn identify(&mut self) {
        self.id = id(&self.rule, self.event.as_ref(), &self.columns);
    }

    /// Its bytes, about, with what it has of its rule; not for what is put together of many events.
    pub(crate) fn size(&self) -> usize {
        let about = self.title.len() + self.description.len() + 64 * (self.attack.len() + self.tactics.len());
        let columns: usize = self.columns.iter().map(|(name, text, _)| name.len() + 2 * text.len() + 128).sum();
        let reasons: usize = self.reasons.iter().map(|r| r.what.len() + r.field.len() + r.value.len() + 128).sum();
        let event = self.event.as_ref().map_or(0, Event::size);
        size_of::<Self>() + about + columns + reasons + event
    }
}

/// The finding in a row. Made one by one: rows can be wide and many.
pub(crate) fn finding(
    about: &Arc<About>,
    outputs: &[Output],
    provenance: bool,
    batch: &RecordBatch,
    row: usize,
) -> Finding {
    let columns = outputs
        .iter()
        .zip(batch.columns())
        .map(|(output, column)| {
            let v = value(output, column, row);
            (output.name.clone(), v.text().unwrap_or_default().into_owned(), v.json())
        })
        .collect();
    let event = provenance.then(|| event(batch, outputs.len(), row));
    Finding { event, columns, ..Finding::of(about) }.identified()
}

fn event(batch: &RecordBatch, visible: usize, row: usize) -> Event {
    let plain = Output { name: String::new(), type_name: "", encoding: Encoding::Plain };
    let get = |name: &str| {
        let place = PROVENANCE.iter().position(|p| p.name == name)?;
        let column = batch.columns().get(visible + place)?;
        match value(&plain, column, row) {
            Value::Null => None,
            v => Some(v),
        }
    };
    let text = |name| get(name).and_then(|v| v.text().map(|t| t.into_owned())).filter(|t| !t.is_empty());
    let number = |name| match get(name) {
        Some(Value::Long(n)) => Some(n),
        _ => None,
    };
    let time = match get("$time") {
        // A language may carry instants as its own ticks.
        Some(Value::DateTime(t) | Value::Long(t)) => Some(t),
        _ => None,
    };
    Event {
        source: text("$source"),
        record: number("$record"),
        time,
        host: text("$host"),
        user: text("$user"),
        process_id: number("$process_id"),
        image: text("$image"),
        command_line: text("$command_line"),
        parent_image: text("$parent_image"),
        parent_command_line: text("$parent_command_line"),
    }
}

/// The hash. An event with a time is itself wherever its file lies; one without is the one at its place in its file.
pub(crate) fn id(rule: &str, event: Option<&Event>, columns: &[(String, String, Json)]) -> String {
    let mut hash = Hash::default();
    hash.put(Some(rule));
    match event {
        Some(e) => hash.event(e),
        None => columns.iter().for_each(|(name, text, _)| {
            hash.put(Some(name));
            hash.put(Some(text));
        }),
    }
    hash.finish()
}

/// What ids are made of.
#[derive(Default)]
pub(crate) struct Hash(Sha256);

impl Hash {
    /// Lengths keep neighbours apart, and a missing part from an empty one.
    pub(crate) fn put(&mut self, part: Option<&str>) {
        let part = part.map(str::as_bytes);
        self.0.update(part.map_or(u64::MAX, |p| p.len() as u64).to_le_bytes());
        self.0.update(part.unwrap_or_default());
    }

    /// What makes an event itself.
    pub(crate) fn event(&mut self, e: &Event) {
        self.put(e.time.map(datetime).as_deref());
        self.put(e.host.as_deref());
        self.put(e.process_id.map(|n| n.to_string()).as_deref());
        self.put(e.image.as_deref());
        self.put(e.command_line.as_deref());
        if e.time.is_none() {
            self.put(e.source.as_deref());
            self.put(e.record.map(|n| n.to_string()).as_deref());
        }
    }

    pub(crate) fn finish(self) -> String {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let bytes = self.0.finalize();
        let digits = bytes.iter().take(16).flat_map(|b| [HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]);
        digits.map(char::from).collect()
    }
}

impl Event {
    /// The bytes of its texts.
    fn size(&self) -> usize {
        let texts = [&self.source, &self.host, &self.user, &self.image, &self.command_line];
        let all = texts.into_iter().chain([&self.parent_image, &self.parent_command_line]);
        all.flatten().map(|text| text.len() + 16).sum()
    }

    /// As one JSON object.
    pub fn json(&self) -> Json {
        let text = |t: &Option<String>| t.clone().map_or(Json::Null, Json::from);
        serde_json::json!({
            "time": text(&self.time.map(datetime)),
            "host": text(&self.host),
            "user": text(&self.user),
            "process_id": self.process_id,
            "image": text(&self.image),
            "command_line": text(&self.command_line),
            "parent_image": text(&self.parent_image),
            "parent_command_line": text(&self.parent_command_line),
            "source": text(&self.source),
            "record": self.record,
        })
    }
}

impl Finding {
    /// What the query publishes, as one JSON object.
    pub fn columns_json(&self) -> Json {
        Json::Object(self.columns.iter().map(|(n, _, v)| (n.clone(), v.clone())).collect())
    }

    /// Why it matched, as the text of a JSON array.
    pub fn reasons_text(&self) -> String {
        serde_json::to_string(&self.reasons).unwrap_or_default()
    }

    /// Why it matched, as a JSON array.
    pub fn reasons_json(&self) -> Json {
        serde_json::to_value(&self.reasons).unwrap_or_default()
    }

    /// Whom and what it is about, as a JSON array.
    pub fn entities_json(&self) -> Json {
        let one = |e: &Entity| {
            let fields: Map<String, Json> =
                e.fields.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect();
            serde_json::json!({ "kind": e.kind, "fields": fields })
        };
        self.entities.iter().map(one).collect()
    }

    /// What the rule wants to be seen, as one JSON object.
    pub fn details_json(&self) -> Json {
        Json::Object(self.details.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect())
    }

    /// The events that were put together, as a JSON array.
    pub fn related_json(&self) -> Json {
        let one = |r: &Related| serde_json::json!({ "rule": r.rule, "event": r.event.json() });
        self.related.iter().map(one).collect()
    }

    /// As one JSON object.
    pub fn json(&self) -> Json {
        let mut all = Map::new();
        let about = &self.about;
        let mut put = |name: &str, value: Json| all.insert(name.to_owned(), value);
        put("id", self.id.clone().into());
        put("rule", self.rule.clone().into());
        put("title", self.title.clone().into());
        put("kind", about.kind.word().into());
        put("severity", self.severity.word().into());
        put("confidence", self.confidence.map_or(Json::Null, |c| c.word().into()));
        put("attack", self.attack.clone().into());
        put("tactics", self.tactics.clone().into());
        put("status", about.status.clone().into());
        put("tags", about.tags.clone().into());
        put("description", self.description.clone().into());
        put("references", about.references.clone().into());
        if let Json::Object(event) = self.event.clone().unwrap_or_default().json() {
            event.into_iter().for_each(|(name, value)| _ = all.insert(name, value));
        }
        let mut put = |name: &str, value: Json| all.insert(name.to_owned(), value);
        put("columns", self.columns_json());
        put("reasons", self.reasons_json());
        put("entities", self.entities_json());
        put("details", self.details_json());
        put("related", self.related_json());
        put("count", self.count.into());
        put("window", self.window.map(|(from, to)| vec![datetime(from), datetime(to)]).into());
        Json::Object(all)
    }
}
