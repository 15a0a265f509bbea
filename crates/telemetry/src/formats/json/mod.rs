//! JSON: lines and documents, of one product or of several mixed; each row is recognised alone.

pub(crate) mod depth;
mod fields;
mod kinds;
#[cfg(test)]
mod made;
mod marks;
mod members;
mod plain;
mod quote;
mod row;
mod split;
mod templates;
mod times;
pub(crate) mod unescape;
pub(crate) mod value;

use crate::event::{Family, Reader, Request, Sink};
use crate::format::{Format, Recognised};
use crate::formats::windows;
use crate::input::{self, Input};
use crate::lines::{Line, Lines};
use crate::needles::{Needles, Sieve};
use crate::report::Report;
use crate::source::Source;
use kinds::Kinds;
use row::Rows;
use split::{Piece, Split};
use std::borrow::Cow;
use std::io::{self, BufRead};
use std::ops::ControlFlow;

pub use depth::too_deep;
pub use members::{Members, Unusual, plain};
pub(crate) use plain::{HOSTS, TIMES};
pub use quote::quote;
pub(crate) use templates::Span;
pub use times::{HOUR, Stretch};

/// Reads JSON lines and JSON documents.
pub struct JsonReader {
    inputs: Vec<Input>,
}

impl JsonReader {
    /// A reader of `inputs`, one after the other.
    pub fn new(inputs: Vec<Input>) -> Self {
        JsonReader { inputs }
    }
}

impl Reader for JsonReader {
    fn read(&mut self, request: &Request, report: &Report, sink: &mut dyn Sink) -> io::Result<()> {
        let mut rows = Rows::new(request, report, sink);
        let finder = request.needles.as_ref().and_then(Needles::finder_in_json);
        let kinds = Kinds::new(request);
        let kinds = kinds.as_ref();
        input::each(&self.inputs, report, |input, file, name| {
            rows.file(file, name);
            let mut lines = || {
                let without = input.without(request.needles.as_ref(), true);
                read_lines(input.lines()?.screened(finder.clone(), is_object).jumping(without), kinds, &mut rows)
            };
            // Only lines are cut up.
            if input.part().is_some() {
                return lines();
            }
            let mut reader = input.open_text()?;
            match is_lines(reader.fill_buf()?) {
                true if input.is_indexed() => lines(),
                true => read_lines(Lines::new(reader).screened(finder.clone(), is_object), kinds, &mut rows),
                false => {
                    let sieve = finder.clone().map(|f| Sieve::new(f, FIRST));
                    read_document(reader, &mut rows, sieve)
                }
            }
        });
        Ok(())
    }
}

/// Whether a source is so small that its first lines are about all it has: they are read whatever they hold, and a search
/// that is never used costs more than they do.
pub(crate) fn is_small(source: &Source) -> bool {
    const SMALL: u64 = 64 << 10;
    let small = |input: &Input| input.part().is_none() && input.plain_path().is_some() && input.size() < SMALL;
    matches!(source.format, Format::DefenderJson | Format::WindowsJson | Format::JsonLines | Format::Json)
        && source.inputs.iter().all(small)
}

/// The input in parts of about `size` bytes, if it is lines.
pub(crate) fn parts(input: &Input, size: u64) -> Vec<Input> {
    match input.size() / 2 >= size && is_plain_lines(input).unwrap_or(false) {
        true => input.parts(size),
        false => vec![input.clone()],
    }
}

/// Whether an input is lines that can be read from anywhere.
fn is_plain_lines(input: &Input) -> io::Result<bool> {
    if !input.is_anywhere() {
        return Ok(false);
    }
    let mut reader = input.open()?;
    let head = reader.fill_buf()?;
    // The encoding is told at the beginning only.
    Ok(!matches!(head, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) && is_lines(head))
}

