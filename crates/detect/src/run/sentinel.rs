//! An analytics rule of Microsoft Sentinel at all the times of its schedule.
//!
//! Documented (“Scheduled analytics rules in Microsoft Sentinel”, “near-real-time analytics rules”): the query runs at
//! each interval over the events of the lookback period, and its number of rows decides whether there is an alert: one
//! for all rows, or one for each. After an alert a rule may stay silent for some time. The service runs later than the
//! schedule says, for events to arrive; what is recorded has arrived. Decided: a schedule begins at the whole interval
//! since 1970 at or after the first event, and ends at the one at or after the last.

use super::{DetectionRun, Reading, RunOutcome, Sink, Stop, TIMES};
use crate::alert::Alerts;
use crate::finding::finding;
use crate::source::{Analytics, Rule};
use parallax_diagnostics::Style;
use parallax_engine::{Census, Context, Kept, Session};
use std::io;
use std::sync::Arc;

/// What it runs over.
pub(super) struct Over<'a> {
    pub(super) session: &'a Session,
    /// Its events, if they are kept.
    pub(super) kept: Option<Kept>,
    pub(super) census: Arc<Census>,
    /// The one time at which it is to run.
    pub(super) now: Option<i64>,
}

pub(super) fn run(
    rule: &Rule,
    analytics: &Analytics,
    over: &Over<'_>,
    reading: &mut Reading,
    sink: Sink<'_>,
) -> io::Result<DetectionRun> {
    let mut result = DetectionRun::of(rule);
    match all(rule, analytics, over, reading, &mut result, sink) {
        Ok(()) => {}
        Err(Stop::Query(e)) => result.outcome = super::together::outcome(rule, e),
        Err(Stop::Sink(e)) => return Err(e),
    }
    Ok(result)
}

fn all(
    rule: &Rule,
    analytics: &Analytics,
    over: &Over<'_>,
    reading: &mut Reading,
    result: &mut DetectionRun,
    sink: Sink<'_>,
) -> Result<(), Stop> {
    let mut quiet_until = i64::MIN;
    let mut schedule = Schedule::new(analytics, over);
    while let Some(at) = schedule.next(quiet_until) {
        if result.times >= TIMES {
            result.cut_short = true;
            break;
        }
        result.times += 1;
        let after = at.saturating_sub(analytics.period);
        let mut alerts = Alerts::new(&rule.about, analytics, (after, at));
        rows(rule, over, at, after, reading, result, &mut alerts)?;
        let found = alerts.finish();
        if !found.is_empty()
            && let Some(quiet) = analytics.suppression
        {
            quiet_until = at.saturating_add(quiet);
        }
        for one in found {
            result.found(one.severity);
            sink.finding(&one).map_err(Stop::Sink)?;
        }
    }
    let lacking = over.kept.as_ref().map(Kept::lacking).unwrap_or_default();
    if result.found == 0 && !lacking.is_empty() {
        result.outcome = RunOutcome::NotApplicable(lacking);
    }
    Ok(())
}

/// The rows of the query at one time.
fn rows(
    rule: &Rule,
    over: &Over<'_>,
    at: i64,
    after: i64,
    reading: &mut Reading,
    result: &mut DetectionRun,
    alerts: &mut Alerts<'_>,
) -> Result<(), Stop> {
    let about = &rule.about;
    let context = Context { provenance: true, ..Context::at(at) };
    let warned = |all: &parallax_diagnostics::Diagnostics| {
        all.iter().map(|d| d.render(&about.text, &about.file, Style::Plain)).collect()
    };
    if let Some(kept) = &over.kept
        && let Some(mut run) = over.session.query_kept(kept, &context, Some(&over.census), Some(after))?
    {
        if result.times == 1 {
            result.warnings = warned(&run.diagnostics);
        }
        for batch in &mut run.rows {
            let batch = batch?;
            (0..batch.num_rows()).for_each(|row| alerts.row(finding(about, &run.columns, run.provenance, &batch, row)));
        }
        return Ok(());
    }
    let mut run = over.session.query_between(about.dialect, &about.text, &context, &over.census, after)?;
    reading.times += 1;
    if result.times == 1 {
        result.warnings = warned(&run.diagnostics);
    }
    for batch in &mut run.rows {
        let batch = batch?;
        (0..batch.num_rows()).for_each(|row| alerts.row(finding(about, &run.columns, run.provenance, &batch, row)));
    }
    reading.add(&run.report);
    Ok(())
}

/// The times of a schedule at which there may be something to say.
struct Schedule<'a> {
    frequency: i64,
    period: i64,
    /// Whether a run without rows is an alert.
    empty_counts: bool,
    /// The times of the events that can matter, where they are known.
    times: Option<Vec<i64>>,
    census: &'a Census,
    next: Option<i64>,
    last: i64,
}

impl<'a> Schedule<'a> {
    fn new(analytics: &Analytics, over: &'a Over<'_>) -> Self {
        let frequency = analytics.frequency.max(1);
        let ceil = |t: i64| t.saturating_add(frequency - 1).div_euclid(frequency) * frequency;
        let (first, last) = match over.now {
            Some(now) => (Some(now), now),
            None => (over.census.earliest().map(ceil), over.census.latest.map_or(i64::MIN, ceil)),
        };
        Schedule {
            frequency,
            period: analytics.period,
            empty_counts: analytics.trigger.holds(0),
            times: over.kept.as_ref().map(Kept::times),
            census: &over.census,
            next: first,
            last,
        }
    }

    /// The next time of a run, not before `from`.
    fn next(&mut self, from: i64) -> Option<i64> {
        loop {
            let at = self.next.filter(|at| *at <= self.last)?;
            self.next = at.checked_add(self.frequency);
            if at < from {
                continue;
            }
            match self.seen(at) {
                Seen::Any => return Some(at),
                // On to the run that sees the next event.
                Seen::NotBefore(time) => {
                    let steps = (time - at).max(0) as i128 / i128::from(self.frequency);
                    let skip = i64::try_from(steps).unwrap_or(i64::MAX).saturating_mul(self.frequency);
                    self.next = Some(at.saturating_add(skip.max(self.frequency)));
                }
                Seen::Nothing => return None,
                Seen::No => {}
            }
        }
    }

    fn seen(&self, at: i64) -> Seen {
        if self.empty_counts {
            return Seen::Any;
        }
        let after = at.saturating_sub(self.period);
        match &self.times {
            Some(times) => match times.get(times.partition_point(|t| *t <= after)) {
                Some(time) if *time <= at => Seen::Any,
                Some(time) => Seen::NotBefore(*time),
                None => Seen::Nothing,
            },
            None if self.census.any(after, at) => Seen::Any,
            None => Seen::No,
        }
    }
}

/// What a run would see.
enum Seen {
    Any,
    /// Nothing before an event of that time.
    NotBefore(i64),
    No,
    /// Nor any later one.
    Nothing,
}
