//! Sysmon for Linux, as syslog has it: a line's header, then the event's XML.

use super::compiled::Compiled;
use super::gather::Gather;
use super::{emit, xml};
use crate::event::{Reader, Request, Sink, Value};
use crate::input::{self, Input};
use crate::lines::Lines;
use crate::needles::Needles;
use crate::report::Report;
use memchr::memmem;
use std::io::{self, BufRead};
use std::ops::ControlFlow;

/// Reads syslog lines that carry event XML. Other lines (banners, other programs) are passed over and counted.
///
/// Relays damage the XML: they drop every `;`, and cut lines at 2 kB. What is there is delivered, and counted.
pub struct SysmonLinuxReader {
    inputs: Vec<Input>,
}

impl SysmonLinuxReader {
    /// A reader of `inputs`, one after the other.
    pub fn new(inputs: Vec<Input>) -> Self {
        SysmonLinuxReader { inputs }
    }
}

impl Reader for SysmonLinuxReader {
    fn read(&mut self, request: &Request, report: &Report, sink: &mut dyn Sink) -> io::Result<()> {
        let compiled = Compiled::new(request);
        let finder = request.needles.as_ref().and_then(Needles::finder);
        input::each(&self.inputs, report, |input, file, name| {
            let without = input.without(request.needles.as_ref(), true);
            let lines = input.lines()?.screened(finder.clone(), is_whole).jumping(without);
            read_one(lines, emit::Place { file, name, position: 0 }, &compiled, report, sink)
        });
        Ok(())
    }
}

fn read_one(
    mut lines: Lines<impl BufRead>,
    at: emit::Place<'_>,
    compiled: &Compiled,
    report: &Report,
    sink: &mut dyn Sink,
) -> io::Result<ControlFlow<()>> {
    let mut values: Vec<Value<'static>> = Vec::new();
    let mut others = 0;
    while let Some(line) = lines.next()? {
        report.add_bytes(line.bytes.len() as u64 + 1);
        if let Some(length) = line.oversized {
            report.damage(at.name, Some(line.offset), format!("a line of {length} bytes was passed over"));
            continue;
        }
        if memmem::find(line.bytes, b"<Event").is_none() {
            others += u64::from(!line.bytes.is_empty());
            continue;
        }
        let text = super::text::lossy(line.bytes);
        let mut gather = Gather::new(compiled);
        xml::event(&text, &mut gather);
        let place = emit::Place { position: line.offset, ..at };
        if emit::event(gather, &text, place, &mut values, report, sink).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        lines.tell_passed(report);
    }
    lines.tell_passed(report);
    if others > 0 {
        report.note("syslog lines that are no Sysmon event", others);
    }
    Ok(ControlFlow::Continue(()))
}

/// Whether a line has a whole event: what a relay cut is told of, and lines of other programs are counted.
pub(crate) fn is_whole(line: &[u8]) -> bool {
    line.trim_ascii_end().ends_with(b"</Event>") && memmem::find(line, b"<Event").is_some()
}
