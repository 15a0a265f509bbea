//! Files of event XML.

use super::compiled::Compiled;
use super::gather::Gather;
use super::{emit, xml};
use crate::event::{Reader, Request, Sink};
use crate::input::{self, Input};
use crate::lines::MAX_LINE;
use crate::needles::{Needles, Sieve};
use crate::report::Report;
use memchr::memmem;
use std::io::{self, BufRead};
use std::ops::ControlFlow;

/// Reads event XML: one event a line or many in one document, with or without a line's prefix.
pub struct XmlReader {
    inputs: Vec<Input>,
}

impl XmlReader {
    /// A reader of `inputs`, one after the other.
    pub fn new(inputs: Vec<Input>) -> Self {
        XmlReader { inputs }
    }
}

impl Reader for XmlReader {
    fn read(&mut self, request: &Request, report: &Report, sink: &mut dyn Sink) -> io::Result<()> {
        let compiled = Compiled::new(request);
        let finder = request.needles.as_ref().and_then(Needles::finder);
        input::each(&self.inputs, report, |input, file, name| {
            let sieve = finder.clone().map(|f| Sieve::new(f, 0));
            Ok(One { compiled: &compiled, report, sink, name, file, values: Vec::new(), sieve }.read(input.open()?))
        });
        Ok(())
    }
}

/// One file being read.
struct One<'r> {
    compiled: &'r Compiled,
    report: &'r Report,
    sink: &'r mut dyn Sink,
    name: &'r str,
    file: u32,
    values: Vec<crate::event::Value<'static>>,
    sieve: Option<Sieve>,
}

impl One<'_> {
    fn read(&mut self, reader: Box<dyn BufRead + Send>) -> ControlFlow<()> {
        let mut window = Window::new(super::utf16::decoded(reader));
        loop {
            match window.next() {
                Ok(Some(Piece::Event { offset, text, whole })) => {
                    if !whole {
                        self.report.note("events recovered that have no end", 1);
                    } else if self.sieve.as_mut().is_some_and(|s| s.passes(text, |_| true)) {
                        self.report.pass(0, 1);
                        continue;
                    }
                    self.event(offset, text)?;
                }
                Ok(Some(Piece::TooLong { offset })) => {
                    self.report.damage(self.name, Some(offset), "an event longer than 16 MiB was passed over");
                }
                Ok(None) => break,
                Err(e) => {
                    self.report.damage(self.name, Some(window.offset), e.to_string());
                    break;
                }
            }
        }
        self.report.add_bytes(window.offset);
        if window.events == 0 {
            self.report.damage(self.name, None, "no event was found");
        }
        ControlFlow::Continue(())
    }

    fn event(&mut self, offset: u64, bytes: &[u8]) -> ControlFlow<()> {
        let text = super::text::lossy(bytes);
        let mut gather = Gather::new(self.compiled);
        xml::event(&text, &mut gather);
        let at = emit::Place { file: self.file, name: self.name, position: offset };
        emit::event(gather, &text, at, &mut self.values, self.report, self.sink)
    }
}

/// What was found in a file.
enum Piece<'a> {
    Event { offset: u64, text: &'a [u8], whole: bool },
    TooLong { offset: u64 },
}

/// A window over the file that always holds one event, and no more than the longest allowed.
struct Window<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Where in the buffer the unread part begins.
    at: usize,
    /// Where in the file that is.
    offset: u64,
    events: u64,
    ended: bool,
}

impl<R: BufRead> Window<R> {
    fn new(reader: R) -> Self {
        Window { reader, buffer: Vec::new(), at: 0, offset: 0, events: 0, ended: false }
    }

    /// Reads on; `false` at the end of the file.
    fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        loop {
            match self.reader.fill_buf() {
                Ok(chunk) => {
                    let n = chunk.len();
                    self.buffer.extend_from_slice(chunk);
                    self.reader.consume(n);
                    self.ended = n == 0;
                    return Ok(n > 0);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    fn advance(&mut self, n: usize) {
        self.at += n;
        self.offset += n as u64;
    }

    fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.find_start()?;
        if self.at == self.buffer.len() {
            return Ok(None);
        }
        let offset = self.offset;
        let mut searched = 1;
        let (length, whole) = loop {
            let rest = &self.buffer[self.at..];
            match end_of_event(rest, searched) {
                Some(end) => break end,
                None if rest.len() > MAX_LINE => {
                    // Over its beginning, so that the next event is looked for.
                    self.advance(1);
                    return Ok(Some(Piece::TooLong { offset }));
                }
                None => {
                    searched = rest.len().saturating_sub(8).max(1);
                    if !self.fill()? {
                        break (self.buffer.len() - self.at, false);
                    }
                }
            }
        };
        let begin = self.at;
        self.advance(length);
        self.events += 1;
        Ok(Some(Piece::Event { offset, text: &self.buffer[begin..begin + length], whole }))
    }

    /// Moves to the next `<Event>`, or to the end of the file.
    fn find_start(&mut self) -> io::Result<()> {
        loop {
            let rest = &self.buffer[self.at..];
            if let Some(i) = start_of_event(rest, 0, self.ended) {
                self.advance(i);
                return Ok(());
            }
            // The last bytes may be the beginning of one.
            let keep = if self.ended { 0 } else { rest.len().min(7) };
            self.advance(rest.len() - keep);
            if !self.fill()? && keep == 0 {
                return Ok(());
            }
        }
    }
}

/// Where `<Event>` or `<Event …>` begins, not `<EventData>`.
fn start_of_event(bytes: &[u8], from: usize, ended: bool) -> Option<usize> {
    memmem::find_iter(bytes.get(from..)?, b"<Event").map(|i| from + i).find(|i| match bytes.get(i + 6) {
        Some(c) => matches!(c, b'>' | b' ' | b'\t' | b'\r' | b'\n'),
        None => ended,
    })
}

/// The length of the event at the beginning of `bytes`, and whether its end is there; looks from `searched` on.
fn end_of_event(bytes: &[u8], searched: usize) -> Option<(usize, bool)> {
    const END: &[u8] = b"</Event>";
    // The next beginning first: it is near, and an end is looked for no further, so that nothing is searched twice.
    let next = start_of_event(bytes, searched, false);
    let before = bytes.get(searched..next.unwrap_or(bytes.len()))?;
    if let Some(i) = memmem::find(before, END) {
        return Some((searched + i + END.len(), true));
    }
    // An event that was cut ends where the next begins, or with its line.
    let next = next?;
    let line = memchr::memrchr(b'\n', &bytes[..next]).filter(|i| *i > 0);
    Some((line.unwrap_or(next), false))
}
