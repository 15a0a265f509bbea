//! JSON, as one document or a line a row.

use super::{Column, Rows, distinct};
use parallax_engine::value::{Value, is_json};
use serde_json::Value as Json;
use std::io::{self, Write};

/// `{"columns":[{"name":…,"type":…}],"rows":[[…]]}`
pub(super) struct Document {
    out: Box<dyn Write + Send>,
    first: bool,
}

impl Document {
    pub(super) fn new(columns: Vec<Column>, mut out: Box<dyn Write + Send>) -> io::Result<Self> {
        let columns: Vec<Json> =
            columns.iter().map(|c| serde_json::json!({ "name": c.name, "type": c.type_name })).collect();
        write!(out, "{{\"columns\":{},\"rows\":[", Json::from(columns))?;
        Ok(Document { out, first: true })
    }
}

impl Rows for Document {
    fn row(&mut self, values: &[Value<'_>]) -> io::Result<()> {
        self.out.write_all(if std::mem::take(&mut self.first) { b"\n[" } else { b",\n[" })?;
        for (i, value) in values.iter().enumerate() {
            if i > 0 {
                self.out.write_all(b",")?;
            }
            write(&mut self.out, value)?;
        }
        self.out.write_all(b"]")
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        writeln!(self.out, "{}]}}", if self.first { "" } else { "\n" })?;
        self.out.flush()
    }
}

/// One object a row. A name that repeats gets a number: an object has each name once.
pub(super) struct Lines {
    /// The names as JSON, each with the colon behind it.
    names: Vec<String>,
    out: Box<dyn Write + Send>,
}

impl Lines {
    pub(super) fn new(columns: Vec<Column>, out: Box<dyn Write + Send>) -> Self {
        let names = distinct(&columns).into_iter().map(|name| format!("{}:", Json::from(name)));
        Lines { names: names.collect(), out }
    }
}

impl Rows for Lines {
    fn row(&mut self, values: &[Value<'_>]) -> io::Result<()> {
        for (i, (name, value)) in self.names.iter().zip(values).enumerate() {
            self.out.write_all(if i > 0 { b"," } else { b"{" })?;
            self.out.write_all(name.as_bytes())?;
            write(&mut self.out, value)?;
        }
        self.out.write_all(if self.names.is_empty() { b"{}\n" } else { b"}\n" })
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a value as JSON, without making a tree of it: rows may be many. What is JSON already stays as it is.
fn write(out: &mut dyn Write, value: &Value<'_>) -> io::Result<()> {
    match value {
        Value::Text(text) => Ok(serde_json::to_writer(out, text)?),
        // A line is a row.
        Value::Dynamic(text) if !text.contains('\n') && is_json(text) => out.write_all(text.as_bytes()),
        other => write!(out, "{}", other.json()),
    }
}
