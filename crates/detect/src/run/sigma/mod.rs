//! Sigma: all rules in one reading, then the correlations over what they matched, by time.

mod correlations;
mod make;
mod plan;

use super::{DetectionRun, Job, Reading, Sink, Watch};
use make::{Made, Making, Pending};
use parallax_diagnostics::{Diagnostic, Span};
use parallax_engine::{Census, HitsAsked};
use parallax_sigma::Rules;
use parallax_sigma::correlate::Correlator;
use plan::Plan;
use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What came of it.
pub(super) struct Out {
    /// For each rule that reports how it ended.
    pub(super) runs: BTreeMap<usize, DetectionRun>,
    /// When events happened, if that was asked.
    pub(super) census: Option<Census>,
    /// What else there is to know.
    pub(super) notes: Vec<String>,
}

/// Runs all that is chosen of Sigma. Nothing where none of it is.
pub(super) fn run(
    job: &Job<'_>,
    census: bool,
    reading: &mut Reading,
    watch: Watch<'_>,
    sink: Sink<'_>,
) -> io::Result<Option<Out>> {
    let plan = Plan::new(job);
    if plan.places.is_empty() {
        return Ok(None);
    }
    let rules = Arc::new(Rules::new(plan.rules(job)));
    let mut out = Out { runs: plan.runs(job), census: None, notes: Vec::new() };
    for refused in rules.refused() {
        let at = plan.places[refused.rule];
        let why = Diagnostic::error("SIGMA0900", Span::at(0), refused.why.clone());
        plan.fail(&mut out.runs, job, at, &why);
    }
    let mut correlator = match plan.correlator(job) {
        Ok(correlator) => correlator,
        Err((at, why)) => {
            plan.fail(&mut out.runs, job, at, &Diagnostic::error("SIGMA0901", Span::at(0), why));
            Correlator::new(&[]).map_err(|(_, why)| io::Error::other(why))?
        }
    };
    // Where few events have to be decoded, times are known faster by themselves.
    let census = census && rules.needed().is_none();
    let making = Arc::new(Making::new(job, &plan, &correlator));
    let asked = HitsAsked { rules: rules.clone(), wanted: making.wanted.clone(), reasons: true, census };
    let pens = sink.pens();
    let mut taker = Taker { sink, out: &mut out, pending: Vec::new(), timeless: 0, failed: Ok(()) };
    reading.times += 1;
    let seen = job.session.hits_made(
        asked,
        &mut |report| watch("Sigma", report),
        &mut || making.hand(pens.as_ref().map(|pens| pens())),
        &mut |made| taker.take(made),
    );
    let Taker { pending, failed, timeless, .. } = taker;
    failed?;
    match seen {
        Ok(seen) => {
            reading.add(&seen.report);
            plan.applicable(job, &rules, &seen, &mut out.runs);
            out.census = seen.census;
        }
        Err(e) => plan.fail_all(&mut out.runs, &e),
    }
    if timeless > 0 {
        out.notes.push(format!("{timeless} matches have no time and are in no correlation"));
    }
    correlations::correlate(job, &mut correlator, pending, &mut out, sink)?;
    Ok(Some(out))
}

/// Takes what the threads made, in order.
struct Taker<'a> {
    sink: Sink<'a>,
    out: &'a mut Out,
    /// The matches that correlations take.
    pending: Vec<Pending>,
    timeless: u64,
    failed: io::Result<()>,
}

impl Taker<'_> {
    fn take(&mut self, made: Made) -> ControlFlow<()> {
        let Made { found, text, findings, pending, timeless } = made;
        self.pending.extend(pending);
        self.timeless += timeless;
        for at in found {
            if let Some(run) = self.out.runs.get_mut(&at) {
                run.found(run.severity);
            }
        }
        let written = if text.is_empty() { Ok(()) } else { self.sink.written(&text) };
        self.failed = written.and_then(|()| findings.iter().try_for_each(|finding| self.sink.finding(finding)));
        if self.failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}
