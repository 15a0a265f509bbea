//! Linux audit logs: RAW and ENRICHED, any number of nodes, rotated files as one stream.
//!
//! Two readings of the same bytes:
//!
//! - **events** ([`Family::Auditd`]): the records with one stamp, `audit(time:serial)`, of one node are put together,
//!   values decoded, executions told from failed ones, and parents named from the process table;
//! - **records** ([`Family::AuditRecord`], [`Settings::records`]): each line alone with its fields as they stand, as a
//!   log collector that does not know audit sees it.
//!
//! # Fields of events
//!
//! A record's field by its name: `pid`, `ppid`, `uid`, `auid`, `exe`, `comm`, `cwd`, `key`, `success`, `exit`, `tty`, ….
//! SYSCALL is looked at first, then the other records in their order, in each what stands outside of `msg='…'` first.
//! `a0`, `a1`, … are the arguments in an execution, elsewhere the call's registers. `key` holds several keys with commas
//! between them. Everything a record says is text, numbers too; `(null)` and `?` are missing.
//!
//! Case does not matter, but for the names that ENRICHED logs add in capitals: `uid` is the number, `UID` the name. In a
//! RAW log `UID` and its like are taken from [`Settings::passwd`], `SYSCALL` and `ARCH` from a table for the common
//! architectures; where they can't be known they are missing, never the number.
//!
//! | pseudo-field | value |
//! |---|---|
//! | `@time` `@id` `@host` | the stamp's time and serial; `node=`, else [`Settings::host`] |
//! | `@type`, `type` | `EXECVE` for an execution, else the first record's type |
//! | `@raw` | the event's lines, with `\n` between them |
//! | `@fields` | all fields as a JSON object, each with the value that asking for it gives |
//! | `@cmdline` `@argv` `@argc` | the arguments joined by single spaces, as a JSON array, their number |
//! | `@parent.pid` | the record's `ppid` |
//! | `@parent.exe` `@parent.comm` `@parent.cmdline` `@parent.argv` `@parent.time` `@parent.ppid` | the parent as the log told it before; missing where it did not. `time` is when the parent began to run this image |
//! | `@parent.parent.pid` `@parent.parent.exe` … | likewise the parent's parent |
//! | `@process.pid` `@process.exe` `@process.cmdline` … | likewise the event's own process: for a connection, what the connecting process was started with |
//! | `@user` | the name of `uid` |
//! | `@user_cmd` | the command of a USER_CMD record |
//! | `@addr.family` `@addr.ip` `@addr.port` `@addr.path` | the decoded SOCKADDR record |
//! | `@keys` | the rules' keys as a JSON array |
//! | `@name.N` | `name` of the PATH record with `item=N` |
//!
//! PROCTITLE is never used for arguments: it is cut at 128 bytes and, in one of ten events of a real log, stale.
//!
//! # Kinds
//!
//! [`audit::EXEC`] has an EXECVE record and no `success=no`: the kernel writes EXECVE only when the new image runs.
//! A successful `execve` whose EXECVE record was lost is no [`audit::EXEC`] (its arguments are unknown); it is
//! counted in the report, and the process table takes its `exe`. [`audit::CONNECT`] includes failed calls; look at
//! `success` and `exit`. `EINPROGRESS` (-115) is how a non-blocking attempt looks.

mod address;
mod arguments;
mod decode;
mod fields;
mod join;
mod json;
mod process;
mod record;
mod records;
mod syscall;
mod syscalls;
mod users;

use crate::event::{Event, Family, Kind, Reader, Request, Sink, audit};
use crate::lines::Lines;
use crate::{Input, Report, Value};
use arguments::Arguments;
use decode::Decoder;
use fields::{View, Want};
use join::{Group, Pending, Stamp};
use process::{Id, Image, Seen, Table};
use record::RecordType;
use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use syscall::Syscall;
use syscalls::Call;
use users::Users;

