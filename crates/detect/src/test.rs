//! Running a pack's cases: is every expectation what happens?

use crate::pack::{Case, Outcome, Pack, Reference, Signal, bind};
use crate::run::{Reading, RunOutcome, When, run};
use parallax_engine::{Context, Dialect, Error, Options, Session};
use std::io;
use std::path::Path;

/// What became of one case.
#[derive(Debug)]
pub struct CaseResult {
    /// The case's id.
    pub case: String,
    /// Its signals, in order.
    pub signals: Vec<SignalResult>,
    /// One for each expectation, in order.
    pub detections: Vec<DetectionResult>,
    /// What was read.
    pub reading: Reading,
    /// What kept the case from running.
    pub failure: Option<String>,
}

/// What became of a signal.
#[derive(Debug)]
pub struct SignalResult {
    /// Its title.
    pub title: String,
    /// Rows found, or why the query failed.
    pub found: Result<usize, String>,
    /// Whether that is what was expected.
    pub holds: bool,
}

/// What became of an expectation.
#[derive(Debug)]
pub struct DetectionResult {
    /// The detection's id.
    pub detection: String,
    /// What was expected.
    pub expected: Outcome,
    /// Why, where that was declared.
    pub reason: String,
    /// What happened.
    pub actual: Actual,
    /// Whether that is what was expected.
    pub holds: bool,
}

/// What a detection did on a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actual {
    /// So many findings, perhaps none.
    Found(usize),
    /// Nothing it reads was offered.
    NotApplicable,
    /// It failed, for this reason.
    Failed(String),
}

impl CaseResult {
    /// Whether everything was as expected. A case whose telemetry can't be read whole proves nothing.
    pub fn holds(&self) -> bool {
        self.failure.is_none()
            && self.reading.damaged == 0
            && self.signals.iter().all(|s| s.holds)
            && self.detections.iter().all(|d| d.holds)
    }
}

/// Runs one case. `scratch` is a folder for telemetry that is built into the program.
pub fn case(pack: &Pack, case: &Case, options: &Options, scratch: &Path) -> CaseResult {
    let mut result = CaseResult {
        case: case.id.clone(),
        signals: Vec::new(),
        detections: Vec::new(),
        reading: Reading::default(),
        failure: None,
    };
    if let Err(e) = fill(pack, case, options, scratch, &mut result) {
        result.failure = Some(e);
    }
    result
}

fn fill(pack: &Pack, case: &Case, options: &Options, scratch: &Path, result: &mut CaseResult) -> Result<(), String> {
    let paths = case.telemetry.iter().map(|t| Ok(pack.files.on_disk(t, scratch)?.display().to_string()));
    let paths = paths.collect::<io::Result<Vec<String>>>().map_err(|e| format!("telemetry can't be unpacked: {e}"))?;
    let config = bind(&[pack], Some(case), &options.config, scratch).map_err(|e| e.to_string())?;
    let session = Session::open(&paths, Options { config, ..options.clone() }).map_err(|e| e.to_string())?;
    result.reading.add(session.discovery());
    let now = match case.now {
        Reference::At(time) => time,
        Reference::LatestEvent => {
            let census = session.census();
            result.reading.add(&census.report);
            census.latest.ok_or("no event of the telemetry has a time; give the case a `now`")?
        }
    };
    let context = Context::at(now);
    for signal in &case.signals {
        let found = rows(&session, signal, &context, &mut result.reading).map_err(|e| e.to_string());
        let holds = found.as_ref().is_ok_and(|n| signal.rows.holds(*n));
        result.signals.push(SignalResult { title: signal.title.clone(), found, holds });
    }
    for expectation in &case.expect {
        let detection = &pack.detections[expectation.detection];
        let (watch, sink) = (&mut |_: &str, _: &_| {}, &mut |_: &_| Ok(()));
        let ran = run(&session, pack, detection, &When::At(now), &mut result.reading, watch, sink);
        let ran = ran.map_err(|e| e.to_string())?;
        let actual = match ran.outcome {
            RunOutcome::Ran => Actual::Found(ran.found),
            RunOutcome::NotApplicable(_) => Actual::NotApplicable,
            RunOutcome::Failed(e) => Actual::Failed(e.to_string()),
        };
        result.detections.push(DetectionResult {
            detection: detection.id.clone(),
            expected: expectation.outcome,
            reason: expectation.reason.clone(),
            holds: holds(expectation.outcome, &actual),
            actual,
        });
    }
    Ok(())
}

fn rows(session: &Session, signal: &Signal, context: &Context, reading: &mut Reading) -> Result<usize, Error> {
    let dialect = Dialect::named(&signal.dialect).unwrap_or(Dialect::Sigma);
    let mut execution = session.query(dialect, &signal.query, context)?;
    let mut rows = 0;
    for batch in &mut execution.rows {
        rows += batch?.num_rows();
    }
    reading.add(&execution.report);
    Ok(rows)
}

fn holds(expected: Outcome, actual: &Actual) -> bool {
    match (expected, actual) {
        (Outcome::Fires(count) | Outcome::FalsePositive(count), Actual::Found(n)) => {
            count.map_or(*n > 0, |count| *n == count)
        }
        (Outcome::Misses | Outcome::Silent, Actual::Found(n)) => *n == 0,
        (Outcome::Nothing, Actual::Found(n)) => *n == 0,
        (Outcome::Nothing | Outcome::NotApplicable, Actual::NotApplicable) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reality_must_agree_in_both_directions() {
        assert!(holds(Outcome::Fires(None), &Actual::Found(3)));
        assert!(!holds(Outcome::Fires(Some(2)), &Actual::Found(3)));
        assert!(!holds(Outcome::Misses, &Actual::Found(1)));
        assert!(holds(Outcome::Misses, &Actual::Found(0)));
        assert!(!holds(Outcome::Silent, &Actual::NotApplicable));
        assert!(!holds(Outcome::NotApplicable, &Actual::Found(0)));
        assert!(!holds(Outcome::FalsePositive(None), &Actual::Failed("x".into())));
    }
}
