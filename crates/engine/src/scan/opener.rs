//! From a feed, which blocks, to a stream of batches.

use super::board::{Board, Open};
use super::offered::Offered;
use super::window::{Outside, TIME, Window, not_after};
use super::{Feed, Wanted};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::{DataFusionError, Result, internal_datafusion_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileOpenFuture, FileOpener};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use futures::StreamExt;
use futures::stream::BoxStream;
use parallax_store::read::Test;
use parallax_telemetry::Report;
use parallax_telemetry::needles::Clause;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Batches that wait between a reader and the plan.
const WAITING: usize = 2;

/// What is attached to a [`PartitionedFile`]: the feed that reads it, and its place among those of the scan.
#[derive(Clone, Debug)]
pub(super) struct Attached(pub(super) Arc<dyn Feed>, pub(super) usize);

/// What all readers of one scan share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) table: String,
    pub(super) report: Arc<Report>,
    pub(super) window: Window,
    /// Events after this time have not happened yet.
    pub(super) as_of: Option<i64>,
    /// The lower bound that the query puts on a time column, and where the events before it are counted.
    pub(super) bound: Option<(String, i64)>,
    pub(super) outside: Arc<Outside>,
    pub(super) offered: Arc<Offered>,
    /// Whether the table takes any field name.
    pub(super) open: bool,
    /// What rows must fulfil for the plan to look at them.
    pub(super) clauses: Vec<Clause>,
    /// The same, of single columns.
    pub(super) tests: Vec<Test>,
}

pub(super) struct FeedOpener {
    /// The columns that the plan asks for.
    schema: SchemaRef,
    /// The columns to decode: those, and the time where the user restricts it.
    decoded: Vec<String>,
    shared: Arc<Shared>,
    /// Where readers share out the feeds.
    open: Option<Arc<Open>>,
}

impl FeedOpener {
    pub(super) fn new(schema: SchemaRef, table: &SchemaRef, shared: Arc<Shared>, open: Option<Arc<Open>>) -> Self {
        let mut decoded: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
        let known = table.field_with_name(TIME).is_ok();
        let timed = !shared.window.is_unbounded() || (shared.as_of.is_some() && shared.bound.is_none());
        if timed && known && !decoded.iter().any(|c| c == TIME) {
            decoded.push(TIME.to_owned());
        }
        FeedOpener { schema, decoded, shared, open }
    }
}

impl FileOpener for FeedOpener {
    fn open(&self, file: PartitionedFile) -> Result<FileOpenFuture> {
        let Attached(feed, place) = file
            .extensions
            .get::<Attached>()
            .ok_or_else(|| internal_datafusion_err!("a telemetry file without its feed"))?
            .clone();
        let read = Read { schema: self.schema.clone(), decoded: self.decoded.clone(), shared: self.shared.clone() };
        let open = self.open.clone().filter(|open| open.0.is_for(&self.decoded));
        Ok(Box::pin(async move {
            let Some((batches, reader)) = open.and_then(|open| open.0.open(place, &open)) else {
                return Ok(read.alone(feed));
            };
            if let Some(partition) = reader {
                let board = batches.board().clone();
                // Nobody waits for it: it ends when all is read, or nobody wants more.
                drop(tokio::task::spawn_blocking(move || read.partition(&board, partition)));
            }
            Ok(batches.boxed())
        }))
    }
}

/// How feeds are read.
struct Read {
    schema: SchemaRef,
    decoded: Vec<String>,
    shared: Arc<Shared>,
}

impl Read {
    /// Reads the feeds of a partition, and what is left of others.
    fn partition(&self, board: &Arc<Board>, partition: usize) {
        while let Some(reading) = board.next(partition) {
            let feed = board.feed(reading.place);
            let end = self.feed(feed, &mut |batch| match batch {
                Some(batch) => reading.add(batch),
                None => reading.is_wanted(),
            });
            reading.ended(end);
        }
    }

    /// Reads one feed by itself.
    fn alone(self, feed: Arc<dyn Feed>) -> BoxStream<'static, Result<RecordBatch>> {
        let mut stream = RecordBatchReceiverStream::builder(self.schema.clone(), WAITING);
        let tx = stream.tx();
        stream.spawn_blocking(move || {
            self.feed(&feed, &mut |batch| {
                // A closed channel means that nobody reads any more: a limit is reached, or the query is cancelled.
                let gone = match batch {
                    Some(batch) => tx.blocking_send(Ok(batch)).is_err(),
                    None => tx.is_closed(),
                };
                if gone { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        });
        stream.build().boxed()
    }

    /// Hands the batches of a feed to `add`, those without rows as nothing.
    fn feed(&self, feed: &Arc<dyn Feed>, add: &mut dyn FnMut(Option<RecordBatch>) -> ControlFlow<()>) -> Result<()> {
        let shared = &self.shared;
        let mut failure = None;
        let mut emit = |batch: RecordBatch| match shared.shape(batch, &self.schema) {
            Ok(batch) => add(Some(batch).filter(|batch| batch.num_rows() > 0)),
            Err(e) => {
                failure = Some(e);
                ControlFlow::Break(())
            }
        };
        let wanted = Wanted {
            columns: &self.decoded,
            clauses: &shared.clauses,
            tests: &shared.tests,
            before: shared.bound.as_ref().map(|(column, at)| (column.as_str(), *at)),
            outside: &shared.outside,
        };
        if let Err(e) = feed.scan(wanted, &shared.report, &mut emit) {
            // The other sources are read all the same.
            shared.report.damage(feed.name(), None, e.to_string());
        }
        failure.map_or(Ok(()), Err)
    }
}

impl Shared {
    /// The rows within the user's window, with the plan's columns.
    fn shape(&self, batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
        self.offered.note(&self.table, self.open, &batch);
        let timeless = self.window.timeless(&batch);
        if timeless > 0 {
            self.report.note("events without a time, left out because a time range was asked for", timeless);
        }
        let mut batch = self.window.filter(batch)?;
        if let Some(at) = self.as_of {
            // By the column that the query itself looks at, so that each event is in exactly one of several windows.
            batch = not_after(batch, self.bound.as_ref().map_or(TIME, |(column, _)| column), at)?;
        }
        if let Some((column, bound)) = &self.bound {
            self.outside.count(&batch, column, *bound);
        }
        if batch.num_columns() == schema.fields().len() {
            return Ok(batch);
        }
        let wanted: Vec<usize> = (0..schema.fields().len()).collect();
        batch.project(&wanted).map_err(DataFusionError::from)
    }
}
