//! Reading a source once for several views.

use super::rows::Row;
use super::{Plan, Slots, prepare_into};
use crate::event::{Event, Family, Request};
use crate::report::Report;
use crate::source::{Format, Source};
use crate::view::View;
use std::io;
use std::ops::ControlFlow;

/// A view, and the columns that are wanted of its rows.
pub type Wanted = (View, Vec<String>);

/// Reads `source` and hands each event to `each` as a row of every view that takes it, in the source's order. Rows are
/// told with the place of their view among the wanted ones and with the number of their event.
///
/// The rows are those of [`rows`](super::rows) for each of the views. Views of which the reading of the source depends
/// must not be wanted together with others: see [`together`].
///
/// # Errors
/// The call is wrong: a column that a view does not have, or a format that is not read as events (Parquet).
pub fn rows_of_many(
    source: &Source,
    wanted: &[Wanted],
    report: &Report,
    each: &mut dyn FnMut(usize, u64, &Row<'_>) -> ControlFlow<()>,
) -> io::Result<()> {
    let (mut request, mut slots) = (Request::default(), Slots::default());
    let mut plans: Vec<(usize, Plan)> = Vec::new();
    for (at, (view, columns)) in wanted.iter().enumerate() {
        if let Some(unknown) = columns.iter().find(|c| view.column_type(c).is_none()) {
            return Err(super::invalid(view, unknown));
        }
        let new = prepare_into(source, view, columns, &mut request, &mut slots);
        plans.extend(new.into_iter().map(|plan| (at, plan)));
    }
    if plans.is_empty() {
        return Ok(());
    }
    let files: Vec<String> = source.inputs.iter().map(crate::input::Input::name).collect();
    let mut number = 0;
    let read = source.reader()?.read(&request, report, &mut |event: &Event<'_>| {
        let mut last = None;
        for (at, plan) in &plans {
            let feed = &wanted[*at].0.feeds()[plan.feed];
            // Of a view, the first feed that takes the event counts.
            if last == Some(*at) || !feed.takes(&event.kind) {
                continue;
            }
            last = Some(*at);
            let scope = plan.scope(feed, event, &files, source);
            if !plan.passes_over(&scope) {
                each(*at, number, &Row::new(event, &plan.nodes, scope))?;
            }
        }
        number += 1;
        ControlFlow::Continue(())
    });
    if let Err(e) = read {
        report.damage(&source.name, None, e.to_string());
    }
    Ok(())
}

/// The views, by their places, in groups that can be wanted together of a source: how a source is read may depend on
/// which families are asked for.
pub fn together(source: &Source, views: &[View]) -> Vec<Vec<usize>> {
    let all = 0..views.len();
    if source.format != Format::SysmonLinux {
        return vec![all.collect()];
    }
    let sysmon = |at: &usize| views[*at].feeds().iter().any(|f| f.family == Family::Sysmon);
    let (with, without): (Vec<usize>, Vec<usize>) = all.partition(sysmon);
    [with, without].into_iter().filter(|group| !group.is_empty()).collect()
}
