//! Reading a source event by event, without Arrow: a value costs only what looks at it.

use super::builder::Builder;
use super::{Plan, invalid, prepared};
use crate::event::{Event, Kind, RawText, Request, Sink, Value};
use crate::formats::json;
use crate::needles::Clause;
use crate::report::Report;
use crate::source::Source;
use crate::view::expr::{Node, Scope};
use crate::view::{Feed, View};
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use std::io;
use std::ops::ControlFlow;

/// An event as a row of a view; its values are computed when they are asked for.
pub struct Row<'a> {
    kind: Kind,
    file: u32,
    nodes: &'a [Option<Node>],
    scope: Scope<'a>,
}

impl<'a> Row<'a> {
    pub(super) fn new(event: &Event<'_>, nodes: &'a [Option<Node>], scope: Scope<'a>) -> Self {
        Row { kind: event.kind, file: event.file, nodes, scope }
    }

    /// What the event is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The value of the column at that place of the columns that were asked for.
    pub fn value(&self, place: usize) -> Value<'_> {
        match self.nodes.get(place) {
            Some(Some(node)) => node.value(&self.scope),
            _ => Value::Missing,
        }
    }

    /// The text that the value of the column at that place is made of.
    pub fn raw(&self, place: usize) -> RawText<'_> {
        match self.nodes.get(place) {
            Some(Some(node)) => node.raw(&self.scope),
            _ => RawText::Missing,
        }
    }

    /// Appends the text of the column at that place, as [`Value::into_text`] gives it; `false` where there is none.
    pub fn text_into(&self, place: usize, out: &mut String) -> bool {
        match self.nodes.get(place) {
            Some(Some(node)) => node.text_into(&self.scope, out),
            _ => false,
        }
    }

    /// Whether the event has the column's field under that very name or path.
    pub fn has(&self, place: usize) -> bool {
        match (self.nodes.get(place), self.scope.late) {
            (Some(Some(Node::Slot(slot))), Some(late)) => late.has(*slot),
            _ => !self.value(place).is_missing(),
        }
    }

    /// The source that is read.
    pub fn source(&self) -> &'a Source {
        self.scope.source
    }

    /// The name of the input.
    pub fn file(&self) -> &'a str {
        self.scope.file
    }

    /// Which of the source's inputs it is.
    pub fn file_index(&self) -> u32 {
        self.file
    }

    /// Where the event stands in it: a byte offset, or an EVTX record's id.
    pub fn position(&self) -> u64 {
        self.scope.position
    }
}

/// Reads `source` through `view` and hands each event to `each`, in the source's order, until it is read or `each`
/// breaks. `columns` are as for [`scan`](super::scan).
///
/// What can't be read is told to `report` and is no error.
///
/// # Errors
/// The call is wrong: a column that the view does not have, or a format that is not read as events (Parquet).
pub fn rows(
    source: &Source,
    view: &View,
    columns: &[String],
    report: &Report,
    each: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
) -> io::Result<()> {
    rows_for(source, view, columns, &[], report, each)
}

/// [`rows`] for somebody who looks only at events that fulfil all of `clauses`: others may be left out, and need not be.
///
/// # Errors
/// As for [`rows`].
pub fn rows_for(
    source: &Source,
    view: &View,
    columns: &[String],
    clauses: &[Clause],
    report: &Report,
    each: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
) -> io::Result<()> {
    read_by(source, view, columns, clauses, report, each, &mut |request, sink| {
        source.reader()?.read(request, report, sink)
    })
}

