//! Looking ahead in a log for the lines that somebody may look at.
//!
//! A first, raw reading finds the lines that show a needle, and those that are no records, so that they are told. What
//! it finds nothing in is not read a second time where nothing comes after it; what stands before something that was
//! found is, for the process table's sake.

use super::needles::{Finder, fold};
use super::record;
use crate::Input;
use crate::input::ReadSeek;
use memchr::{memchr_iter, memrchr};
use std::collections::VecDeque;
use std::io::{self, Read};

/// Bytes that are searched at once: they and their folded copy stay near the processor.
const CHUNK: usize = 128 << 10;

/// A longer line is read, with all that stands behind it in its file.
const LONGEST: usize = 1 << 20;

/// The first lines of a log are read whatever they hold: they show what it is.
const FIRST: u64 = 1_000;

/// Of how many events in a row it is counted how many are to be read.
const SAMPLE: u64 = 4_096;

/// A file and a place in it.
pub(super) type Place = (u32, u64);

/// Lines that are to be read: those from the first place on, before the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    from: Place,
    to: Place,
}

/// The stamps of the last events. Records of several events stand interleaved, but not far from each other.
#[derive(Default)]
pub(super) struct Recent {
    keys: [u64; 16],
    at: usize,
}

impl Recent {
    /// Whether a stamp, known by that number, is another one than those of the last events.
    pub(super) fn begins(&mut self, key: u64) -> bool {
        let new = !self.keys.contains(&key);
        if new {
            self.keys[self.at] = key;
            self.at = (self.at + 1) % self.keys.len();
        }
        new
    }

    /// A number for a stamp.
    pub(super) fn key(parts: impl Iterator<Item = u64>) -> u64 {
        // Never that of no stamp.
        parts.fold(0xcbf2_9ce4_8422_2325, |h: u64, part| (h ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1
    }
}

/// How much a file, or the rest of one, has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Looked {
    pub(super) bytes: u64,
    /// As often as a line's stamp is another one than those of the lines before.
    pub(super) events: u64,
}

/// A reading that runs ahead.
pub(super) struct Ahead<'i> {
    inputs: &'i [Input],
    finder: Finder,
    /// The file that is looked at.
    at: usize,
    file: Option<Box<dyn ReadSeek>>,
    /// What was read of it: so many bytes are not looked at yet, and where they begin.
    raw: Vec<u8>,
    filled: usize,
    offset: u64,
    folded: Vec<u8>,
    found: VecDeque<Stretch>,
    /// Of each file what was looked at.
    looked: Vec<Looked>,
    events: u64,
    lines: u64,
    /// Events before the count began, those since of which a line is to be read, and the last of them.
    counted: u64,
    wanted: u64,
    last: u64,
    /// The beginning of the last record up to its type's name, and its stamp with what stands around it.
    before: Vec<u8>,
    stamp: Vec<u8>,
    recent: Recent,
    /// How many lines are read at first, and how many bytes are searched at once.
    first: u64,
    chunk: usize,
}

impl<'i> Ahead<'i> {
    /// A reading of `inputs` that has not begun. `None` where there is no search that is worth it, or nothing that can
    /// be read twice. (A store's frames can: to unpack them twice costs less than to read their lines.)
    pub(super) fn new(inputs: &'i [Input], needles: &crate::needles::Needles) -> Option<Self> {
        if inputs.iter().all(|i| !i.is_anywhere() || i.part().is_some()) {
            return None;
        }
        Some(Ahead {
            inputs,
            finder: Finder::new(needles)?,
            at: 0,
            file: None,
            raw: Vec::new(),
            filled: 0,
            offset: 0,
            folded: Vec::new(),
            found: VecDeque::new(),
            looked: vec![Looked::default(); inputs.len()],
            events: 0,
            lines: 0,
            counted: 0,
            wanted: 0,
            last: 0,
            before: Vec::new(),
            stamp: Vec::new(),
            recent: Recent::default(),
            first: FIRST,
            chunk: CHUNK,
        })
    }

