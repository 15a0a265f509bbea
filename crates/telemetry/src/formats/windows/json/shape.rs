//! Which collector's shape a JSON object has.

use crate::formats::json::{Members, Unusual};
use std::borrow::Cow;

/// A shape of a Windows event in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// `{"Event":{"System":{…},"EventData":{…}}}`, attributes under `#attributes`, `X_attributes` or `@Name`
    /// (evtx_dump, Velociraptor, XML-to-JSON converters).
    EvtxDump,
    /// `{"winlog":{"event_id":1,"event_data":{…}}}`, nested or with dotted names.
    Winlogbeat7,
    /// `{"event_id":1,"log_name":…,"event_data":{…}}`, nested, dotted, or with the data beside them (Logstash).
    Winlogbeat6,
    /// `{"EventID":1,"Provider":…,"EventData":…}`, where the data is an object or a text of JSON or XML (Sentinel's
    /// `WindowsEvent` and `Event`, Sumo's JSON).
    EventData,
    /// A row of Sentinel's `SecurityEvent`.
    SecurityEvent,
    /// Everything beside each other (NXLog and what Logstash makes of it).
    Flat,
    /// `{"win":{"system":{…},"eventdata":{…}}}`, alone or under `data`, in camelCase.
    Wazuh,
    /// An event as a text within JSON: its XML (Sentinel's `Syslog` rows of Sysmon for Linux, Splunk's `_raw`), or WMI's
    /// `instance of Win32_NTLogEvent` (messages of Sumo's legacy Windows source).
    Inner,
}

/// What the names at the top of an object say.
#[derive(Clone, Default)]
pub(super) struct Seen {
    event_id: bool,
    event_data: bool,
    channel: bool,
    provider: bool,
    security_row: bool,
    beat_id: bool,
    beat_source: bool,
    beat_data: bool,
    system: bool,
    event_table: bool,
}

impl Shape {
    /// The shape of a JSON object; `None` where it is no Windows event or no JSON object.
    ///
    /// Looks at names, and at no more values than it must.
    pub fn of(line: &str) -> Option<Shape> {
        Self::at_depth(line, 0)
    }

    fn at_depth(line: &str, depth: u8) -> Option<Shape> {
        let mut seen = Seen::default();
        for entry in sonic_rs::to_object_iter(line) {
            let (key, value) = entry.ok()?;
            if let Some(shape) = seen.take(&key, &value.as_raw_cow(), depth) {
                return Some(shape);
            }
        }
        seen.shape()
    }

