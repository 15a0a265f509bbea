//! The elements of a JSON document that is no line format: one big array, or objects over several lines.

use crate::lines::MAX_LINE;
use std::io::{self, BufRead};

/// One element.
pub(crate) struct Element<'a> {
    /// Where it begins in the file.
    pub(crate) offset: u64,
    /// Its text; empty where it was too long.
    pub(crate) bytes: &'a [u8],
    /// Whether its end was found.
    pub(crate) whole: bool,
    /// Whether it was longer than the limit.
    pub(crate) oversized: bool,
}

/// Splits a document into the objects at its top, or within the array at its top. Memory holds one of them.
pub(crate) struct Elements<R> {
    reader: R,
    buffer: Vec<u8>,
    offset: u64,
}

impl<R: BufRead> Elements<R> {
    pub(crate) fn new(reader: R) -> Self {
        Elements { reader, buffer: Vec::new(), offset: 0 }
    }

    /// Decompressed bytes read.
    pub(crate) fn read(&self) -> u64 {
        self.offset
    }

    /// The next element.
    pub(crate) fn next(&mut self) -> io::Result<Option<Element<'_>>> {
        self.buffer.clear();
        let mut start = None;
        let (mut depth, mut in_string, mut escaped) = (0u32, false, false);
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if chunk.is_empty() {
                return Ok(start.map(|offset| Element {
                    offset,
                    bytes: &self.buffer,
                    whole: false,
                    oversized: self.buffer.is_empty(),
                }));
            }
            let mut begin = if start.is_some() { Some(0) } else { None };
            let mut end = None;
            for (i, &b) in chunk.iter().enumerate() {
                if in_string {
                    in_string = escaped || b != b'"';
                    escaped = !escaped && b == b'\\';
                    continue;
                }
                match b {
                    b'"' => in_string = depth > 0,
                    b'{' => {
                        if depth == 0 {
                            start = Some(self.offset + i as u64);
                            begin = Some(i);
                        }
                        depth += 1;
                    }
                    b'[' if depth > 0 => depth += 1,
                    b'}' | b']' if depth > 0 => {
                        depth -= 1;
                        if depth == 0 {
                            end = Some(i + 1);
                            break;
                        }
                    }
                    _ => {}
                }
            }
            let used = end.unwrap_or(chunk.len());
            let mut oversized = false;
            if let Some(begin) = begin {
                oversized = self.buffer.len() + used - begin > MAX_LINE;
                if !oversized {
                    self.buffer.extend_from_slice(&chunk[begin..used]);
                }
            }
            self.reader.consume(used);
            self.offset += used as u64;
            if oversized {
                return self.pass_over(start.unwrap_or(0), depth, in_string, escaped, end.is_some());
            }
            if end.is_some() {
                let offset = start.unwrap_or(0);
                return Ok(Some(Element { offset, bytes: &self.buffer, whole: true, oversized: false }));
            }
        }
    }

    /// Reads on to the end of an element that is too long.
    fn pass_over(
        &mut self,
        offset: u64,
        mut depth: u32,
        mut in_string: bool,
        mut escaped: bool,
        ended: bool,
    ) -> io::Result<Option<Element<'_>>> {
        self.buffer.clear();
        let mut ended = ended;
        while !ended {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            let mut used = chunk.len();
            for (i, &b) in chunk.iter().enumerate() {
                if in_string {
                    in_string = escaped || b != b'"';
                    escaped = !escaped && b == b'\\';
                    continue;
                }
                match b {
                    b'"' => in_string = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth = depth.saturating_sub(1);
                        if depth == 0 {
                            ended = true;
                            used = i + 1;
                            break;
                        }
                    }
                    _ => {}
                }
            }
            self.reader.consume(used);
            self.offset += used as u64;
        }
        Ok(Some(Element { offset, bytes: &[], whole: ended, oversized: true }))
    }
}
