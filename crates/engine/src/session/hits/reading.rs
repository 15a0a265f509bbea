//! What the threads of a reading for hits share, and what each does.

use super::queue::Queue;
use super::{Hit, HitEvent, HitsAsked, HitsSeen, Maker, there};
use crate::execute::Instant;
use crate::scan::{Window, ticks};
use crate::session::census::{One, Taken};
use parallax_sigma::{Reason, Scratch};
use parallax_telemetry::logsource::Sorter;
use parallax_telemetry::needles::Clause;
use parallax_telemetry::scan::{Row, rows_for};
use parallax_telemetry::{Format, Report, Source, Value, View, view};
use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A source is not cut into smaller parts than this.
const SMALLEST_PART: u64 = 4 << 20;
/// Nor into larger ones where it can be cut: what was made of a part waits until all before it is taken, and little may
/// wait. Where every tenth byte becomes a finding's, threads that are ahead go through parts of this size unhindered.
const LARGEST_PART: u64 = 8 << 20;
/// What is made of hits is handed over when it takes so many bytes.
const BATCH: usize = 64 << 10;

pub(super) struct Reading {
    asked: HitsAsked,
    /// What is read, in order, each with the index of its source.
    parts: Vec<(usize, Source)>,
    next: AtomicUsize,
    view: View,
    columns: Vec<String>,
    places: Places,
    sorter: Sorter,
    window: Window,
    /// What any event that fulfils a rule shows, where others need not be decoded.
    clauses: Vec<Clause>,
    report: Arc<Report>,
    /// What the threads that are done saw.
    seen: Mutex<Seen>,
}

/// Where columns stand among those that are read. The rules' fields come first.
struct Places {
    wanted: Vec<usize>,
    source: usize,
    record: usize,
    time: usize,
    host: usize,
    user: usize,
    process_id: usize,
    image: usize,
    command_line: usize,
    parent_image: usize,
    parent_command_line: usize,
}

struct Seen {
    sources: Vec<u64>,
    census: Taken,
}

impl Reading {
    pub(super) fn new(asked: HitsAsked, sources: Arc<Vec<Source>>, window: Window, threads: usize) -> Self {
        let mut columns = asked.rules.fields().to_vec();
        let mut place = |name: &str| {
            columns.iter().position(|c| c == name).unwrap_or_else(|| {
                columns.push(name.to_owned());
                columns.len() - 1
            })
        };
        let places = Places {
            wanted: asked.wanted.iter().map(|name| place(name)).collect(),
            source: place("$source"),
            record: place("$record"),
            time: place("$time"),
            host: place("$host"),
            user: place("$user"),
            process_id: place("$process_id"),
            image: place("$image"),
            command_line: place("$command_line"),
            parent_image: place("$parent_image"),
            parent_command_line: place("$parent_command_line"),
        };
        let mut sorter = Sorter::new(asked.rules.sources());
        for name in sorter.columns() {
            place(name);
        }
        sorter.rows_of(&columns);
        let view = view::logs(&columns);
        // A census wants the events that no rule is about too.
        let view = if asked.census { view } else { sorter.narrow(&view) };
        let clauses = asked.rules.needed().filter(|_| !asked.census).cloned().into_iter().collect();
        let parts = parts(&sources, threads);
        let seen = Seen { sources: vec![0; asked.rules.sources().len()], census: Taken::new(sources.len()) };
        Reading {
            asked,
            parts,
            next: AtomicUsize::new(0),
            view,
            columns,
            places,
            sorter,
            window,
            clauses,
            report: Arc::new(Report::new()),
            seen: Mutex::new(seen),
        }
    }

    pub(super) fn report(&self) -> &Arc<Report> {
        &self.report
    }

    pub(super) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// What was seen by threads that are done.
    pub(super) fn seen(&self) -> HitsSeen {
        let mut seen = self.seen.lock().unwrap_or_else(|e| e.into_inner());
        let census = std::mem::take(&mut seen.census);
        let census = self.asked.census.then(|| census.census(Report::new()));
        HitsSeen { report: self.report.clone(), sources: seen.sources.clone(), census }
    }

    /// Looks for events of log sources of which none was seen. `false` where time is up.
    pub(super) fn look(&self, seen: &mut [u64], deadline: Option<Instant>) -> bool {
        there::look(self.parts.iter().map(|(_, source)| source), self.asked.rules.sources(), seen, deadline)
    }

    /// Reads one part after the other until none is left.
    pub(super) fn work<M: Maker>(&self, queue: &Queue<M::Made>, maker: M) {
        let mut worker = Worker {
            reading: self,
            queue,
            maker,
            sorter: self.sorter.clone(),
            scratch: Scratch::new(),
            sources: vec![0; self.asked.rules.sources().len()],
        };
        loop {
            let part = self.next.fetch_add(1, Ordering::Relaxed);
            let Some((at, source)) = self.parts.get(part) else { break };
            let ending = queue.ending(part);
            if !queue.stopped() {
                worker.read(part, *at, source);
            }
            ending.read();
        }
    }
}