/// Reads lines for nothing but the times of their events. Those that are decoded go to `sink`, for which `request` asks;
/// of the others the times that they may have come back, as far as they `hold`. `None` where the input is no lines, or
/// can be read from its beginning only.
pub(crate) fn times(
    input: &Input,
    holds: &dyn Fn(i64) -> bool,
    request: &Request,
    report: &Report,
    sink: &mut dyn Sink,
) -> io::Result<Option<Vec<Stretch>>> {
    if input.part().is_none() && !is_plain_lines(input)? {
        return Ok(None);
    }
    let mut rows = Rows::new(request, report, sink);
    rows.file(0, &input.name());
    times::read(input.lines()?, &mut rows, holds).map(Some)
}

fn read_lines(
    mut lines: Lines<impl BufRead>,
    kinds: Option<&Kinds>,
    rows: &mut Rows<'_>,
) -> io::Result<ControlFlow<()>> {
    let mut flow = ControlFlow::Continue(());
    while flow.is_continue()
        && let Some(line) = lines.next()?
    {
        rows.report().add_bytes(line.bytes.len() as u64 + 1);
        // Whether what nobody asks for is damaged within, nobody looks.
        if !kinds.is_some_and(|kinds| is_object(line.bytes) && kinds.none_in(line.bytes)) {
            flow = read_line(line, rows);
        }
        let (bytes, events) = lines.passed();
        if bytes > 0 {
            rows.report().pass(bytes, events);
        }
    }
    let (bytes, events) = lines.passed();
    rows.report().pass(bytes, events);
    Ok(flow)
}

fn read_line(line: Line<'_>, rows: &mut Rows<'_>) -> ControlFlow<()> {
    if let Some(length) = line.oversized {
        rows.report().add_bytes(length);
        rows.damage(line.offset, format!("a line of {length} bytes was passed over: the limit is 16 MiB"));
        return ControlFlow::Continue(());
    }
    let text = rows.text(line.bytes);
    let trimmed = text.trim();
    let trimmed = trimmed.strip_prefix('\u{feff}').unwrap_or(trimmed).trim_end_matches(',');
    if trimmed.is_empty() || matches!(trimmed, "[" | "]") {
        return ControlFlow::Continue(());
    }
    let lead = trimmed.as_ptr() as usize - text.as_ptr() as usize;
    rows.element(trimmed, line.offset + lead as u64)
}

/// Whether a line looks like a whole object: one that is cut off does not.
pub(crate) fn is_object(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.starts_with(b"{") && (line.ends_with(b"}") || line.ends_with(b"},"))
}

/// The first rows of a document are read whatever they hold: they show what members there are.
const FIRST: u64 = 1_000;

fn read_document(reader: impl BufRead, rows: &mut Rows<'_>, mut sieve: Option<Sieve>) -> io::Result<ControlFlow<()>> {
    let mut passes = |text: &[u8], is: fn(&[u8]) -> bool| sieve.as_mut().is_some_and(|s| s.passes(text, is));
    let mut split = Split::new(reader);
    let mut columns: Vec<String> = Vec::new();
    let mut read = 0;
    loop {
        let flow = match split.next()? {
            None => break,
            Some(Piece::Row { text, .. }) if passes(text, is_object) => {
                rows.report().pass(0, 1);
                ControlFlow::Continue(())
            }
            Some(Piece::Cells { text, .. }) if passes(text, |t| t.starts_with(b"[")) => {
                rows.report().pass(0, 1);
                ControlFlow::Continue(())
            }
            Some(Piece::Row { offset, text }) => rows.element(&rows.text(text), offset),
            Some(Piece::Columns(text)) => {
                columns = row::column_names(&String::from_utf8_lossy(text));
                ControlFlow::Continue(())
            }
            Some(Piece::Cells { offset, text }) => rows.cells(&columns, &rows.text(text), offset),
            Some(Piece::Damage { offset, reason }) => {
                rows.damage(offset, reason.to_owned());
                ControlFlow::Continue(())
            }
        };
        rows.report().add_bytes(split.offset() - read);
        read = split.offset();
        if flow.is_break() {
            return Ok(flow);
        }
    }
    rows.report().add_bytes(split.offset() - read);
    Ok(ControlFlow::Continue(()))
}

