//! When the recorded events happened.

use crate::scan::{BATCH_ROWS, Window, latest};
use parallax_telemetry::{Format, Report, Source, scan, view};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

/// The times of all events.
#[derive(Debug)]
pub struct Census {
    /// The latest, in nanoseconds since the Unix epoch; `None` where no event has a time.
    pub latest: Option<i64>,
    /// What was read.
    pub report: Report,
}

/// Reads all sources, several at once. Tables of their own without events (Parquet) have no say.
pub(super) fn take(sources: &[Source], window: Window, threads: usize) -> Census {
    let report = Report::new();
    let next = AtomicUsize::new(0);
    let newest = AtomicI64::new(i64::MIN);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(sources.len()) {
            scope.spawn(|| {
                while let Some(source) = sources.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(time) = one(source, window, &report) {
                        newest.fetch_max(time, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let newest = newest.into_inner();
    Census { latest: (newest > i64::MIN).then_some(newest), report }
}

fn one(source: &Source, window: Window, report: &Report) -> Option<i64> {
    if source.format == Format::Parquet {
        return None;
    }
    let mut newest = None;
    let mut take = |batch| {
        let batch = window.filter(batch);
        newest = newest.max(batch.ok().as_ref().and_then(latest));
        ControlFlow::Continue(())
    };
    let view = view::messages(&[], false);
    if let Err(e) = scan::scan(source, &view, &["$time".to_owned()], BATCH_ROWS, report, &mut take) {
        report.damage(&source.name, None, e.to_string());
    }
    newest
}
