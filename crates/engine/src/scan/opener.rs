//! From a feed, which blocks, to a stream of batches.

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
use parallax_store::read::Test;
use parallax_telemetry::Report;
use parallax_telemetry::needles::Clause;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Batches that wait between a reader and the plan.
const WAITING: usize = 2;

/// What is attached to a [`PartitionedFile`]: the feed that reads it.
#[derive(Clone, Debug)]
pub(super) struct Attached(pub(super) Arc<dyn Feed>);

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
}

impl FeedOpener {
    pub(super) fn new(schema: SchemaRef, table: &SchemaRef, shared: Arc<Shared>) -> Self {
        let mut decoded: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
        let known = table.field_with_name(TIME).is_ok();
        let timed = !shared.window.is_unbounded() || (shared.as_of.is_some() && shared.bound.is_none());
        if timed && known && !decoded.iter().any(|c| c == TIME) {
            decoded.push(TIME.to_owned());
        }
        FeedOpener { schema, decoded, shared }
    }
}

impl FileOpener for FeedOpener {
    fn open(&self, file: PartitionedFile) -> Result<FileOpenFuture> {
        let feed = file
            .extensions
            .get::<Attached>()
            .ok_or_else(|| internal_datafusion_err!("a telemetry file without its feed"))?
            .0
            .clone();
        let (schema, decoded, shared) = (self.schema.clone(), self.decoded.clone(), self.shared.clone());
        Ok(Box::pin(async move {
            let mut stream = RecordBatchReceiverStream::builder(schema.clone(), WAITING);
            let tx = stream.tx();
            stream.spawn_blocking(move || {
                let mut failure = None;
                let mut emit = |batch: RecordBatch| match shared.shape(batch, &schema) {
                    Ok(batch) if batch.num_rows() == 0 => match tx.is_closed() {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    },
                    // A closed channel means that nobody reads any more: a limit is reached, or the query is cancelled.
                    Ok(batch) => match tx.blocking_send(Ok(batch)) {
                        Ok(()) => ControlFlow::Continue(()),
                        Err(_) => ControlFlow::Break(()),
                    },
                    Err(e) => {
                        failure = Some(e);
                        ControlFlow::Break(())
                    }
                };
                let wanted = Wanted {
                    columns: &decoded,
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
            });
            Ok(stream.build().boxed())
        }))
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
