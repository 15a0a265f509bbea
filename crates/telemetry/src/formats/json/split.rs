//! Splits a JSON document into its rows while it streams by: memory holds one row, whatever the document's size.
//!
//! Understood: an array of rows; an object with an array of rows under one of [`ENVELOPES`]; the Log Analytics shape
//! `{"tables":[{"columns":[…],"rows":[[…]]}]}`; any other object, which is one row; and several of these in sequence.

use crate::lines::MAX_LINE;
use std::io::{self, BufRead};

/// Names under which an object keeps its rows.
pub(crate) const ENVELOPES: [&str; 5] = ["records", "Records", "Results", "results", "value"];
/// Names under which an object keeps tables of columns and rows.
pub(crate) const TABLES: [&str; 2] = ["tables", "Tables"];

const OVERLONG: &str = "an element over 16 MiB was passed over";

/// What the splitter finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A row: an object, or something that should have been one.
    Row {
        /// Offset of its first byte.
        offset: u64,
        /// Its text.
        text: &'a [u8],
    },
    /// The column descriptions of the following [`Piece::Cells`], an array.
    Columns(&'a [u8]),
    /// A row as an array of values.
    Cells {
        /// Offset of its first byte.
        offset: u64,
        /// Its text.
        text: &'a [u8],
    },
    /// Something that can't be read.
    Damage {
        /// Where.
        offset: u64,
        /// What.
        reason: &'static str,
    },
}

/// Where the splitter stands; one entry for each container it has entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    /// An array of rows.
    Rows,
    /// An array of tables.
    Tables,
    /// An object whose members are looked at one by one.
    Object,
    /// A table's array of rows.
    Cells,
}

/// The splitter.
pub(crate) struct Split<R> {
    reader: R,
    offset: u64,
    stack: Vec<Inside>,
    buffer: Vec<u8>,
    /// The text of a top-level object as far as it may turn out to be a row itself; `None` once it is not.
    whole: Option<Vec<u8>>,
    whole_offset: u64,
    /// The top-level object has become too long to be a row.
    overlong: bool,
    done: bool,
}

impl<R: BufRead> Split<R> {
    pub(crate) fn new(reader: R) -> Self {
        Split {
            reader,
            offset: 0,
            stack: Vec::new(),
            buffer: Vec::new(),
            whole: None,
            whole_offset: 0,
            overlong: false,
            done: false,
        }
    }

