//! Which Sigma rules run, and how they end.

use super::super::applies::cannot_fire;
use super::super::{DetectionRun, Job, RunOutcome};
use crate::finding::Event;
use crate::source::{Body, Correlation, SigmaRule};
use parallax_diagnostics::{Diagnostic, Span};
use parallax_engine::{Error, HitsSeen};
use parallax_sigma::Rules;
use parallax_sigma::correlate::{Correlator, Member, Wanted};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Which rules run: those that report, and those that correlations take.
pub(super) struct Plan {
    /// Their places among the detections.
    pub(super) places: Vec<usize>,
    /// The correlations that run, each after those that it takes.
    correlations: Vec<usize>,
    /// For each of the detections whether it reports.
    pub(super) reports: Vec<bool>,
}

pub(super) fn sigma<'a>(job: &Job<'a>, at: usize) -> Option<&'a SigmaRule> {
    match &job.detections.rules.get(at)?.body {
        Body::Sigma(rule) => Some(rule),
        _ => None,
    }
}

pub(super) fn correlation<'a>(job: &Job<'a>, at: usize) -> Option<&'a Correlation> {
    match &job.detections.rules.get(at)?.body {
        Body::Correlation(rule) => Some(rule),
        _ => None,
    }
}

impl Plan {
    pub(super) fn new(job: &Job<'_>) -> Self {
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

    pub(super) fn rules<'a>(&'a self, job: &'a Job<'a>) -> impl Iterator<Item = &'a parallax_sigma::tree::Rule> {
        self.places.iter().filter_map(|at| sigma(job, *at)).map(|r| &r.rule)
    }

    pub(super) fn runs(&self, job: &Job<'_>) -> BTreeMap<usize, DetectionRun> {
        let reports = (0..self.reports.len()).filter(|at| self.reports[*at]);
        let run = |at: usize| DetectionRun { times: 1, ..DetectionRun::of(&job.detections.rules[at]) };
        reports.map(|at| (at, run(at))).collect()
    }

    pub(super) fn correlator(&self, job: &Job<'_>) -> Result<Correlator<Arc<Event>>, (usize, String)> {
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
    pub(super) fn fail(&self, runs: &mut BTreeMap<usize, DetectionRun>, job: &Job<'_>, at: usize, why: &Diagnostic) {
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

    pub(super) fn fail_all(&self, runs: &mut BTreeMap<usize, DetectionRun>, e: &Error) {
        for run in runs.values_mut() {
            run.outcome = RunOutcome::Failed(match e {
                Error::Timeout(limit) => Error::Timeout(*limit),
                e => Error::Execution(e.to_string()),
            });
        }
    }

    /// Says of rules that found nothing whether there was anything to look at.
    pub(super) fn applicable(
        &self,
        job: &Job<'_>,
        rules: &Rules,
        seen: &HitsSeen,
        runs: &mut BTreeMap<usize, DetectionRun>,
    ) {
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
