//! When the recorded events happened.

use crate::scan::Window;
use parallax_telemetry::scan::{HOUR, Stretch, times};
use parallax_telemetry::{Format, Report, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

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

/// A source is not cut into smaller parts than this, nor into larger ones where it can be cut.
const PART: std::ops::RangeInclusive<u64> = 4 << 20..=16 << 20;

/// Reads all sources, several at once. Tables of their own without events (Parquet) have no say.
pub(super) fn take(sources: &[Source], window: Window, threads: usize) -> Census {
    let report = Report::new();
    let mut known = Taken::new(sources.len());
    let events = (0..sources.len()).filter(|at| sources[*at].format != Format::Parquet);
    let events: Vec<usize> = events.filter(|at| !known.take_stored(*at, &sources[*at], window, &report)).collect();
    let total: u64 = events.iter().map(|at| sources[*at].size()).sum();
    let size = (total / (threads as u64 * 4)).clamp(*PART.start(), *PART.end());
    let parts: Vec<(usize, Source)> = match threads {
        1 => events.iter().map(|at| (*at, sources[*at].clone())).collect(),
        _ => events.iter().flat_map(|at| sources[*at].parts(size).into_iter().map(move |part| (*at, part))).collect(),
    };
    let taken = Mutex::new(known);
    let open = Mutex::new(Vec::new());
    side_by_side(threads, &parts, |(at, part)| {
        let mut found = One::default();
        match times(part, &|t| window.holds(t), &report, &mut |time| found.add(time)) {
            Ok(stretches) => {
                let stretches = stretches.into_iter().map(|stretch| (*at, stretch));
                open.lock().unwrap_or_else(|e| e.into_inner()).extend(stretches);
            }
            Err(e) => report.damage(&part.name, None, e.to_string()),
        }
        taken.lock().unwrap_or_else(|e| e.into_inner()).take(*at, found);
    });
    let mut taken = taken.into_inner().unwrap_or_else(|e| e.into_inner());
    let open = open.into_inner().unwrap_or_else(|e| e.into_inner());
    taken.settle(sources, window, threads, open);
    taken.census(report)
}

/// Does something with each of `all`, on several threads.
fn side_by_side<T: Sync>(threads: usize, all: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let worker = || {
        while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(one);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.min(all.len()) {
            scope.spawn(worker);
        }
    });
}

impl Taken {
    /// Takes what a store knows of a source; false where it must be read. What was said when it was read is said again.
    fn take_stored(&mut self, at: usize, source: &Source, window: Window, report: &Report) -> bool {
        let Some(stored) = source.stored.as_ref().filter(|s| s.typed && window.is_unbounded()) else { return false };
        let entry = stored.entry();
        report.add_events(entry.events);
        entry.heard.say_again(report);
        self.take(at, One { range: entry.times, hours: entry.hours.iter().collect(), hour: None });
        true
    }

    /// Reads, of stretches of which only is known which times their events may have, those that may change something.
    /// What is damaged in them is nobody's business, as in those that are not read.
    fn settle(&mut self, sources: &[Source], window: Window, threads: usize, mut open: Vec<(usize, Stretch)>) {
        // How many are read at a time: mostly the first ones settle it.
        let mut most = 1;
        loop {
            let chosen = self.telling(&open, most);
            if chosen.is_empty() {
                return;
            }
            let chosen: Vec<_> = chosen.into_iter().rev().map(|place| open.swap_remove(place)).collect();
            let shared = Mutex::new(std::mem::take(self));
            side_by_side(threads, &chosen, |(at, stretch)| {
                let mut found = One::default();
                let (source, unheard) = (sources[*at].within(stretch.bytes.clone()), Report::new());
                // It was read a moment ago; if it can't be any more, it has no say.
                let _ = every_time(&source, window, &unheard, &mut |time| found.add(time));
                shared.lock().unwrap_or_else(|e| e.into_inner()).take(*at, found);
            });
            *self = shared.into_inner().unwrap_or_else(|e| e.into_inner());
            most = most.saturating_mul(2);
        }
    }

    /// The places of stretches to be read next: some that may hold the first or the last event of a source, or an hour
    /// of which nothing is known. None where no stretch may change anything.
    fn telling(&self, open: &[(usize, Stretch)], most: usize) -> BTreeSet<usize> {
        let (mut first, mut last) = (BTreeMap::new(), BTreeMap::new());
        let mut hours: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (place, (at, stretch)) in open.iter().enumerate() {
            let range = self.ranges.get(*at).copied().flatten();
            if range.is_none_or(|(from, _)| stretch.first < from) {
                first.entry(*at).or_insert_with(Vec::new).push((stretch.first, place));
            }
            if range.is_none_or(|(_, to)| stretch.last > to) {
                last.entry(*at).or_insert_with(Vec::new).push((stretch.last, place));
            }
            for hour in stretch.hours.iter().filter(|h| !self.hours.contains(h)) {
                let of_hour = hours.entry(*hour).or_default();
                if of_hour.len() < most {
                    of_hour.push(place);
                }
            }
        }
        first.values_mut().for_each(|places| places.sort_unstable());
        last.values_mut().for_each(|places| places.sort_unstable_by(|a, b| b.cmp(a)));
        let ends = first.into_values().chain(last.into_values()).flat_map(|places| places.into_iter().take(most));
        ends.map(|(_, place)| place).chain(hours.into_values().flatten()).collect()
    }
}

/// The times of all events, each decoded.
fn every_time(source: &Source, window: Window, report: &Report, each: &mut dyn FnMut(i64)) -> std::io::Result<()> {
    let view = parallax_telemetry::view::messages(&[], false);
    parallax_telemetry::scan::rows(source, &view, &["$time".to_owned()], report, &mut |row| {
        row.value(0).to_instant().filter(|t| window.holds(*t)).into_iter().for_each(&mut *each);
        std::ops::ControlFlow::Continue(())
    })
}
