//! Records put together into events.
//!
//! An event is complete at its last record (see [`RecordType::ends_event`]), or [`WAIT`] of its node's event time later
//! when that record never comes, or at the end of the input. Complete events are given on in the order of their serials
//! as long as an earlier one is pending, so that the process table sees them in the kernel's order.

use super::record::{Header, RecordType, enrichment, header, type_name};
use super::taken::Whole;
use std::collections::VecDeque;

/// How much later, in event time, a node's records must be for an incomplete event to be given on.
const WAIT: i64 = 2_000_000_000;
/// How many records must have come since, too: a log of a quiet machine may have its records out of order over a longer
/// time than [`WAIT`].
const WAIT_RECORDS: u64 = 16;
/// How many events may be pending on a node.
const MAX_PENDING: usize = 4096;
/// How large an event may become. The kernel allows arguments of a few megabytes, twice that in hex.
const MAX_EVENT: usize = 32 << 20;
/// Buffers above this size are not kept for reuse.
const KEEP_BUFFER: usize = 1 << 20;

/// One record of a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) kind: RecordType,
    /// The file and the place in it where it stands.
    pub(super) place: (u32, u64),
    /// Its type's name (begin and length), its body, its line's end: in the group's text.
    name: (usize, usize),
    start: usize,
    body: usize,
    end: usize,
}

/// The records of one event.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) time: i64,
    pub(super) serial: u64,
    /// Where its first record stands.
    pub(super) file: u32,
    pub(super) position: u64,
    /// The lines, one `\n` between them.
    pub(super) text: Vec<u8>,
    pub(super) records: Vec<Record>,
    complete: bool,
    /// What it does, where it came as a whole that nobody looks at: then its lines are not told apart.
    pub(super) act: Option<Box<Whole>>,
    /// Whether somebody may look at it.
    pub(super) wanted: bool,
    /// Records that were too much.
    pub(super) dropped: u64,
    last: u64,
}

impl Group {
    /// A record's fields as the kernel or a program wrote them.
    pub(super) fn body(&self, record: &Record) -> &[u8] {
        enrichment(&self.text[record.body..record.end]).0
    }

    /// The names that the daemon added to a record.
    pub(super) fn added(&self, record: &Record) -> &[u8] {
        enrichment(&self.text[record.body..record.end]).1
    }

    /// A record's type.
    pub(super) fn name(&self, record: &Record) -> &[u8] {
        type_name(&self.text[record.name.0..record.name.0 + record.name.1])
    }

    /// A record's line.
    pub(super) fn line(&self, record: &Record) -> &[u8] {
        &self.text[record.start..record.end]
    }

    /// The first record of that type.
    pub(super) fn first(&self, kind: RecordType) -> Option<&Record> {
        self.records.iter().find(|r| r.kind == kind)
    }

    /// The bodies of all records of that type.
    pub(super) fn bodies(&self, kind: RecordType) -> impl Iterator<Item = &[u8]> {
        self.records.iter().filter(move |r| r.kind == kind).map(|r| self.body(r))
    }

    /// Takes a line in.
    fn add(&mut self, line: &[u8], header: &Header<'_>, kind: RecordType, place: (u32, u64)) {
        if !self.records.is_empty() && self.text.len() + line.len() > MAX_EVENT {
            self.dropped += 1;
            return;
        }
        if !self.text.is_empty() {
            self.text.push(b'\n');
        }
        let start = self.text.len();
        self.text.extend_from_slice(line);
        let name = (start + header.name_at, header.name.len());
        self.records.push(Record { kind, place, name, start, body: start + header.body, end: self.text.len() });
        self.complete |= kind.ends_event();
    }

    /// Tells the lines of an event apart that came as a whole.
    fn tell_apart(&mut self) {
        if self.act.take().is_none() {
            return;
        }
        let (text, mut at) = (std::mem::take(&mut self.text), self.position);
        for line in text.split(|b| *b == b'\n') {
            if let Some(header) = header(line) {
                self.add(line, &header, RecordType::of(header.name), (self.file, at));
            }
            at += line.len() as u64 + 1;
        }
    }

    fn reset(&mut self) {
        self.act = None;
        self.text.clear();
        if self.text.capacity() > KEEP_BUFFER {
            self.text = Vec::new();
        }
        self.records.clear();
        self.complete = false;
        self.wanted = false;
        self.dropped = 0;
    }
}

/// The pending events of one node.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// In the order of their serials.
    queue: VecDeque<Group>,
    newest: i64,
    highest: Option<u64>,
    records: u64,
}

