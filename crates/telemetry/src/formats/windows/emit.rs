//! Handing one event on.

use super::gather::{Gather, Remarks};
use crate::event::{Event, Sink, Value};
use crate::report::Report;
use std::ops::ControlFlow;

/// Where an event stands.
#[derive(Clone, Copy)]
pub(crate) struct Place<'n> {
    pub(crate) file: u32,
    pub(crate) name: &'n str,
    pub(crate) position: u64,
}

impl Remarks {
    /// Tells them to the report.
    pub(crate) fn say(self, report: &Report) {
        if self.recovered > 0 {
            report.note("events recovered from malformed text", 1);
        }
        if self.local_time {
            report.note("events whose time has no zone, taken for UTC", 1);
        }
    }
}

/// Decodes and delivers the event, if it is asked for. `keep` lends its allocation to the values.
pub(crate) fn event<'a>(
    mut gather: Gather<'a, '_>,
    raw: &'a str,
    place: Place<'_>,
    keep: &mut Vec<Value<'static>>,
    report: &Report,
    sink: &mut dyn Sink,
) -> ControlFlow<()> {
    let Some(kind) = gather.kind() else {
        report.damage(place.name, Some(place.position), "an event without an event id");
        return ControlFlow::Continue(());
    };
    if !gather.wanted() {
        return ControlFlow::Continue(());
    }
    let Place { file, position, .. } = place;
    if gather.is_late() {
        gather.lend(raw);
        gather.remarks().say(report);
        report.add_events(1);
        return sink.event(&Event { kind, file, position, values: &[], late: Some(&gather) });
    }
    let mut values: Vec<Value<'a>> = std::mem::take(keep);
    gather.finish(raw, &mut values).say(report);
    report.add_events(1);
    let event = Event { kind, file, position, values: &values, late: None };
    let flow = sink.event(&event);
    values.clear();
    // In place: an empty vector changes its lifetime and keeps its allocation.
    *keep = values.into_iter().map(|_| Value::Missing).collect();
    flow
}
