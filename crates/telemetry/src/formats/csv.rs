//! CSV with a header line: Defender's portal exports, and tables of their own.

mod screen;

use crate::event::{Event, Family, Kind, Reader, Request, Sink, Value, defender as code};
use crate::format::{Format, Recognised};
use crate::formats::defender;
use crate::formats::json::{HOSTS, TIMES};
use crate::input::{self, Input};
use crate::lines::MAX_LINE;
use crate::needles::{Finder, Needles};
use crate::report::Report;
use crate::time;
use screen::{Passed, Screened};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::io;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;

/// Reads CSV.
pub struct CsvReader {
    inputs: Vec<Input>,
    offset_minutes: i32,
}

impl CsvReader {
    /// A reader of `inputs`. Columns that the portal marks `[Local Time]` are `offset_minutes` ahead of UTC.
    pub fn new(inputs: Vec<Input>, offset_minutes: i32) -> Self {
        CsvReader { inputs, offset_minutes }
    }
}

/// A header: its names without the portal's marks, and which columns are local time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) names: Vec<String>,
    local: Vec<bool>,
}

impl Header {
    pub(crate) fn new<'a>(fields: impl Iterator<Item = &'a str>) -> Self {
        let mut header = Header::default();
        for (i, field) in fields.enumerate() {
            let field = if i == 0 { field.trim_start_matches('\u{feff}') } else { field }.trim();
            let (name, mark) = match field.split_once(" [") {
                Some((name, mark)) if mark.ends_with(']') => (name, mark),
                _ => (field, ""),
            };
            header.names.push(name.to_owned());
            header.local.push(mark.starts_with("Local"));
        }
        header
    }

    /// The column of that name; of two, as the portal gives times, the one in UTC.
    fn place(&self, name: &str) -> Option<usize> {
        let named = |i: &usize| self.names[*i].eq_ignore_ascii_case(name);
        let utc = (0..self.names.len()).find(|i| named(i) && !self.local[*i]);
        utc.or_else(|| (0..self.names.len()).find(named))
    }
}

fn settings() -> csv::ReaderBuilder {
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).buffer_capacity(256 * 1024);
    builder
}

/// Recognises CSV: a header of at least two names, and rows as long as it.
pub(crate) fn recognise(text: &str, whole: bool) -> Option<Recognised> {
    let mut reader = settings().from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    if !reader.read_record(&mut record).ok()? || record.len() < 2 {
        return None;
    }
    let header = Header::new(record.iter());
    let mut names = header.names.iter();
    if names.any(|n| n.is_empty() || n.len() > 128 || n.contains(['\n', '{', '<'])) {
        return None;
    }
    if defender::is_row(header.names.iter().map(String::as_str)) {
        return Some(Recognised { format: Format::DefenderCsv, seen: vec![Family::Defender] });
    }
    let (mut same, mut other) = (0, 0);
    for _ in 0..20 {
        match reader.read_record(&mut record) {
            Ok(true) if record.len() == header.names.len() => same += 1,
            // The last line of a sample is cut.
            Ok(true) if !whole && reader.is_done() => {}
            Ok(true) => other += 1,
            _ => break,
        }
    }
    (same > other).then_some(Recognised { format: Format::Csv, seen: vec![Family::Generic] })
}

/// What a request's slot is fed by.
enum Feed {
    Column(usize),
    Time(Vec<usize>),
    Raw,
    Fields,
    Table,
    None,
}

struct Plan {
    header: Header,
    feeds: Vec<Feed>,
    defender: bool,
    action: Option<usize>,
    table: Option<usize>,
}

impl Plan {
    fn new(header: Header, request: &Request) -> Self {
        let is_defender = defender::is_row(header.names.iter().map(String::as_str));
        let first = |names: &[&str]| names.iter().find_map(|n| header.place(n)).map_or(Feed::None, Feed::Column);
        let times = || {
            let names: &[&str] = if is_defender { &["Timestamp", "TimeGenerated"] } else { &TIMES };
            Feed::Time(names.iter().filter_map(|n| header.place(n)).collect())
        };
        let feeds = request.fields.iter().map(|name| match name.to_ascii_lowercase().as_str() {
            "@time" => times(),
            "@host" if is_defender => first(&["DeviceName"]),
            "@host" => first(&HOSTS),
            "@id" if is_defender => first(&["ReportId"]),
            "@id" => first(&["id", "_id", "uuid", "RecordId"]),
            "@raw" => Feed::Raw,
            "@fields" => Feed::Fields,
            "@table" => Feed::Table,
            _ => header.place(name).map_or(Feed::None, Feed::Column),
        });
        let feeds = feeds.collect();
        let action = header.place("ActionType");
        let table = defender::NAMING.iter().find_map(|n| header.place(n));
        Plan { feeds, defender: is_defender, action, table, header }
    }

