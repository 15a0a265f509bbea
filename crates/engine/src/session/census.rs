//! When the recorded events happened.

use crate::scan::{BATCH_ROWS, Window, times};
use parallax_telemetry::{Format, Report, Source, scan, view};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

const HOUR: i64 = 3_600_000_000_000;

/// The times of all events.
#[derive(Debug, Default)]
pub struct Census {
    /// The latest, in nanoseconds since the Unix epoch; `None` where no event has a time.
    pub latest: Option<i64>,
    /// What was read.
    pub report: Report,
    /// The hours since the Unix epoch in which there are events.
    hours: BTreeSet<i64>,
    /// For each source its first and last time, where its events have times.
    pub(super) ranges: Vec<Option<(i64, i64)>>,
}

impl Census {
    /// A time before which there are events, `bound` or as far before it as nothing happened.
    ///
    /// Never earlier than an hour after the latest event before the bound: an event has several times (when it
    /// happened, when it was written down), and a query may look at another one than this census.
    pub fn before(&self, bound: i64) -> Option<i64> {
        let hour = self.hours.range(..=bound.div_euclid(HOUR)).next_back()?;
        Some(bound.min(hour.saturating_add(2).saturating_mul(HOUR)))
    }
}

#[derive(Default)]
struct One {
    range: Option<(i64, i64)>,
    hours: BTreeSet<i64>,
}

/// Reads all sources, several at once. Tables of their own without events (Parquet) have no say.
pub(super) fn take(sources: &[Source], window: Window, threads: usize) -> Census {
    let report = Report::new();
    let next = AtomicUsize::new(0);
    let hours = Mutex::new(BTreeSet::new());
    let ranges: Vec<OnceLock<(i64, i64)>> = sources.iter().map(|_| OnceLock::new()).collect();
    std::thread::scope(|scope| {
        for _ in 0..threads.min(sources.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(source) = sources.get(at) else { break };
                    let one = one(source, window, &report);
                    hours.lock().unwrap_or_else(|e| e.into_inner()).extend(one.hours);
                    if let Some(range) = one.range {
                        ranges[at].get_or_init(|| range);
                    }
                }
            });
        }
    });
    let ranges: Vec<_> = ranges.into_iter().map(OnceLock::into_inner).collect();
    let latest = ranges.iter().flatten().map(|(_, last)| *last).max();
    Census { latest, report, hours: hours.into_inner().unwrap_or_else(|e| e.into_inner()), ranges }
}

fn one(source: &Source, window: Window, report: &Report) -> One {
    let mut found = One::default();
    if source.format == Format::Parquet {
        return found;
    }
    let mut hour = i64::MIN;
    let mut take = |batch| {
        for time in times(&batch).filter(|t| window.holds(*t)) {
            let (first, last) = found.range.unwrap_or((time, time));
            found.range = Some((first.min(time), last.max(time)));
            if time.div_euclid(HOUR) != hour {
                hour = time.div_euclid(HOUR);
                found.hours.insert(hour);
            }
        }
        ControlFlow::Continue(())
    };
    let view = view::messages(&[], false);
    if let Err(e) = scan::scan(source, &view, &["$time".to_owned()], BATCH_ROWS, report, &mut take) {
        report.damage(&source.name, None, e.to_string());
    }
    found
}
