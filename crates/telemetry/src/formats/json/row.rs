//! One JSON row: which product's it is, and its asked fields.

use super::fields::{Pseudo, Wanted};
use super::plain::{Asked, Plain};
use super::split::{ENVELOPES, TABLES};
use super::templates::{Pace, Span, Templates};
use super::value::{self, Entry};
use crate::event::{Event, Family, Kind, Request, Sink, Value, defender as code};
use crate::formats::defender;
use crate::formats::windows::{Compiled, json as windows};
use crate::report::Report;
use std::borrow::Cow;
use std::ops::ControlFlow;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape<'a> {
    /// An advanced hunting row.
    Defender,
    /// One in its streaming envelope: the row and the category.
    Streamed(&'a str),
    /// Anything else.
    Generic,
}

/// The family of an object's event.
pub(crate) fn family(raw: &str, entries: &[Entry<'_>]) -> Family {
    if !matches!(shape(entries), Shape::Generic) {
        return Family::Defender;
    }
    let compiled = Compiled::new(&Request::default());
    let decoded = windows::Shape::of_entries(entries)
        .map(|shape| windows::decode_entries(raw, entries, shape, &compiled, &mut Vec::new()));
    match decoded {
        Some(windows::Decoded::Event { kind, .. }) => kind.family,
        _ => plain_family(entries),
    }
}

/// The family of a row that is neither Defender's nor a Windows event: Log Analytics keeps syslog lines as rows.
fn plain_family(entries: &[Entry<'_>]) -> Family {
    if has(entries, "SyslogMessage") && has(entries, "Facility") { Family::Syslog } else { Family::Generic }
}

/// Tells what an object is by its entries.
pub(crate) fn shape<'a>(entries: &[Entry<'a>]) -> Shape<'a> {
    let of = |name: &str| entries.iter().find(|(n, _)| n == name).map(|(_, raw)| *raw);
    if let (Some(category), Some(properties)) = (of("category"), of("properties"))
        && category.trim_start_matches('"').starts_with("AdvancedHunting-")
        && properties.starts_with('{')
    {
        return Shape::Streamed(properties);
    }
    if defender::is_row(entries.iter().map(|(n, _)| n.as_ref())) {
        return Shape::Defender;
    }
    Shape::Generic
}

/// The names of a Log Analytics table's columns.
pub(crate) fn column_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for raw in value::elements(text).flatten() {
        names.push(value::path(raw, "name").and_then(value::string).unwrap_or_default().into_owned());
    }
    names
}

/// A row of cells as entries.
pub(crate) fn cells<'a>(columns: &'a [String], text: &'a str) -> Vec<Entry<'a>> {
    let cells = value::elements(text).flatten();
    columns.iter().zip(cells).map(|(name, raw)| (Cow::Borrowed(name.as_str()), raw)).collect()
}

/// Which families a request asks for: a row of another needs no second look.
struct Wants {
    windows: bool,
    generic: bool,
}

impl Wants {
    fn new(request: &Request) -> Self {
        let windows = [Family::Sysmon, Family::Security, Family::Windows];
        Wants {
            windows: windows.into_iter().any(|f| request.wants_family(f)),
            generic: request.wants_family(Family::Generic) || request.wants_family(Family::Syslog),
        }
    }
}

/// Turns rows into events.
pub(crate) struct Rows<'r> {
    request: &'r Request,
    report: &'r Report,
    sink: &'r mut dyn Sink,
    wanted: Wanted,
    windows: Compiled,
    layouts: windows::Layouts,
    /// How objects are written, and for each way what stands where in it, if that was found out.
    templates: Templates,
    laid: Vec<Option<windows::Laid>>,
    spans: Vec<Span>,
    pace: Pace,
    wants: Wants,
    depth: u8,
    file: u32,
    name: String,
    values: Vec<Value<'static>>,
    entries: Vec<Entry<'static>>,
    found: Vec<(usize, &'static str)>,
}

impl<'r> Rows<'r> {
    pub(crate) fn new(request: &'r Request, report: &'r Report, sink: &'r mut dyn Sink) -> Self {
        let wanted = Wanted::new(&request.fields, &request.known);
        let windows = Compiled::new(request);
        let wants = Wants::new(request);
        Rows {
            request,
            report,
            sink,
            wanted,
            windows,
            layouts: windows::Layouts::default(),
            templates: Templates::default(),
            laid: Vec::new(),
            spans: Vec::new(),
            pace: Pace::default(),
            wants,
            depth: 0,
            file: 0,
            name: String::new(),
            values: Vec::new(),
            entries: Vec::new(),
            found: Vec::new(),
        }
    }

