//! Findings for people.

use crate::output::text::{safe, width};
use parallax_detect::{Event, Finding};
use parallax_engine::value::datetime;
use std::io::{self, Write};

/// A finding for people.
pub(super) fn block(f: &Finding, out: &mut dyn Write) -> io::Result<()> {
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