    /// Looks for something from the first line on, in so many bytes at once.
    #[cfg(test)]
    pub(super) fn at_once(mut self, chunk: usize) -> Self {
        (self.first, self.chunk) = (0, chunk);
        self
    }

    /// Whether the line at that place is to be read. Places are to be asked for in their order.
    #[inline]
    pub(super) fn wants(&mut self, place: Place) -> bool {
        while let Some(stretch) = self.next() {
            if place < stretch.to {
                return place >= stretch.from;
            }
            self.found.pop_front();
        }
        false
    }

    /// Whether no line behind that place is to be read. May look at all that is left.
    pub(super) fn ends(&mut self, place: Place) -> bool {
        while let Some(stretch) = self.next() {
            if stretch.to > (place.0, place.1 + 1) {
                return false;
            }
            self.found.pop_front();
        }
        true
    }

    /// Whether no line is to be read. May look at everything.
    pub(super) fn is_empty(&mut self) -> bool {
        self.next().is_none()
    }

    /// How much there is from a place in a file on, before which so many events of the file begin.
    pub(super) fn rest(&self, (file, offset): Place, events: u64) -> Looked {
        let mut rest = Looked::default();
        for (at, looked) in self.looked.iter().enumerate().skip(file as usize) {
            let (bytes, events) = if at == file as usize { (offset, events) } else { (0, 0) };
            rest.bytes += looked.bytes.saturating_sub(bytes);
            rest.events += looked.events.saturating_sub(events);
        }
        rest
    }

    /// The next lines that are to be read.
    #[inline]
    fn next(&mut self) -> Option<Stretch> {
        while self.found.is_empty() && self.at < self.inputs.len() {
            self.look();
        }
        self.found.front().copied()
    }

    /// Looks at some more bytes.
    fn look(&mut self) {
        let file = self.at as u32;
        let ready = match &self.file {
            Some(_) => Ok(true),
            None => self.open(),
        };
        let more = match ready {
            Ok(true) => self.fill(),
            Ok(false) => {
                self.find((file, 0), (file + 1, 0));
                self.close();
                return;
            }
            Err(e) => Err(e),
        };
        let last = match more {
            Ok(more) => !more,
            // Whoever reads it tells.
            Err(_) => {
                self.find((file, self.offset), (file + 1, 0));
                self.close();
                return;
            }
        };
        let raw = std::mem::take(&mut self.raw);
        let whole = if last { self.filled } else { memrchr(b'\n', &raw[..self.filled]).map_or(0, |at| at + 1) };
        self.lines(&raw[..whole]);
        self.raw = raw;
        self.raw.copy_within(whole..self.filled, 0);
        self.filled -= whole;
        self.offset += whole as u64;
        self.looked[self.at].bytes += whole as u64;
        if last {
            self.close();
        } else if self.filled > LONGEST {
            self.find((file, self.offset), (file + 1, 0));
            self.close();
        } else if self.events - self.counted >= SAMPLE {
            // Where most events are to be read anyway, looking ahead is work for nothing.
            if self.wanted > (self.events - self.counted) / 2 {
                self.find((file, self.offset), (u32::MAX, 0));
                self.close();
                self.at = self.inputs.len();
            }
            (self.counted, self.wanted) = (self.events, 0);
        }
    }

    /// Opens the next file; false where it is only to be read.
    fn open(&mut self) -> io::Result<bool> {
        let input = &self.inputs[self.at];
        let opened = if input.part().is_none() { input.open_anywhere()? } else { None };
        self.file = opened.map(|(file, _)| file);
        Ok(self.file.is_some())
    }

    fn close(&mut self) {
        self.file = None;
        (self.filled, self.offset) = (0, 0);
        self.at += 1;
    }

