//! Reading telemetry inside a DataFusion plan.
//!
//! A table is fed by [`Feed`]s, one a source. Its scan is a `DataSourceExec` over a `FileSource` of ours (never a plan
//! node of our own: schedulers of distributed engines know how to cut up this one and no other), with a feed for each
//! of its files. Feeds read on threads that may block; batches come over bounded channels, so that memory stays flat
//! and a scan that nobody reads any more ends.

pub(crate) mod asked;
mod board;
pub(crate) mod needed;
mod offered;
mod opener;
pub(crate) mod origins;
mod parquet;
mod pruned;
mod scored;
mod several;
mod source;
mod table;
pub(crate) mod texts;
mod window;

pub use offered::Offered;
pub(crate) use parquet::{ParquetFile, ParquetTable};
pub(crate) use table::LeastPart;
pub use table::TelemetryTable;
pub use window::{Outside, Window};
pub(crate) use window::{lower_bound, ticks};

use arrow::record_batch::RecordBatch;
use parallax_store::read::Test;
use parallax_telemetry::Report;
use parallax_telemetry::needles::Clause;
use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Rows in a batch. Smaller than DataFusion's 8,192: command lines are long, and several batches wait in each channel.
pub const BATCH_ROWS: usize = 2048;

/// What a scan is to deliver.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'w> {
    /// The columns.
    pub columns: &'w [String],
    /// What rows must fulfil for anybody to look at them.
    pub clauses: &'w [Clause],
    /// The same, of single columns; rows that have nothing there are looked at.
    pub tests: &'w [Test],
    /// The time, in a column, before which rows are counted,
    pub before: Option<(&'w str, i64)>,
    /// and where a feed counts those that it does not deliver.
    pub outside: &'w Outside,
}

/// One source as one table sees it.
pub trait Feed: fmt::Debug + Send + Sync {
    /// The source's name, for people.
    fn name(&self) -> &str;

    /// The number of bytes on disk, to share work out evenly.
    fn size(&self) -> u64;

    /// The first and last time of its events (nanoseconds since the Unix epoch), where they are known.
    fn times(&self) -> Option<(i64, i64)> {
        None
    }

    /// The same source in parts of about `size` bytes, in order, each to be read by itself; empty where it is read as a
    /// whole only.
    fn parts(&self, size: u64) -> Vec<Arc<dyn Feed>> {
        let _ = size;
        Vec::new()
    }

    /// Reads everything, in the order of the source, with the columns asked for and no others. Rows that do not fulfil
    /// the clauses may be left out, and need not be.
    ///
    /// What can't be read goes to `report`; an `Err` means that the rest of the source can't be read.
    fn scan(
        &self,
        wanted: Wanted<'_>,
        report: &Report,
        emit: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
    ) -> io::Result<()>;
}