    /// How far the input was read.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.reader.fill_buf() {
                Ok(chunk) => return Ok(chunk.first().copied()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    fn take(&mut self, byte: u8) {
        self.reader.consume(1);
        self.offset += 1;
        if let Some(whole) = &mut self.whole {
            whole.push(byte);
        }
    }

    /// The next byte that is neither white space nor a separator, not taken.
    fn next_byte(&mut self) -> io::Result<Option<u8>> {
        while let Some(b) = self.peek()? {
            match b {
                b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | 0xef | 0xbb | 0xbf => self.take(b),
                _ => return Ok(Some(b)),
            }
        }
        Ok(None)
    }

    /// The next piece, or `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        loop {
            if self.done {
                return Ok(None);
            }
            let Some(byte) = self.next_byte()? else {
                self.done = true;
                if self.stack.is_empty() {
                    return Ok(None);
                }
                return Ok(Some(Piece::Damage { offset: self.offset, reason: "the document is cut off" }));
            };
            match self.stack.last().copied() {
                None => match byte {
                    b'[' => {
                        self.take(byte);
                        self.stack.push(Inside::Rows);
                    }
                    b'{' => {
                        self.whole = Some(Vec::new());
                        self.whole_offset = self.offset;
                        self.overlong = false;
                        self.take(byte);
                        self.stack.push(Inside::Object);
                    }
                    _ => {
                        self.done = true;
                        return Ok(Some(Piece::Damage { offset: self.offset, reason: "not JSON" }));
                    }
                },
                Some(Inside::Rows | Inside::Tables | Inside::Cells) if byte == b']' => {
                    self.take(byte);
                    self.stack.pop();
                }
                Some(Inside::Tables) if byte == b'{' => {
                    self.take(byte);
                    self.stack.push(Inside::Object);
                }
                Some(Inside::Rows | Inside::Tables) => return self.row(byte, false),
                Some(Inside::Cells) => return self.row(byte, true),
                Some(Inside::Object) => {
                    if let Some(end) = self.member(byte)? {
                        return Ok(Some(match end {
                            Member::Whole => {
                                let text = self.whole.take().unwrap_or_default();
                                self.buffer = text;
                                Piece::Row { offset: self.whole_offset, text: &self.buffer }
                            }
                            Member::Columns => Piece::Columns(&self.buffer),
                            Member::Overlong => Piece::Damage { offset: self.whole_offset, reason: OVERLONG },
                            Member::Damage(reason) => {
                                self.done = true;
                                Piece::Damage { offset: self.offset, reason }
                            }
                        }));
                    }
                }
            }
        }
    }

    fn row(&mut self, byte: u8, cells: bool) -> io::Result<Option<Piece<'_>>> {
        let offset = self.offset;
        if byte == b'}' || byte == b']' {
            self.done = true;
            return Ok(Some(Piece::Damage { offset, reason: "brackets do not match" }));
        }
        Ok(Some(match self.value()? {
            Taken::Complete if cells => Piece::Cells { offset, text: &self.buffer },
            Taken::Complete => Piece::Row { offset, text: &self.buffer },
            Taken::Oversized => Piece::Damage { offset, reason: OVERLONG },
            Taken::Cut => {
                self.done = true;
                Piece::Damage { offset, reason: "the element is cut off" }
            }
        }))
    }

    /// Takes an object's next member; something to say comes back.
    fn member(&mut self, byte: u8) -> io::Result<Option<Member>> {
        if byte == b'}' {
            self.take(byte);
            self.stack.pop();
            if self.stack.is_empty() && self.overlong {
                return Ok(Some(Member::Overlong));
            }
            let whole = self.stack.is_empty() && self.whole.is_some();
            return Ok(whole.then_some(Member::Whole));
        }
        if byte != b'"' {
            return Ok(Some(Member::Damage("not JSON")));
        }
        if self.value()? != Taken::Complete {
            return Ok(Some(Member::Damage("the document is cut off")));
        }
        let name = String::from_utf8_lossy(&self.buffer).trim_matches('"').to_owned();
        let Some(byte) = self.next_byte()? else {
            return Ok(Some(Member::Damage("the document is cut off")));
        };
        let top = self.stack.len() == 1;
        if byte == b'[' && !top && name == "rows" {
            self.take(byte);
            self.stack.push(Inside::Cells);
            return Ok(None);
        }
        if byte == b'[' && top && (ENVELOPES.contains(&name.as_str()) || TABLES.contains(&name.as_str())) {
            self.take(byte);
            // An array of plain values is data of one row; rows are objects.
            if self.next_byte()? == Some(b'{') {
                self.whole = None;
                self.overlong = false;
                self.stack.push(if TABLES.contains(&name.as_str()) { Inside::Tables } else { Inside::Rows });
                return Ok(None);
            }
            self.stack.push(Inside::Rows);
            while let Some(b) = self.next_byte()? {
                if b == b']' {
                    self.take(b);
                    break;
                }
                if b == b'}' {
                    return Ok(Some(Member::Damage("brackets do not match")));
                }
                if self.value()? != Taken::Complete {
                    return Ok(Some(Member::Damage("the document is cut off")));
                }
            }
            self.stack.pop();
            return Ok(None);
        }
        match self.value()? {
            Taken::Complete if !top && name == "columns" => Ok(Some(Member::Columns)),
            Taken::Complete => Ok(None),
            Taken::Oversized => Ok(None),
            Taken::Cut => Ok(Some(Member::Damage("the document is cut off"))),
        }
    }

    /// Takes one value whole into the buffer.
    fn value(&mut self) -> io::Result<Taken> {
        self.buffer.clear();
        let mut state = Scan::default();
        let mut oversized = false;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if chunk.is_empty() {
                return Ok(if state.scalar { Taken::Complete } else { Taken::Cut });
            }
            let (n, end) = state.advance(chunk);
            if self.buffer.len() + n <= MAX_LINE {
                self.buffer.extend_from_slice(&chunk[..n]);
            } else {
                oversized = true;
            }
            if let Some(whole) = &mut self.whole {
                whole.extend_from_slice(&chunk[..n]);
                if whole.len() > MAX_LINE {
                    self.whole = None;
                    self.overlong = true;
                }
            }
            self.reader.consume(n);
            self.offset += n as u64;
            if end {
                return Ok(if oversized { Taken::Oversized } else { Taken::Complete });
            }
        }
    }
}

enum Member {
    Whole,
    Overlong,
    Columns,
    Damage(&'static str),
}

#[derive(PartialEq, Eq)]
enum Taken {
    Complete,
    Oversized,
    Cut,
}

/// Finds the end of a value, chunk by chunk.
#[derive(Default)]
struct Scan {
    depth: usize,
    string: bool,
    escaped: bool,
    scalar: bool,
}

impl Scan {
    /// How many bytes of the chunk belong to the value, and whether it ends there.
    fn advance(&mut self, chunk: &[u8]) -> (usize, bool) {
        let mut i = 0;
        while i < chunk.len() {
            if self.string {
                if self.escaped {
                    self.escaped = false;
                    i += 1;
                    continue;
                }
                match memchr::memchr2(b'"', b'\\', &chunk[i..]) {
                    None => return (chunk.len(), false),
                    Some(at) => {
                        i += at + 1;
                        if chunk[i - 1] == b'\\' {
                            self.escaped = true;
                        } else {
                            self.string = false;
                            if self.depth == 0 {
                                return (i, true);
                            }
                        }
                    }
                }
                continue;
            }
            match chunk[i] {
                b'"' => self.string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    if self.depth == 0 {
                        return (i, true);
                    }
                    self.depth -= 1;
                    if self.depth == 0 {
                        return (i + 1, true);
                    }
                }
                b',' | b' ' | b'\n' | b'\r' | b'\t' if self.depth == 0 && self.scalar => return (i, true),
                _ if self.depth == 0 => self.scalar = true,
                _ => {}
            }
            i += 1;
        }
        (chunk.len(), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, buffer: usize) -> Vec<String> {
        let mut s = Split::new(io::BufReader::with_capacity(buffer, text.as_bytes()));
        let mut out = Vec::new();
        while let Some(p) = s.next().unwrap() {
            out.push(match p {
                Piece::Row { offset, text } => format!("row {offset} {}", String::from_utf8_lossy(text)),
                Piece::Columns(text) => format!("columns {}", String::from_utf8_lossy(text)),
                Piece::Cells { offset, text } => format!("cells {offset} {}", String::from_utf8_lossy(text)),
                Piece::Damage { offset, reason } => format!("damage {offset} {reason}"),
            });
        }
        out
    }

