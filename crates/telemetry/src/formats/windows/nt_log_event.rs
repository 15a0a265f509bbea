//! `instance of Win32_NTLogEvent { … };`: the text of WMI's object, which Sumo's legacy Windows source sends.
//!
//! The event's data stands only in the rendered message, under the labels that people read. Sysmon's labels are the
//! field names; the Security log's are brought back to them by the section in which they stand.

use super::compiled::Compiled;
use super::emit;
use super::gather::{Gather, Raw};
use super::vocabulary::Sys;
use crate::event::{Reader, Request, Sink, Value};
use crate::input::{self, Input};
use crate::lines::{Lines, MAX_LINE};
use crate::needles::{Needles, Sieve};
use crate::report::Report;
use std::borrow::Cow;
use std::io;
use std::ops::ControlFlow;

/// How every event begins.
pub(crate) const BEGIN: &str = "instance of Win32_NTLogEvent";

/// Reads files of such texts.
pub struct NtLogEventReader {
    inputs: Vec<Input>,
}

impl NtLogEventReader {
    /// A reader of `inputs`, one after the other.
    pub fn new(inputs: Vec<Input>) -> Self {
        NtLogEventReader { inputs }
    }
}

impl Reader for NtLogEventReader {
    fn read(&mut self, request: &Request, report: &Report, sink: &mut dyn Sink) -> io::Result<()> {
        let compiled = Compiled::new(request);
        let finder = request.needles.as_ref().and_then(Needles::finder);
        input::each(&self.inputs, report, |input, file, name| {
            let sieve = finder.clone().map(|f| Sieve::new(f, 0));
            One { compiled: &compiled, report, sink, name, file, values: Vec::new(), sieve }.read(input)
        });
        Ok(())
    }
}

/// One file being read.
struct One<'r> {
    compiled: &'r Compiled,
    report: &'r Report,
    sink: &'r mut dyn Sink,
    name: &'r str,
    file: u32,
    values: Vec<Value<'static>>,
    sieve: Option<Sieve>,
}

impl One<'_> {
    fn read(&mut self, input: &Input) -> io::Result<ControlFlow<()>> {
        let mut lines = Lines::new(super::utf16::decoded(input.open()?));
        let mut block: Option<(u64, String)> = None;
        while let Some(line) = lines.next()? {
            self.report.add_bytes(line.oversized.unwrap_or(line.bytes.len() as u64 + 1));
            let text = super::text::lossy(line.bytes);
            let cut = if text.contains(BEGIN) { block.replace((line.offset, String::new())) } else { None };
            if let Some((offset, cut)) = cut
                && self.event(offset, &cut, false).is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
            let Some((offset, so_far)) = &mut block else { continue };
            if line.oversized.is_some() || so_far.len() + text.len() > MAX_LINE {
                self.report.damage(self.name, Some(*offset), "an event longer than 16 MiB was passed over");
                block = None;
                continue;
            }
            so_far.push_str(&text);
            so_far.push('\n');
            if text.trim_end() == "};"
                && let Some((offset, whole)) = block.take()
                && self.event(offset, &whole, true).is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(match block {
            Some((offset, cut)) => self.event(offset, &cut, false),
            None => ControlFlow::Continue(()),
        })
    }

    fn event(&mut self, offset: u64, text: &str, whole: bool) -> ControlFlow<()> {
        if !whole {
            self.report.note("events recovered that have no end", 1);
        } else if self.sieve.as_mut().is_some_and(|s| s.passes(text.as_bytes(), is_usual)) {
            self.report.pass(0, 1);
            return ControlFlow::Continue(());
        }
        let mut gather = Gather::new(self.compiled);
        event(text, &mut gather);
        let place = emit::Place { file: self.file, name: self.name, position: offset };
        emit::event(gather, text.trim_end(), place, &mut self.values, self.report, self.sink)
    }
}

/// Takes one event apart.
pub(crate) fn event<'a>(text: &'a str, gather: &mut Gather<'a, '_>) {
    let mut rest = text.find('{').map_or("", |i| &text[i + 1..]);
    let mut said = Cow::Borrowed("");
    while let Some((name, value, after)) = property(rest) {
        rest = after;
        let sys = match name {
            "EventCode" | "EventIdentifier" => Sys::EventId,
            "Logfile" => Sys::Channel,
            "SourceName" => Sys::Provider,
            "ComputerName" => Sys::Computer,
            "RecordNumber" => Sys::RecordId,
            "Category" => Sys::Task,
            "TimeGenerated" => Sys::SystemTime,
            "Type" => {
                kind_of_entry(&value, gather);
                continue;
            }
            "Message" => {
                said = value.clone();
                Sys::Message
            }
            _ => continue,
        };
        gather.sys(sys, Raw::Plain(value));
    }
    if !gather.wanted() {
        return;
    }
    // Sysmon's messages are the only ones whose labels are not indented.
    if gather.is_sysmon() { sysmon_message(&said, gather) } else { message(&said, gather) }
}

