//! Running a pack's cases: is every expectation what happens, what do the dialects agree on, and what is caught?

mod agreement;
mod case;
mod coverage;
mod json;
mod junit;
mod why;

pub use agreement::{Agreement, Missing, Seer, agreements};
pub use case::{Actual, CaseResult, DetectionResult, SignalResult, case};
pub(crate) use case::{detection, formats_of, signals};
pub use coverage::{Coverage, Group, Method, Tally, coverage};
pub use json::{case as case_json, json};
pub use junit::junit;
pub use why::Why;

use crate::pack::{Case, Outcome, Pack};
use parallax_engine::Options;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What to run of a pack.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The pack.
    pub pack: &'a Pack,
    /// The cases, in the order in which they are told.
    pub cases: &'a [&'a Case],
    /// The detections, by their places in the pack.
    pub detections: &'a [usize],
    /// Whether to end with the first case that is not as expected.
    pub fail_fast: bool,
}

/// Runs cases, several at once: each is small, and most of its time is spent on planning. The results are in the order
/// of the cases whatever the number of threads; with `fail_fast` those up to the first that is not as expected.
pub fn run(plan: &Plan<'_>, options: &Options, scratch: &Path) -> Vec<CaseResult> {
    let mut alone = options.clone();
    let workers = std::mem::replace(&mut alone.limits.threads, 1).min(plan.cases.len());
    let next = AtomicUsize::new(0);
    // The first case that failed: what comes after it need not run.
    let failed = AtomicUsize::new(usize::MAX);
    let results: Vec<OnceLock<CaseResult>> = plan.cases.iter().map(|_| OnceLock::new()).collect();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((c, result)) = plan.cases.get(at).zip(results.get(at)) else { return };
                    if plan.fail_fast && failed.load(Ordering::Relaxed) < at {
                        return;
                    }
                    let done = case(plan.pack, c, plan.detections, &alone, scratch);
                    if !done.holds() {
                        failed.fetch_min(at, Ordering::Relaxed);
                    }
                    // Nobody else has this number.
                    let _ = result.set(done);
                }
            });
        }
    });
    let mut done: Vec<CaseResult> = results.into_iter().map_while(OnceLock::into_inner).collect();
    if let Some(first) = done.iter().position(|r| !r.holds()).filter(|_| plan.fail_fast) {
        done.truncate(first + 1);
    }
    done
}

impl Outcome {
    /// The word that a manifest uses.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Fires(_) => "fires",
            Outcome::Misses => "misses",
            Outcome::Silent => "silent",
            Outcome::Nothing => "nothing",
            Outcome::FalsePositive(_) => "false-positive",
            Outcome::NotApplicable => "not-applicable",
        }
    }

    /// What is expected, as a sentence says it.
    pub fn sentence(self) -> String {
        let some = |n: Option<usize>| match n {
            None => "some findings".to_owned(),
            Some(1) => "1 finding".to_owned(),
            Some(n) => format!("{n} findings"),
        };
        match self {
            Outcome::Fires(n) => format!("fires ({})", some(n)),
            Outcome::Misses => "a known miss".to_owned(),
            Outcome::Silent => "silent".to_owned(),
            Outcome::Nothing => "nothing".to_owned(),
            Outcome::FalsePositive(n) => format!("a known false positive ({})", some(n)),
            Outcome::NotApplicable => "not applicable".to_owned(),
        }
    }
}
