//! The log read as events: records joined, processes followed, the asked fields decoded.

use super::ahead::{Ahead, Place, Recent};
use super::arguments::Arguments;
use super::decode::Decoder;
use super::fields::{View, Want};
use super::headers::Headers;
use super::join::{self, Group, Pending, Record, Stamp};
use super::process::{Id, Image, Seen, Table};
use super::record::{self, RecordType};
use super::syscall::Syscall;
use super::syscalls::Call;
use super::users::Users;
use super::{Settings, each_line, reuse, unreadable};
use crate::event::{Event, Family, Kind, Late, Request, Sink, audit};
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
    follow_processes: bool,
    keep_arguments: bool,
    need_arguments: bool,
    users: Users,
    nodes: Vec<Node>,
    by_name: HashMap<Vec<u8>, usize>,
    processes: Table,
    last: usize,
    pending_bytes: usize,
    /// How many pending events are wanted.
    pending_wanted: usize,
    stamps: Stamps,
    headers: Headers,
    runs: u32,
    spare: Vec<Group>,
    arguments: Arguments,
    decoder: Decoder,
    values: Vec<Value<'static>>,
    counts: Counts,
}

/// How often the stamp changes in the lines of a file: as many events begin in it.
#[derive(Default)]
struct Stamps {
    file: u32,
    last: Option<(usize, i64, u64)>,
    recent: Recent,
    count: u64,
}

