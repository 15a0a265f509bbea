//! Running a query: once, or at all the times at which it would have run.

use super::{DetectionRun, Reading, RunOutcome, Sink, Stop, TIMES, Watch, When};
use crate::finding::finding;
use crate::source::Rule;
use parallax_diagnostics::Style;
use parallax_engine::{Context, Dialect, Error, Execution, Session};
use std::collections::HashSet;
use std::io;

/// Runs one query.
pub(super) fn run(
    session: &Session,
    rule: &Rule,
    when: &When,
    reading: &mut Reading,
    watch: Watch<'_>,
    sink: Sink<'_>,
) -> io::Result<DetectionRun> {
    let mut run = Running {
        session,
        rule,
        reading,
        watch,
        sink,
        several: matches!(when, When::Recorded(_)),
        known: HashSet::new(),
        result: DetectionRun::of(rule),
    };
    match run.all(when) {
        Ok(()) => {}
        Err(Stop::Query(e)) => run.result.outcome = RunOutcome::Failed(e),
        Err(Stop::Sink(e)) => return Err(e),
    }
    Ok(run.result)
}

struct Running<'a> {
    session: &'a Session,
    rule: &'a Rule,
    reading: &'a mut Reading,
    watch: Watch<'a>,
    sink: Sink<'a>,
    several: bool,
    /// The ids of what was found at later reference times, where there are several.
    known: HashSet<String>,
    result: DetectionRun,
}

impl Running<'_> {
    fn all(&mut self, when: &When) -> Result<(), Stop> {
        let now = match when {
            When::At(time) => *time,
            When::Recorded(census) => census.latest.unwrap_or_default(),
        };
        let execution = match when {
            When::At(_) => self.once(now, |s, d, q, c| s.query(d, q, c))?,
            When::Recorded(_) => self.once(now, |s, d, q, c| s.query_recorded(d, q, c))?,
        };
        self.result.whole = execution.lifted;
        let (before, read) = execution.outside.counts();
        let mut bound = execution.outside.bound();
        self.result.outside = (read, before, bound);
        let lacking = execution.lacking();
        if self.result.found == 0 && !lacking.is_empty() {
            self.result.outcome = RunOutcome::NotApplicable(lacking);
            return Ok(());
        }
        let When::Recorded(census) = when else { return Ok(()) };
        if before == 0 {
            return Ok(());
        }
        let mut last = now;
        // A bound that does not move with the reference time is one that the query gives as a fixed time.
        while let Some(at) = bound.filter(|b| *b < last).and_then(|b| census.before(b)) {
            if self.result.times >= TIMES {
                self.result.cut_short = true;
                break;
            }
            last = at;
            let next = self.once(at, |s, d, q, c| s.query_as_of(d, q, c, census))?.outside.bound();
            bound = next.filter(|b| Some(*b) != bound);
        }
        self.result.outside = (read, 0, None);
        Ok(())
    }

    /// Runs the query at one reference time.
    fn once(
        &mut self,
        now: i64,
        start: impl Fn(&Session, Dialect, &str, &Context) -> Result<Execution, Error>,
    ) -> Result<Execution, Stop> {
        let about = &self.rule.about;
        let context = Context { provenance: true, ..Context::at(now) };
        let mut execution = start(self.session, about.dialect, &about.text, &context)?;
        self.result.times += 1;
        self.reading.times += 1;
        if self.result.times == 1 {
            let warnings = execution.diagnostics.iter().map(|d| d.render(&about.text, &about.file, Style::Plain));
            self.result.warnings = warnings.collect();
        }
        (self.watch)(&self.result.rule, &execution.report);
        // Where there may be another reference time, the same event may be found again.
        let several = self.several && execution.outside.bound().is_some();
        let mut new = HashSet::new();
        for batch in &mut execution.rows {
            let batch = batch?;
            let rows = 0..batch.num_rows();
            for finding in rows.map(|row| finding(about, &execution.columns, execution.provenance, &batch, row)) {
                if self.known.contains(&finding.id) {
                    continue;
                }
                self.result.found(finding.severity);
                self.sink.finding(&finding).map_err(Stop::Sink)?;
                if several {
                    new.insert(finding.id);
                }
            }
        }
        self.known.extend(new);
        self.reading.add(&execution.report);
        Ok(execution)
    }
}
