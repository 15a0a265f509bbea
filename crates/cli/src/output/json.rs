//! JSON, as one document or a line a row.

use super::{Column, Rows, distinct};
use parallax_engine::value::Value;
use serde_json::{Map, Value as Json};
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
        let row: Vec<Json> = values.iter().map(Value::json).collect();
        let comma = if std::mem::take(&mut self.first) { "" } else { "," };
        write!(self.out, "{comma}\n{}", Json::from(row))
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        writeln!(self.out, "{}]}}", if self.first { "" } else { "\n" })?;
        self.out.flush()
    }
}

/// One object a row. A name that repeats gets a number: an object has each name once.
pub(super) struct Lines {
    names: Vec<String>,
    out: Box<dyn Write + Send>,
}

impl Lines {
    pub(super) fn new(columns: Vec<Column>, out: Box<dyn Write + Send>) -> Self {
        Lines { names: distinct(&columns), out }
    }
}

impl Rows for Lines {
    fn row(&mut self, values: &[Value<'_>]) -> io::Result<()> {
        let row: Map<String, Json> = self.names.iter().cloned().zip(values.iter().map(Value::json)).collect();
        writeln!(self.out, "{}", Json::Object(row))
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}
