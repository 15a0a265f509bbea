//! Lines of bounded length.

use crate::needles::{Finder, Screen};
use crate::report::Report;
use crate::store::Group;
use memchr::memchr;
use std::io::{self, BufRead};
use std::ops::Range;
use std::sync::Arc;

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
    /// No line begins here or later.
    end: u64,
    /// Bytes of the reader's own buffer that the last line lent.
    lent: usize,
    screen: Option<Screen>,
    /// Lines that need not even be unpacked, the next ones last.
    groups: Vec<Group>,
    /// Bytes and lines that were passed over, since somebody asked.
    passed: (u64, u64),
}

impl<R: BufRead> Lines<R> {
    /// Lines of at most [`MAX_LINE`] bytes.
    pub fn new(reader: R) -> Self {
        Self::with_limit(reader, MAX_LINE)
    }

    /// Lines of at most `limit` bytes.
    pub fn with_limit(reader: R, limit: usize) -> Self {
        Lines {
            reader,
            buffer: Vec::new(),
            offset: 0,
            limit,
            end: u64::MAX,
            lent: 0,
            screen: None,
            groups: Vec::new(),
            passed: (0, 0),
        }
    }

    /// The lines that begin within `part` of a text. The reader stands at the byte before it, or at the beginning.
    pub fn within(mut reader: R, part: Range<u64>) -> io::Result<Self> {
        let mut offset = part.start;
        if offset > 0 {
            offset -= 1;
            offset += pass_line(&mut reader)?;
        }
        Ok(Lines { offset, end: part.end, ..Lines::new(reader) })
    }

    /// The same, where a line begins at the beginning of the part, and the reader stands there.
    pub(crate) fn from(reader: R, part: Range<u64>) -> Self {
        Lines { offset: part.start, end: part.end, ..Lines::new(reader) }
    }

    /// Passes over lines that are `sound` and in which nothing is found. The first lines of an input come whatever they
    /// hold.
    pub fn screened(mut self, finder: Option<Arc<Finder>>, sound: fn(&[u8]) -> bool) -> Self {
        let screen = if self.offset == 0 { Screen::new } else { Screen::further_on };
        self.screen = finder.map(|f| screen(f, sound));
        self
    }

    /// Passes over these lines too, in their order, without asking the reader for them: one of which more may be consumed
    /// than it lent. They are lines that [`Lines::screened`] would pass over.
    pub(crate) fn jumping(mut self, mut groups: Vec<Group>) -> Self {
        groups.reverse();
        self.groups = groups;
        self
    }

    #[cfg(test)]
    pub(crate) fn screened_from(mut self, screen: Screen) -> Self {
        self.screen = Some(screen);
        self
    }

    /// How many bytes and lines (blank ones not counted) were passed over since this was last asked.
    pub fn passed(&mut self) -> (u64, u64) {
        std::mem::take(&mut self.passed)
    }

    /// Counts what was passed over as read.
    pub fn tell_passed(&mut self, report: &Report) {
        let (bytes, events) = self.passed();
        if bytes > 0 {
            report.pass(bytes, events);
        }
    }

    /// Passes over what nobody needs: of the reader's buffer, and of what it has not read yet.
    #[inline]
    fn pass(&mut self) {
        loop {
            if !self.groups.is_empty() {
                self.jump();
            }
            let Some(screen) = self.screen.as_mut().filter(|_| self.offset < self.end) else { return };
            let Ok(chunk) = self.reader.fill_buf() else { return };
            let passed = screen.pass(chunk, self.end.saturating_sub(self.offset));
            self.reader.consume(passed.bytes);
            self.passed_over(passed.bytes as u64, passed.lines);
            if passed.bytes == 0 || self.groups.is_empty() {
                return;
            }
        }
    }

