//! Linux audit logs: RAW and ENRICHED, any number of nodes, rotated files as one stream.
//!
//! Two readings of the same bytes:
//!
//! - **events** ([`Family::Auditd`](crate::Family::Auditd)): the records with one stamp, `audit(time:serial)`, of one node are put together,
//!   values decoded, executions told from failed ones, and parents named from the process table;
//! - **records** ([`Family::AuditRecord`](crate::Family::AuditRecord), [`Settings::records`]): each line alone with its fields as they stand, as a
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
//! | `@event.…` | of a record that is given alone after its event: the value under that name in the whole event |
//! | `@path` | of such a PATH record: `name` as an absolute path |
//! | `@name.N` | `name` of the PATH record with `item=N` |
//!
//! PROCTITLE is never used for arguments: it is cut at 128 bytes and, in one of ten events of a real log, stale.
//!
//! # Kinds
//!
//! [`EXEC`](crate::event::audit::EXEC) has an EXECVE record and no `success=no`: the kernel writes EXECVE only when the new image runs.
//! A successful `execve` whose EXECVE record was lost is none (its arguments are unknown); it is
//! counted in the report, and the process table takes its `exe`. [`CONNECT`](crate::event::audit::CONNECT) includes failed calls; look at
//! `success` and `exit`. `EINPROGRESS` (-115) is how a non-blocking attempt looks.

mod address;
mod ahead;
mod arguments;
mod chunks;
mod decode;
mod events;
mod fields;
mod headers;
mod join;
mod json;
mod needles;
mod object;
mod prefix;
mod process;
mod record;
mod records;
mod search;
mod syscall;
mod syscalls;
mod taken;
#[cfg(test)]
mod tests;
mod users;

use crate::event::{Reader, Request, Sink};
use crate::lines::Lines;
use crate::needles::Finder;
use crate::{Input, Report, Value};
use events::Events;
use headers::Headers;
use memchr::memmem;
use record::RecordType;
use search::Recent;
use std::io::{self, BufRead};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

/// What a reader is told about its source.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The host of records without `node=`.
    pub host: Option<String>,
    /// A passwd file of the machine that wrote the log, for user names in RAW logs.
    pub passwd: Option<PathBuf>,
    /// Deliver each record alone ([`Family::AuditRecord`](crate::Family::AuditRecord)) instead of joined events.
    pub records: bool,
    /// On how many threads a log may be read; none says one.
    pub threads: usize,
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
            Events::new(&self.inputs, &self.settings, request, report).read(sink);
            Ok(())
        }
    }
}

/// A file and a place in it.
type Place = (u32, u64);

/// Gives each line of `inputs` to `line`, with its file and its place in it. What can't be read is damage, and the next
/// file goes on. With a finder, records in which it finds nothing are passed over.
fn each_line(
    inputs: &[Input],
    report: &Report,
    finder: Option<Arc<Finder>>,
    mut line: impl FnMut(Place, &[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    for (file, input) in inputs.iter().enumerate() {
        let lines = input.open().map(|opened| Lines::new(opened).screened(finder.clone(), record::is_record));
        lines_of(lines, input, report, |at, text| line((file as u32, at), text))?;
    }
    ControlFlow::Continue(())
}

/// The same of one input, opened or not.
fn lines_of<R: BufRead>(
    lines: io::Result<Lines<R>>,
    input: &Input,
    report: &Report,
    mut line: impl FnMut(u64, &[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut lines = match lines {
        Ok(lines) => lines,
        Err(e) => {
            report.damage(&input.name(), None, format!("can't be opened: {e}"));
            return ControlFlow::Continue(());
        }
    };
    let mut read = 0;
    let mut flow = ControlFlow::Continue(());
    while flow.is_continue() {
        match lines.next() {
            Ok(Some(next)) => {
                let length = next.oversized.unwrap_or(next.bytes.len() as u64 + 1);
                read += length;
                if next.oversized.is_some() {
                    report.damage(&input.name(), Some(next.offset), format!("a line of {length} bytes is too long"));
                } else {
                    flow = line(next.offset, next.bytes);
                }
            }
            Ok(None) => break,
            Err(e) => {
                report.damage(&input.name(), Some(read), format!("can't be read further: {e}"));
                break;
            }
        }
        lines.tell_passed(report);
        if read >= 1 << 20 {
            report.add_bytes(std::mem::take(&mut read));
        }
    }
    lines.tell_passed(report);
    report.add_bytes(read);
    flow
}

/// Whether an event's lines show, as they stand or in hex, what the field of that name has.
pub(crate) fn shows(field: &str, passwd: bool) -> bool {
    fields::Want::parse(field).is_shown(passwd)
}

/// Whether the field of that name may have what a record with a process title and nothing else shows.
pub(crate) fn shows_title(field: &str) -> bool {
    fields::Want::parse(field).is_in_title()
}

/// Gives the times of all events, each at least once, without putting events together. Lines that are no records are told,
/// what is damaged within records is not.
pub(crate) fn times(inputs: &[Input], report: &Report, each: &mut dyn FnMut(i64)) {
    let (mut headers, mut recent, mut events) = (Headers::default(), Recent::default(), 0);
    let mut last = 0;
    let _ = each_line(inputs, report, None, |place, line| {
        match headers.read(line) {
            // The end of an event is none.
            Some(header) if RecordType::of(header.name) == RecordType::Eoe => {}
            Some(header) => {
                let node = header.node.iter().map(|b| u64::from(*b));
                let key = Recent::key(node.chain([header.time as u64, header.serial]));
                if std::mem::replace(&mut last, key) != key {
                    events += u64::from(recent.begins(key));
                    each(header.time);
                }
            }
            None => {
                if let Some(reason) = unreadable(line) {
                    report.damage(&inputs[place.0 as usize].name(), Some(place.1), reason);
                }
            }
        }
        ControlFlow::Continue(())
    });
    report.add_events(events);
}

/// What is wrong with a line that has no record's header; `None` where it is none of the log's.
fn unreadable(line: &[u8]) -> Option<&'static str> {
    let line = line.trim_ascii();
    // `ausearch` without `--raw` puts these between events.
    if line.is_empty() || line == b"----" || line.starts_with(b"time->") {
        return None;
    }
    let stamp = memmem::find(line, b"msg=audit(").map(|at| &line[at + 10..]);
    let interpreted = stamp.is_some_and(|s| s.iter().take_while(|&&b| b != b')').any(|&b| b == b'/'));
    Some(if interpreted {
        "written by `ausearch -i`, which drops what was quoted: give the log itself"
    } else {
        "not an audit record"
    })
}

/// The same vector, empty, for values of another lifetime: its memory is kept.
pub(super) fn reuse<'b>(mut values: Vec<Value<'_>>) -> Vec<Value<'b>> {
    values.clear();
    values.into_iter().map(|_| Value::Missing).collect()
}
