//! JSON, as one document or a line a row.

use super::{Column, Rows, distinct};
use parallax_engine::value::{Value, is_json};
use parallax_telemetry::formats::json::quote;
use serde_json::Value as Json;
use std::io::{self, Write};

/// `{"columns":[{"name":…,"type":…}],"rows":[[…]]}`
pub(super) struct Document {
    out: Box<dyn Write + Send>,
    first: bool,
    row: Vec<u8>,
}

impl Document {
    pub(super) fn new(columns: Vec<Column>, mut out: Box<dyn Write + Send>) -> io::Result<Self> {
        out.write_all(beginning(&columns).as_bytes())?;
        Ok(Document { out, first: true, row: Vec::new() })
    }
}

/// How a document begins.
pub(crate) fn beginning(columns: &[Column]) -> String {
    let columns: Vec<Json> =
        columns.iter().map(|c| serde_json::json!({ "name": c.name, "type": c.type_name })).collect();
    format!("{{\"columns\":{},\"rows\":[", Json::from(columns))
}

/// How a document ends that has rows, or none.
pub(crate) fn end(rows: bool) -> &'static str {
    if rows { "\n]}\n" } else { "]}\n" }
}

impl Rows for Document {
    fn row(&mut self, values: &[Value<'_>]) -> io::Result<()> {
        let out = &mut self.row;
        out.clear();
        out.extend(if std::mem::take(&mut self.first) { "\n[".bytes() } else { ",\n[".bytes() });
        for (i, value) in values.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            write(out, value)?;
        }
        out.push(b']');
        self.out.write_all(out)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.write_all(end(!self.first).as_bytes())?;
        self.out.flush()
    }
}

/// One object a row. A name that repeats gets a number: an object has each name once.
pub(super) struct Lines {
    /// The names as JSON, each with the colon behind it.
    names: Vec<String>,
    out: Box<dyn Write + Send>,
    row: Vec<u8>,
}

impl Lines {
    pub(super) fn new(columns: Vec<Column>, out: Box<dyn Write + Send>) -> Self {
        let names = distinct(&columns).into_iter().map(|name| format!("{}:", Json::from(name)));
        Lines { names: names.collect(), out, row: Vec::new() }
    }
}

impl Rows for Lines {
    fn row(&mut self, values: &[Value<'_>]) -> io::Result<()> {
        let out = &mut self.row;
        out.clear();
        for (i, (name, value)) in self.names.iter().zip(values).enumerate() {
            out.push(if i > 0 { b',' } else { b'{' });
            out.extend_from_slice(name.as_bytes());
            write(out, value)?;
        }
        out.extend_from_slice(if self.names.is_empty() { b"{}\n" } else { b"}\n" });
        self.out.write_all(out)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a value as JSON, without making a tree of it: rows may be many. What is JSON already stays as it is.
pub(crate) fn write(out: &mut Vec<u8>, value: &Value<'_>) -> io::Result<()> {
    match value {
        Value::Text(text) => quote(text, out),
        // A line is a row.
        Value::Dynamic(text) if matches!(*text, "[]" | "{}") => out.extend_from_slice(text.as_bytes()),
        Value::Dynamic(text) if !text.contains('\n') && is_json(text) => out.extend_from_slice(text.as_bytes()),
        other => write!(out, "{}", other.json())?,
    }
    Ok(())
}