/// What a record's stamp says about the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stamp {
    /// Nothing new.
    Usual,
    /// Serials begin again: the machine was restarted (or, after 2³² events, the counter was).
    Restarted,
}

impl Pending {
    /// Notes a record's stamp. Call before [`Pending::add`]; on `Restarted`, [`Pending::flush`] first.
    pub(super) fn stamp(&mut self, header: &Header<'_>) -> Stamp {
        // The daemon numbers its own events by itself.
        if header.name.starts_with(b"DAEMON_") {
            self.records += 1;
            return Stamp::Usual;
        }
        self.stamps(header.time, header.serial, 1)
    }

    /// The same of so many records with one stamp.
    pub(super) fn stamps(&mut self, time: i64, serial: u64, records: u64) -> Stamp {
        self.records += records;
        let restarted =
            self.highest.is_some_and(|highest| later(highest, serial) && time > self.newest.saturating_add(WAIT));
        if restarted || self.highest.is_none_or(|highest| later(serial, highest)) {
            self.highest = Some(serial);
        }
        self.newest = self.newest.max(time);
        if restarted { Stamp::Restarted } else { Stamp::Usual }
    }

    /// Takes a record in, and gives its event with how many bytes longer that is. `spare` gives a buffer for a new one.
    pub(super) fn add(
        &mut self,
        line: &[u8],
        header: &Header<'_>,
        kind: RecordType,
        place: (u32, u64),
        spare: &mut Vec<Group>,
    ) -> Option<(&mut Group, usize)> {
        let mut at = self.queue.len();
        while at > 0 && later(self.queue[at - 1].serial, header.serial) {
            at -= 1;
        }
        let mut found = at;
        while found > 0 && self.queue[found - 1].serial == header.serial && self.queue[found - 1].time != header.time {
            found -= 1;
        }
        if found > 0 && self.queue[found - 1].serial == header.serial {
            at = found - 1;
        } else {
            // An EOE whose event was given on already says nothing.
            if kind == RecordType::Eoe {
                return None;
            }
            let mut group = spare.pop().unwrap_or_default();
            (group.time, group.serial) = (header.time, header.serial);
            (group.file, group.position) = place;
            if header.name.starts_with(b"DAEMON_") {
                at = 0;
            }
            self.queue.insert(at, group);
        }
        let records = self.records;
        let group = &mut self.queue[at];
        group.last = records;
        group.tell_apart();
        let length = group.text.len();
        group.add(line, header, kind, place);
        let longer = group.text.len() - length;
        Some((group, longer))
    }

    /// Takes an event in that came as a whole, behind [`Pending::stamps`]. It must not be [known](Pending::knows).
    pub(super) fn add_whole(&mut self, whole: Whole, text: &[u8], place: (u32, u64), spare: &mut Vec<Group>) {
        let at = self.queue.iter().rposition(|g| !later(g.serial, whole.serial)).map_or(0, |at| at + 1);
        let mut group = spare.pop().unwrap_or_default();
        (group.time, group.serial) = (whole.time, whole.serial);
        (group.file, group.position) = place;
        group.text.extend_from_slice(text);
        group.last = self.records;
        group.complete = true;
        group.act = Some(Box::new(whole));
        self.queue.insert(at, group);
    }

    /// Whether an event of that stamp is pending, or so many are that none may wait.
    pub(super) fn knows(&self, time: i64, serial: u64) -> bool {
        let full = self.queue.len() + 1 >= MAX_PENDING;
        let mut same =
            self.queue.iter().rev().skip_while(|g| later(g.serial, serial)).take_while(|g| g.serial == serial);
        full || same.any(|group| group.time == time)
    }

    /// The next event that can be given on.
    pub(super) fn ready(&mut self) -> Option<Group> {
        let head = self.queue.front()?;
        let waited = head.time.saturating_add(WAIT) < self.newest && head.last + WAIT_RECORDS <= self.records;
        (head.complete || waited || self.queue.len() > MAX_PENDING).then(|| self.queue.pop_front())?
    }

    /// How many events are pending.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// The next event, complete or not.
    pub(super) fn flush(&mut self) -> Option<Group> {
        self.queue.pop_front()
    }
}

/// Whether serial `a` comes after `b`; the kernel counts in 32 bits and begins again.
fn later(a: u64, b: u64) -> bool {
    ((a as u32).wrapping_sub(b as u32) as i32) > 0
}

/// Gives a used buffer back.
pub(super) fn recycle(mut group: Group, spare: &mut Vec<Group>) {
    if spare.len() < 64 {
        group.reset();
        spare.push(group);
    }
}