/// The sources, the large ones in parts.
fn parts(sources: &[Source], threads: usize) -> Vec<(usize, Source)> {
    let total: u64 = sources.iter().map(Source::size).sum();
    let size = (total / (threads as u64 * 4)).clamp(SMALLEST_PART, LARGEST_PART);
    let cut = |source: &Source| match threads > 1 && source.size() >= 2 * size {
        true => source.parts(size),
        false => vec![source.clone()],
    };
    sources.iter().enumerate().flat_map(|(at, source)| cut(source).into_iter().map(move |part| (at, part))).collect()
}

/// One thread.
struct Worker<'r, M: Maker> {
    reading: &'r Reading,
    queue: &'r Queue<M::Made>,
    maker: M,
    sorter: Sorter,
    scratch: Scratch,
    /// For each log source of the rules how many of its events came.
    sources: Vec<u64>,
}

impl<M: Maker> Worker<'_, M> {
    fn read(&mut self, part: usize, at: usize, source: &Source) {
        let reading = self.reading;
        if source.format == Format::Parquet {
            reading.report.note_once("Sigma rules are not run over Parquet files");
            return;
        }
        let mut times = One::default();
        let mut timeless = 0u64;
        let Reading { view, columns, clauses, .. } = reading;
        let read = rows_for(source, view, columns, clauses, &reading.report, &mut |row| {
            if reading.asked.census
                && let Some(time) = row.value(reading.places.time).to_instant().filter(|t| reading.window.holds(*t))
            {
                times.add(time);
            }
            if self.look(row, &mut timeless) {
                self.hand_over(part, BATCH);
            }
            if self.queue.stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if let Err(e) = read {
            // The other sources are read all the same.
            reading.report.damage(&source.name, None, e.to_string());
        }
        if timeless > 0 {
            let what = "events without a time, left out because a time range was asked for";
            reading.report.note(what, timeless);
        }
        self.hand_over(part, 1);
        let mut seen = reading.seen.lock().unwrap_or_else(|e| e.into_inner());
        seen.census.take(at, times);
        seen.sources.iter_mut().zip(&mut self.sources).for_each(|(all, own)| *all += std::mem::take(own));
    }

    /// Hands over what was made, if it takes so many bytes.
    fn hand_over(&mut self, part: usize, least: usize) {
        let bytes = self.maker.size();
        if bytes >= least {
            self.queue.add(part, self.maker.made(), bytes);
        }
    }

    /// Looks at an event. Whether it fulfils rules.
    fn look(&mut self, row: &Row<'_>, timeless: &mut u64) -> bool {
        let Reading { asked, places, window, .. } = self.reading;
        let sources = self.sorter.of(row);
        if sources.is_empty() {
            return false;
        }
        sources.iter().for_each(|source| self.sources[*source as usize] += 1);
        let rules = asked.rules.matches_of(row, sources, &mut self.scratch);
        if rules.is_empty() {
            return false;
        }
        let time = row.value(places.time).to_instant();
        if !window.is_unbounded() && time.is_none_or(|t| !window.holds(t)) {
            *timeless += u64::from(time.is_none());
            return false;
        }
        self.maker.take(&Found { reading: self.reading, row, rules, time });
        true
    }
}

/// An event that fulfils rules, as it is read.
pub struct Found<'f> {
    reading: &'f Reading,
    row: &'f Row<'f>,
    rules: &'f [u32],
    time: Option<i64>,
}

impl Found<'_> {
    /// Which rules, in their order.
    pub fn rules(&self) -> &[u32] {
        self.rules
    }

    /// The event.
    pub fn event(&self) -> HitEvent {
        self.reading.places.event(self.row, self.time)
    }

    /// The value of one of the wanted fields, by its place.
    pub fn value(&self, wanted: usize) -> Option<Cow<'_, str>> {
        let place = self.reading.places.wanted.get(wanted)?;
        self.row.value(*place).into_text()
    }

    /// Why it fulfils a rule.
    pub fn why(&self, rule: u32) -> Vec<Reason> {
        self.reading.asked.rules.why(rule as usize, |field| self.row.value(field))
    }

    /// All of it.
    pub fn hit(&self) -> Hit {
        let Reading { asked, places, .. } = self.reading;
        let reasons = if asked.reasons { self.rules.iter().map(|rule| self.why(*rule)).collect() } else { Vec::new() };
        Hit {
            rules: self.rules.to_vec(),
            event: self.event(),
            values: (0..places.wanted.len()).map(|at| self.value(at).map(String::from)).collect(),
            reasons,
        }
    }
}

impl Places {
    fn event(&self, row: &Row<'_>, time: Option<i64>) -> HitEvent {
        let text = |at: usize| row.value(at).into_text().filter(|t| !t.is_empty()).map(String::from);
        let number = |at: usize| Value::to_integer(&row.value(at));
        HitEvent {
            source: text(self.source).unwrap_or_default(),
            record: number(self.record),
            time: time.map(ticks),
            host: text(self.host),
            user: text(self.user),
            process_id: number(self.process_id),
            image: text(self.image),
            command_line: text(self.command_line),
            parent_image: text(self.parent_image),
            parent_command_line: text(self.parent_command_line),
        }
    }
}
