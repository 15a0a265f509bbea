//! Syslog lines: RFC 3164 (`Oct 11 22:14:15 host app[1]: text`), RFC 5424 (`<34>1 2003-10-11T22:14:15Z host app 1 - - text`)
//! and rsyslog's file format (`2003-10-11T22:14:15+00:00 host app[1]: text`), with or without a priority.
//!
//! | field | value |
//! |---|---|
//! | `@time` | the line's time; RFC 3164 names no year, so it is missing there |
//! | `@host`, `@process`, `@process_id`, `@message` | as the line has them |
//! | `@facility`, `@severity` | by name, where the line has a priority |

use crate::event::{Event, Family, Kind, Reader, Request, Sink, Value};
use crate::input::{self, Input};
use crate::needles::{Finder, Needles};
use crate::report::Report;
use crate::time;
use std::borrow::Cow;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Reads syslog lines.
pub struct SyslogReader {
    inputs: Vec<Input>,
}

impl SyslogReader {
    /// A reader of `inputs`, one after the other.
    pub fn new(inputs: Vec<Input>) -> Self {
        SyslogReader { inputs }
    }
}

impl Reader for SyslogReader {
    fn read(&mut self, request: &Request, report: &Report, sink: &mut dyn Sink) -> io::Result<()> {
        let finder = request.needles.as_ref().and_then(Needles::finder);
        input::each(&self.inputs, report, |input, file, _| {
            read_one(input, file, request, finder.clone(), report, sink)
        });
        Ok(())
    }
}

fn read_one(
    input: &Input,
    file: u32,
    request: &Request,
    finder: Option<Arc<Finder>>,
    report: &Report,
    sink: &mut dyn Sink,
) -> io::Result<ControlFlow<()>> {
    let kind = Kind::new(Family::Syslog, 0);
    // Whatever a line is, it is a message.
    let without = input.without(request.needles.as_ref(), false);
    let mut lines = input.lines()?.screened(finder, |_| true).jumping(without);
    let mut undated = 0;
    while let Some(line) = lines.next()? {
        report.add_bytes(line.oversized.unwrap_or(line.bytes.len() as u64 + 1));
        if let Some(length) = line.oversized {
            report.damage(&input.name(), Some(line.offset), format!("a line of {length} bytes was passed over"));
            continue;
        }
        if line.bytes.is_empty() || !request.wants(&kind) {
            continue;
        }
        let text = String::from_utf8_lossy(line.bytes);
        let parsed = Message::parse(&text);
        undated += u64::from(parsed.time.is_none());
        let values: Vec<Value<'_>> = request.fields.iter().map(|f| parsed.value(f, &text)).collect();
        report.add_events(1);
        if sink.event(&Event { kind, file, position: line.offset, values: &values, late: None }).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        lines.tell_passed(report);
    }
    lines.tell_passed(report);
    if undated > 0 {
        report.note(&format!("{}: syslog lines without a year, their time missing", input.name()), undated);
    }
    Ok(ControlFlow::Continue(()))
}

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// A line taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
struct Message<'a> {
    priority: Option<usize>,
    time: Option<i64>,
    host: &'a str,
    process: &'a str,
    process_id: &'a str,
    message: &'a str,
}

impl<'a> Message<'a> {
    fn parse(line: &'a str) -> Self {
        let mut m = Message::default();
        let mut rest = line;
        if let Some((priority, after)) = line.strip_prefix('<').and_then(|r| r.split_once('>'))
            && let Ok(n) = priority.parse::<usize>()
            && n < 192
        {
            m.priority = Some(n);
            rest = after;
        }
        if let Some(after) = rest.strip_prefix("1 ") {
            m.rfc5424(after);
            return m;
        }
        rest = m.date(rest);
        let (host, rest) = word(rest);
        m.host = host;
        let (tag, message) =
            rest.split_once(": ").or_else(|| rest.strip_suffix(':').map(|t| (t, ""))).unwrap_or(("", rest));
        if tag.is_empty() || tag.contains(' ') {
            m.message = rest;
            return m;
        }
        m.tag(tag);
        m.message = message;
        m
    }

    /// Takes the time; what follows it comes back.
    fn date(&mut self, text: &'a str) -> &'a str {
        let (first, rest) = word(text);
        if let Some(t) = time::parse(first) {
            self.time = Some(t);
            return rest;
        }
        let (_, rest) = word(rest);
        word(rest).1
    }

    fn tag(&mut self, tag: &'a str) {
        match tag.split_once('[') {
            Some((process, id)) => {
                self.process = process;
                self.process_id = id.trim_end_matches(']');
            }
            None => self.process = tag,
        }
    }

    fn rfc5424(&mut self, text: &'a str) {
        let dash = |s: &'a str| if s == "-" { "" } else { s };
        let (stamp, rest) = word(text);
        let (host, rest) = word(rest);
        let (process, rest) = word(rest);
        let (id, rest) = word(rest);
        let (_, rest) = word(rest);
        self.time = time::parse(stamp);
        self.host = dash(host);
        self.process = dash(process);
        self.process_id = dash(id);
        self.message = match rest.strip_prefix('[') {
            Some(_) => rest.rsplit_once("] ").map_or("", |(_, m)| m),
            None => rest.strip_prefix("- ").unwrap_or(rest),
        };
    }

    fn value<'v>(&self, field: &str, line: &'v str) -> Value<'v>
    where
        'a: 'v,
    {
        let some = |s: &'a str| if s.is_empty() { Value::Missing } else { Value::text(s) };
        match field.to_ascii_lowercase().as_str() {
            "@time" => self.time.map_or(Value::Missing, Value::Time),
            "@host" => some(self.host),
            "@process" => some(self.process),
            "@process_id" => some(self.process_id),
            "@message" => some(self.message),
            "@raw" => Value::text(line),
            "@facility" => self.priority.map_or(Value::Missing, |p| Value::text(FACILITIES[p / 8])),
            "@severity" => self.priority.map_or(Value::Missing, |p| Value::text(SEVERITIES[p % 8])),
            "@fields" => Value::Json(Cow::Owned(self.object())),
            _ => Value::Missing,
        }
    }

    fn object(&self) -> String {
        let named = [
            ("host", self.host),
            ("process", self.process),
            ("process_id", self.process_id),
            ("message", self.message),
        ];
        let map: serde_json::Map<String, serde_json::Value> =
            named.iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| ((*n).to_owned(), (*v).into())).collect();
        serde_json::Value::Object(map).to_string()
    }
}

/// The first word and what follows the blanks after it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches(' ');
    text.split_once(' ').map_or((text, ""), |(w, rest)| (w, rest.trim_start_matches(' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let m = Message::parse("<34>Oct 11 22:14:15 web1 sshd[77]: Failed: x");
        assert_eq!((m.host, m.process, m.process_id, m.message), ("web1", "sshd", "77", "Failed: x"));
        assert_eq!((m.priority, m.time), (Some(34), None));
        let m = Message::parse("<165>1 2003-10-11T22:14:15.003Z web1 app 12 ID47 [a b=\"c\"] text here");
        assert_eq!((m.host, m.process, m.process_id, m.message), ("web1", "app", "12", "text here"));
        assert!(m.time.is_some());
        let m = Message::parse("2024-01-02T03:04:05.5+01:00 web1 kernel: hello");
        assert_eq!((m.host, m.process, m.message), ("web1", "kernel", "hello"));
        assert_eq!(m.time, time::parse("2024-01-02T02:04:05.5Z"));
    }
}