impl Stamps {
    fn note(&mut self, file: u32, node: usize, header: &record::Header<'_>) {
        if self.file != file {
            (self.file, self.count) = (file, 0);
        }
        let stamp = Some((node, header.time, header.serial));
        if self.last != stamp {
            self.last = stamp;
            let key = Recent::key([node as u64, header.time as u64, header.serial].into_iter());
            self.count += u64::from(self.recent.begins(key));
        }
    }
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
        Events {
            inputs,
            request,
            report,
            settings,
            ahead: request.needles.as_ref().and_then(|needles| Ahead::new(inputs, needles)),
            follow_processes: wants.iter().any(Want::needs_processes),
            keep_arguments: wants.iter().any(Want::needs_parent_arguments),
            need_arguments: wants.iter().any(Want::needs_arguments),
            wants,
            users,
            nodes: Vec::new(),
            by_name: HashMap::new(),
            processes: Table::default(),
            last: usize::MAX,
            pending_bytes: 0,
            pending_wanted: 0,
            stamps: Stamps::default(),
            headers: Headers::default(),
            runs: 0,
            spare: Vec::new(),
            arguments: Arguments::default(),
            decoder: Decoder::default(),
            values: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Looks ahead from the first line on, in so many bytes at once.
    #[cfg(test)]
    pub(super) fn at_once(mut self, chunk: usize) -> Self {
        self.ahead = self.ahead.map(|ahead| ahead.at_once(chunk));
        self
    }

    /// Reads everything, or until the sink has enough, or nothing comes any more that anybody could want.
    pub(super) fn read(mut self, sink: &mut dyn Sink) {
        let mut end = self.ahead.as_mut().is_some_and(Ahead::is_empty).then_some((0, 0));
        if end.is_none() {
            let flow = each_line(self.inputs, self.report, None, |place, line| {
                self.line(place, line, sink)?;
                if self.pending_wanted == 0 && self.ahead.as_mut().is_some_and(|ahead| ahead.ends(place)) {
                    end = Some((place.0, place.1 + line.len() as u64 + 1));
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            });
            if flow.is_continue() {
                let _ = self.flush(sink);
            }
        }
        if let (Some(place), Some(ahead)) = (end, &self.ahead) {
            let rest = ahead.rest(place, self.stamps.count);
            let pending: usize = self.nodes.iter().map(|n| n.pending.len()).sum();
            self.report.pass(rest.bytes, rest.events + pending as u64);
        }
        self.tell();
    }

    fn line(&mut self, place: Place, line: &[u8], sink: &mut dyn Sink) -> ControlFlow<()> {
        let wanted = self.ahead.as_mut().is_none_or(|ahead| ahead.wants(place));
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
        self.stamps.note(place.0, node, header);
        if self.nodes[node].pending.stamp(header) == Stamp::Restarted || header.name == b"SYSTEM_BOOT" {
            self.flush_node(node, sink)?;
            self.processes.leave(self.nodes[node].run);
            self.nodes[node].run = self.next_run();
        }
        if let Some(group) = self.nodes[node].pending.add(line, header, kind, place, &mut self.spare)
            && wanted
            && self.ahead.is_some()
            && !std::mem::replace(&mut group.wanted, true)
        {
            self.pending_wanted += 1;
        }
        self.pending_bytes += line.len();
        if self.pending_bytes > MAX_PENDING_BYTES {
            self.counts.early += 1;
            self.flush(sink)?;
        }
        while let Some(group) = self.nodes[node].pending.ready() {
            self.event(node, group, sink)?;
        }
        ControlFlow::Continue(())
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
    fn event(&mut self, node: usize, group: Group, sink: &mut dyn Sink) -> ControlFlow<()> {
        self.counts.events += 1;
        let looked_at = self.ahead.is_none() || group.wanted;
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
        let code = match call {
            _ if exec => audit::EXEC,
            Call::Connect => audit::CONNECT,
            _ if group.first(RecordType::UserCmd).is_some() => audit::USER_CMD,
            _ => audit::OTHER,
        };
        let kind = Kind::new(Family::Auditd, code);
        let (mut wanted, mut records) =
            (self.request.wants(&kind), self.request.decoded_records && self.request.wants_family(Family::AuditRecord));
        // Which processes are remembered must not depend on what is passed over.
        let speaks = wanted || records;
        (wanted, records) = (wanted && looked_at, records && looked_at);
        if exec && (((wanted || records) && self.need_arguments) || self.keep_arguments) {
            self.arguments.decode(group.bodies(RecordType::Execve));
            self.counts.filled += self.arguments.filled as u64;
            if self.arguments.cut {
                self.damage(&group, "an EXECVE record is cut off within an argument");
            }
        }
        let Events { nodes, processes, decoder, users, arguments, settings, .. } = self;
        let (node, shown) = (nodes[node].run, nodes[node].shown.as_str());
        if self.follow_processes
            && let Some((_, s)) = &syscall
        {
            let kept = (self.keep_arguments && exec).then(|| arguments.clone());
            let replaced = exec || (call == Call::Exec && s.succeeded());
            follow(processes, node, &Deed { syscall: s, call, replaced, time: group.time }, kept, decoder);
        }
        if let Some(ppid) = syscall.and_then(|(_, s)| s.ppid).filter(|_| self.follow_processes && speaks) {
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
                processes: self.follow_processes.then_some((&*processes, node)),
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
        note("audit: values that are not valid UTF-8, shown with U+FFFD", self.decoder.take_lossy());
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

/// What an event did to its process.
struct Deed<'a> {
    syscall: &'a Syscall<'a>,
    call: Call,
    /// Whether it has a new image.
    replaced: bool,
    time: i64,
}

/// Tells the process table what an event did.
fn follow(processes: &mut Table, node: u32, deed: &Deed<'_>, arguments: Option<Arguments>, decoder: &Decoder) {
    let (s, time) = (deed.syscall, deed.time);
    let Some(pid) = s.pid else { return };
    let id = Id { node, pid };
    let seen = Seen { id, ppid: s.ppid, time };
    let exe = s.exe.and_then(|raw| decoder.text(b"exe", raw));
    let comm = s.comm.and_then(|raw| decoder.text(b"comm", raw));
    if deed.replaced {
        let owned = |text: Option<std::borrow::Cow<'_, str>>| text.map(|t| t.into_owned());
        processes.exec(seen, Image { exe: owned(exe), comm: owned(comm), arguments });
        return;
    }
    processes.observe(seen, exe.as_deref(), comm.as_deref());
    match deed.call {
        Call::Clone | Call::Fork if s.succeeded() => {
            if let Ok(child) = u32::try_from(s.exit)
                && child > 0
            {
                processes.fork(id, child, time);
            }
        }
        Call::ExitGroup => processes.exit(id, time),
        _ => {}
    }
}
