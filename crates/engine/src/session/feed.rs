//! A source read through a view.

use crate::scan::{BATCH_ROWS, Feed};
use arrow::record_batch::RecordBatch;
use parallax_telemetry::{Report, Source, View, scan};
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A source as a view sees it.
#[derive(Debug)]
pub(super) struct ViewFeed {
    pub(super) source: Source,
    pub(super) view: View,
    /// The times of its events, where they are known and the view's time columns mean them.
    pub(super) times: Option<(i64, i64)>,
}

impl Feed for ViewFeed {
    fn name(&self) -> &str {
        &self.source.name
    }

    fn size(&self) -> u64 {
        self.source.size()
    }

    fn parts(&self, size: u64) -> Vec<Arc<dyn Feed>> {
        let parts = self.source.parts(size).into_iter();
        parts.map(|source| Arc::new(ViewFeed { source, view: self.view.clone(), times: self.times }) as _).collect()
    }

    fn times(&self) -> Option<(i64, i64)> {
        self.times
    }

    fn scan(
        &self,
        columns: &[String],
        report: &Report,
        emit: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
    ) -> io::Result<()> {
        scan::scan(&self.source, &self.view, columns, BATCH_ROWS, report, emit)
    }
}