    /// The same of an object whose entries were found already.
    pub fn of_entries(entries: &[(Cow<'_, str>, &str)]) -> Option<Shape> {
        let mut seen = Seen::default();
        entries.iter().find_map(|(key, value)| seen.take(key, value, 0)).or_else(|| seen.shape())
    }
}

impl Seen {
    /// Takes one name; a shape, where that alone decides.
    pub(super) fn take(&mut self, key: &str, value: &str, depth: u8) -> Option<Shape> {
        let dot = key.bytes().position(|b| b == b'.');
        let first = dot.map_or(key, |at| &key[..at]);
        let dotted = key.len() > first.len();
        match first {
            "winlog" => return Some(Shape::Winlogbeat7),
            "win" if dotted || has(value, "system") => return Some(Shape::Wazuh),
            "data" if key.starts_with("data.win.") || (!dotted && has(value, "win")) => return Some(Shape::Wazuh),
            "Event" if dotted || has(value, "System") => return Some(Shape::EvtxDump),
            "System" if dotted || value.starts_with('{') => self.system = true,
            "EventID" | "EventId" | "EventCode" => self.event_id |= is_id(value),
            // NXLog writes an empty one beside everything else.
            "EventData" | "UserData" | "EventData_dynamic" => self.event_data |= value != "null",
            "Channel" => self.channel = true,
            "SourceName" | "ProviderGuid" | "ProviderName" | "Provider" => self.provider = true,
            "EventSourceName" => self.security_row = true,
            "Type" if Told::SecurityRow.of(value) => self.security_row = true,
            "Source" | "EventLog" => self.event_table = true,
            "event_id" => self.beat_id |= is_id(value),
            "log_name" | "source_name" => self.beat_source = true,
            "event_data" => self.beat_data = true,
            "SyslogMessage" | "_raw" | "message" | "Message" | "event" | "raw" if is_event(value) => {
                return Some(Shape::Inner);
            }
            // Envelopes of Elasticsearch and Splunk.
            "_source" | "result" if depth == 0 && value.starts_with('{') => {
                return Shape::at_depth(value, 1);
            }
            _ => {}
        }
        None
    }

    pub(super) fn shape(&self) -> Option<Shape> {
        Some(if self.system {
            Shape::EvtxDump
        } else if self.event_id && self.security_row {
            Shape::SecurityEvent
        } else if self.event_id && self.event_data && (self.channel || self.provider || self.event_table) {
            Shape::EventData
        } else if self.event_id && (self.channel || self.provider) {
            Shape::Flat
        } else if self.beat_id && (self.beat_source || self.beat_data) {
            Shape::Winlogbeat6
        } else {
            return None;
        })
    }
}

/// What of a value decides what [`Seen::take`] makes of it, besides what kind of value it is and which names it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Whether it is an event's number.
    Id,
    /// Whether it is the name of Sentinel's table.
    SecurityRow,
    /// Whether there is an event in it.
    Event,
    /// Everything in it.
    Within,
}

impl Told {
    /// What it says of a value.
    pub(super) fn of(self, value: &str) -> bool {
        match self {
            Told::Id => is_id(value),
            Told::SecurityRow => value == "\"SecurityEvent\"",
            Told::Event => is_event(value),
            Told::Within => false,
        }
    }
}

/// What of the value of a name decides.
pub(super) fn told(key: &str) -> Option<Told> {
    Some(match key.split('.').next().unwrap_or(key) {
        "EventID" | "EventId" | "EventCode" | "event_id" => Told::Id,
        "Type" => Told::SecurityRow,
        "SyslogMessage" | "_raw" | "message" | "Message" | "event" | "raw" => Told::Event,
        "_source" | "result" => Told::Within,
        _ => return None,
    })
}

/// Whether what [`Seen::take`] makes of a name depends on its value, or ends the search.
pub(super) fn depends_on_value(key: &str) -> bool {
    let first = key.split('.').next().unwrap_or(key);
    let alone = [
        "winlog",
        "win",
        "data",
        "Event",
        "System",
        "EventID",
        "EventId",
        "EventCode",
        "EventData",
        "UserData",
        "EventData_dynamic",
        "Type",
        "event_id",
        "SyslogMessage",
        "_raw",
        "message",
        "Message",
        "event",
        "raw",
        "_source",
        "result",
    ];
    alone.contains(&first)
}

fn has(value: &str, name: &str) -> bool {
    let Ok(mut members) = Members::new(value) else { return false };
    loop {
        match members.next() {
            Ok(Some((known, _))) if known == name => return true,
            Ok(Some(_)) => {}
            Ok(None) => return false,
            Err(Unusual) => return sonic_rs::get(value, &[name]).is_ok(),
        }
    }
}

/// Whether the value is a number, a text of digits, or evtx_dump's object around one.
fn is_id(value: &str) -> bool {
    let digits = value.trim_matches('"');
    value.starts_with('{') || (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether the value is a text with an event in it.
fn is_event(value: &str) -> bool {
    if memchr::memmem::find(value.as_bytes(), super::super::nt_log_event::BEGIN.as_bytes()).is_some() {
        return true;
    }
    memchr::memmem::find(value.as_bytes(), b"<Event")
        .is_some_and(|i| matches!(value.as_bytes().get(i + 6), Some(b'>' | b' ' | b'\\')))
}
