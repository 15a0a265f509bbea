//! Rows of a table, a value at a time, as JSON lines or CSV.

use crate::blocks::Chunk;
use crate::text::{self, Moment};

/// What a column holds.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Time,
    Long,
    Text,
}

/// The columns of a table.
pub(crate) type Columns = &'static [(&'static str, Kind)];

/// Takes the values of a row in the order of its columns.
pub(crate) trait Put {
    /// Microseconds since the Unix epoch.
    fn time(&mut self, micros: i64);
    fn long(&mut self, value: i64);
    fn text(&mut self, value: &str);
    /// A text that needs no escapes.
    fn plain(&mut self, value: &str) {
        self.text(value);
    }
    fn end_row(&mut self);
}

/// The lines of Defender's streaming export.
pub(crate) struct JsonLines<'o> {
    /// What stands before each value.
    before: Vec<String>,
    category: &'static str,
    at: usize,
    out: &'o mut Chunk,
}

impl<'o> JsonLines<'o> {
    pub(crate) fn new(columns: Columns, category: &'static str, out: &'o mut Chunk) -> Self {
        let before = |(at, (name, kind)): (usize, &(&str, Kind))| {
            format!(
                "{}\"{name}\":{}",
                if at == 0 { "" } else { "," },
                if matches!(kind, Kind::Long) { "" } else { "\"" }
            )
        };
        JsonLines { before: columns.iter().enumerate().map(before).collect(), category, at: 0, out }
    }

    fn name(&mut self) {
        self.out.bytes.extend_from_slice(self.before[self.at].as_bytes());
        self.at += 1;
    }
}

impl Put for JsonLines<'_> {
    fn time(&mut self, micros: i64) {
        let moment = Moment::new(micros);
        if self.at == 0 {
            // The first column is the event's time, and so is the envelope's.
            let out = &mut self.out.bytes;
            out.extend_from_slice(b"{\"time\":\"");
            moment.write(b'T', 6, out);
            out.extend_from_slice(b"Z\",\"tenantId\":\"11111111-2222-3333-4444-555555555555\",\"operationName\":\"Publish\",\"category\":\"AdvancedHunting-");
            out.extend_from_slice(self.category.as_bytes());
            out.extend_from_slice(b"\",\"properties\":{");
        }
        self.name();
        moment.write(b'T', 6, &mut self.out.bytes);
        self.out.bytes.extend_from_slice(b"Z\"");
    }

    fn long(&mut self, value: i64) {
        self.name();
        text::number(value, &mut self.out.bytes);
    }

    fn text(&mut self, value: &str) {
        self.name();
        text::json(value, &mut self.out.bytes);
        self.out.bytes.push(b'"');
    }

    fn plain(&mut self, value: &str) {
        self.name();
        self.out.bytes.extend_from_slice(value.as_bytes());
        self.out.bytes.push(b'"');
    }

    fn end_row(&mut self) {
        self.out.bytes.extend_from_slice(b"}}\n");
        self.out.end();
        self.at = 0;
    }
}

/// The names of the columns.
pub(crate) fn header(columns: Columns, out: &mut Vec<u8>) {
    let names: Vec<&str> = columns.iter().map(|c| c.0).collect();
    out.extend_from_slice(names.join(",").as_bytes());
    out.push(b'\n');
}

/// A row a line; texts that hold a comma, a quote or the end of a line stand in quotes (RFC 4180).
pub(crate) struct Csv<'o> {
    columns: usize,
    at: usize,
    out: &'o mut Chunk,
}

impl<'o> Csv<'o> {
    pub(crate) fn new(columns: usize, out: &'o mut Chunk) -> Self {
        Csv { columns, at: 0, out }
    }

    fn next(&mut self) {
        self.at += 1;
        self.out.bytes.push(if self.at == self.columns { b'\n' } else { b',' });
    }
}

impl Put for Csv<'_> {
    fn time(&mut self, micros: i64) {
        Moment::new(micros).write(b'T', 6, &mut self.out.bytes);
        self.out.bytes.push(b'Z');
        self.next();
    }

    fn long(&mut self, value: i64) {
        text::number(value, &mut self.out.bytes);
        self.next();
    }

    fn text(&mut self, value: &str) {
        if value.bytes().any(|b| matches!(b, b',' | b'"' | b'\n' | b'\r')) {
            self.out.bytes.push(b'"');
            self.out.bytes.extend_from_slice(value.replace('"', "\"\"").as_bytes());
            self.out.bytes.push(b'"');
        } else {
            self.out.bytes.extend_from_slice(value.as_bytes());
        }
        self.next();
    }

    fn end_row(&mut self) {
        self.out.end();
        self.at = 0;
    }
}
