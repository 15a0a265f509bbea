//! The log read as events: records joined, processes followed, the asked fields decoded.

use super::ahead::{Ahead, Next, Rest};
use super::arguments::Arguments;
use super::decode::Decoder;
use super::fields::{View, Want};
use super::headers::Headers;
use super::join::{self, Group, Pending, Record, Stamp};
use super::process::{Deed, Id, Table};
use super::record::{self, RecordType};
use super::syscall::Syscall;
use super::syscalls::Call;
use super::taken::{self, Follow, Part, Taken, Unit, Whole};
use super::users::Users;
use super::{Place, Settings, each_line, lines_of, reuse, unreadable};
use crate::event::{Event, Family, Kind, Late, Request, Sink};
use crate::lines::Lines;
use crate::{Input, Report, Value};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// How many nodes a source may have before the reader begins anew: a name per line must not fill the memory.
const MAX_NODES: usize = 16_384;

/// How many bytes may wait for the rest of their events; beyond, all are taken as they are.
const MAX_PENDING_BYTES: usize = 64 << 20;

/// A node's state.
struct Node {
    name: Vec<u8>,
    shown: String,
    /// What the process table knows it by: a new number after each restart.
    run: u32,
    pending: Pending,
}

/// One reading of a source as events.
pub(super) struct Events<'r> {
    inputs: &'r [Input],
    request: &'r Request,
    report: &'r Report,
    settings: &'r Settings,
    /// Tells which records are worth more than to follow the processes; all are where there is none.
    ahead: Option<Ahead<'r>>,
    wants: Vec<Want>,
    follow: Follow<'r>,
    /// Whether not all events are looked at.
    screened: bool,
    need_arguments: bool,
    users: Users,
    nodes: Vec<Node>,
    by_name: HashMap<Vec<u8>, usize>,
    processes: Table,
    last: usize,
    pending_bytes: usize,
    /// How many pending events are wanted.
    pending_wanted: usize,
    headers: Headers,
    runs: u32,
    spare: Vec<Group>,
    arguments: Arguments,
    decoder: Decoder,
    values: Vec<Value<'static>>,
    /// How many values were no valid UTF-8 in what was taken apart elsewhere.
    lossy: u64,
    counts: Counts,
}

/// What is told at the end.
#[derive(Default)]
struct Counts {
    events: u64,
    /// Those among them that nobody could want.
    passed: u64,
    without_arguments: u64,
    filled: u64,
    early: u64,
}

impl<'r> Events<'r> {
    /// A reading that has not begun.
    pub(super) fn new(inputs: &'r [Input], settings: &'r Settings, request: &'r Request, report: &'r Report) -> Self {
        let wants: Vec<Want> = request.fields.iter().map(|f| Want::parse(f)).collect();
        let users = settings.passwd.as_deref().map_or(Ok(Users::default()), Users::read).unwrap_or_else(|e| {
            let path = settings.passwd.as_deref().map(|p| p.display().to_string()).unwrap_or_default();
            report.damage(&path, None, format!("can't be read, so user ids stay without names: {e}"));
            Users::default()
        });
        let follow = Follow {
            request,
            processes: wants.iter().any(Want::needs_processes),
            arguments: wants.iter().any(Want::needs_parent_arguments),
        };
        Events {
            inputs,
            request,
            report,
            settings,
            ahead: request.needles.as_ref().and_then(|needles| Ahead::new(inputs, needles, follow, settings.threads)),
            follow,
            need_arguments: wants.iter().any(Want::needs_arguments),
            wants,
            users,
            nodes: Vec::new(),
            by_name: HashMap::new(),
            processes: Table::default(),
            last: usize::MAX,
            pending_bytes: 0,
            pending_wanted: 0,
            headers: Headers::default(),
            runs: 0,
            spare: Vec::new(),
            arguments: Arguments::default(),
            decoder: Decoder::default(),
            values: Vec::new(),
            lossy: 0,
            screened: false,
            counts: Counts::default(),
        }
    }

    /// Looks ahead from the first line on, in chunks of so many bytes.
    #[cfg(test)]
    pub(super) fn at_once(mut self, size: u64) -> Self {
        self.ahead = self.ahead.map(|ahead| ahead.at_once(size));
        self
    }

    /// Reads everything, or until the sink has enough, or nothing comes any more that anybody could want.
    pub(super) fn read(mut self, sink: &mut dyn Sink) {
        match self.ahead.take() {
            Some(ahead) => {
                self.screened = true;
                ahead.run(|next| {
                    let flow = self.read_ahead(&ahead, next, sink);
                    if flow.is_continue() {
                        self.end(&ahead, sink);
                    }
                });
            }
            None => {
                let flow = each_line(self.inputs, self.report, None, |place, line| self.line(place, line, true, sink));
                if flow.is_continue() {
                    let _ = self.flush(sink);
                }
            }
        }
        self.tell();
    }

