//! Passing over rows of CSV in which nothing is found, before they are taken apart.
//!
//! What is left comes out as the same text with whole rows left out. Rows are told apart by quotes and line ends as the
//! parser does it; what it would read in an odd way (text behind a closing quote) always comes.

use crate::lines::MAX_LINE;
use crate::needles::{Finder, Folded};
use memchr::{memchr, memchr3};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::rc::Rc;
use std::sync::Arc;

/// Bytes that are read at once.
const BUFFER: usize = 256 * 1024;

/// Of how many rows in a row it is counted how many could be passed over.
const SAMPLE: u64 = 4_096;

/// What was passed over.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// Where rows were left out: how much of the text had come out by then, and how much was left out in all.
    gaps: VecDeque<(u64, u64)>,
    /// How much was left out before what is read now.
    before: u64,
    bytes: u64,
    rows: u64,
}

impl Passed {
    /// Where in the whole text what came out at `position` stands. Positions only grow.
    pub(super) fn whole(&mut self, position: u64) -> u64 {
        while let Some((_, before)) = self.gaps.pop_front_if(|(out, _)| *out <= position) {
            self.before = before;
        }
        position + self.before
    }

    /// Bytes and rows that were left out since this was last asked.
    pub(super) fn take(&mut self) -> (u64, u64) {
        (std::mem::take(&mut self.bytes), std::mem::take(&mut self.rows))
    }
}

/// The text of which rows are left out.
pub(super) struct Screened<R> {
    reader: R,
    finder: Option<Arc<Finder>>,
    buffer: Vec<u8>,
    /// The buffer, folded.
    folded: Folded,
    /// What of the buffer has come out or was left out.
    at: usize,
    /// Up to where it comes out.
    out: usize,
    /// For each pass of the finder, where in the buffer it finds something next.
    ahead: Vec<usize>,
    ended: bool,
    /// Bytes that are read at once.
    capacity: usize,
    /// Whether nothing has been read: the first row is the header.
    first: bool,
    read: u64,
    passed: u64,
    /// How much came out, and was left out.
    total: (u64, u64),
    shared: Rc<RefCell<Passed>>,
}

/// Where a row ends.
enum End {
    /// There; whether the parser reads it as it stands.
    At(usize, bool),
    /// Not in the buffer.
    Beyond,
}

impl<R: Read> Screened<R> {
    pub(super) fn new(reader: R, finder: Option<Arc<Finder>>, shared: Rc<RefCell<Passed>>) -> Self {
        let ahead = vec![0; finder.as_ref().map_or(0, |f| f.passes())];
        Screened {
            reader,
            finder,
            buffer: Vec::new(),
            folded: Folded::default(),
            at: 0,
            out: 0,
            ahead,
            ended: false,
            capacity: BUFFER,
            first: true,
            read: 0,
            passed: 0,
            total: (0, 0),
            shared,
        }
    }

    /// Reads on: at least as much as there is, so that a long row is not gone through again and again.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.at);
        (self.at, self.out) = (0, 0);
        let more = self.buffer.len().max(self.capacity);
        let n = (&mut self.reader).take(more as u64).read_to_end(&mut self.buffer)?;
        self.ended = n == 0;
        self.folded.take(&self.buffer);
        self.ahead.fill(0);
        if let Some(finder) = &self.finder {
            for (pass, ahead) in self.ahead.iter_mut().enumerate() {
                *ahead = finder.find(pass, &self.folded, 0);
            }
        }
        Ok(())
    }

    /// Decides what comes out next; `false` where more must be read first.
    fn decide(&mut self) -> bool {
        let begin = self.at;
        let mut rows = 0;
        let come = loop {
            match self.row() {
                End::At(end, sound) => {
                    if sound && !self.first && self.next() >= end {
                        rows += 1;
                        self.at = end;
                        continue;
                    }
                    self.first = false;
                    self.read += 1;
                    break Some(end);
                }
                // What a file's end cuts comes.
                End::Beyond if self.ended => break Some(self.buffer.len()),
                // A quote that never closes: the parser says so.
                End::Beyond if self.buffer.len() - self.at > MAX_LINE => {
                    self.finder = None;
                    break Some(self.buffer.len());
                }
                End::Beyond => break None,
            }
        };
        let bytes = (self.at - begin) as u64;
        if bytes > 0 {
            self.total.1 += bytes;
            self.passed += rows;
            let mut shared = self.shared.borrow_mut();
            shared.bytes += bytes;
            shared.rows += rows;
            shared.gaps.push_back(self.total);
        }
        if self.read + self.passed >= SAMPLE {
            // Where most rows are read anyway, searching them is work for nothing.
            if self.read > self.passed {
                self.finder = None;
            }
            (self.read, self.passed) = (0, 0);
        }
        self.out = come.unwrap_or(self.at);
        come.is_some()
    }

    /// Where something is found next, the end of the buffer where nothing is.
    fn next(&mut self) -> usize {
        let Some(finder) = &self.finder else { return 0 };
        for (pass, ahead) in self.ahead.iter_mut().enumerate() {
            if *ahead < self.at {
                *ahead = finder.find(pass, &self.folded, self.at);
            }
        }
        self.ahead.iter().copied().min().unwrap_or(0)
    }

    /// The row that begins here, line ends before it included: with those the parser begins.
    fn row(&self) -> End {
        let text = self.buffer.as_slice();
        let mark = if self.total == (0, 0) && text[self.at..].starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let blank = text[self.at + mark..].iter().take_while(|b| matches!(b, b'\n' | b'\r')).count();
        let begin = self.at + mark + blank;
        let (mut at, mut sound) = (begin, true);
        loop {
            let Some(found) = memchr3(b'"', b'\n', b'\r', &text[at..]) else { return End::Beyond };
            at += found + 1;
            if text[at - 1] != b'"' {
                return End::At(at, sound);
            }
            if at - 1 != begin && text[at - 2] != b',' {
                // A quote within a cell that does not begin with one stands for itself.
                continue;
            }
            loop {
                let Some(found) = memchr(b'"', &text[at..]) else { return End::Beyond };
                at += found + 1;
                match text.get(at) {
                    None => return End::Beyond,
                    Some(b'"') => at += 1,
                    Some(b',' | b'\n' | b'\r') => break,
                    Some(_) => {
                        sound = false;
                        break;
                    }
                }
            }
        }
    }
}

