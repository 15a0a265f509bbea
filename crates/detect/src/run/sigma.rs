//! Sigma: all rules in one reading, then the correlations over what they matched, by time.

use super::applies::cannot_fire;
use super::{DetectionRun, Job, Reading, RunOutcome, Sink, Watch};
use crate::finding::{Event, Finding, Hash, Reason, Related};
use crate::source::{Body, Correlation, SigmaRule};
use parallax_diagnostics::{Diagnostic, Span};
use parallax_engine::value::{nanos_of_ticks, ticks_of_nanos};
use parallax_engine::{Census, Error, Hit, HitEvent, HitsAsked, HitsSeen};
use parallax_sigma::Rules;
use parallax_sigma::correlate::{Correlator, Match, Member, Wanted};
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::ops::ControlFlow;
use std::rc::Rc;
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
    let mut taker = Taker::new(job, &plan, &correlator, sink, &mut out);
    let wanted = taker.wanted.clone();
    let asked = HitsAsked { rules: rules.clone(), wanted, reasons: true, census };
    reading.times += 1;
    let seen = job.session.hits_watched(asked, &mut |report| watch("Sigma", report), &mut |hit| taker.take(hit));
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
    correlate(job, &mut correlator, pending, &mut out, sink)?;
    Ok(Some(out))
}

/// Which rules run: those that report, and those that correlations take.
struct Plan {
    /// Their places among the detections.
    places: Vec<usize>,
    /// The correlations that run, each after those that it takes.
    correlations: Vec<usize>,
    /// For each of the detections whether it reports.
    reports: Vec<bool>,
}

fn sigma<'a>(job: &Job<'a>, at: usize) -> Option<&'a SigmaRule> {
    match &job.detections.rules.get(at)?.body {
        Body::Sigma(rule) => Some(rule),
        _ => None,
    }
}

fn correlation<'a>(job: &Job<'a>, at: usize) -> Option<&'a Correlation> {
    match &job.detections.rules.get(at)?.body {
        Body::Correlation(rule) => Some(rule),
        _ => None,
    }
}

impl Plan {
    fn new(job: &Job<'_>) -> Self {
        let all = &job.detections.rules;
        let chosen = |at: usize| job.chosen.get(at).copied().unwrap_or(true);
        let mut plan = Plan { places: Vec::new(), correlations: Vec::new(), reports: vec![false; all.len()] };
        let mut needed = vec![false; all.len()];
        for (at, rule) in all.iter().enumerate() {
            let ours = matches!(rule.body, Body::Sigma(_) | Body::Correlation(_));
            plan.reports[at] = ours && chosen(at) && rule.reports();
            if plan.reports[at] {
                plan.need(job, at, &mut needed);
            }
        }
        plan.places = (0..all.len()).filter(|at| needed[*at] && sigma(job, *at).is_some()).collect();
        plan
    }

    fn need(&mut self, job: &Job<'_>, at: usize, needed: &mut [bool]) {
        if std::mem::replace(&mut needed[at], true) {
            return;
        }
        if let Some(correlation) = correlation(job, at) {
            correlation.of.iter().for_each(|of| self.need(job, *of, needed));
            self.correlations.push(at);
        }
    }