    /// Whether a column that is asked for is in local time.
    fn uses_local_time(&self) -> bool {
        let local = |place: &usize| self.header.local[*place];
        self.feeds.iter().any(|feed| match feed {
            Feed::Column(place) => local(place),
            Feed::Time(places) => places.iter().any(local),
            _ => false,
        })
    }

    /// The table that a row names.
    fn named<'r>(&self, record: &'r csv::StringRecord) -> &'r str {
        self.table.and_then(|p| record.get(p)).map(defender::table_name).unwrap_or_default()
    }

    /// The number of a Defender row's table.
    fn code(&self, record: &csv::StringRecord) -> u32 {
        match self.named(record) {
            "" => {
                let action = self.action.and_then(|p| record.get(p)).unwrap_or_default();
                defender::code_of(action, self.header.names.iter().map(String::as_str))
            }
            table => code::code(table),
        }
    }

    /// The table of a row, named or not.
    fn table_of<'r>(&self, record: &'r csv::StringRecord) -> &'r str {
        match self.named(record) {
            "" if self.defender => code::table(self.code(record)),
            table => table,
        }
    }

    fn kind(&self, record: &csv::StringRecord) -> Kind {
        if self.defender { Kind::new(Family::Defender, self.code(record)) } else { Kind::new(Family::Generic, 0) }
    }
}

impl Reader for CsvReader {
    fn read(&mut self, request: &Request, report: &Report, sink: &mut dyn Sink) -> io::Result<()> {
        let finder = request.needles.as_ref().and_then(Needles::finder);
        let asked = Asked { request, finder, offset_minutes: self.offset_minutes };
        input::each(&self.inputs, report, |input, file, name| read_one(input, file, name, &asked, report, sink));
        Ok(())
    }
}

/// A quote that never closes makes one row of the rest of the file: it must not fill the memory.
struct Bounded<R> {
    inner: R,
    /// Bytes since the last row ended.
    taken: Rc<Cell<usize>>,
}

impl<R: io::Read> io::Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken.get() > MAX_LINE {
            let what = "a row over 16 MiB, as where a quote does not close: the rest is not read";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let n = self.inner.read(buffer)?;
        self.taken.set(self.taken.get() + n);
        Ok(n)
    }
}

/// What is asked of every file.
struct Asked<'r> {
    request: &'r Request,
    finder: Option<Arc<Finder>>,
    offset_minutes: i32,
}

impl Asked<'_> {
    /// The search for a file, where its cells come out as they stand: local times do not.
    fn finder(&self, input: &Input) -> io::Result<Option<Arc<Finder>>> {
        match &self.finder {
            Some(finder) if !header(input)?.local.contains(&true) => Ok(Some(finder.clone())),
            _ => Ok(None),
        }
    }
}

