//! Comma-separated values that a spreadsheet may open.

use super::{Column, Rows};
use parallax_engine::value::Value;
use std::borrow::Cow;
use std::io::{self, Write};

pub(super) struct Csv {
    out: csv::Writer<Box<dyn Write + Send>>,
}

impl Csv {
    pub(super) fn new(columns: &[Column], out: Box<dyn Write + Send>) -> io::Result<Self> {
        let mut out = csv::Writer::from_writer(out);
        header(columns, &mut out)?;
        Ok(Csv { out })
    }
}

/// Writes the names.
pub(crate) fn header<W: Write>(columns: &[Column], out: &mut csv::Writer<W>) -> io::Result<()> {
    if columns.is_empty() {
        return Ok(());
    }
    out.write_record(columns.iter().map(|c| neutral(c.name.as_str().into()).into_owned())).map_err(failure)
}

/// Writes a row.
pub(crate) fn record<W: Write>(values: &[Value<'_>], out: &mut csv::Writer<W>) -> io::Result<()> {
    let cell = |value: &Value<'_>| {
        let text = value.text().unwrap_or_default();
        match value {
            Value::Text(_) | Value::Dynamic(_) => neutral(text).into_owned(),
            _ => text.into_owned(),
        }
    };
    if values.is_empty() {
        return Ok(());
    }
    out.write_record(values.iter().map(cell)).map_err(failure)
}

impl Rows for Csv {
    fn row(&mut self, values: &[Value<'_>]) -> io::Result<()> {
        record(values, &mut self.out)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}

/// Text that no spreadsheet takes for a formula.
fn neutral(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { Cow::Owned(format!("'{text}")) } else { text }
}

fn failure(e: csv::Error) -> io::Error {
    match e.into_kind() {
        csv::ErrorKind::Io(e) => e,
        kind => io::Error::other(format!("{kind:?}")),
    }
}
