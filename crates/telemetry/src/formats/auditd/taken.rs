//! Taking lines apart by themselves, without knowing what stands before them.
//!
//! Events whose records stand one after the other are made out, and what each of them does to the process table: so
//! whoever follows the processes has little left to do. Everything else is left to be put together line by line.

use super::chunks::Text;
use super::decode::Decoder;
use super::headers::Headers;
use super::process::Deed;
use super::record::{Header, Raw, RecordType, enrichment};
use super::syscall::Syscall;
use super::syscalls::Call;
use crate::event::{Family, Kind, Request, audit};
use memchr::memchr_iter;
use std::borrow::Cow;

/// What of an event matters to others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Follow<'r> {
    pub(super) request: &'r Request,
    /// Whether the processes are followed, and with their arguments.
    pub(super) processes: bool,
    pub(super) arguments: bool,
}

impl Follow<'_> {
    /// Whether events of that kind are asked for, as such or for their records.
    pub(super) fn speaks(&self, kind: &Kind) -> bool {
        self.request.wants(kind) || self.request.decoded_records && self.request.wants_family(Family::AuditRecord)
    }
}

/// The lines of a chunk.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) file: u32,
    /// Where the first line begins.
    pub(super) offset: u64,
    pub(super) text: Text,
    pub(super) units: Vec<Unit>,
    /// How many values were no valid UTF-8.
    pub(super) lossy: u64,
    /// Why there is less than there was when it was searched.
    pub(super) failed: Option<String>,
}

/// Lines that belong together.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all are the large one")]
pub(super) enum Unit {
    /// A line, and whether somebody may look at it.
    Line(Part, bool),
    /// All records of an event, if none of it came before.
    Whole(Whole),
}

/// A part of a chunk's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) from: u32,
    pub(super) to: u32,
}

impl Part {
    #[allow(clippy::cast_possible_truncation, reason = "a part of a file that is in memory")]
    fn new(from: usize, to: usize) -> Self {
        Part { from: from as u32, to: to as u32 }
    }

    /// Where a part of a text stands in it.
    fn within(text: &[u8], part: &[u8]) -> Self {
        let from = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        Part::new(from, from + part.len())
    }

    pub(super) fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.from as usize..self.to as usize).unwrap_or_default()
    }

    /// Its lines, each with where it begins in the text.
    pub(super) fn lines(self, text: &[u8]) -> impl Iterator<Item = (Part, &[u8])> {
        let mut from = self.from as usize;
        self.of(text).split(|b| *b == b'\n').map(move |line| {
            let begin = from;
            from += line.len() + 1;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            (Part::new(begin, begin + line.len()), line)
        })
    }
}

/// An event.
#[derive(Debug, Default)]
pub(super) struct Whole {
    /// Its lines, without the end of the last one.
    pub(super) lines: Part,
    pub(super) records: u32,
    /// Whether somebody may look at one of them.
    pub(super) wanted: bool,
    pub(super) node: Part,
    pub(super) time: i64,
    pub(super) serial: u64,
    /// Whether its lines end as they are kept.
    pub(super) is_plain: bool,
    /// Whether it is an execution without arguments.
    pub(super) without_arguments: bool,
    /// Whether it is of a kind that is asked for.
    pub(super) speaks: bool,
    /// What it does to its process, where that is followed.
    pub(super) deed: Option<Act>,
}

/// A [`Deed`] whose names stand in a text.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) deed: Deed,
    pub(super) exe: Name,
    pub(super) comm: Name,
}

/// A text that is there, stands somewhere as it is, or had to be decoded.
#[derive(Debug)]
pub(super) enum Name {
    None,
    There(Part),
    Decoded(Box<str>),
}

impl Whole {
    /// Its own lines are the text.
    pub(super) fn moved(&mut self) {
        let by = self.lines.from;
        let moved = |part: &mut Part| (part.from, part.to) = (part.from.saturating_sub(by), part.to.saturating_sub(by));
        moved(&mut self.lines);
        if let Some(act) = &mut self.deed {
            for name in [&mut act.exe, &mut act.comm] {
                if let Name::There(part) = name {
                    moved(part);
                }
            }
        }
    }
}

impl Name {
    /// The text, in the lines that it is from.
    pub(super) fn of<'t>(&'t self, lines: &'t [u8]) -> Option<&'t str> {
        match self {
            Name::None => None,
            Name::There(part) => std::str::from_utf8(part.of(lines)).ok(),
            Name::Decoded(text) => Some(text),
        }
    }
}

/// Takes the lines of a text apart.
pub(super) struct Taking<'t, 'r> {
    text: &'t [u8],
    follow: &'r Follow<'r>,
    decoder: &'r Decoder,
    units: &'r mut Vec<Unit>,
    /// Records with the same stamp, one after the other.
    run: Option<Whole>,
    syscall: Option<&'t [u8]>,
    /// The EXECVE records' bodies, a line each, where they are kept.
    bodies: Vec<u8>,
    executes: bool,
    user_command: bool,
}

impl Taken {
    /// Takes the text apart. `hits` are the beginnings of lines that somebody may look at.
    pub(super) fn take(&mut self, hits: &[u32], follow: &Follow<'_>) {
        let Taken { text, units, lossy, .. } = self;
        let decoder = Decoder::default();
        units.clear();
        let mut taking = Taking {
            text: text.lines(),
            follow,
            decoder: &decoder,
            units,
            run: None,
            syscall: None,
            bodies: Vec::new(),
            executes: false,
            user_command: false,
        };
        taking.lines(hits);
        *lossy = decoder.take_lossy();
    }
}