/// The next `Name = value;`, its value decoded, and what follows it.
fn property(text: &str) -> Option<(&str, Cow<'_, str>, &str)> {
    let (name, rest) = text.split_once('=')?;
    let (name, rest) = (name.trim(), rest.trim_start());
    if let Some(quoted) = rest.strip_prefix('"') {
        let (value, rest) = string(quoted);
        return Some((name, value, rest.trim_start().strip_prefix(';').unwrap_or(rest)));
    }
    if let Some(mut list) = rest.strip_prefix('{') {
        // Insertion strings: what they mean only the message says.
        loop {
            list = list.trim_start_matches([' ', ',', '\n', '\r', '\t']);
            match list.strip_prefix('"') {
                Some(quoted) => list = string(quoted).1,
                None => return Some((name, Cow::Borrowed(""), list.split_once(';').map_or("", |(_, rest)| rest))),
            }
        }
    }
    let (value, rest) = rest.split_once(';')?;
    Some((name, Cow::Borrowed(value.trim()), rest))
}

/// A string whose opening quote is passed, and what follows its closing one.
fn string(text: &str) -> (Cow<'_, str>, &str) {
    let bytes = text.as_bytes();
    let mut at = 0;
    let end = loop {
        match memchr::memchr2(b'"', b'\\', &bytes[at..]).map(|i| at + i) {
            Some(i) if bytes[i] == b'\\' => at = (i + 2).min(bytes.len()),
            Some(i) => break i,
            None => break bytes.len(),
        }
    };
    let (inner, rest) = (&text[..end], text.get(end + 1..).unwrap_or(""));
    if !inner.contains('\\') {
        return (Cow::Borrowed(inner), rest);
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('r')) => out.push('\r'),
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some(c)) => out.push(c),
            (c, _) => out.push(c),
        }
    }
    (Cow::Owned(out), rest)
}

/// Whether every backslash stands before what WMI writes one for. Elsewhere it is left out: `l\ua` is `lua`.
fn is_usual(text: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &text[at..]) {
        at += found + 2;
        if !matches!(text.get(at - 1), Some(b'\\' | b'"' | b'\'' | b'n' | b'r' | b't')) {
            return false;
        }
    }
    true
}

/// `Type` is the level, and for audits the keyword.
fn kind_of_entry<'a>(text: &str, gather: &mut Gather<'a, '_>) {
    let (level, keywords) = match text.to_ascii_lowercase().as_str() {
        "audit success" => ("0", "0x8020000000000000"),
        "audit failure" => ("0", "0x8010000000000000"),
        "error" => ("2", ""),
        "warning" => ("3", ""),
        "information" => ("4", ""),
        _ => return,
    };
    gather.sys(Sys::Level, Raw::Plain(Cow::Borrowed(level)));
    if !keywords.is_empty() {
        gather.sys(Sys::Keywords, Raw::Plain(Cow::Borrowed(keywords)));
    }
}

fn put<'a>(gather: &mut Gather<'a, '_>, name: &str, value: &str) {
    gather.data(Cow::Owned(name.to_owned()), Raw::Plain(Cow::Owned(value.to_owned())));
}

/// `Name: value` a line; a line without a name goes on with the value before it.
fn sysmon_message(text: &str, gather: &mut Gather<'_, '_>) {
    let mut last: Option<(&str, String)> = None;
    for line in text.lines() {
        let named = line.split_once(':').filter(|(n, v)| {
            !n.is_empty() && n.bytes().all(|b| b.is_ascii_alphanumeric()) && (v.is_empty() || v.starts_with(' '))
        });
        match (named, &mut last) {
            (Some((name, value)), _) => {
                let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
                if let Some((name, value)) = last.replace((name, value)) {
                    put(gather, name, &value);
                }
            }
            (None, Some((_, value))) => {
                value.push('\n');
                value.push_str(line);
            }
            (None, None) => {}
        }
    }
    if let Some((name, value)) = last {
        put(gather, name, value.trim_end_matches('\n'));
    }
}

/// Indented `Label: value` lines under `Section:` lines.
fn message(text: &str, gather: &mut Gather<'_, '_>) {
    let mut section = "";
    for line in text.lines() {
        let indented = line.starts_with(['\t', ' ']);
        let Some((label, value)) = line.trim().split_once(':') else { continue };
        let value = value.trim();
        if !indented && value.is_empty() {
            section = label;
        } else if indented || label.len() < 32 {
            put(gather, &field_of(section, label), value);
        }
    }
}

/// The field behind a label of the Security log's messages.
fn field_of(section: &str, label: &str) -> String {
    let whom = match section {
        "Subject" | "Creator Subject" => "Subject",
        "Target Subject" | "Target Account" | "New Logon" | "New Account" | "Account For Which Logon Failed" => {
            "Target"
        }
        _ => "",
    };
    let of_whom = match label {
        "Security ID" => "UserSid",
        "Account Name" => "UserName",
        "Account Domain" | "Domain Name" => "DomainName",
        "Logon ID" => "LogonId",
        _ => "",
    };
    if !whom.is_empty() && !of_whom.is_empty() {
        return [whom, of_whom].concat();
    }
    match label {
        "New Process ID" => "NewProcessId".to_owned(),
        "New Process Name" => "NewProcessName".to_owned(),
        "Creator Process ID" => "ProcessId".to_owned(),
        "Creator Process Name" => "ParentProcessName".to_owned(),
        "Process Command Line" => "CommandLine".to_owned(),
        "Process ID" | "Caller Process ID" => "ProcessId".to_owned(),
        "Process Name" | "Caller Process Name" => "ProcessName".to_owned(),
        "Source Network Address" => "IpAddress".to_owned(),
        "Source Port" if section == "Network Information" => "IpPort".to_owned(),
        label => label.replace(' ', ""),
    }
}
