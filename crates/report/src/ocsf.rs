//! Findings as OCSF: Detection Finding (class 2004) of version 1.8, a JSON object a line.
//!
//! The attributes and the values of enumerations are those of the schema (`events/findings/detection_finding.json` and
//! the objects that it names); a test holds what is written to them. What the telemetry does not say is left out.

use crate::attack;
use parallax_detect::pack::{Confidence, Severity};
use parallax_detect::{Event, Finding};
use serde_json::{Map, Value as Json, json};
use std::io::Write;

/// The version of the schema.
pub const VERSION: &str = "1.8.0";

/// Writes findings, a line each.
#[derive(Clone, Debug)]
pub struct Ocsf {
    maker: Maker,
}

/// Who makes the findings, and when.
#[derive(Clone, Debug)]
pub struct Maker {
    /// The program's version.
    pub version: String,
    /// The time at which findings are made, in milliseconds since 1970.
    pub now: i64,
}

impl Ocsf {
    /// Of that maker.
    pub fn new(maker: Maker) -> Self {
        Ocsf { maker }
    }

    /// Appends one.
    pub fn write(&self, finding: &Finding, out: &mut Vec<u8>) {
        // Memory refuses nothing.
        let _ = writeln!(out, "{}", event(finding, &self.maker));
    }
}

/// A finding as an event of the schema.
pub fn event(f: &Finding, maker: &Maker) -> Json {
    let nothing = Event::default();
    let e = f.event.as_ref().unwrap_or(&nothing);
    let (first, last) = seen(f, e);
    let (severity, caption) = severity(f.severity);
    let mut all = Object::default();
    all.put("activity_id", 1).put("activity_name", "Create");
    all.put("category_uid", 2).put("category_name", "Findings");
    all.put("class_uid", 2004).put("class_name", "Detection Finding");
    all.put("type_uid", 200_401).put("type_name", "Detection Finding: Create");
    all.put("severity_id", severity).put("severity", caption);
    all.put("status_id", 1).put("status", "New");
    if let Some(confidence) = f.confidence {
        let (id, caption) = self::confidence(confidence);
        all.put("confidence_id", id).put("confidence", caption);
    }
    all.put("is_alert", true);
    all.put("time", maker.now);
    all.maybe("start_time", first).maybe("end_time", last);
    if f.count > 1 {
        all.put("count", f.count);
    }
    all.put("message", message(f, e));
    all.put("metadata", metadata(f, e, maker));
    all.put("finding_info", finding_info(f, (first, last), maker));
    let evidence = evidence(f, e);
    if !evidence.0.is_empty() {
        all.put("evidences", json!([evidence.0]));
    }
    all.maybe("device", device(e));
    let observables = observables(e);
    if !observables.is_empty() {
        all.put("observables", observables);
    }
    all.put("raw_data", f.columns_json().to_string());
    all.put("unmapped", unmapped(f, e));
    Json::Object(all.0)
}

/// An object whose missing members are left out.
#[derive(Default)]
struct Object(Map<String, Json>);

impl Object {
    fn put(&mut self, name: &str, value: impl Into<Json>) -> &mut Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    fn maybe<T: Into<Json>>(&mut self, name: &str, value: Option<T>) -> &mut Self {
        if let Some(value) = value {
            self.put(name, value);
        }
        self
    }

    fn text(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        self.maybe(name, value.filter(|v| !v.is_empty()))
    }

    /// The object, if there is anything in it.
    fn some(self) -> Option<Json> {
        (!self.0.is_empty()).then_some(Json::Object(self.0))
    }
}

/// The times of the first and the last event, in milliseconds since 1970.
fn seen(f: &Finding, e: &Event) -> (Option<i64>, Option<i64>) {
    let millis = crate::html::millis;
    match (f.window, e.time) {
        (Some((from, to)), _) => (Some(millis(from)), Some(millis(to))),
        (None, Some(time)) => (Some(millis(time)), Some(millis(time))),
        (None, None) => (None, None),
    }
}