    fn rules<'a>(&'a self, job: &'a Job<'a>) -> impl Iterator<Item = &'a parallax_sigma::tree::Rule> {
        self.places.iter().filter_map(|at| sigma(job, *at)).map(|r| &r.rule)
    }

    fn runs(&self, job: &Job<'_>) -> BTreeMap<usize, DetectionRun> {
        let reports = (0..self.reports.len()).filter(|at| self.reports[*at]);
        let run = |at: usize| DetectionRun { times: 1, ..DetectionRun::of(&job.detections.rules[at]) };
        reports.map(|at| (at, run(at))).collect()
    }

    fn correlator(&self, job: &Job<'_>) -> Result<Correlator<Rc<Event>>, (usize, String)> {
        let member = |at: &usize| {
            let about = &job.detections.rules[*at].about;
            let names = [about.short.clone(), about.id.clone(), Some(about.title.clone())];
            Member { index: *at, names: names.into_iter().flatten().collect() }
        };
        let wanted = self.correlations.iter().filter_map(|at| {
            let correlation = correlation(job, *at)?;
            Some(Wanted { index: *at, rule: &correlation.rule, of: correlation.of.iter().map(member).collect() })
        });
        Correlator::new(&wanted.collect::<Vec<_>>())
    }

    /// The rule, and what takes it, can't run.
    fn fail(&self, runs: &mut BTreeMap<usize, DetectionRun>, job: &Job<'_>, at: usize, why: &Diagnostic) {
        if let Some(run) = runs.get_mut(&at) {
            run.outcome = RunOutcome::Failed(Error::Query(why.clone().into()));
        }
        for taker in self.correlations.iter().filter(|c| correlation(job, **c).is_some_and(|c| c.of.contains(&at))) {
            let title = &job.detections.rules[at].about.title;
            let because =
                Diagnostic::error(why.code, Span::at(0), format!("`{title}`, which it takes: {}", why.message));
            self.fail(runs, job, *taker, &because);
        }
    }

    fn fail_all(&self, runs: &mut BTreeMap<usize, DetectionRun>, e: &Error) {
        for run in runs.values_mut() {
            run.outcome = RunOutcome::Failed(match e {
                Error::Timeout(limit) => Error::Timeout(*limit),
                e => Error::Execution(e.to_string()),
            });
        }
    }

    /// Says of rules that found nothing whether there was anything to look at.
    fn applicable(&self, job: &Job<'_>, rules: &Rules, seen: &HitsSeen, runs: &mut BTreeMap<usize, DetectionRun>) {
        let mut lacking: HashMap<usize, String> = HashMap::new();
        for (local, at) in self.places.iter().enumerate() {
            let source = rules.source_of(local) as usize;
            if seen.sources.get(source).is_some_and(|n| *n == 0) {
                lacking.insert(*at, format!("log source {}", rules.sources()[source]));
            } else if let Some(why) = sigma(job, *at).and_then(|r| cannot_fire(&r.rule)) {
                lacking.insert(*at, why);
            }
        }
        for at in &self.correlations {
            let Some(correlation) = correlation(job, *at) else { continue };
            let each: Vec<Option<&String>> = correlation.of.iter().map(|of| lacking.get(of)).collect();
            if !each.is_empty() && each.iter().all(Option::is_some) {
                let mut what: Vec<String> = each.into_iter().flatten().cloned().collect();
                what.dedup();
                lacking.insert(*at, what.join(", "));
            }
        }
        for (at, run) in runs.iter_mut().filter(|(_, r)| r.found == 0 && matches!(r.outcome, RunOutcome::Ran)) {
            if let Some(what) = lacking.remove(at) {
                run.outcome = RunOutcome::NotApplicable(vec![what]);
            }
        }
    }
}

/// A match that waits for its turn in time.
struct Pending {
    time: i64,
    rule: usize,
    event: Rc<Event>,
    values: Vec<Option<Rc<str>>>,
}

struct Taker<'a, 'j> {
    job: &'a Job<'j>,
    plan: &'a Plan,
    sink: &'a mut dyn FnMut(&Finding) -> io::Result<()>,
    out: &'a mut Out,
    /// The fields that are asked of every hit, and for each rule which of them it shows, and which correlations read.
    wanted: Vec<String>,
    shows: Vec<Vec<usize>>,
    reads: Vec<Vec<usize>>,
    takes: Vec<bool>,
    pending: Vec<Pending>,
    timeless: u64,
    failed: io::Result<()>,
}

