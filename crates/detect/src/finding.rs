//! A row of a detection as a person or an alert queue needs it.

use crate::pack::{Confidence, Detection, Pack, Severity};
use arrow::record_batch::RecordBatch;
use parallax_engine::value::{Value, datetime, value};
use parallax_engine::{Encoding, Output, PROVENANCE};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

/// Something that a detection found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// A hash of the rule and the event: the same event found again by the same rule has the same id.
    pub id: String,
    /// `pack/detection`.
    pub rule: String,
    /// The detection's title.
    pub title: String,
    /// How bad it is, if it is true.
    pub severity: Severity,
    /// How likely it is true.
    pub confidence: Confidence,
    /// ATT&CK technique ids.
    pub attack: Vec<String>,
    /// The event behind the row; `None` where the row stands for many.
    pub event: Option<Event>,
    /// What the query publishes: name, text, JSON.
    pub columns: Vec<(String, String, Json)>,
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

/// The finding in a row. Made one by one: rows can be wide and many.
pub(crate) fn finding(
    pack: &Pack,
    detection: &Detection,
    outputs: &[Output],
    provenance: bool,
    batch: &RecordBatch,
    row: usize,
) -> Finding {
    let rule = format!("{}/{}", pack.id, detection.id);
    let columns: Vec<_> = outputs
        .iter()
        .zip(batch.columns())
        .map(|(output, column)| {
            let v = value(output, column, row);
            (output.name.clone(), v.text().unwrap_or_default().into_owned(), v.json())
        })
        .collect();
    let event = provenance.then(|| event(batch, outputs.len(), row));
    Finding {
        id: id(&rule, event.as_ref(), &columns),
        rule,
        title: detection.title.clone(),
        severity: detection.severity,
        confidence: detection.confidence,
        attack: detection.attack.clone(),
        event,
        columns,
    }
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
fn id(rule: &str, event: Option<&Event>, columns: &[(String, String, Json)]) -> String {
    let mut hash = Sha256::new();
    let mut put = |part: Option<&str>| {
        // Lengths keep neighbours apart, and a missing part from an empty one.
        let part = part.map(str::as_bytes);
        hash.update(part.map_or(u64::MAX, |p| p.len() as u64).to_le_bytes());
        hash.update(part.unwrap_or_default());
    };
    put(Some(rule));
    match event {
        Some(e) => {
            put(e.time.map(datetime).as_deref());
            put(e.host.as_deref());
            put(e.process_id.map(|n| n.to_string()).as_deref());
            put(e.image.as_deref());
            put(e.command_line.as_deref());
            if e.time.is_none() {
                put(e.source.as_deref());
                put(e.record.map(|n| n.to_string()).as_deref());
            }
        }
        None => columns.iter().for_each(|(name, text, _)| {
            put(Some(name));
            put(Some(text));
        }),
    }
    hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
}

impl Finding {
    /// As one JSON object.
    pub fn json(&self) -> Json {
        let text = |t: &Option<String>| t.clone().map_or(Json::Null, Json::from);
        let e = self.event.clone().unwrap_or_default();
        let columns: Map<String, Json> = self.columns.iter().map(|(n, _, v)| (n.clone(), v.clone())).collect();
        serde_json::json!({
            "id": self.id,
            "rule": self.rule,
            "title": self.title,
            "severity": self.severity.word(),
            "confidence": self.confidence.word(),
            "attack": self.attack,
            "time": text(&e.time.map(datetime)),
            "host": text(&e.host),
            "user": text(&e.user),
            "process_id": e.process_id,
            "image": text(&e.image),
            "command_line": text(&e.command_line),
            "parent_image": text(&e.parent_image),
            "parent_command_line": text(&e.parent_command_line),
            "source": text(&e.source),
            "record": e.record,
            "columns": columns,
        })
    }
}