impl<R: Read> Read for Screened<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.out {
            if self.finder.is_none() {
                if self.at == self.buffer.len() {
                    return self.reader.read(buffer);
                }
                self.out = self.buffer.len();
            } else if !self.decide() {
                self.fill()?;
            } else if self.at == self.out {
                // The end.
                return Ok(0);
            }
        }
        let n = buffer.len().min(self.out - self.at);
        buffer[..n].copy_from_slice(&self.buffer[self.at..self.at + n]);
        self.at += n;
        self.total.0 += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::needles::Needles;
    use proptest::prelude::*;

    /// A row and where it stands.
    type Row = (u64, Vec<String>);

    /// The rows of a text, and what of it was passed over.
    fn rows(text: &str, capacity: usize, finder: Option<Arc<Finder>>) -> (Vec<Row>, (u64, u64)) {
        let shared = Rc::new(RefCell::new(Passed::default()));
        let screened = Screened { capacity, ..Screened::new(text.as_bytes(), finder, shared.clone()) };
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(screened);
        let mut record = csv::StringRecord::new();
        let mut rows = Vec::new();
        while reader.read_record(&mut record).unwrap() {
            let position = record.position().unwrap().byte();
            let position = shared.borrow_mut().whole(position);
            rows.push((position, record.iter().map(str::to_owned).collect()));
        }
        let passed = shared.borrow_mut().take();
        (rows, passed)
    }

    fn finder() -> Option<Arc<Finder>> {
        Finder::new(&Needles::new([("lua", false), ("mask", true)]).unwrap()).map(Arc::new)
    }

    proptest! {
        #[test]
        fn what_is_left_out_holds_nothing(cells in proptest::collection::vec(prop_oneof![
            4 => "[a-z]{0,4}", 2 => Just(",".to_owned()), 2 => Just("\n".to_owned()), 1 => Just("\r\n".to_owned()),
            1 => Just("\r".to_owned()), 2 => Just("\"".to_owned()), 1 => Just("\"\"".to_owned()),
            1 => Just(",\"".to_owned()), 1 => Just("\",".to_owned()), 1 => Just("\"\n".to_owned()),
            1 => Just("LUA".to_owned()), 1 => Just("lu\"a".to_owned()), 1 => Just("mas\u{212a}".to_owned()),
        ], 0..80), mark in any::<bool>(), capacity in 1usize..100) {
            let text = if mark { "\u{feff}".to_owned() } else { String::new() } + &cells.concat();
            let (all, none) = rows(&text, capacity, None);
            prop_assert_eq!(none, (0, 0));
            let (come, (_, passed)) = rows(&text, capacity, finder());
            let left_out: Vec<_> = all.iter().filter(|r| !come.contains(r)).collect();
            prop_assert_eq!(left_out.len() as u64, passed);
            let kept: Vec<_> = all.iter().filter(|r| come.contains(r)).cloned().collect();
            prop_assert_eq!(&kept, &come);
            let finder = finder().unwrap();
            for (_, cells) in left_out {
                prop_assert!(cells.iter().all(|c| !finder.is_in(c.as_bytes())), "{cells:?}");
            }
        }
    }

    #[test]
    fn rows_over_several_lines() {
        let text = "a,b\n1,\"x\ny\"\"\n\"\n2,\"z\nLUA\"\n\"q\",\"\"\n3,lua";
        let (come, (bytes, passed)) = rows(text, 1024, finder());
        let row = |at, a: &str, b: &str| (at, vec![a.to_owned(), b.to_owned()]);
        assert_eq!(come, [row(0, "a", "b"), row(15, "2", "z\nLUA"), row(32, "3", "lua")]);
        assert_eq!((bytes, passed), (11 + 7, 2));
    }
}