impl<'a, 'j> Taker<'a, 'j> {
    fn new(
        job: &'a Job<'j>,
        plan: &'a Plan,
        correlator: &Correlator<Rc<Event>>,
        sink: &'a mut dyn FnMut(&Finding) -> io::Result<()>,
        out: &'a mut Out,
    ) -> Self {
        let mut wanted: Vec<String> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut places = |fields: &[String]| -> Vec<usize> {
            let place = |field: &String| {
                *known.entry(field.clone()).or_insert_with(|| {
                    wanted.push(field.clone());
                    wanted.len() - 1
                })
            };
            fields.iter().map(place).collect()
        };
        let shows = plan.places.iter().map(|at| {
            let fields = sigma(job, *at).filter(|_| plan.reports[*at]).map(|r| r.rule.meta.fields.as_slice());
            places(fields.unwrap_or_default())
        });
        let shows = shows.collect();
        let reads = plan.places.iter().map(|at| places(correlator.fields(*at))).collect();
        let takes = plan.places.iter().map(|at| correlator.takes(*at)).collect();
        Taker { job, plan, sink, out, wanted, shows, reads, takes, pending: Vec::new(), timeless: 0, failed: Ok(()) }
    }

    fn take(&mut self, hit: Hit) -> ControlFlow<()> {
        match self.hit(hit) {
            Ok(()) => ControlFlow::Continue(()),
            Err(e) => {
                self.failed = Err(e);
                ControlFlow::Break(())
            }
        }
    }

    fn hit(&mut self, hit: Hit) -> io::Result<()> {
        let Hit { rules, event, values, reasons } = hit;
        let event = Rc::new(Event::from(event));
        let mut reasons = reasons.into_iter();
        for local in rules {
            let (local, reasons) = (local as usize, reasons.next().unwrap_or_default());
            let Some(at) = self.plan.places.get(local).copied() else { continue };
            if self.takes[local] {
                self.pend(local, at, &event, &values);
            }
            if !self.plan.reports[at] {
                continue;
            }
            let reasons: Vec<Reason> = reasons.into_iter().map(Reason::from).collect();
            let fields = self.shows[local].iter().map(|place| (&self.wanted[*place], values[*place].as_deref()));
            let mut columns: Vec<_> = fields.map(|(name, value)| column(name, value)).collect();
            if columns.is_empty() {
                columns = shown(&reasons);
            }
            let about = &self.job.detections.rules[at].about;
            let event = Some(event.as_ref().clone());
            let finding = Finding { event, columns, reasons, ..Finding::of(about) }.identified();
            if let Some(run) = self.out.runs.get_mut(&at) {
                run.found(&finding);
            }
            (self.sink)(&finding)?;
        }
        Ok(())
    }

    fn pend(&mut self, local: usize, at: usize, event: &Rc<Event>, values: &[Option<String>]) {
        let Some(time) = event.time.map(nanos_of_ticks) else {
            self.timeless += 1;
            return;
        };
        let values = self.reads[local].iter().map(|place| values[*place].as_deref().map(Rc::from)).collect();
        self.pending.push(Pending { time, rule: at, event: event.clone(), values });
    }
}

/// Gives the matches to the correlations, by time.
fn correlate(
    job: &Job<'_>,
    correlator: &mut Correlator<Rc<Event>>,
    mut pending: Vec<Pending>,
    out: &mut Out,
    sink: Sink<'_>,
) -> io::Result<()> {
    // Stable: of the same time, the order of the sources.
    pending.sort_by_key(|p| p.time);
    let mut failed = Ok(());
    let mut report = |found: Match<Rc<Event>>| {
        let Some(run) = out.runs.get_mut(&found.correlation) else { return };
        let finding = finding(job, found);
        run.found(&finding);
        if failed.is_ok() {
            failed = sink(&finding);
        }
    };
    for one in pending {
        let fields = correlator.fields(one.rule).to_vec();
        let value = |name: &str| one.values.get(fields.iter().position(|f| f == name)?)?.clone();
        correlator.take(one.rule, one.time, one.event, &value, &mut report);
    }
    correlator.finish(&mut report);
    failed?;
    let mut ungrouped: Vec<_> = correlator.ungrouped().iter().collect();
    ungrouped.sort();
    for (at, n) in ungrouped {
        let title = &job.detections.rules[*at].about.title;
        let fields = correlation(job, *at).map(|c| c.rule.group_by.join(", ")).unwrap_or_default();
        out.notes.push(format!("{title}: {n} matches lack a value of {fields} and are in no group"));
    }
    Ok(())
}