    #[test]
    fn shapes() {
        for buffer in [1, 3, 4096] {
            assert_eq!(
                split("[{\"a\":\"]\\\"\"},\n {\"b\":[1]}]", buffer),
                ["row 1 {\"a\":\"]\\\"\"}", "row 15 {\"b\":[1]}"]
            );
            assert_eq!(
                split("{\"Schema\":[{\"x\":1}],\"Results\":[{\"a\":1}, {\"a\":2}]}", buffer),
                ["row 31 {\"a\":1}", "row 40 {\"a\":2}"]
            );
            assert_eq!(
                split("{\"tables\":[{\"name\":\"P\",\"columns\":[{\"name\":\"a\"}],\"rows\":[[1],[2]]}]}", buffer),
                ["columns [{\"name\":\"a\"}]", "cells 56 [1]", "cells 60 [2]"]
            );
            assert_eq!(
                split("{\n \"a\": 1,\n \"results\": [1, 2]\n}\n{\"b\":2}", buffer),
                ["row 0 {\n \"a\": 1,\n \"results\": [1, 2]\n}", "row 32 {\"b\":2}"]
            );
            assert_eq!(split("[{\"a\":1},{\"b\":", buffer), ["row 1 {\"a\":1}", "damage 9 the element is cut off"]);
            assert_eq!(split("[{\"a\":1}", buffer), ["row 1 {\"a\":1}", "damage 8 the document is cut off"]);
            assert_eq!(split("{\"value\":[1}", buffer), ["damage 11 brackets do not match"]);
            assert_eq!(split("{\"a\":12", buffer), ["damage 7 the document is cut off"]);
        }
    }

    mod properties {
        use super::*;
        use proptest::prelude::*;

        /// Any JSON object, as text.
        fn object() -> impl Strategy<Value = String> {
            let leaf = prop_oneof![
                Just(serde_json::Value::Null),
                any::<bool>().prop_map(Into::into),
                any::<i32>().prop_map(Into::into),
                "\\PC{0,12}".prop_map(Into::into),
                "[\\[\\]{}\"\\\\,: \n]{0,8}".prop_map(Into::into),
            ];
            let value = leaf.prop_recursive(3, 16, 4, |inner| {
                prop_oneof![
                    prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                    prop::collection::btree_map("[a-z]{1,4}", inner, 0..4)
                        .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
                ]
            });
            // Names of three letters are no envelope's.
            prop::collection::btree_map("[a-z]{1,3}", value, 1..5)
                .prop_map(|m| serde_json::Value::Object(m.into_iter().collect()).to_string())
        }

        fn texts(document: &str, buffer: usize) -> Vec<String> {
            let mut split = Split::new(io::BufReader::with_capacity(buffer, document.as_bytes()));
            let mut out = Vec::new();
            while let Some(piece) = split.next().unwrap() {
                match piece {
                    Piece::Row { offset, text } => {
                        let text = String::from_utf8_lossy(text).into_owned();
                        assert!(document[usize::try_from(offset).unwrap()..].starts_with(&text));
                        out.push(text);
                    }
                    other => panic!("{other:?}"),
                }
            }
            out
        }

        proptest! {
            #[test]
            fn rows_come_back(rows in prop::collection::vec(object(), 1..6), buffer in 1usize..64) {
                prop_assert_eq!(&texts(&format!("[{}]", rows.join(",\n ")), buffer), &rows);
                prop_assert_eq!(&texts(&format!("{{\"x\":[1],\"records\":[{}]}}", rows.join(",")), buffer), &rows);
                prop_assert_eq!(&texts(&rows.join("\n"), buffer), &rows);
            }

            #[test]
            fn always_ends(
                text in r#"([\[\]{}",:a1 \n\\]|"value":|"rows":|"tables":){0,40}"#,
                buffer in 1usize..8,
            ) {
                let mut split = Split::new(io::BufReader::with_capacity(buffer, text.as_bytes()));
                let mut n = 0;
                while let Some(_piece) = split.next().unwrap() {
                    n += 1;
                    prop_assert!(n < 100);
                }
            }
        }
    }
}