fn severity(severity: Severity) -> (i64, &'static str) {
    match severity {
        Severity::Informational => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

fn confidence(confidence: Confidence) -> (i64, &'static str) {
    match confidence {
        Confidence::Low => (1, "Low"),
        Confidence::Medium => (2, "Medium"),
        Confidence::High => (3, "High"),
    }
}

fn message(f: &Finding, e: &Event) -> String {
    match e.command_line.as_deref().filter(|c| !c.is_empty()) {
        Some(command) => format!("{}: {command}", f.title),
        None => f.title.clone(),
    }
}

fn metadata(f: &Finding, e: &Event, maker: &Maker) -> Json {
    let mut all = Object::default();
    all.put("version", VERSION).put("uid", f.id.as_str());
    all.put("product", json!({ "name": "Parallax", "vendor_name": "Parallax", "version": maker.version }));
    all.text("log_name", e.source.as_deref());
    all.maybe("original_time", e.time.map(parallax_engine::value::datetime));
    if !f.about.tags.is_empty() {
        all.put("labels", f.about.tags.clone());
    }
    Json::Object(all.0)
}

fn finding_info(f: &Finding, (first, last): (Option<i64>, Option<i64>), maker: &Maker) -> Json {
    let about = &f.about;
    let mut analytic = Object::default();
    analytic.put("name", about.title.as_str()).put("uid", f.rule.as_str());
    analytic.put("type_id", 1).put("type", "Rule").put("category", about.kind.word());
    analytic.text("desc", Some(&about.description)).text("version", about.version.as_deref());
    let mut all = Object::default();
    all.put("uid", f.id.as_str()).put("title", f.title.as_str());
    all.text("desc", Some(&f.description));
    all.put("analytic", Json::Object(analytic.0));
    let attacks = attacks(f);
    if !attacks.is_empty() {
        all.put("attacks", attacks);
    }
    all.put("created_time", maker.now);
    all.maybe("first_seen_time", first).maybe("last_seen_time", last);
    all.text("src_url", about.references.iter().find(|r| r.starts_with("http")).map(String::as_str));
    let sources =
        if about.data_sources.is_empty() { vec![about.dialect.name().to_owned()] } else { about.data_sources.clone() };
    all.put("data_sources", sources);
    if !f.related.is_empty() {
        all.put("related_events", f.related.iter().map(|r| related(&r.rule, &r.event)).collect::<Vec<_>>());
        all.put("related_events_count", f.count);
    }
    Json::Object(all.0)
}

/// A technique, or a technique with its sub-technique. Tactics stand with the first: a rule says which it serves, not
/// which of its techniques serves which.
fn attacks(f: &Finding) -> Vec<Json> {
    let entity = |id: &str| json!({ "uid": id, "src_url": attack::technique_url(id) });
    let ids = f.attack.iter().filter(|id| attack::is_technique(id));
    let mut all: Vec<Object> = ids
        .map(|id| {
            let mut one = Object::default();
            one.put("technique", entity(id.split('.').next().unwrap_or(id)));
            if id.contains('.') {
                one.put("sub_technique", entity(id));
            }
            one
        })
        .collect();
    if !f.tactics.is_empty() {
        if all.is_empty() {
            all.push(Object::default());
        }
        let tactics: Vec<Json> = f.tactics.iter().map(|t| json!({ "name": t })).collect();
        all[0].put("tactic", tactics[0].clone()).put("tactics", tactics);
    }
    all.into_iter().map(|a| Json::Object(a.0)).collect()
}

/// An event that was put together with others.
fn related(rule: &str, e: &Event) -> Json {
    let mut all = Object::default();
    let record = e.record.map_or_else(String::new, |r| format!("@{r}"));
    all.put("uid", format!("{}{record}", e.source.as_deref().unwrap_or("unknown")));
    all.put("type", "event").put("title", rule);
    all.text("desc", e.command_line.as_deref().or(e.image.as_deref()));
    all.maybe("first_seen_time", e.time.map(crate::html::millis));
    Json::Object(all.0)
}

/// The process, the user and the machine.
fn evidence(f: &Finding, e: &Event) -> Object {
    let mut all = Object::default();
    all.maybe("process", process(e));
    if e.process_id.is_none() {
        all.maybe("file", e.image.as_deref().and_then(file));
    }
    let user = e.user.as_deref().and_then(user);
    all.maybe("actor", user.map(|user| json!({ "user": user })));
    all.maybe("device", device(e));
    if let (false, Json::Object(columns)) = (f.columns.is_empty(), f.columns_json()) {
        all.put("data", Json::Object(columns));
    }
    all
}

/// A process has an id in this schema; of one that has none, its file is told.
fn process(e: &Event) -> Option<Json> {
    let mut all = Object::default();
    all.put("pid", e.process_id?);
    all.text("cmd_line", e.command_line.as_deref());
    if let Some(image) = e.image.as_deref().filter(|i| !i.is_empty()) {
        all.put("name", base(image)).put("path", image);
        all.maybe("file", file(image));
    }
    let mut parent = Object::default();
    parent.text("path", e.parent_image.as_deref()).text("name", e.parent_image.as_deref().map(base));
    parent.text("cmd_line", e.parent_command_line.as_deref());
    all.maybe("ancestry", parent.some().map(|p| json!([p])));
    all.maybe("user", e.user.as_deref().and_then(user));
    Some(Json::Object(all.0))
}

fn file(path: &str) -> Option<Json> {
    // Whether it is executable, the event does not say.
    (!base(path).is_empty()).then(|| json!({ "name": base(path), "path": path, "type_id": 1, "type": "Regular File" }))
}

fn base(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// `DOMAIN\name`, or a name.
fn user(name: &str) -> Option<Json> {
    let (domain, name) = name.rsplit_once('\\').map_or((None, name), |(d, n)| (Some(d), n));
    let mut all = Object::default();
    all.text("name", Some(name));
    if all.0.is_empty() {
        return None;
    }
    all.text("domain", domain);
    all.some()
}

fn device(e: &Event) -> Option<Json> {
    let host = e.host.as_deref().filter(|h| !h.is_empty())?;
    Some(json!({ "hostname": host, "type_id": 0, "type": "Unknown" }))
}

fn observables(e: &Event) -> Vec<Json> {
    let user = e.user.as_deref().map(|u| u.rsplit('\\').next().unwrap_or(u).to_owned());
    let process = e.process_id.is_some();
    let of = |yes: bool, value: Option<&str>| value.filter(|v| yes && !v.is_empty()).map(str::to_owned);
    let all = [
        ("evidences[0].device.hostname", 1, "Hostname", of(true, e.host.as_deref())),
        ("evidences[0].actor.user.name", 4, "User Name", of(true, user.as_deref())),
        ("evidences[0].process.name", 9, "Process Name", of(process, e.image.as_deref().map(base))),
        ("evidences[0].process.cmd_line", 13, "Command Line", of(process, e.command_line.as_deref())),
        ("evidences[0].process.pid", 15, "Process ID", e.process_id.map(|id| id.to_string())),
        ("evidences[0].process.path", 45, "File Path", of(process, e.image.as_deref())),
        ("evidences[0].file.path", 45, "File Path", of(!process, e.image.as_deref())),
    ];
    let one = |(name, id, caption, value): (&str, i64, &str, Option<String>)| {
        value.map(|value| json!({ "name": name, "type_id": id, "type": caption, "value": value }))
    };
    all.into_iter().filter_map(one).collect()
}

/// What the schema has no place for.
fn unmapped(f: &Finding, e: &Event) -> Json {
    let mut all = Object::default();
    all.put("rule", f.rule.as_str());
    all.maybe("record", e.record);
    for (name, list) in [("reasons", f.reasons_json()), ("entities", f.entities_json()), ("details", f.details_json())]
    {
        if list.as_array().is_some_and(|l| !l.is_empty()) || list.as_object().is_some_and(|o| !o.is_empty()) {
            all.put(name, list);
        }
    }
    Json::Object(all.0)
}
