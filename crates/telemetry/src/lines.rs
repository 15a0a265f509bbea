//! Lines of bounded length.

use memchr::memchr;
use std::io::{self, BufRead};

/// The longest line that is kept, unless the caller says otherwise: audit and JSON events are far below it, and a
/// file without line ends must not be read into memory whole.
pub const MAX_LINE: usize = 16 << 20;

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Offset of its first byte in the (decompressed) input.
    pub offset: u64,
    /// Its bytes without the line end (`\n` or `\r\n`). Empty where the line was too long.
    pub bytes: &'a [u8],
    /// The length of a line that was longer than the limit and was passed over.
    pub oversized: Option<u64>,
}

/// Reads an input line by line; memory is bounded by the limit.
pub struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    offset: u64,
    limit: usize,
}

impl<R: BufRead> Lines<R> {
    /// Lines of at most [`MAX_LINE`] bytes.
    pub fn new(reader: R) -> Self {
        Self::with_limit(reader, MAX_LINE)
    }

    /// Lines of at most `limit` bytes.
    pub fn with_limit(reader: R, limit: usize) -> Self {
        Lines { reader, buffer: Vec::new(), offset: 0, limit }
    }

    /// The next line, or `None` at the end. The last line needs no line end.
    #[allow(clippy::should_implement_trait, reason = "lends from itself, as no Iterator can")]
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let offset = self.offset;
        let mut length = 0u64;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if chunk.is_empty() {
                if length == 0 {
                    return Ok(None);
                }
                break;
            }
            let (take, done) = memchr(b'\n', chunk).map_or((chunk.len(), false), |i| (i + 1, true));
            if self.buffer.len() + take <= self.limit + 2 {
                self.buffer.extend_from_slice(&chunk[..take]);
            }
            length += take as u64;
            self.reader.consume(take);
            if done {
                break;
            }
        }
        self.offset += length;
        if length > self.buffer.len() as u64 {
            return Ok(Some(Line { offset, bytes: &[], oversized: Some(length) }));
        }
        let mut bytes = self.buffer.as_slice();
        bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        Ok(Some(Line { offset, bytes, oversized: None }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_limits() {
        let mut lines = Lines::with_limit(io::BufReader::with_capacity(3, &b"ab\r\n\nabcdefgh\nxy"[..]), 4);
        let mut seen = vec![];
        while let Some(l) = lines.next().unwrap() {
            seen.push((l.offset, l.bytes.to_vec(), l.oversized));
        }
        assert_eq!(
            seen,
            vec![(0, b"ab".to_vec(), None), (4, vec![], None), (5, vec![], Some(9)), (14, b"xy".to_vec(), None)]
        );
    }
}
