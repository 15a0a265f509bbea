//! JSON, as one document or a line a row.

use super::{Column, Rows, distinct};
use parallax_engine::value::{Value, is_json};
use parallax_telemetry::formats::json::plain;
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
        let columns: Vec<Json> =
            columns.iter().map(|c| serde_json::json!({ "name": c.name, "type": c.type_name })).collect();
        write!(out, "{{\"columns\":{},\"rows\":[", Json::from(columns))?;
        Ok(Document { out, first: true, row: Vec::new() })
    }
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
        writeln!(self.out, "{}]}}", if self.first { "" } else { "\n" })?;
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
fn write(out: &mut Vec<u8>, value: &Value<'_>) -> io::Result<()> {
    match value {
        Value::Text(text) => string(out, text),
        // A line is a row.
        Value::Dynamic(text) if matches!(*text, "[]" | "{}") => out.extend_from_slice(text.as_bytes()),
        Value::Dynamic(text) if !text.contains('\n') && is_json(text) => out.extend_from_slice(text.as_bytes()),
        other => write!(out, "{}", other.json())?,
    }
    Ok(())
}

/// Writes a text as a JSON string; most of it needs no escape.
fn string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (as_it_is, behind) = rest.split_at(plain(rest));
        out.extend_from_slice(as_it_is);
        let Some((byte, behind)) = behind.split_first() else { break };
        match byte {
            b'"' | b'\\' => out.extend([b'\\', *byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0x08 => out.extend(b"\\b"),
            0x0C => out.extend(b"\\f"),
            byte => {
                out.extend(b"\\u00");
                out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
        }
        rest = behind;
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_as_the_library_writes_them() {
        let all: String = (0..0x180).filter_map(char::from_u32).collect();
        for text in [all.as_str(), "", "C:\\Windows\\\"x\"", "é\u{2028}😀\u{7f}"] {
            let mut out = Vec::new();
            string(&mut out, text);
            assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(text).unwrap());
        }
    }
}