    /// Passes over lines that are known to hold nothing, where they come next.
    fn jump(&mut self) {
        while let Some(group) = self.groups.pop_if(|group| group.begin <= self.offset) {
            let Some(screen) = self.screen.as_mut().filter(|screen| screen.is_past_first()) else { continue };
            if group.begin == self.offset && group.end <= self.end {
                let length = group.end - group.begin;
                self.reader.consume(usize::try_from(length).unwrap_or(usize::MAX));
                screen.jump(group.lines);
                self.passed_over(length, group.lines);
            }
        }
    }

    fn passed_over(&mut self, bytes: u64, lines: u64) {
        self.offset += bytes;
        self.passed.0 += bytes;
        self.passed.1 += lines;
    }

    /// The next line, or `None` at the end. The last line needs no line end.
    #[allow(clippy::should_implement_trait, reason = "lends from itself, as no Iterator can")]
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.reader.consume(std::mem::take(&mut self.lent));
        loop {
            if self.screen.is_some() {
                self.pass();
            }
            let offset = self.offset;
            if offset >= self.end {
                return Ok(None);
            }
            // A line that stands whole in the reader's buffer is read there.
            if let Ok(chunk) = self.reader.fill_buf()
                && let Some(at) = memchr(b'\n', chunk)
                && at <= self.limit
            {
                self.lent = at + 1;
                self.offset += self.lent as u64;
                if let Some(screen) = &mut self.screen {
                    screen.take(self.lent);
                }
                // Filled already: nothing is read.
                let chunk = self.reader.fill_buf()?;
                let bytes = chunk.get(..at).unwrap_or_default();
                return Ok(Some(Line { offset, bytes: bytes.strip_suffix(b"\r").unwrap_or(bytes), oversized: None }));
            }
            let length = self.put_together()?;
            if length == 0 {
                return Ok(None);
            }
            self.offset += length;
            let whole = length == self.buffer.len() as u64;
            if let Some(screen) = &mut self.screen {
                if whole && screen.passes(&self.buffer) {
                    self.passed.0 += length;
                    self.passed.1 += 1;
                    continue;
                }
                screen.forget();
            }
            if !whole {
                return Ok(Some(Line { offset, bytes: &[], oversized: Some(length) }));
            }
            let mut bytes = self.buffer.as_slice();
            bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
            bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
            return Ok(Some(Line { offset, bytes, oversized: None }));
        }
    }

    /// Puts a line together that reaches beyond the reader's buffer. Its length; it is not kept where it is longer than
    /// the limit.
    fn put_together(&mut self) -> io::Result<u64> {
        self.buffer.clear();
        let mut length = 0u64;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if chunk.is_empty() {
                return Ok(length);
            }
            let (take, done) = memchr(b'\n', chunk).map_or((chunk.len(), false), |i| (i + 1, true));
            if self.buffer.len() + take <= self.limit + 2 {
                self.buffer.extend_from_slice(&chunk[..take]);
            }
            length += take as u64;
            self.reader.consume(take);
            if done {
                return Ok(length);
            }
        }
    }
}

/// Passes over what is left of a line; its length, the end included.
fn pass_line(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut length = 0;
    loop {
        let chunk = match reader.fill_buf() {
            Ok(chunk) => chunk,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        let (take, done) = memchr(b'\n', chunk).map_or((chunk.len(), chunk.is_empty()), |i| (i + 1, true));
        length += take as u64;
        reader.consume(take);
        if done {
            return Ok(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_in_one_part() {
        let text = "a\n\nbcd\r\nef\n\n\nlast";
        let bytes = text.as_bytes();
        let offsets = |mut lines: Lines<&[u8]>| {
            let mut out = Vec::new();
            while let Some(line) = lines.next().unwrap() {
                out.push((line.offset, line.bytes.to_vec()));
            }
            out
        };
        let whole = offsets(Lines::new(bytes));
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let mut all = Vec::new();
                for part in [0..first, first..second, second..usize::MAX] {
                    let from = part.start.saturating_sub(1);
                    let part = part.start as u64..part.end as u64;
                    all.extend(offsets(Lines::within(&bytes[from..], part).unwrap()));
                }
                assert_eq!(all, whole, "cut at {first} and {second}");
            }
        }
    }

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
