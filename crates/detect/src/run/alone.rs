//! Queries that look at each event by itself: those over one table share one reading.

use super::{Clock, DetectionRun, Job, Reading, RunOutcome, Sink, Watch};
use crate::finding::{Finding, finding};
use crate::source::{Body, Rule};
use parallax_diagnostics::Style;
use parallax_engine::{Alone, Context};
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::ops::ControlFlow;

/// A query with its plan.
struct One<'a> {
    at: usize,
    rule: &'a Rule,
    plan: Alone,
    /// What it found: where the reading fails, the query runs again by itself.
    known: HashSet<String>,
}

/// Runs those of the rules that can be run so, and puts how they ended into `runs`; gives back the others.
pub(super) fn run(
    job: &Job<'_>,
    queries: Vec<usize>,
    runs: &mut BTreeMap<usize, DetectionRun>,
    clock: &mut Clock<'_>,
    reading: &mut Reading,
    watch: Watch<'_>,
    sink: Sink<'_>,
) -> io::Result<Vec<usize>> {
    let context = Context { provenance: true, ..Context::at(job.now.unwrap_or(job.wall)) };
    let mut all = Vec::new();
    let mut others = Vec::new();
    for at in queries {
        let rule = &job.detections.rules[at];
        let about = &rule.about;
        if !matches!(rule.body, Body::Query) {
            others.push(at);
            continue;
        }
        match job.session.alone(about.dialect, &about.text, &context, job.now.is_none()) {
            Ok(Some(plan)) => all.push(One { at, rule, plan, known: HashSet::new() }),
            Ok(None) => others.push(at),
            Err(e) => {
                runs.insert(at, DetectionRun { outcome: RunOutcome::Failed(e), ..DetectionRun::of(rule) });
            }
        }
    }
    if all.is_empty() {
        return Ok(others);
    }
    for one in &all {
        let about = &one.rule.about;
        let warnings = one.plan.diagnostics.iter().map(|d| d.render(&about.text, &about.file, Style::Plain)).collect();
        let whole = one.plan.reach.is_some();
        runs.insert(one.at, DetectionRun { times: 1, whole, warnings, ..DetectionRun::of(one.rule) });
    }
    let plans: Vec<Alone> = all.iter().map(|one| one.plan.clone()).collect();
    let mut failed = Ok(());
    let read = job.session.read_alone(
        &plans.iter().collect::<Vec<_>>(),
        &mut |report| watch("detections", report),
        &mut |query, batch| {
            let one = &mut all[query];
            for row in 0..batch.num_rows() {
                let found = finding(&one.rule.about, &one.plan.columns, true, batch, row);
                if let Some(run) = runs.get_mut(&one.at) {
                    run.found(&found);
                }
                one.known.insert(found.id.clone());
                if let Err(e) = sink(&found) {
                    failed = Err(e);
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        },
    );
    failed?;
    match read {
        Ok(read) => {
            for one in read {
                reading.times += 1;
                reading.add(&one.report);
                for (query, lacking) in one.lacking.into_iter().enumerate().filter(|(_, l)| !l.is_empty()) {
                    if let Some(run) = runs.get_mut(&all[query].at).filter(|r| r.found == 0) {
                        run.outcome = RunOutcome::NotApplicable(lacking);
                        run.whole = false;
                    }
                }
            }
        }
        Err(_) => again(job, all, runs, clock, reading, watch, sink)?,
    }
    Ok(others)
}

/// The reading failed, by one of the queries: each runs by itself, so that only that one fails.
fn again(
    job: &Job<'_>,
    all: Vec<One<'_>>,
    runs: &mut BTreeMap<usize, DetectionRun>,
    clock: &mut Clock<'_>,
    reading: &mut Reading,
    watch: Watch<'_>,
    sink: Sink<'_>,
) -> io::Result<()> {
    reading.times += 1;
    for one in all {
        let when = clock.when(reading);
        let new = &mut |finding: &Finding| match one.known.contains(&finding.id) {
            true => Ok(()),
            false => sink(finding),
        };
        runs.insert(one.at, super::query::run(job.session, one.rule, &when, reading, watch, new)?);
    }
    Ok(())
}