    /// Reads on; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let Some(file) = &mut self.file else { return Ok(false) };
        if self.raw.len() < self.filled + self.chunk {
            self.raw.resize(self.filled + self.chunk, 0);
        }
        loop {
            match file.read(&mut self.raw[self.filled..]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
                Ok(read) => {
                    self.filled += read;
                    return Ok(read > 0);
                }
            }
        }
    }

    /// Adds lines to be read.
    fn find(&mut self, from: Place, to: Place) {
        match self.found.back_mut() {
            Some(last) if last.to >= from => last.to = to,
            _ => self.found.push_back(Stretch { from, to }),
        }
    }

    /// Goes through whole lines.
    fn lines(&mut self, text: &[u8]) {
        let mut folded = std::mem::take(&mut self.folded);
        fold(text, &mut folded);
        let mut hits: Vec<usize> =
            (0..self.finder.passes()).map(|pass| self.finder.find(pass, text, &folded, 0)).collect();
        let mut hit = hits.iter().copied().min().unwrap_or(text.len());
        let mut start = 0;
        let ends = memchr_iter(b'\n', text).chain((!text.ends_with(b"\n")).then_some(text.len()));
        for end in ends.filter(|_| !text.is_empty()) {
            let line = &text[start..end];
            let mut wanted = !self.is_record(line) && !line.trim_ascii().is_empty();
            if hit < end {
                wanted = true;
                for (pass, at) in hits.iter_mut().enumerate().filter(|(_, at)| **at < end) {
                    *at = self.finder.find(pass, text, &folded, end);
                }
                hit = hits.iter().copied().min().unwrap_or(text.len());
            }
            self.lines += 1;
            if wanted || self.lines <= self.first {
                if wanted && self.last != self.events {
                    self.last = self.events;
                    self.wanted += 1;
                }
                let place = (self.at as u32, self.offset + start as u64);
                self.find(place, (place.0, place.1 + 1));
            }
            start = end + 1;
        }
        self.folded = folded;
    }

    /// Whether a line is a record that can be left to its needles: nothing in it is put together from several fields.
    fn is_record(&mut self, line: &[u8]) -> bool {
        // Most lines begin as the one before, but for their types and stamps.
        if let Some(rest) = line.strip_prefix(self.before.as_slice()).filter(|_| !self.before.is_empty())
            && let Some(space) = rest.iter().position(|b| *b == b' ').filter(|at| *at > 0)
        {
            let (name, rest) = rest.split_at(space);
            if !rest.starts_with(&self.stamp) {
                let Some(length) = record::stamp(rest) else { return false };
                self.begins(&rest[..length]);
            }
            return !is_execve(name) || !in_pieces(rest);
        }
        let Some(header) = record::header(line) else { return false };
        let plain = header.name_at == "type=".len() || line.starts_with(b"node=");
        self.before.clear();
        // A prefix of another kind may hold anything.
        self.before.extend_from_slice(if plain { &line[..header.name_at] } else { b"" });
        self.begins(&line[header.name_at + header.name.len()..header.body]);
        !is_execve(header.name) || !in_pieces(line)
    }

    /// A record of another event than the one before.
    fn begins(&mut self, stamp: &[u8]) {
        self.stamp.clear();
        self.stamp.extend_from_slice(stamp);
        let part = |bytes: &[u8]| bytes.iter().fold(0, |n: u64, b| n << 8 | u64::from(*b));
        let key = Recent::key(self.before.chunks(8).chain(stamp.chunks(8)).map(part));
        if self.recent.begins(key) {
            self.looked[self.at].events += 1;
            self.events += 1;
        }
    }
}

fn is_execve(name: &[u8]) -> bool {
    matches!(name, b"EXECVE" | b"1309")
}

/// Whether an EXECVE record has a part of an argument: `a2[1]=`. A needle may reach over several.
fn in_pieces(line: &[u8]) -> bool {
    memchr_iter(b']', line).any(|at| line.get(at + 1) == Some(&b'='))
}