    /// Reads what was looked at before, as long as something comes that somebody could want.
    fn read_ahead(
        &mut self,
        ahead: &Ahead<'_>,
        next: &mut dyn FnMut(bool) -> Option<Next>,
        sink: &mut dyn Sink,
    ) -> ControlFlow<()> {
        while let Some(next) = next(self.pending_wanted > 0) {
            match next {
                Next::Taken(mut taken) => {
                    self.taken(&mut taken, sink)?;
                    ahead.give_back(taken);
                }
                Next::Unsearched { file, from } => {
                    if let Some(input) = self.inputs.get(file as usize) {
                        let report = self.report;
                        let lines = match from {
                            0 => input.open().map(Lines::new),
                            // From the byte before.
                            from => input.within(from + 1..u64::MAX).lines(),
                        };
                        lines_of(lines, input, report, |at, line| self.line((file, at), line, true, sink))?;
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// What is left at the end: events of which nothing more comes, or that nobody could want.
    fn end(&mut self, ahead: &Ahead<'_>, sink: &mut dyn Sink) {
        let rest = ahead.rest();
        if rest == Rest::default() {
            let _ = self.flush(sink);
            return;
        }
        let pending: usize = self.nodes.iter().map(|n| n.pending.len()).sum();
        self.report.pass(rest.bytes, rest.events + pending as u64);
    }

    /// Reads lines that were taken apart.
    fn taken(&mut self, taken: &mut Taken, sink: &mut dyn Sink) -> ControlFlow<()> {
        let Taken { file, offset, text, units, lossy, failed } = taken;
        let text = text.lines();
        self.report.add_bytes(text.len() as u64);
        self.lossy += *lossy;
        if let Some(reason) = failed {
            let name = self.inputs.get(*file as usize).map(Input::name).unwrap_or_default();
            self.report.damage(&name, Some(*offset), format!("can't be read further: {reason}"));
        }
        let place = |part: Part| (*file, *offset + u64::from(part.from));
        for unit in units.drain(..) {
            match unit {
                Unit::Line(part, wanted) => self.line(place(part), part.of(text), wanted, sink)?,
                Unit::Whole(whole) => {
                    let node = self.node(whole.node.of(text), sink)?;
                    if self.is_simple(node, &whole) {
                        self.whole(node, whole, text, place(Part::default()), sink)?;
                        continue;
                    }
                    for (part, line) in whole.lines.lines(text) {
                        self.line(place(part), line, whole.wanted, sink)?;
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Whether an event can be dealt with as a whole: nobody looks at it, and nothing of it came before.
    fn is_simple(&self, node: usize, whole: &Whole) -> bool {
        let bytes = (whole.lines.to - whole.lines.from) as usize;
        let pending = &self.nodes[node].pending;
        !whole.wanted
            && (pending.len() == 0 || whole.is_plain && !pending.knows(whole.time, whole.serial))
            && self.pending_bytes + bytes <= MAX_PENDING_BYTES
    }

    /// An event that came as a whole: only the processes are followed, when it is its turn.
    fn whole(
        &mut self,
        node: usize,
        mut whole: Whole,
        text: &[u8],
        (file, offset): Place,
        sink: &mut dyn Sink,
    ) -> ControlFlow<()> {
        if self.nodes[node].pending.stamps(whole.time, whole.serial, u64::from(whole.records)) == Stamp::Restarted {
            self.flush_node(node, sink)?;
            self.restarted(node);
        }
        if self.nodes[node].pending.len() == 0 {
            self.follow_whole(node, whole, text);
            return ControlFlow::Continue(());
        }
        let (own, place) = (whole.lines.of(text), (file, offset + u64::from(whole.lines.from)));
        whole.moved();
        self.pending_bytes += own.len();
        self.nodes[node].pending.add_whole(whole, own, place, &mut self.spare);
        while let Some(group) = self.nodes[node].pending.ready() {
            self.event(node, group, sink)?;
        }
        ControlFlow::Continue(())
    }

    fn follow_whole(&mut self, node: usize, whole: Whole, text: &[u8]) {
        self.counts.events += 1;
        self.counts.passed += 1;
        self.counts.without_arguments += u64::from(whole.without_arguments);
        let Some(act) = whole.deed else { return };
        let node = self.nodes[node].run;
        let parent = act.deed.ppid.filter(|_| whole.speaks);
        self.processes.follow(node, act.deed, [&act.exe, &act.comm].map(|name| name.of(text)));
        if let Some(pid) = parent {
            self.processes.touch(Id { node, pid });
        }
    }

    fn line(&mut self, place: Place, line: &[u8], wanted: bool, sink: &mut dyn Sink) -> ControlFlow<()> {
        if let Some(header) = self.headers.read(line) {
            return self.record(line, &header, place, wanted, sink);
        }
        if let Some(reason) = unreadable(line) {
            self.report.damage(&self.inputs[place.0 as usize].name(), Some(place.1), reason);
        }
        ControlFlow::Continue(())
    }

    /// Takes one record in, and gives on what it completes.
    fn record(
        &mut self,
        line: &[u8],
        header: &record::Header<'_>,
        place: Place,
        wanted: bool,
        sink: &mut dyn Sink,
    ) -> ControlFlow<()> {
        let kind = RecordType::of(header.name);
        let node = self.node(header.node, sink)?;
        if self.nodes[node].pending.stamp(header) == Stamp::Restarted || header.name == b"SYSTEM_BOOT" {
            self.flush_node(node, sink)?;
            self.restarted(node);
        }
        if let Some((group, longer)) = self.nodes[node].pending.add(line, header, kind, place, &mut self.spare) {
            self.pending_bytes += longer;
            if wanted && self.screened && !std::mem::replace(&mut group.wanted, true) {
                self.pending_wanted += 1;
            }
        }
        if self.pending_bytes > MAX_PENDING_BYTES {
            self.counts.early += 1;
            self.flush(sink)?;
        }
        while let Some(group) = self.nodes[node].pending.ready() {
            self.event(node, group, sink)?;
        }
        ControlFlow::Continue(())
    }

    /// The machine of that name begins anew.
    fn restarted(&mut self, node: usize) {
        self.processes.leave(self.nodes[node].run);
        self.nodes[node].run = self.next_run();
    }

    /// The node of that name.
    fn node(&mut self, name: &[u8], sink: &mut dyn Sink) -> ControlFlow<(), usize> {
        if self.nodes.get(self.last).is_some_and(|n| n.name == name) {
            return ControlFlow::Continue(self.last);
        }
        if let Some(&node) = self.by_name.get(name) {
            self.last = node;
            return ControlFlow::Continue(node);
        }
        if self.nodes.len() >= MAX_NODES {
            self.flush(sink)?;
            self.report.note("audit: too many node names; processes known so far were forgotten", 1);
            self.nodes.clear();
            self.processes.clear();
            self.by_name.clear();
        }
        self.last = self.nodes.len();
        let run = self.next_run();
        self.by_name.insert(name.to_vec(), self.last);
        self.nodes.push(Node {
            name: name.to_vec(),
            shown: String::from_utf8_lossy(name).into_owned(),
            run,
            pending: Pending::default(),
        });
        ControlFlow::Continue(self.last)
    }

    fn next_run(&mut self) -> u32 {
        self.runs = self.runs.wrapping_add(1);
        self.runs
    }

    fn flush(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        (0..self.nodes.len()).try_for_each(|node| self.flush_node(node, sink))
    }

    fn flush_node(&mut self, node: usize, sink: &mut dyn Sink) -> ControlFlow<()> {
        while let Some(group) = self.nodes[node].pending.flush() {
            self.event(node, group, sink)?;
        }
        ControlFlow::Continue(())
    }

    /// An event with all of its records: follows the processes and delivers it where it is asked for.
    fn event(&mut self, node: usize, mut group: Group, sink: &mut dyn Sink) -> ControlFlow<()> {
        if let Some(whole) = group.act.take() {
            self.pending_bytes = self.pending_bytes.saturating_sub(group.text.len());
            self.follow_whole(node, *whole, &group.text);
            join::recycle(group, &mut self.spare);
            return ControlFlow::Continue(());
        }
        self.counts.events += 1;
        let looked_at = !self.screened || group.wanted;
        self.counts.passed += u64::from(!looked_at);
        self.pending_wanted -= usize::from(group.wanted);
        self.pending_bytes = self.pending_bytes.saturating_sub(group.text.len());
        if group.dropped > 0 {
            let what = format!("an event is too large: {} of its records were passed over", group.dropped);
            self.damage(&group, what);
        }
        let has_execve = group.first(RecordType::Execve).is_some();
        let syscall = group.first(RecordType::Syscall).map(|r| (r, Syscall::read(group.body(r))));
        let call = syscall.map_or(Call::Other, |(r, s)| s.call(|| group.added(r)));
        let failed = syscall.is_some_and(|(_, s)| s.failed());
        let exec = has_execve && !failed;
        if call == Call::Exec && !has_execve && !failed {
            self.counts.without_arguments += 1;
        }
        let kind = taken::kind(call, exec, group.first(RecordType::UserCmd).is_some());
        let (mut wanted, mut records) =
            (self.request.wants(&kind), self.request.decoded_records && self.request.wants_family(Family::AuditRecord));
        // Which processes are remembered must not depend on what is passed over.
        let speaks = wanted || records;
        (wanted, records) = (wanted && looked_at, records && looked_at);
        if exec && (wanted || records) && self.need_arguments {
            self.arguments.decode(group.bodies(RecordType::Execve));
            self.counts.filled += self.arguments.filled as u64;
            if self.arguments.cut {
                self.damage(&group, "an EXECVE record is cut off within an argument");
            }
        }
        let Events { nodes, processes, decoder, users, arguments, settings, follow, .. } = self;
        let (node, shown) = (nodes[node].run, nodes[node].shown.as_str());
        if follow.processes
            && let Some((_, s)) = &syscall
        {
            let kept = || group.bodies(RecordType::Execve).collect::<Vec<_>>().join(&b'\n').into_boxed_slice();
            let kept = (follow.arguments && exec).then(kept);
            if let Some(deed) = Deed::new(s, call, exec, group.time, kept) {
                let exe = s.exe.and_then(|raw| decoder.text(b"exe", raw));
                let comm = s.comm.and_then(|raw| decoder.text(b"comm", raw));
                processes.follow(node, deed, [exe.as_deref(), comm.as_deref()]);
            }
        }
        if let Some(ppid) = syscall.and_then(|(_, s)| s.ppid).filter(|_| follow.processes && speaks) {
            processes.touch(Id { node, pid: ppid });
        }
        let mut flow = ControlFlow::Continue(());
        if wanted || records {
            let view = View {
                group: &group,
                record: None,
                syscall,
                exec,
                arguments: exec.then_some(&*arguments),
                processes: follow.processes.then_some((&*processes, node)),
                host: if shown.is_empty() { settings.host.as_deref() } else { Some(shown) },
                node: shown,
                users,
                decoder,
                address: Default::default(),
            };
            let mut give = |kind, (file, position), view: &View<'_>| {
                if self.request.late {
                    let late = Asked { view, wants: &self.wants };
                    return sink.event(&Event { kind, file, position, values: &[], late: Some(&late) });
                }
                let mut values = reuse(std::mem::take(&mut self.values));
                values.extend(self.wants.iter().map(|want| view.value(want)));
                let flow = sink.event(&Event { kind, file, position, values: &values, late: None });
                self.values = reuse(values);
                flow
            };
            if wanted {
                flow = give(kind, (group.file, group.position), &view);
            }
            // The first EXECVE record has the arguments of those that go on with it.
            let first = group.first(RecordType::Execve).map(|r| r.place);
            let goes_on = |r: &Record| exec && r.kind == RecordType::Execve && Some(r.place) != first;
            let given = |r: &&Record| records && r.kind != RecordType::Eoe && !goes_on(r);
            for record in group.records.iter().filter(given) {
                if flow.is_break() {
                    break;
                }
                let kind = Kind::new(Family::AuditRecord, super::records::code(record.kind));
                flow = give(kind, record.place, &view.alone(record));
            }
        }
        join::recycle(group, &mut self.spare);
        flow
    }

    fn damage(&self, group: &Group, what: impl Into<String>) {
        let file = self.inputs.get(group.file as usize).map(Input::name).unwrap_or_default();
        self.report.damage(&file, Some(group.position), what);
    }

    /// Says what was counted.
    fn tell(&self) {
        let note = |what: &str, n: u64| {
            if n > 0 {
                self.report.note(what, n);
            }
        };
        self.report.add_events(self.counts.events - self.counts.passed);
        self.report.pass(0, self.counts.passed);
        note(
            "audit: executions without EXECVE record, so not taken as process creations",
            self.counts.without_arguments,
        );
        note("audit: arguments that no EXECVE record holds, taken as empty", self.counts.filled);
        note("audit: times that all unfinished events were taken as they were, for want of memory", self.counts.early);
        note("audit: values that are not valid UTF-8, shown with U+FFFD", self.lossy + self.decoder.take_lossy());
        note("audit: processes forgotten for want of memory", self.processes.forgotten);
    }
}

/// The asked fields of an event, decoded when they are looked at.
struct Asked<'v, 'a> {
    view: &'v View<'a>,
    wants: &'v [Want],
}

impl Late for Asked<'_, '_> {
    fn value(&self, slot: usize) -> Value<'_> {
        self.wants.get(slot).map(|want| self.view.value(want)).unwrap_or_default()
    }
}