    pub(crate) fn report(&self) -> &'r Report {
        self.report
    }

    /// The rows that follow are of this file.
    pub(crate) fn file(&mut self, file: u32, name: &str) {
        self.file = file;
        name.clone_into(&mut self.name);
    }

    pub(crate) fn damage(&self, position: u64, reason: String) {
        self.report.damage(&self.name, Some(position), reason);
    }

    /// Bytes as text; what is no UTF-8 is replaced, and noted.
    pub(crate) fn text<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        super::lossy(bytes, self.report)
    }

    /// Takes a row, or the rows of an array or envelope, and what follows in the same text.
    pub(crate) fn element(&mut self, text: &str, position: u64) -> ControlFlow<()> {
        let mut rest = text;
        while !rest.is_empty() {
            let at = position + within(text, rest);
            rest = match rest.as_bytes()[0] {
                b'[' => {
                    self.nested(|rows| rows.array(rest, rest, at), at)?;
                    ""
                }
                b'{' => self.one(rest, at)?,
                // The end of an array whose rows stand one a line.
                _ if at > position && rest.chars().all(|c| matches!(c, ']' | '}' | ' ')) => "",
                _ => {
                    let what = if at > position { "text after the JSON object" } else { "not a JSON object" };
                    self.damage(at, what.to_owned());
                    ""
                }
            }
            .trim_start_matches([',', ' ']);
        }
        ControlFlow::Continue(())
    }

    /// Takes the object at the beginning of a text; what stands behind it comes back.
    fn one<'a>(&mut self, text: &'a str, position: u64) -> ControlFlow<(), &'a str> {
        if self.request.late
            && !self.request.kindless
            && self.wants.windows
            && self.pace.tries()
            && let Some((flow, rest)) = self.written_alike(text, position)
        {
            return match flow {
                ControlFlow::Continue(()) => ControlFlow::Continue(rest),
                ControlFlow::Break(()) => ControlFlow::Break(()),
            };
        }
        let mut entries: Vec<Entry<'a>> = recycle(std::mem::take(&mut self.entries));
        let (flow, rest) = match value::entries(text, &mut entries) {
            Err(reason) => {
                self.damage(position, format!("damaged JSON: {reason}"));
                (ControlFlow::Continue(()), "")
            }
            Ok(rest) => {
                let object = &text[..text.len() - rest.len()];
                let flow = match self.envelope(object, &entries, position) {
                    Some(flow) => flow,
                    None => self.object(object, &entries, position),
                };
                (flow, rest)
            }
        };
        self.entries = recycle(entries);
        match flow {
            ControlFlow::Continue(()) => ControlFlow::Continue(rest),
            ControlFlow::Break(()) => ControlFlow::Break(()),
        }
    }

    /// Takes the object at the beginning of a text if one of Windows came before that was written alike; what stands behind
    /// it comes back.
    fn written_alike<'a>(&mut self, text: &'a str, position: u64) -> Option<(ControlFlow<()>, &'a str)> {
        let (number, end) = self.templates.cut(text, &mut self.spans)?;
        let laid = self.laid.get_mut(number as usize)?.as_mut()?;
        let (text, rest) = text.split_at_checked(end)?;
        let (kind, wanted) = laid.kind(text, &self.spans, &self.windows)?;
        self.pace.fits();
        let mut flow = ControlFlow::Continue(());
        if wanted {
            self.report.add_events(1);
            let late = windows::LaidOut { text, values: &self.spans, laid, compiled: &self.windows, kind };
            flow = self.sink.event(&Event { kind, file: self.file, position, values: &[], late: Some(&late) });
        }
        Some((flow, rest.trim_start()))
    }

    /// Learns how an object is written that is neither Defender's nor an envelope.
    fn learn(&mut self, raw: &str, entries: &[Entry<'_>]) {
        // What these are depends on more than names.
        let array = |(name, raw): &Entry<'_>| {
            raw.starts_with('[') && (ENVELOPES.contains(&name.as_ref()) || TABLES.contains(&name.as_ref()))
        };
        if entries.iter().any(array) || has(entries, "category") && has(entries, "properties") {
            return;
        }
        if self.templates.bound() {
            self.laid.clear();
        }
        let Some(number) = self.templates.learn(raw, &mut self.spans) else { return };
        let number = number as usize;
        if self.laid.len() <= number {
            self.laid.resize_with(number + 1, || None);
            self.laid[number] = windows::Laid::new(raw, entries, &self.spans, &self.windows);
        }
    }

    /// Goes into an array, unless it lies so deep that no exporter wrote it: hostile nesting must not fill the stack.
    fn nested(&mut self, f: impl FnOnce(&mut Self) -> ControlFlow<()>, position: u64) -> ControlFlow<()> {
        const DEEPEST: u8 = 8;
        if self.depth >= DEEPEST {
            self.damage(position, "rows nested too deep".to_owned());
            return ControlFlow::Continue(());
        }
        self.depth += 1;
        let flow = f(self);
        self.depth -= 1;
        flow
    }

    /// The rows of a Log Analytics table.
    pub(crate) fn cells(&mut self, columns: &[String], text: &str, position: u64) -> ControlFlow<()> {
        let entries = cells(columns, text);
        if entries.len() != columns.len() {
            self.damage(position, format!("a row of {} cells under {} columns", entries.len(), columns.len()));
            return ControlFlow::Continue(());
        }
        self.object(text, &entries, position)
    }

    fn array(&mut self, whole: &str, array: &str, position: u64) -> ControlFlow<()> {
        for element in value::elements(array) {
            match element {
                Ok(raw) => self.element(raw, position + within(whole, raw))?,
                Err(reason) => {
                    self.damage(position, format!("damaged JSON: {reason}"));
                    break;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Takes the rows of an envelope, if it is one.
    fn envelope(&mut self, text: &str, entries: &[Entry<'_>], position: u64) -> Option<ControlFlow<()>> {
        // Rows have many columns; envelopes a handful of members.
        if entries.len() > 8 {
            return None;
        }
        for (name, raw) in entries {
            let rows = raw.strip_prefix('[').is_some_and(|r| r.trim_start().starts_with('{'));
            if rows && ENVELOPES.contains(&name.as_ref()) {
                return Some(self.nested(|rows| rows.array(text, raw, position), position));
            }
            if rows && TABLES.contains(&name.as_ref()) {
                return Some(self.tables(text, raw, position));
            }
        }
        None
    }

    fn tables(&mut self, whole: &str, tables: &str, position: u64) -> ControlFlow<()> {
        for table in value::elements(tables).flatten() {
            let columns = value::path(table, "columns").map(column_names).unwrap_or_default();
            let Some(rows) = value::path(table, "rows") else { continue };
            for row in value::elements(rows) {
                match row {
                    Ok(row) => self.cells(&columns, row, position + within(whole, row))?,
                    Err(reason) => self.damage(position, format!("damaged JSON: {reason}")),
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn object<'a>(&mut self, raw: &'a str, entries: &[Entry<'a>], position: u64) -> ControlFlow<()> {
        if self.request.kindless {
            let mut values: Vec<Value<'a>> = self.blank();
            for (slot, pseudo) in self.wanted.pseudo() {
                values[*slot] = if *pseudo == Pseudo::Raw { Value::text(raw) } else { Value::Missing };
            }
            return self.emit(Kind::new(Family::Generic, 0), position, values);
        }
        match shape(entries) {
            Shape::Streamed(properties) => {
                let mut inner: Vec<Entry<'a>> = Vec::with_capacity(64);
                if let Err(reason) = value::entries(properties, &mut inner) {
                    self.damage(position, format!("damaged JSON: {reason}"));
                    return ControlFlow::Continue(());
                }
                let category = value::find(entries, "category").and_then(value::string).unwrap_or_default();
                let table = defender::table_name(&category).to_owned();
                // The envelope's own members (time, tenantId, operationName) stand behind the row's.
                let outer = entries.iter().filter(|(name, _)| name != "properties");
                let outer: Vec<Entry<'a>> = outer.filter(|(n, _)| !has(&inner, n)).cloned().collect();
                inner.extend(outer);
                self.defender(raw, Some(properties), &inner, &table, position)
            }
            Shape::Defender => {
                let named = defender::NAMING.iter().filter_map(|n| value::find(entries, n)).find_map(value::string);
                let table = named.as_deref().map(defender::table_name).unwrap_or_default();
                self.defender(raw, None, entries, table, position)
            }
            Shape::Generic => self.other(raw, entries, position),
        }
    }

    /// Takes what is no Defender row: an event of Windows, or anything else.
    fn other<'a>(&mut self, raw: &'a str, entries: &[Entry<'a>], position: u64) -> ControlFlow<()> {
        if !self.wants.windows && !self.wants.generic {
            return ControlFlow::Continue(());
        }
        if self.request.late {
            if self.wants.windows && self.pace.learns() {
                self.learn(raw, entries);
            }
            let layout = self.layouts.of(entries);
            let Some(shape) = layout.shape(entries) else { return self.generic(raw, entries, position) };
            return match windows::gather_entries(raw, entries, shape, layout, &self.windows) {
                Ok((kind, gather)) => {
                    gather.remarks().say(self.report);
                    self.report.add_events(1);
                    self.sink.event(&Event { kind, file: self.file, position, values: &[], late: Some(&gather) })
                }
                Err(windows::Decoded::NotThis) => self.generic(raw, entries, position),
                Err(windows::Decoded::Broken(reason)) => {
                    self.damage(position, format!("damaged JSON: {reason}"));
                    ControlFlow::Continue(())
                }
                Err(_) => ControlFlow::Continue(()),
            };
        }
        let Some(shape) = windows::Shape::of_entries(entries) else { return self.generic(raw, entries, position) };
        let mut values: Vec<Value<'a>> = recycle(std::mem::take(&mut self.values));
        match windows::decode_entries(raw, entries, shape, &self.windows, &mut values) {
            windows::Decoded::Event { kind, recovered, local_time } => {
                if local_time {
                    self.report.note("events whose time has no zone, taken for UTC", 1);
                }
                if recovered > 0 {
                    self.report.note("events recovered from malformed text", 1);
                }
                return self.emit(kind, position, values);
            }
            windows::Decoded::Unwanted => {}
            windows::Decoded::NotThis => return self.generic(raw, entries, position),
            windows::Decoded::Broken(reason) => self.damage(position, format!("damaged JSON: {reason}")),
        }
        ControlFlow::Continue(())
    }

    fn defender<'a>(
        &mut self,
        raw: &'a str,
        row: Option<&'a str>,
        entries: &[Entry<'a>],
        table: &str,
        position: u64,
    ) -> ControlFlow<()> {
        let number = if table.is_empty() {
            let action = value::find(entries, "ActionType").and_then(value::string).unwrap_or_default();
            defender::code_of(&action, entries.iter().map(|(n, _)| n.as_ref()))
        } else {
            code::code(table)
        };
        let kind = Kind::new(Family::Defender, number);
        if !self.request.wants(&kind) {
            return ControlFlow::Continue(());
        }
        let table = if table.is_empty() { code::table(number) } else { table };
        let row = Plain { raw, fields: row.unwrap_or(raw), entries, table: Some(table) };
        self.plain(kind, &row, position)
    }

    fn generic<'a>(&mut self, raw: &'a str, entries: &[Entry<'a>], position: u64) -> ControlFlow<()> {
        let kind = Kind::new(plain_family(entries), 0);
        if !self.request.wants(&kind) {
            return ControlFlow::Continue(());
        }
        self.plain(kind, &Plain { raw, fields: raw, entries, table: None }, position)
    }

    /// Delivers a row whose fields are its entries.
    fn plain<'a>(&mut self, kind: Kind, row: &Plain<'a, '_>, position: u64) -> ControlFlow<()> {
        if self.request.late {
            let mut found: Vec<(usize, &'a str)> = recycle(std::mem::take(&mut self.found));
            self.wanted.found(row.entries, &mut found);
            self.tell_news();
            self.report.add_events(1);
            let asked = Asked { row, found: &found, wanted: &self.wanted };
            let event = Event { kind, file: self.file, position, values: &[], late: Some(&asked) };
            let flow = self.sink.event(&event);
            self.found = recycle(found);
            return flow;
        }
        let mut values: Vec<Value<'a>> = self.blank();
        self.wanted.fill(row.entries, row.table.is_none(), &mut values);
        for (slot, pseudo) in self.wanted.pseudo() {
            values[*slot] = row.pseudo(*pseudo);
        }
        self.emit(kind, position, values)
    }

    fn blank<'a>(&mut self) -> Vec<Value<'a>> {
        let mut values = recycle(std::mem::take(&mut self.values));
        values.resize_with(self.wanted.len(), || Value::Missing);
        values
    }

    /// Tells of fields that a table with an inferred schema lacks.
    fn tell_news(&mut self) {
        for name in self.wanted.news() {
            let what = format!("{}: field `{name}` came up after the table's columns were inferred", self.name);
            self.report.note_once(&what);
        }
    }

    fn emit(&mut self, kind: Kind, position: u64, values: Vec<Value<'_>>) -> ControlFlow<()> {
        self.tell_news();
        self.report.add_events(1);
        let flow = self.sink.event(&Event { kind, file: self.file, position, values: &values, late: None });
        self.values = recycle(values);
        flow
    }
}

fn has(entries: &[Entry<'_>], name: &str) -> bool {
    entries.iter().any(|(n, _)| n == name)
}

/// How far into `whole` its part begins.
fn within(whole: &str, part: &str) -> u64 {
    (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize) as u64
}

/// An empty vector of another lifetime in the same memory.
fn recycle<T, U>(mut old: Vec<T>) -> Vec<U> {
    old.clear();
    old.into_iter().filter_map(|_| None).collect()
}