/// [`rows_for`], where `read` does the reading.
pub(super) fn read_by(
    source: &Source,
    view: &View,
    columns: &[String],
    clauses: &[Clause],
    report: &Report,
    each: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    read: &mut dyn FnMut(&Request, &mut dyn Sink) -> io::Result<()>,
) -> io::Result<()> {
    let known = |(place, name): &(Option<usize>, &String)| place.is_some() || view.column_type(name).is_some();
    if let Some((_, unknown)) = view.places(columns).into_iter().zip(columns).find(|c| !known(c)) {
        return Err(invalid(view, unknown));
    }
    let clauses = if json::is_small(source) { &[] } else { clauses };
    let prepared = prepared(source, view, columns, clauses);
    let plans = prepared.plans.as_slice();
    if plans.is_empty() {
        return Ok(());
    }
    let feeds = view.feeds();
    let files: Vec<String> = source.inputs.iter().map(crate::input::Input::name).collect();
    let read = read(&prepared.request, &mut |event: &Event<'_>| {
        let Some(plan) = plans.iter().find(|p| feeds[p.feed].takes(&event.kind)) else {
            return ControlFlow::Continue(());
        };
        let scope = plan.scope(&feeds[plan.feed], event, &files, source);
        if plan.passes_over(&scope) {
            return ControlFlow::Continue(());
        }
        each(&Row::new(event, &plan.nodes, scope))
    });
    if let Err(e) = read {
        report.damage(&source.name, None, e.to_string());
    }
    Ok(())
}

impl Plan {
    /// What the plan's expressions are computed over.
    pub(super) fn scope<'a>(
        &'a self,
        feed: &Feed,
        event: &Event<'a>,
        files: &'a [String],
        source: &'a Source,
    ) -> Scope<'a> {
        Scope {
            values: event.values,
            late: event.late.map(|late| late as _),
            empty: feed.logs,
            missing: if feed.verbatim { &[] } else { &self.data.missing },
            file: files.get(event.file as usize).map_or("", String::as_str),
            position: event.position,
            source,
            category: match source.format {
                crate::Format::SysmonLinux if event.kind.family == crate::Family::Sysmon => "linux/sysmon",
                _ => &self.data.category,
            },
        }
    }

    /// Whether the event lacks what a row must have.
    pub(super) fn passes_over(&self, scope: &Scope<'_>) -> bool {
        self.require.as_ref().is_some_and(|n| n.value(scope).is_missing())
    }
}

/// Rows that were chosen, becoming a batch.
pub struct Collector {
    schema: SchemaRef,
    builders: Vec<Builder>,
    rows: usize,
}

impl Collector {
    /// Collects these columns of the view's rows.
    ///
    /// # Errors
    /// The view does not have a column.
    pub fn new(view: &View, columns: &[String]) -> io::Result<Self> {
        let mut builders = Vec::with_capacity(columns.len());
        for column in columns {
            let ty = view.column_type(column).ok_or_else(|| invalid(view, column))?;
            builders.push(Builder::new(ty, view.nullable_strings() && !column.starts_with('$')));
        }
        Ok(Collector { schema: view.schema_of(columns), builders, rows: 0 })
    }

    /// Takes a row; `places` says for each column of the collector where it stands in the row.
    pub fn push(&mut self, row: &Row<'_>, places: &[usize]) {
        for (builder, place) in self.builders.iter_mut().zip(places) {
            builder.push(row.value(*place));
        }
        self.rows += 1;
    }

    /// How many rows it holds.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// How many values were there and could not be read as their column's type.
    pub fn unreadable(&self) -> u64 {
        self.builders.iter().map(Builder::unreadable).sum()
    }

    /// For each column how many values were there and could not be read as its type.
    pub fn unreadable_by_column(&self) -> impl Iterator<Item = (&str, u64)> {
        let names = self.schema.fields().iter().map(|f| f.name().as_str());
        names.zip(self.builders.iter().map(Builder::unreadable))
    }

    /// The rows so far as a batch; the collector begins anew.
    ///
    /// # Errors
    /// Arrow refuses the columns.
    pub fn finish(&mut self) -> io::Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let arrays = self.builders.iter_mut().map(Builder::finish).collect();
        self.rows = 0;
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options).map_err(io::Error::other)
    }
}
