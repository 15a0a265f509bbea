//! Findings, as they come.

use crate::args::{FindingFormat, Format};
use crate::output::text::{safe, width};
use crate::output::{Column, Rows, to_stdout};
use crate::policy;
use crate::say;
use parallax_detect::{Event, Finding};
use parallax_engine::value::{Value, datetime};
use parallax_report::navigator::Layer;
use parallax_report::ocsf::{Maker, Ocsf};
use parallax_report::sarif;
use std::borrow::Cow;
use std::io::{self, Write, stdout};

/// Writes findings as they come.
pub(super) enum Writer {
    Blocks(io::BufWriter<io::Stdout>),
    Rows(Box<dyn Rows>),
    Ocsf(Ocsf<io::BufWriter<io::Stdout>>),
    Navigator(Layer),
    Sarif(sarif::Found),
}

impl Writer {
    pub(super) fn new(format: FindingFormat) -> io::Result<Self> {
        let rows = |format: Format| to_stdout(format, columns()).map(Writer::Rows);
        let out = || io::BufWriter::new(stdout());
        match format {
            FindingFormat::Table => Ok(Writer::Blocks(out())),
            FindingFormat::Json => rows(Format::Json),
            FindingFormat::Ndjson => rows(Format::Ndjson),
            FindingFormat::Csv => rows(Format::Csv),
            FindingFormat::Parquet => rows(Format::Parquet),
            FindingFormat::Ocsf => {
                let maker = Maker { version: VERSION.to_owned(), now: policy::wall() / 1_000_000 };
                Ok(Writer::Ocsf(Ocsf::new(out(), maker)))
            }
            FindingFormat::Navigator => Ok(Writer::Navigator(Layer::default())),
            FindingFormat::Sarif => Ok(Writer::Sarif(sarif::Found::default())),
        }
    }

    pub(super) fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        match self {
            Writer::Blocks(out) => block(finding, out),
            Writer::Rows(out) => out.row(&row(finding, &Parts::of(finding))),
            Writer::Ocsf(out) => out.finding(finding),
            Writer::Navigator(layer) => {
                layer.add(finding);
                Ok(())
            }
            Writer::Sarif(found) => {
                found.add(finding);
                Ok(())
            }
        }
    }

    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Writer::Blocks(mut out) => out.flush(),
            Writer::Rows(out) => out.finish(),
            Writer::Ocsf(out) => out.finish(),
            Writer::Navigator(layer) => {
                if layer.without() > 0 {
                    let n = say::count(layer.without(), "finding is", "findings are");
                    say::line(&format!("note: {n} not in the layer: the detection names no technique"));
                }
                print(&layer.json("Parallax", "The number of findings of each technique"))
            }
            Writer::Sarif(found) => {
                if found.left_out() > 0 {
                    let n = say::count(found.left_out(), "finding is", "findings are");
                    say::line(&format!(
                        "warning: {n} left out: a SARIF log has no more than {} results",
                        sarif::RESULTS
                    ));
                }
                print(&found.json(VERSION))
            }
        }
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn print(value: &serde_json::Value) -> io::Result<()> {
    writeln!(stdout(), "{}", serde_json::to_string_pretty(value).unwrap_or_default())
}

fn columns() -> Vec<Column> {
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
struct Parts {
    columns: String,
    reasons: String,
    entities: String,
    details: String,
    related: String,
}

impl Parts {
    fn of(f: &Finding) -> Self {
        Parts {
            columns: f.columns_json().to_string(),
            reasons: f.reasons_text(),
            entities: f.entities_json().to_string(),
            details: f.details_json().to_string(),
            related: f.related_json().to_string(),
        }
    }
}

fn row<'a>(f: &'a Finding, parts: &'a Parts) -> Vec<Value<'a>> {
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

/// A finding for people.
fn block(f: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let confidence = f.confidence.map_or_else(String::new, |c| format!(", {c} confidence"));
    let head = format!("{} [{} severity{confidence}] {}", f.rule, f.severity, f.attack.join(" "));
    writeln!(out, "{}", safe(head.trim_end()))?;
    let longest = f.columns.iter().map(|(name, ..)| width(name)).max().unwrap_or(0);
    let indent = longest.clamp("command line".len(), 32);
    let mut line = |name: &str, text: Option<String>| match text {
        Some(text) if !text.is_empty() => writeln!(out, "  {:<indent$}  {}", safe(name), safe(&text)),
        _ => Ok(()),
    };
    // What a pack calls its detection says as much as its title.
    if f.about.pack.is_none() && f.title != f.rule {
        line("title", Some(f.title.clone()))?;
    }
    if let Some((from, to)) = f.window {
        line("from", Some(datetime(from)))?;
        line("to", Some(datetime(to)))?;
    }
    if f.count > 1 {
        line("events", Some(f.count.to_string()))?;
    }
    if let Some(e) = &f.event {
        event(e, &mut line)?;
    }
    for (name, text, _) in &f.columns {
        line(name, Some(text.clone()))?;
    }
    for entity in &f.entities {
        let fields: Vec<String> = entity.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        line(&entity.kind, Some(fields.join(" ")))?;
    }
    for (name, value) in &f.details {
        line(name, Some(value.clone()))?;
    }
    for reason in &f.reasons {
        line("because", Some(reason.what.clone()))?;
    }
    const SHOWN: usize = 10;
    let related = if f.count > 1 { f.related.as_slice() } else { &[] };
    for related in related.iter().take(SHOWN) {
        let e = &related.event;
        let parts =
            [e.time.map(datetime), e.host.clone(), e.image.clone(), e.command_line.clone(), Some(related.rule.clone())];
        line("event", Some(parts.into_iter().flatten().collect::<Vec<_>>().join("  ")))?;
    }
    let more = f.count.saturating_sub(SHOWN.min(f.related.len()) as u64);
    if !f.related.is_empty() && more > 0 {
        line("", Some(format!("and {more} more")))?;
    }
    line("id", Some(f.id.clone()))?;
    writeln!(out)
}

fn event(e: &Event, line: &mut dyn FnMut(&str, Option<String>) -> io::Result<()>) -> io::Result<()> {
    line("time", e.time.map(datetime))?;
    line("host", e.host.clone())?;
    line("user", e.user.clone())?;
    let pid = e.process_id.map_or_else(String::new, |pid| format!(" (process {pid})"));
    line("image", e.image.as_ref().map(|i| format!("{i}{pid}")))?;
    line("command line", e.command_line.clone())?;
    line("parent", parent(e.parent_image.as_deref(), e.parent_command_line.as_deref()))?;
    let record = e.record.map_or_else(String::new, |r| format!(" at {r}"));
    line("source", e.source.as_ref().map(|s| format!("{s}{record}")))
}

fn parent(image: Option<&str>, command_line: Option<&str>) -> Option<String> {
    match (image, command_line) {
        (Some(image), Some(line)) => Some(format!("{image}: {line}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}
