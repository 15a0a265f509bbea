//! Reading a source through a view into Arrow batches.

mod builder;
mod many;
mod rows;
mod times;

pub use many::{Wanted, rows_of_many, together};
pub use rows::{Collector, Row, rows, rows_for};
pub use times::{HOUR, Stretch, times};

use crate::event::{Family, Request};
use crate::needles::Clause;
use crate::report::Report;
use crate::source::Source;
use crate::view::View;
use crate::view::expr::Node;
use arrow::array::RecordBatch;
use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Reads `source` through `view` and hands batches of at most `batch_rows` rows to `out`, in the source's order, until
/// it is read or `out` breaks.
///
/// `columns` are names of the view's columns or of its hidden ones (`$source`, …), in the order wanted; none gives
/// batches with a row count and no columns. Only what they need is decoded.
///
/// What can't be read is told to `report` and is no error. An error means that the call is wrong: a column that the
/// view does not have, or a format that is not read as events (Parquet).
pub fn scan(
    source: &Source,
    view: &View,
    columns: &[String],
    batch_rows: usize,
    report: &Report,
    out: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
) -> io::Result<()> {
    scan_for(source, view, columns, &[], batch_rows, report, out)
}

/// [`scan`] for somebody who looks only at rows that fulfil all of `clauses`: other rows may be left out, and need not
/// be.
pub fn scan_for(
    source: &Source,
    view: &View,
    columns: &[String],
    clauses: &[Clause],
    batch_rows: usize,
    report: &Report,
    out: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
) -> io::Result<()> {
    let collector = Collector::new(view, columns)?;
    let places: Vec<usize> = (0..columns.len()).collect();
    let mut batches = Batches { collector, places, limit: batch_rows.max(1), out, stopped: false, failed: None };
    rows_for(source, view, columns, clauses, report, &mut |row| batches.row(row))?;
    let stopped = batches.stopped;
    if !stopped {
        // Whether more is wanted does not matter at the end.
        let _ = batches.flush();
    }
    if let Some(e) = batches.failed.take() {
        return Err(e);
    }
    let lost = batches.collector.unreadable();
    if lost > 0 {
        report.note(&format!("{}: values that are not of their column's type, made missing", source.name), lost);
    }
    Ok(())
}

fn invalid(view: &View, column: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{} has no column {column}", view.name()))
}

/// What to ask of a reader, and how each family's events become rows.
#[derive(Debug)]
pub(crate) struct Prepared {
    request: Request,
    plans: Vec<Plan>,
}

/// A feed with its columns' expressions resolved to slots.
#[derive(Debug)]
struct Plan {
    /// Which of the view's feeds.
    feed: usize,
    data: &'static crate::view::FamilyData,
    nodes: Vec<Option<Node>>,
    require: Option<Node>,
}

/// How `source` is read for somebody who looks only at rows that fulfil all of `clauses`. It is remembered: of many files
/// one after the other each is read in the same way.
fn prepared(source: &Source, view: &View, columns: &[String], clauses: &[Clause]) -> Arc<Prepared> {
    view.remembered(source, columns, clauses, || prepare(source, view, columns, clauses))
}

fn prepare(source: &Source, view: &View, columns: &[String], clauses: &[Clause]) -> Prepared {
    let logs = view.is_logs();
    let mut request = Request { known: view.inferred(), late: logs, decoded_records: logs, ..Request::default() };
    let plans = prepare_into(source, view, columns, &mut request, &mut Slots::default());
    request.kindless = kindless(source, view, &request, &plans);
    request.needles = view.needles(source, clauses);
    request.decode_all = source.settings.decode_all;
    Prepared { request, plans }
}

/// Where fields stand in a request.
type Slots = HashMap<String, usize>;

/// The plans of a view's feeds; what they need is added to the request.
fn prepare_into(
    source: &Source,
    view: &View,
    columns: &[String],
    request: &mut Request,
    slots: &mut Slots,
) -> Vec<Plan> {
    let places = view.places(columns);
    let mut plans = Vec::new();
    for (at, feed) in view.feeds().iter().enumerate() {
        if !source.format.families().contains(&feed.family) {
            continue;
        }
        request.kinds.extend(feed.kinds());
        let mut slot = |name: &str| {
            // Case counts: auditd's `uid` is a number and `UID` its name.
            if let Some(known) = slots.get(name) {
                return *known;
            }
            request.fields.push(name.to_owned());
            slots.insert(name.to_owned(), request.fields.len() - 1);
            request.fields.len() - 1
        };
        let expr = |(place, name): (&Option<usize>, &String)| match place {
            Some(place) => feed.columns.get(*place)?.as_ref(),
            None => view.family_data(feed).hidden.get(name),
        };
        let nodes = places.iter().zip(columns).map(|column| Some(Node::new(expr(column)?, &mut slot)));
        let nodes = nodes.collect();
        let require = feed.require.as_ref().map(|expr| Node::new(expr, &mut slot));
        plans.push(Plan { feed: at, data: view.family_data(feed), nodes, require });
    }
    plans
}

/// Whether the same becomes of every event, whatever it is, and of each only its text is looked at.
fn kindless(source: &Source, view: &View, request: &Request, plans: &[Plan]) -> bool {
    let feed = |p: &Plan| &view.feeds()[p.feed];
    let Some(first) = plans.first() else { return false };
    let taken = |f: &Family| plans.iter().any(|p| feed(p).family == *f && feed(p).codes.is_empty());
    let all = source.format.families().iter().all(taken);
    let generic = plans.iter().any(|p| feed(p).family == Family::Generic);
    let alike = |p: &Plan| p.nodes == first.nodes && p.require.is_none();
    all && generic
        && request.known.is_empty()
        && request.fields.iter().all(|f| f == "@raw")
        && plans.iter().all(alike)
        && first.nodes.iter().flatten().all(Node::is_kindless)
}

struct Batches<'o> {
    collector: Collector,
    places: Vec<usize>,
    limit: usize,
    out: &'o mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
    stopped: bool,
    failed: Option<io::Error>,
}

impl Batches<'_> {
    fn row(&mut self, row: &Row<'_>) -> ControlFlow<()> {
        self.collector.push(row, &self.places);
        if self.collector.len() >= self.limit { self.flush() } else { ControlFlow::Continue(()) }
    }

    fn flush(&mut self) -> ControlFlow<()> {
        if self.collector.is_empty() {
            return ControlFlow::Continue(());
        }
        let flow = match self.collector.finish() {
            Ok(batch) => (self.out)(batch),
            Err(e) => {
                self.failed = Some(e);
                ControlFlow::Break(())
            }
        };
        self.stopped = flow.is_break();
        flow
    }
}