/// How many nodes a source may have before the reader begins anew: a name per line must not fill the memory.
const MAX_NODES: usize = 16_384;

/// How many bytes may wait for the rest of their events; beyond, all are taken as they are.
const MAX_PENDING_BYTES: usize = 128 << 20;

/// What a reader is told about its source.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The host of records without `node=`.
    pub host: Option<String>,
    /// A passwd file of the machine that wrote the log, for user names in RAW logs.
    pub passwd: Option<PathBuf>,
    /// Deliver each record alone ([`Family::AuditRecord`]) instead of joined events.
    pub records: bool,
}

/// Reads the audit log that `inputs` are, one after the other: oldest first.
pub struct AuditReader {
    inputs: Vec<Input>,
    settings: Settings,
}

impl AuditReader {
    /// A reader of `inputs` as one stream, in that order.
    pub fn new(inputs: Vec<Input>, settings: Settings) -> Self {
        AuditReader { inputs, settings }
    }
}

impl Reader for AuditReader {
    fn read(&mut self, request: &Request, report: &Report, sink: &mut dyn Sink) -> io::Result<()> {
        if self.settings.records {
            records::read(&self.inputs, &self.settings, request, report, sink)
        } else {
            Events::new(&self.settings, request, report).read(&self.inputs, sink);
            Ok(())
        }
    }
}

