//! Queries that share readings: of those that look at each event by itself the rows are found at once, for those that
//! run at several times the events are kept.

use super::{Clock, DetectionRun, Job, Reading, RunOutcome, Sink, Watch};
use crate::finding::{Finding, finding};
use crate::source::{Body, Kind, Rule};
use parallax_diagnostics::Style;
use parallax_engine::{Alone, Context, Error, Kept, Shared, TableUse};
use std::collections::{BTreeMap, HashMap, HashSet};
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

/// What is left to run.
#[derive(Default)]
pub(super) struct Left {
    /// Rules with what was kept for them.
    pub(super) kept: Vec<(usize, Kept)>,
    /// Rules that read for themselves.
    pub(super) others: Vec<usize>,
}

/// Runs those of the rules that can be run at once, and puts how they ended into `runs`; gives back the others.
pub(super) fn run(
    job: &Job<'_>,
    mut plans: Plans,
    runs: &mut BTreeMap<usize, DetectionRun>,
    clock: &mut Clock<'_>,
    reading: &mut Reading,
    watch: Watch<'_>,
    sink: Sink<'_>,
) -> io::Result<Left> {
    let context = context(job);
    let mut all = Vec::new();
    let mut left = Left::default();
    let (mut places, mut kept) = (Vec::new(), Vec::new());
    for at in std::mem::take(&mut plans.queries) {
        let rule = &job.detections.rules[at];
        if let Some(lacking) = unfed(job, rule, &context) {
            let outcome = RunOutcome::NotApplicable(lacking);
            runs.insert(at, DetectionRun { outcome, ..DetectionRun::of(rule) });
            continue;
        }
        match plans.take(job, at) {
            Ok(Shared::Alone(plan)) => all.push(One { at, rule, plan: *plan, known: HashSet::new() }),
            Ok(Shared::Kept(plan)) => {
                places.push(at);
                kept.push(plan);
            }
            Ok(Shared::No) => left.others.push(at),
            Err(e) => {
                runs.insert(at, DetectionRun { outcome: outcome(rule, e), ..DetectionRun::of(rule) });
            }
        }
    }
    if all.is_empty() && kept.is_empty() {
        return Ok(left);
    }
    for one in &all {
        let about = &one.rule.about;
        let warnings = one.plan.diagnostics.iter().map(|d| d.render(&about.text, &about.file, Style::Plain)).collect();
        let whole = one.plan.reach.is_some();
        runs.insert(one.at, DetectionRun { times: 1, whole, warnings, ..DetectionRun::of(one.rule) });
    }
    let plans: Vec<Alone> = all.iter().map(|one| one.plan.clone()).collect();
    let mut failed = Ok(());
    let read = job.session.read_together(
        &plans.iter().collect::<Vec<_>>(),
        &mut kept,
        &mut |report| watch("detections", report),
        &mut |query, batch, row| {
            let one = &mut all[query];
            let found = finding(&one.rule.about, &one.plan.columns, true, batch, row);
            if let Some(run) = runs.get_mut(&one.at) {
                run.found(found.severity);
            }
            one.known.insert(found.id.clone());
            if let Err(e) = sink.finding(&found) {
                failed = Err(e);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        },
    );
    failed?;
    match read {
        Ok(read) => {
            reading.times += read.reports.len();
            read.reports.iter().for_each(|report| reading.add(report));
            for (query, lacking) in read.lacking.into_iter().enumerate().filter(|(_, l)| !l.is_empty()) {
                if let Some(run) = runs.get_mut(&all[query].at).filter(|r| r.found == 0) {
                    run.outcome = RunOutcome::NotApplicable(lacking);
                    run.whole = false;
                }
            }
            for (at, plan) in places.into_iter().zip(kept) {
                if plan.gave_up() {
                    left.others.push(at);
                } else {
                    left.kept.push((at, plan));
                }
            }
        }
        Err(_) => {
            left.others.extend(places);
            again(job, all, runs, clock, reading, watch, sink)?;
        }
    }
    Ok(left)
}

/// The tables that the query reads, where no input feeds any of them: nothing needs to be read to know.
fn unfed(job: &Job<'_>, rule: &Rule, context: &Context) -> Option<Vec<String>> {
    let tables = job.session.uses(rule.about.dialect, &rule.about.text, context).ok()?;
    // What the beginning of an input shows is not all that is in it.
    let unfed = |t: &TableUse| !t.fed && !job.session.may_feed(&t.name);
    let none = !tables.is_empty() && tables.iter().all(unfed);
    none.then(|| tables.into_iter().map(|t| t.name).collect())
}

/// How queries can share readings, each planned once.
pub(super) struct Plans {
    queries: Vec<usize>,
    known: HashMap<usize, Result<Shared, Error>>,
}

impl Plans {
    pub(super) fn new(queries: Vec<usize>) -> Self {
        Plans { queries, known: HashMap::new() }
    }

    /// Whether any of them runs at several times, or at that of the latest event.
    pub(super) fn need_census(&mut self, job: &Job<'_>) -> bool {
        let Plans { queries, known } = self;
        let needs = |at: &usize| match &job.detections.rules[*at].body {
            Body::Query => {
                let plan = known.entry(*at).or_insert_with_key(|at| planned(job, &job.detections.rules[*at]));
                matches!(plan, Ok(Shared::Kept(_) | Shared::No))
            }
            Body::Sentinel(_) => true,
            _ => false,
        };
        queries.iter().any(needs)
    }

    fn take(&mut self, job: &Job<'_>, at: usize) -> Result<Shared, Error> {
        self.known.remove(&at).unwrap_or_else(|| planned(job, &job.detections.rules[at]))
    }
}

fn planned(job: &Job<'_>, rule: &Rule) -> Result<Shared, Error> {
    let (about, session) = (&rule.about, job.session);
    let context = context(job);
    match rule.body {
        // At one time there is nothing to keep for.
        Body::Query => session.shared(about.dialect, &about.text, &context, job.now.is_none()),
        _ => Ok(session.keepable(about.dialect, &about.text, &context)?.map_or(Shared::No, Shared::Kept)),
    }
}

fn context(job: &Job<'_>) -> Context {
    Context { provenance: true, ..Context::at(job.now.unwrap_or(job.wall)) }
}

/// Rules of a whole cloud name many tables that recorded telemetry never has.
pub(super) fn outcome(rule: &Rule, e: Error) -> RunOutcome {
    const UNKNOWN_TABLE: &str = "KQL0201";
    let hunting = rule.about.kind == Kind::Query && [".yaml", ".yml"].iter().any(|end| rule.about.file.ends_with(end));
    let of_cloud = matches!(rule.body, Body::Sentinel(_)) || hunting;
    match &e {
        Error::Query(all) if of_cloud && all.iter().any(|d| d.code == UNKNOWN_TABLE) => {
            let unknown = all.iter().filter(|d| d.code == UNKNOWN_TABLE);
            RunOutcome::NotApplicable(unknown.map(|d| d.span.of(&rule.about.text).to_owned()).collect())
        }
        _ => RunOutcome::Failed(e),
    }
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
            false => sink.finding(finding),
        };
        runs.insert(one.at, super::query::run(job.session, one.rule, &when, reading, watch, new)?);
    }
    Ok(())
}