/// Whether the beginning of an input is JSON lines: its first line that is not blank is a whole object, or begins one
/// that does not go on in the next line. An array whose elements stand one a line is read as a document.
fn is_lines(head: &[u8]) -> bool {
    let text = windows::lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with('{') && !text.starts_with('[') {
        // Damage at the beginning of lines: they recover, a document does not.
        return true;
    }
    let mut lines = text.lines().filter(|l| !l.trim().is_empty());
    let Some(first) = lines.next() else { return false };
    let complete = |l: &str| value::entries(l.trim(), &mut Vec::new()).is_ok() && l.trim_end().ends_with('}');
    let next = lines.next();
    if text.starts_with('[') {
        // One array a line is lines; a lone one is a document, however long.
        return next.is_some_and(|n| n.trim_start().starts_with('[') && first.trim_end().ends_with(']'));
    }
    match next {
        _ if complete(first) && next.is_some() => next.is_some_and(|n| !n.trim_start().starts_with(['}', ']'])),
        // One line: the reader of documents takes a lone object apart without holding it whole.
        None => false,
        Some(next) => next.trim_start().starts_with("{\"") && first.len() > 2 && !is_envelope(text),
    }
}

/// Whether a text begins like an object that keeps its rows in an array, over several lines.
fn is_envelope(text: &str) -> bool {
    let mut split = Split::new(text.as_bytes());
    match split.next() {
        Ok(Some(Piece::Row { offset, text })) => {
            offset > 0 && value::entries(&String::from_utf8_lossy(text), &mut Vec::new()).is_ok()
        }
        Ok(Some(Piece::Columns(_) | Piece::Cells { .. })) => true,
        _ => false,
    }
}

/// Recognises JSON by the first rows.
pub(crate) fn recognise(text: &str, whole: bool) -> Option<Recognised> {
    let lines = is_lines(text.as_bytes());
    let mut seen = Seen::default();
    if lines {
        // Line by line: a damaged one must not hide the others, and a line may be an envelope.
        text.lines().filter(|l| l.trim_start().starts_with(['{', '['])).for_each(|l| seen.document(l));
    } else {
        seen.document(text);
    }
    let Seen { families: seen, rows } = seen;
    // Damaged rows are still JSON's: its reader says where.
    let after = text.trim_start_matches(|c: char| matches!(c, '{' | '[') || c.is_whitespace());
    if rows == 0 && whole && !after.starts_with('"') {
        return None;
    }
    let format = match seen.first() {
        Some(Family::Defender) => Format::DefenderJson,
        Some(Family::Sysmon | Family::Security | Family::Windows) => Format::WindowsJson,
        _ if lines => Format::JsonLines,
        _ => Format::Json,
    };
    Some(Recognised { format, seen })
}

/// What the first rows are.
#[derive(Default)]
struct Seen {
    families: Vec<Family>,
    rows: usize,
}

impl Seen {
    fn document(&mut self, text: &str) {
        let mut split = Split::new(text.as_bytes());
        let mut columns = Vec::new();
        while let Ok(Some(piece)) = split.next() {
            match piece {
                Piece::Row { text, .. } => self.object(&String::from_utf8_lossy(text)),
                Piece::Columns(text) => columns = row::column_names(&String::from_utf8_lossy(text)),
                Piece::Cells { text, .. } => {
                    let text = String::from_utf8_lossy(text);
                    self.row(row::family(&text, &row::cells(&columns, &text)));
                }
                Piece::Damage { .. } => {}
            }
        }
    }

    fn object(&mut self, object: &str) {
        let mut entries = Vec::new();
        if value::entries(object, &mut entries).is_ok() {
            self.row(row::family(object, &entries));
        }
    }

    fn row(&mut self, family: Family) {
        self.rows += 1;
        if !self.families.contains(&family) {
            self.families.push(family);
        }
    }
}

/// Text of a row whose bytes may hold what is no UTF-8.
pub(crate) fn lossy<'a>(bytes: &'a [u8], report: &Report) -> Cow<'a, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            report.note("rows with bytes that are no UTF-8, replaced", 1);
            String::from_utf8_lossy(bytes)
        }
    }
}