/// Gives each line of `inputs` to `line`. What can't be read is damage, and the next file goes on.
fn each_line(
    inputs: &[Input],
    report: &Report,
    mut line: impl FnMut(u32, u64, &[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    for (file, input) in inputs.iter().enumerate() {
        let opened = match input.open() {
            Ok(opened) => opened,
            Err(e) => {
                report.damage(&input.name(), None, format!("can't be opened: {e}"));
                continue;
            }
        };
        let mut lines = Lines::new(opened);
        let mut read = 0;
        loop {
            match lines.next() {
                Ok(Some(next)) => {
                    let length = next.oversized.unwrap_or(next.bytes.len() as u64 + 1);
                    read += length;
                    if next.oversized.is_some() {
                        report.damage(
                            &input.name(),
                            Some(next.offset),
                            format!("a line of {length} bytes is too long"),
                        );
                    } else {
                        line(file as u32, next.offset, next.bytes)?;
                    }
                }
                Ok(None) => break,
                Err(e) => {
                    report.damage(&input.name(), Some(read), format!("can't be read further: {e}"));
                    break;
                }
            }
            if read >= 1 << 20 {
                report.add_bytes(std::mem::take(&mut read));
            }
        }
        report.add_bytes(read);
    }
    ControlFlow::Continue(())
}

/// A node's state.
struct Node {
    name: Vec<u8>,
    shown: String,
    pending: Pending,
}

/// One reading of a source as events.
struct Events<'r> {
    request: &'r Request,
    report: &'r Report,
    settings: &'r Settings,
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
    spare: Vec<Group>,
    arguments: Arguments,
    decoder: Decoder,
    values: Vec<Value<'static>>,
    counts: Counts,
}

/// What is told at the end.
#[derive(Default)]
struct Counts {
    events: u64,
    without_arguments: u64,
    filled: u64,
    dropped: u64,
    early: u64,
}

impl<'r> Events<'r> {
    fn new(settings: &'r Settings, request: &'r Request, report: &'r Report) -> Self {
        let wants: Vec<Want> = request.fields.iter().map(|f| Want::parse(f)).collect();
        let users = settings.passwd.as_deref().map_or(Ok(Users::default()), Users::read).unwrap_or_else(|e| {
            let path = settings.passwd.as_deref().map(|p| p.display().to_string()).unwrap_or_default();
            report.damage(&path, None, format!("can't be read, so user ids stay without names: {e}"));
            Users::default()
        });
        Events {
            request,
            report,
            settings,
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
            spare: Vec::new(),
            arguments: Arguments::default(),
            decoder: Decoder::default(),
            values: Vec::new(),
            counts: Counts::default(),
        }
    }

    fn read(mut self, inputs: &[Input], sink: &mut dyn Sink) {
        let report = self.report;
        let all = each_line(inputs, report, |file, offset, line| {
            let Some(header) = record::header(line) else {
                if !line.trim_ascii().is_empty() {
                    report.damage(&inputs[file as usize].name(), Some(offset), "not an audit record");
                }
                return ControlFlow::Continue(());
            };
            self.record(line, &header, (file, offset), sink)
        });
        if all.is_continue() {
            let _ = self.flush(sink);
        }
        self.tell();
    }

    /// Takes one record in, and gives on what it completes.
    fn record(
        &mut self,
        line: &[u8],
        header: &record::Header<'_>,
        place: (u32, u64),
        sink: &mut dyn Sink,
    ) -> ControlFlow<()> {
        let kind = RecordType::of(header.name);
        let node = self.node(header.node, sink)?;
        if self.nodes[node].pending.stamp(header) == Stamp::Restarted || header.name == b"SYSTEM_BOOT" {
            self.flush_node(node, sink)?;
            self.processes.restart(node as u32);
        }
        self.nodes[node].pending.add(line, header, kind, place, &mut self.spare);
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
        self.by_name.insert(name.to_vec(), self.last);
        self.nodes.push(Node {
            name: name.to_vec(),
            shown: String::from_utf8_lossy(name).into_owned(),
            pending: Pending::default(),
        });
        ControlFlow::Continue(self.last)
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
        self.pending_bytes = self.pending_bytes.saturating_sub(group.text.len());
        self.counts.dropped += group.dropped;
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
        let wanted = self.request.wants(&kind);
        if exec && ((wanted && self.need_arguments) || self.keep_arguments) {
            self.arguments.decode(group.bodies(RecordType::Execve));
            self.counts.filled += self.arguments.filled as u64;
        }
        let Events { nodes, processes, decoder, users, arguments, settings, .. } = self;
        let (node, shown) = (node as u32, nodes[node].shown.as_str());
        if self.follow_processes
            && let Some((_, s)) = &syscall
        {
            let kept = (self.keep_arguments && exec).then(|| arguments.clone());
            let replaced = exec || (call == Call::Exec && s.succeeded());
            follow(processes, node, &Deed { syscall: s, call, replaced, time: group.time }, kept, decoder);
        }
        let mut flow = ControlFlow::Continue(());
        if wanted {
            if let Some(ppid) = syscall.and_then(|(_, s)| s.ppid).filter(|_| self.follow_processes) {
                processes.touch(Id { node, pid: ppid });
            }
            let view = View {
                group: &group,
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
            let mut values = reuse(std::mem::take(&mut self.values));
            values.extend(self.wants.iter().map(|want| view.value(want)));
            flow = sink.event(&Event { kind, file: group.file, position: group.position, values: &values });
            self.values = reuse(values);
        }
        join::recycle(group, &mut self.spare);
        flow
    }

    /// Says what was counted.
    fn tell(&self) {
        let note = |what: &str, n: u64| {
            if n > 0 {
                self.report.note(what, n);
            }
        };
        self.report.add_events(self.counts.events);
        note(
            "audit: executions without EXECVE record, so not taken as process creations",
            self.counts.without_arguments,
        );
        note("audit: arguments that no EXECVE record holds, taken as empty", self.counts.filled);
        note("audit: records beyond the size limit of an event, passed over", self.counts.dropped);
        note("audit: times that all unfinished events were taken as they were, for want of memory", self.counts.early);
        note("audit: values that are not valid UTF-8, shown with U+FFFD", self.decoder.take_lossy());
        note("audit: processes forgotten for want of memory", self.processes.forgotten);
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

/// The same vector, empty, for values of another lifetime: its memory is kept.
fn reuse<'b>(mut values: Vec<Value<'_>>) -> Vec<Value<'b>> {
    values.clear();
    values.into_iter().map(|_| Value::Missing).collect()
}