impl<'t> Taking<'t, '_> {
    fn lines(&mut self, hits: &[u32]) {
        let text = self.text;
        let mut headers = Headers::default();
        let mut hits = hits.iter().copied().peekable();
        let mut start = 0;
        let ends = memchr_iter(b'\n', text).chain((!text.ends_with(b"\n")).then_some(text.len()));
        for end in ends.filter(|_| !text.is_empty()) {
            let line = &text[start..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let part = Part::new(start, start + line.len());
            let wanted = hits.next_if_eq(&part.from).is_some();
            start = end + 1;
            match headers.read(line) {
                // A line's end that is left out of an event is not in what is kept of it.
                Some(header) => self.record(line, part, &header, wanted, part.to as usize == end),
                None => {
                    self.part();
                    self.units.push(Unit::Line(part, wanted));
                }
            }
        }
        self.part();
    }

    fn record(&mut self, line: &'t [u8], part: Part, header: &Header<'t>, wanted: bool, plain: bool) {
        let kind = RecordType::of(header.name);
        let same = |run: &Whole| {
            run.serial == header.serial && run.time == header.time && run.node.of(self.text) == header.node
        };
        if !self.run.as_ref().is_some_and(same) {
            self.part();
            if kind == RecordType::Eoe
                && !wanted
                && let Some(Unit::Whole(whole)) = self.units.last_mut()
                && (whole.time, whole.serial) == (header.time, header.serial)
                && whole.node.of(self.text) == header.node
            {
                // It says nothing more.
                whole.records += 1;
                whole.lines.to = part.to;
                whole.is_plain &= plain;
                return;
            }
        }
        // These do more than to be part of an event.
        if header.name.starts_with(b"DAEMON_") || header.name == b"SYSTEM_BOOT" {
            self.part();
            self.units.push(Unit::Line(part, wanted));
            return;
        }
        let node = || Part::within(self.text, header.node);
        let run = self.run.get_or_insert_with(|| Whole {
            lines: part,
            node: node(),
            time: header.time,
            serial: header.serial,
            is_plain: true,
            ..Whole::default()
        });
        run.is_plain &= plain;
        run.lines.to = part.to;
        run.records += 1;
        run.wanted |= wanted;
        let body = || enrichment(&line[header.body..]).0;
        match kind {
            RecordType::Syscall if self.syscall.is_none() => self.syscall = Some(&line[header.body..]),
            RecordType::Execve => {
                if std::mem::replace(&mut self.executes, true) {
                    self.bodies.push(b'\n');
                }
                if self.follow.arguments {
                    self.bodies.extend_from_slice(body());
                }
            }
            RecordType::UserCmd => self.user_command = true,
            _ => {}
        }
        if kind.ends_event() {
            self.whole();
        }
    }

    /// What came of an event is not all of it.
    fn part(&mut self) {
        let Some(run) = self.run.take() else { return };
        self.forget();
        self.units.extend(run.lines.lines(self.text).map(|(line, _)| Unit::Line(line, run.wanted)));
    }

    fn forget(&mut self) {
        self.syscall = None;
        self.bodies.clear();
        (self.executes, self.user_command) = (false, false);
    }

    /// All of an event came.
    fn whole(&mut self) {
        let Some(mut run) = self.run.take() else { return };
        // Others are put together and looked at as a whole.
        if !run.wanted {
            let syscall = self.syscall.map(|body| (enrichment(body), Syscall::read(enrichment(body).0)));
            let call = syscall.map_or(Call::Other, |((_, added), s)| s.call(|| added));
            let failed = syscall.is_some_and(|(_, s)| s.failed());
            let exec = self.executes && !failed;
            run.without_arguments = call == Call::Exec && !self.executes && !failed;
            run.speaks = self.follow.speaks(&kind(call, exec, self.user_command));
            if self.follow.processes
                && let Some((_, s)) = syscall
            {
                run.deed = self.deed(&s, call, exec, run.time);
            }
        }
        self.forget();
        self.units.push(Unit::Whole(run));
    }

    fn deed(&mut self, s: &Syscall<'t>, call: Call, exec: bool, time: i64) -> Option<Act> {
        let arguments = (exec && self.follow.arguments).then(|| self.bodies.as_slice().into());
        let deed = Deed::new(s, call, exec, time, arguments)?;
        let name = |name: &[u8], raw: Option<Raw<'t>>| match raw.and_then(|raw| self.decoder.text(name, raw)) {
            None => Name::None,
            Some(Cow::Borrowed(there)) => Name::There(Part::within(self.text, there.as_bytes())),
            Some(Cow::Owned(decoded)) => Name::Decoded(decoded.into()),
        };
        Some(Act { deed, exe: name(b"exe", s.exe), comm: name(b"comm", s.comm) })
    }
}

/// What an event is.
pub(super) fn kind(call: Call, exec: bool, user_command: bool) -> Kind {
    let code = match call {
        _ if exec => audit::EXEC,
        Call::Connect => audit::CONNECT,
        _ if user_command => audit::USER_CMD,
        _ => audit::OTHER,
    };
    Kind::new(Family::Auditd, code)
}