/// The finding of a correlation: the events, the last of them as the one that made it.
fn finding(job: &Job<'_>, found: Match<Rc<Event>>) -> Finding {
    let about = &job.detections.rules[found.correlation].about;
    let mut hash = Hash::default();
    hash.put(Some(&about.name));
    for (name, value) in &found.group {
        hash.put(Some(name));
        hash.put(Some(value));
    }
    let first = found.events.iter().min_by_key(|(_, time, _)| *time);
    first.iter().for_each(|(_, _, event)| hash.event(event));
    let mut columns: Vec<_> = found.group.iter().map(|(name, value)| column(name, Some(value))).collect();
    let number = match correlation(job, found.correlation).map(|c| c.rule.kind) {
        Some(kind) => word(kind),
        None => "number",
    };
    let whole = found.number.fract() == 0.0 && found.number.abs() < 9e15;
    let value = if whole { Json::from(found.number as i64) } else { Json::from(found.number) };
    columns.push((number.to_owned(), format!("{}", found.number), value));
    let related = found.events.iter().map(|(rule, _, event)| Related {
        rule: job.detections.rules[*rule].about.name.clone(),
        event: event.as_ref().clone(),
    });
    let last = found.events.iter().max_by_key(|(_, time, _)| *time);
    Finding {
        id: hash.finish(),
        event: last.map(|(_, _, event)| event.as_ref().clone()),
        columns,
        related: related.collect(),
        count: found.count,
        window: Some((ticks_of_nanos(found.time.0), ticks_of_nanos(found.time.1))),
        ..Finding::of(about)
    }
}

fn word(kind: parallax_sigma::tree::CorrelationKind) -> &'static str {
    use parallax_sigma::tree::CorrelationKind as K;
    match kind {
        K::EventCount => "event_count",
        K::ValueCount => "value_count",
        K::Temporal | K::TemporalOrdered => "rules",
        K::ValueSum => "value_sum",
        K::ValueAvg => "value_avg",
        K::ValuePercentile(_) => "value_percentile",
        K::ValueMedian => "value_median",
    }
}

fn column(name: &str, value: Option<&str>) -> (String, String, Json) {
    (name.to_owned(), value.unwrap_or_default().to_owned(), value.map_or(Json::Null, Json::from))
}

/// The fields by which it matched, each once: what to show where the rule does not say.
fn shown(reasons: &[Reason]) -> Vec<(String, String, Json)> {
    let mut columns: Vec<(String, String, Json)> = Vec::new();
    for reason in reasons.iter().filter(|r| !r.field.is_empty()) {
        if !columns.iter().any(|(name, ..)| *name == reason.field) {
            columns.push(column(&reason.field, Some(&reason.value)));
        }
    }
    columns
}

impl From<HitEvent> for Event {
    fn from(e: HitEvent) -> Self {
        Event {
            source: Some(e.source),
            record: e.record,
            time: e.time,
            host: e.host,
            user: e.user,
            process_id: e.process_id,
            image: e.image,
            command_line: e.command_line,
            parent_image: e.parent_image,
            parent_command_line: e.parent_command_line,
        }
    }
}

impl From<parallax_sigma::Reason> for Reason {
    fn from(r: parallax_sigma::Reason) -> Self {
        let field = r.field.unwrap_or_default();
        let what = if field.is_empty() { r.test } else { format!("{field} {}", r.test) };
        Reason { what, field, value: r.value, hits: r.marks }
    }
}
