//! A source read through a view.

use crate::scan::{BATCH_ROWS, Feed, Wanted};
use arrow::record_batch::RecordBatch;
use parallax_telemetry::logsource::Sorter;
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
        wanted: Wanted<'_>,
        report: &Report,
        emit: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
    ) -> io::Result<()> {
        scan::scan_for(&self.source, &self.view, wanted.columns, wanted.clauses, BATCH_ROWS, report, emit)
    }
}

/// The events of one log source of Sigma in a source.
pub(super) struct LogsFeed {
    pub(super) feed: ViewFeed,
    pub(super) sorter: Sorter,
}

impl std::fmt::Debug for LogsFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.feed.fmt(f)
    }
}

impl Feed for LogsFeed {
    fn name(&self) -> &str {
        self.feed.name()
    }

    fn size(&self) -> u64 {
        self.feed.size()
    }

    fn parts(&self, size: u64) -> Vec<Arc<dyn Feed>> {
        let part = |source| {
            let ViewFeed { view, times, .. } = &self.feed;
            let feed = ViewFeed { source, view: view.clone(), times: *times };
            Arc::new(LogsFeed { feed, sorter: self.sorter.clone() }) as _
        };
        self.feed.source.parts(size).into_iter().map(part).collect()
    }

    fn times(&self) -> Option<(i64, i64)> {
        self.feed.times()
    }

    fn scan(
        &self,
        wanted: Wanted<'_>,
        report: &Report,
        emit: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let ViewFeed { source, view, .. } = &self.feed;
        let Wanted { columns, clauses, .. } = wanted;
        let mut sorter = self.sorter.clone();
        let mut read = columns.to_vec();
        read.extend(sorter.columns().iter().filter(|c| !columns.contains(c)).cloned());
        sorter.rows_of(&read);
        let places: Vec<usize> = (0..columns.len()).collect();
        let mut rows = scan::Collector::new(view, columns)?;
        let mut failed = None;
        let mut flush = |rows: &mut scan::Collector| match rows.finish() {
            Ok(batch) => emit(batch),
            Err(e) => {
                failed = Some(e);
                ControlFlow::Break(())
            }
        };
        let mut stopped = false;
        scan::rows_for(source, view, &read, clauses, report, &mut |row| {
            if sorter.of(row).is_empty() {
                return ControlFlow::Continue(());
            }
            rows.push(row, &places);
            if rows.len() < BATCH_ROWS {
                return ControlFlow::Continue(());
            }
            let flow = flush(&mut rows);
            stopped = flow.is_break();
            flow
        })?;
        if !stopped && !rows.is_empty() {
            // Whether more is wanted does not matter at the end.
            let _ = flush(&mut rows);
        }
        failed.map_or(Ok(()), Err)
    }
}