fn read_one(
    input: &Input,
    file: u32,
    name: &str,
    asked: &Asked<'_>,
    report: &Report,
    sink: &mut dyn Sink,
) -> io::Result<ControlFlow<()>> {
    let &Asked { request, offset_minutes, .. } = asked;
    let taken = Rc::new(Cell::new(0));
    let passed = Rc::new(RefCell::new(Passed::default()));
    let finder = asked.finder(input)?;
    let screened = Screened::new(input.open_text()?, finder, passed.clone());
    let mut reader = settings().from_reader(Bounded { inner: screened, taken: taken.clone() });
    let mut bytes = csv::ByteRecord::new();
    if !reader.read_byte_record(&mut bytes).map_err(io::Error::other)? {
        return Ok(ControlFlow::Continue(()));
    }
    let header = text(&bytes);
    let plan = Plan::new(Header::new(header.iter()), request);
    if offset_minutes == 0 && plan.uses_local_time() {
        report.note(&format!("{name}: times marked [Local Time] are taken for UTC: no offset is configured"), 1);
    }
    let mut read = 0;
    loop {
        let more = reader.read_byte_record(&mut bytes).map_err(io::Error::other)?;
        let at = reader.position().byte();
        report.add_bytes(at - read);
        read = at;
        taken.set(0);
        let (left_out, rows) = passed.borrow_mut().take();
        if left_out > 0 {
            report.pass(left_out, rows);
        }
        if !more {
            return Ok(ControlFlow::Continue(()));
        }
        let position = passed.borrow_mut().whole(bytes.position().map_or(0, csv::Position::byte));
        if bytes.len() != plan.header.names.len() {
            let reason = format!("a row of {} cells under {} columns", bytes.len(), plan.header.names.len());
            report.damage(name, Some(position), reason);
            continue;
        }
        let record = text(&bytes);
        let kind = plan.kind(&record);
        if !request.wants(&kind) {
            continue;
        }
        let row = Row::new(&plan, &record, offset_minutes);
        let values: Vec<Value<'_>> = plan.feeds.iter().map(|feed| row.value(feed)).collect();
        report.add_events(1);
        if sink.event(&Event { kind, file, position, values: &values, late: None }).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
}

/// The header of a file.
fn header(input: &Input) -> io::Result<Header> {
    let bounded = Bounded { inner: input.open_text()?, taken: Rc::default() };
    let mut bytes = csv::ByteRecord::new();
    settings().from_reader(bounded).read_byte_record(&mut bytes).map_err(io::Error::other)?;
    Ok(Header::new(text(&bytes).iter()))
}

/// One row and what is made of all of it, where that is asked for.
struct Row<'a> {
    plan: &'a Plan,
    record: &'a csv::StringRecord,
    offset_minutes: i32,
    raw: Option<String>,
    fields: Option<String>,
}

impl<'a> Row<'a> {
    fn new(plan: &'a Plan, record: &'a csv::StringRecord, offset_minutes: i32) -> Self {
        let asked = |wanted: fn(&Feed) -> bool| plan.feeds.iter().any(wanted);
        let raw = asked(|f| matches!(f, Feed::Raw)).then(|| line(record));
        let fields = asked(|f| matches!(f, Feed::Fields)).then(|| object(&plan.header, record));
        Row { plan, record, offset_minutes, raw, fields }
    }

    fn value(&self, feed: &Feed) -> Value<'_> {
        match feed {
            Feed::Column(place) => self.cell(*place),
            Feed::Time(places) => places.iter().find_map(|p| self.time(*p)).map_or(Value::Missing, Value::Time),
            Feed::Raw => self.raw.as_deref().map(Value::text).unwrap_or_default(),
            Feed::Fields => self.fields.as_deref().map(|f| Value::Json(Cow::Borrowed(f))).unwrap_or_default(),
            Feed::Table => Value::text(self.plan.table_of(self.record)),
            Feed::None => Value::Missing,
        }
    }

    /// A cell's value: local times moved to UTC, empty cells missing.
    fn cell(&self, place: usize) -> Value<'a> {
        match self.record.get(place) {
            None | Some("") => Value::Missing,
            Some(cell) if self.plan.header.local.get(place) == Some(&true) => match time::parse(cell) {
                Some(t) => Value::Time(t.saturating_sub(i64::from(self.offset_minutes) * 60_000_000_000)),
                None => Value::text(cell),
            },
            Some(cell) => Value::text(cell),
        }
    }

    fn time(&self, place: usize) -> Option<i64> {
        match self.cell(place) {
            Value::Text(t) => time::parse(&t),
            Value::Time(t) => Some(t),
            _ => None,
        }
    }
}

fn text(bytes: &csv::ByteRecord) -> csv::StringRecord {
    csv::StringRecord::from_byte_record_lossy(bytes.clone())
}

/// The row as a line of CSV again: the parser does not keep the text.
fn line(record: &csv::StringRecord) -> String {
    let mut out = String::new();
    for (i, cell) in record.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        if cell.contains([',', '"', '\n', '\r']) {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(cell);
        }
    }
    out
}

/// The row as a JSON object of its cells.
fn object(header: &Header, record: &csv::StringRecord) -> String {
    let map: serde_json::Map<String, serde_json::Value> =
        header.names.iter().zip(record.iter()).map(|(n, c)| (n.clone(), c.into())).collect();
    serde_json::Value::Object(map).to_string()
}
