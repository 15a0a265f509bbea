//! Searching whole lines of a log for what somebody may look at.

use super::needles::{Finder, fold};
use super::prefix::Prefix;
use super::record;
use memchr::{memchr, memchr_iter, memrchr};

/// About so many bytes are folded and searched at a time: they stay in the nearest cache from the one step to the next.
const BLOCK: usize = 24 << 10;

/// So many bytes are folded at once.
const AT_ONCE: usize = 32;

/// The stamps of the last events. Records of several events stand interleaved, but not far from each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    keys: [u64; Recent::SIZE],
    at: usize,
}

impl Recent {
    const SIZE: usize = 16;

    /// Whether a stamp, known by that number, is another one than those of the last events.
    #[inline]
    pub(super) fn begins(&mut self, key: u64) -> bool {
        let new = !self.knows(key);
        if new {
            self.keys[self.at] = key;
            self.at = (self.at + 1) % Recent::SIZE;
        }
        new
    }

    #[inline]
    fn knows(&self, key: u64) -> bool {
        // All are looked at: with no way out between them they are compared at once.
        self.keys.iter().fold(false, |known, k| known | (*k == key))
    }

    /// The numbers that it has, the oldest first.
    fn keys(&self) -> impl Iterator<Item = u64> {
        let (new, old) = self.keys.split_at(self.at);
        old.iter().chain(new).copied().filter(|k| *k != 0)
    }

    /// A number for a stamp.
    pub(super) fn key(parts: impl Iterator<Item = u64>) -> u64 {
        // Never that of no stamp.
        parts.fold(0xcbf2_9ce4_8422_2325, |h: u64, part| (h ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1
    }
}

/// What a search found in lines.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Where lines begin that are to be read.
    pub(super) lines: Vec<u32>,
    /// How many lines there are.
    pub(super) count: u64,
    /// As often as a line's stamp is another one than those of the lines before.
    events: u64,
    /// How many events have a line that is to be read.
    pub(super) wanted: u64,
    /// The first of the events: the lines before may have had them.
    first: Vec<u64>,
    recent: Recent,
}

impl Found {
    /// How many events begin in the lines, where `before` are the last ones of those before.
    pub(super) fn events_after(&self, before: &mut Recent) -> u64 {
        let known = self.first.iter().filter(|key| before.knows(**key)).count();
        for key in self.recent.keys() {
            before.begins(key);
        }
        self.events - known as u64
    }
}

/// Searches lines. What it remembers makes it faster and changes nothing.
pub(super) struct Search<'f> {
    finder: &'f Finder,
    begin: Begin,
    folded: Vec<u8>,
    /// For each run of lines in the folded text where it ends there, and where in the text that is.
    runs: Vec<(usize, usize)>,
    /// Where lines begin with which an event does.
    events: Vec<u32>,
}

/// What a line is to a search.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// A record that can be left to its needles: nothing in it is put together from several fields.
    Record,
    /// One in which nothing is looked for.
    Title,
    /// It is to be read.
    Read,
}

impl<'f> Search<'f> {
    pub(super) fn new(finder: &'f Finder) -> Self {
        Search { finder, begin: Begin::default(), folded: Vec::new(), runs: Vec::new(), events: Vec::new() }
    }

    /// Goes through whole lines, of which the first few are to be read whatever they hold.
    #[allow(clippy::cast_possible_truncation, reason = "a part of a file that is in memory")]
    pub(super) fn lines(&mut self, text: &[u8], first: u64) -> Found {
        let mut found = Found::default();
        self.begin.stamp.set(b"");
        self.events.clear();
        let (mut start, mut run) = (0, 0);
        let ends = memchr_iter(b'\n', text).chain((!text.ends_with(b"\n")).then_some(text.len()));
        for end in ends.filter(|_| !text.is_empty()) {
            let line = &text[start..end];
            let kind = self.kind(line, start, &mut found);
            if kind == Line::Read || found.count < first {
                found.lines.push(start as u32);
            }
            found.count += 1;
            if kind == Line::Title {
                self.take(text, run, start);
                run = end + 1;
            } else if end - run >= BLOCK {
                self.take(text, run, end);
                run = end + 1;
            }
            if self.folded.len() >= BLOCK {
                self.find(text, &mut found.lines);
            }
            start = end + 1;
        }
        self.take(text, run, text.len());
        self.find(text, &mut found.lines);
        found.lines.sort_unstable();
        found.lines.dedup();
        found.wanted = self.wanted(&found.lines);
        found
    }

    /// How many events have one of the lines.
    fn wanted(&self, lines: &[u32]) -> u64 {
        let (mut count, mut last) = (0, usize::MAX);
        let mut events = 0;
        for line in lines {
            while self.events.get(events).is_some_and(|begin| begin <= line) {
                events += 1;
            }
            count += u64::from(std::mem::replace(&mut last, events) != events);
        }
        count
    }

