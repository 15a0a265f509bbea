//! When the recorded events happened.

use crate::scan::{BATCH_ROWS, Window, times};
use parallax_telemetry::{Format, Report, Source, scan, view};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    /// The time of the first event.
    pub fn earliest(&self) -> Option<i64> {
        self.ranges.iter().flatten().map(|(first, _)| *first).min()
    }

    /// Whether there may be events after `from` and not after `to`: not where no hour of that time has any.
    pub fn any(&self, from: i64, to: i64) -> bool {
        self.hours.range(from.div_euclid(HOUR)..=to.div_euclid(HOUR)).next().is_some()
    }

    /// A time before which there are events, `bound` or as far before it as nothing happened.
    ///
    /// Never earlier than an hour after the latest event before the bound: an event has several times (when it
    /// happened, when it was written down), and a query may look at another one than this census.
    pub fn before(&self, bound: i64) -> Option<i64> {
        let hour = self.hours.range(..=bound.div_euclid(HOUR)).next_back()?;
        Some(bound.min(hour.saturating_add(2).saturating_mul(HOUR)))
    }
}

/// The times of one source, or of a part of it.
#[derive(Debug, Default)]
pub(super) struct One {
    range: Option<(i64, i64)>,
    hours: BTreeSet<i64>,
    /// The hour of the last time: neighbours are mostly of one.
    hour: Option<i64>,
}

impl One {
    pub(super) fn add(&mut self, time: i64) {
        let (first, last) = self.range.unwrap_or((time, time));
        self.range = Some((first.min(time), last.max(time)));
        let hour = time.div_euclid(HOUR);
        if self.hour != Some(hour) {
            self.hour = Some(hour);
            self.hours.insert(hour);
        }
    }
}

/// The times of sources so far.
#[derive(Debug, Default)]
pub(super) struct Taken {
    ranges: Vec<Option<(i64, i64)>>,
    hours: BTreeSet<i64>,
}

impl Taken {
    /// Of so many sources.
    pub(super) fn new(sources: usize) -> Self {
        Taken { ranges: vec![None; sources], hours: BTreeSet::new() }
    }

    /// Adds those of a source, or of a part of it.
    pub(super) fn take(&mut self, source: usize, one: One) {
        self.hours.extend(one.hours);
        if let (Some(range), Some((first, last))) = (self.ranges.get_mut(source), one.range) {
            let (from, to) = range.unwrap_or((first, last));
            *range = Some((from.min(first), to.max(last)));
        }
    }

    pub(super) fn census(self, report: Report) -> Census {
        let latest = self.ranges.iter().flatten().map(|(_, last)| *last).max();
        Census { latest, report, hours: self.hours, ranges: self.ranges }
    }
}

/// Reads all sources, several at once. Tables of their own without events (Parquet) have no say.
pub(super) fn take(sources: &[Source], window: Window, threads: usize) -> Census {
    let report = Report::new();
    let next = AtomicUsize::new(0);
    let taken = Mutex::new(Taken::new(sources.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.min(sources.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(source) = sources.get(at) else { break };
                    let one = one(source, window, &report);
                    taken.lock().unwrap_or_else(|e| e.into_inner()).take(at, one);
                }
            });
        }
    });
    taken.into_inner().unwrap_or_else(|e| e.into_inner()).census(report)
}

fn one(source: &Source, window: Window, report: &Report) -> One {
    let mut found = One::default();
    if source.format == Format::Parquet {
        return found;
    }
    let mut take = |batch| {
        times(&batch).filter(|t| window.holds(*t)).for_each(|time| found.add(time));
        ControlFlow::Continue(())
    };
    let view = view::messages(&[], false);
    if let Err(e) = scan::scan(source, &view, &["$time".to_owned()], BATCH_ROWS, report, &mut take) {
        report.damage(&source.name, None, e.to_string());
    }
    found
}