    /// Takes a run of lines to be searched.
    #[inline]
    fn take(&mut self, text: &[u8], from: usize, to: usize) {
        if from < to {
            // A few bytes more, so that all are folded many at once.
            let to = text.len().min(from + (to - from).next_multiple_of(AT_ONCE));
            fold(&text[from..to], &mut self.folded);
            self.runs.push((self.folded.len(), to));
        }
    }

    /// Searches what was taken.
    #[allow(clippy::cast_possible_truncation, reason = "a part of a file that is in memory")]
    fn find(&mut self, text: &[u8], lines: &mut Vec<u32>) {
        for pass in 0..self.finder.passes() {
            let (mut run, mut from) = (0, 0);
            loop {
                let mut place = |at: usize| {
                    while self.runs.get(run).is_some_and(|(end, _)| *end <= at) {
                        run += 1;
                    }
                    // A place in the folded text and in the text itself.
                    self.runs.get(run).map_or(text.len(), |(end, to)| to - (end - at))
                };
                let at = self.finder.find(pass, text, &self.folded, from, &mut place);
                if at >= self.folded.len() {
                    break;
                }
                let there = place(at);
                lines.push(memrchr(b'\n', &text[..there]).map_or(0, |end| end + 1) as u32);
                // What else stands in the line does not matter.
                from = at + memchr(b'\n', &text[there..]).map_or(self.folded.len(), |n| n);
                if from >= self.folded.len() {
                    break;
                }
            }
        }
        self.folded.clear();
        self.runs.clear();
    }

    /// What a line is.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "a part of a file that is in memory")]
    fn kind(&mut self, line: &[u8], start: usize, found: &mut Found) -> Line {
        // Most lines begin as the one before, but for their types and stamps.
        if let Some(rest) = self.begin.before.strip(line)
            && let Some(space) = record::space(rest).filter(|at| *at > 0)
        {
            let (name, rest) = rest.split_at(space);
            let body = if let Some(body) = self.begin.stamp.strip(rest) {
                body
            } else if let Some(body) = self.begin.stamp.strip_like(rest) {
                self.note(start, found);
                body
            } else {
                let Some(length) = record::stamp(rest) else { return Line::Read };
                self.begin.stamp.set(&rest[..length]);
                self.note(start, found);
                &rest[length..]
            };
            return self.of(name, body);
        }
        let Some(header) = record::header(line) else {
            return if line.trim_ascii().is_empty() { Line::Record } else { Line::Read };
        };
        let plain = header.name_at == "type=".len() || line.starts_with(b"node=");
        // A prefix of another kind may hold anything.
        self.begin.before.set(if plain { &line[..header.name_at] } else { b"" });
        let stamp = &line[header.name_at + header.name.len()..header.body];
        self.begin.stamp.set(stamp);
        self.note(start, found);
        if record::stamp(stamp) != Some(stamp.len()) {
            // With other digits it might be none.
            self.begin.stamp.set(b"");
        }
        match plain {
            true => self.of(header.name, &line[header.body..]),
            false if is_execve(header.name) && in_pieces(line) => Line::Read,
            false => Line::Record,
        }
    }

    #[inline]
    fn of(&self, name: &[u8], body: &[u8]) -> Line {
        match name {
            b"PROCTITLE" | b"1327" if !self.finder.in_titles() && is_title(body) => Line::Title,
            b"EXECVE" | b"1309" if in_pieces(body) => Line::Read,
            _ => Line::Record,
        }
    }

    /// A record of another event than the one before.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "a part of a file that is in memory")]
    fn note(&mut self, start: usize, found: &mut Found) {
        // Never that of no stamp.
        let key = (self.begin.before.key().rotate_left(32) ^ self.begin.stamp.key()) | 1;
        if found.recent.begins(key) {
            found.events += 1;
            if found.first.len() < Recent::SIZE {
                found.first.push(key);
            }
            self.events.push(start as u32);
        }
    }
}

/// What the last record begins with.
#[derive(Default)]
struct Begin {
    /// Up to its type's name.
    before: Prefix,
    /// Its stamp with what stands around it.
    stamp: Prefix,
}

fn is_execve(name: &[u8]) -> bool {
    matches!(name, b"EXECVE" | b"1309")
}

/// Whether an EXECVE record has a part of an argument: `a2[1]=`. A needle may reach over several.
fn in_pieces(line: &[u8]) -> bool {
    memchr_iter(b']', line).any(|at| line.get(at + 1) == Some(&b'='))
}

/// Whether a record has a process title and nothing else.
fn is_title(body: &[u8]) -> bool {
    let Some(value) = body.strip_prefix(b" proctitle=") else { return false };
    let whole = match value.first() {
        Some(b'"') => memchr(b'"', &value[1..]) == Some(value.len().wrapping_sub(2)),
        Some(b'\'' | b'{') => false,
        _ => true,
    };
    // Neither another field behind it nor what the daemon added.
    whole && value.iter().fold(true, |one, b| one & (*b > b' '))
}
