//! One case: its telemetry is opened once, for all signals and detections.

use super::agreement::{Missing, missing};
use crate::finding::Event;
use crate::pack::{Case, Expectation, Outcome, Pack, Reference, Rows, Signal, bind};
use crate::run::{Reading, RunOutcome, When, run};
use parallax_engine::{Context, Dialect, Error, Options, Session};
use parallax_telemetry::source::Source;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// The most events that are kept of a detection, to be compared with those of others.
const KEPT: usize = 10_000;

/// What became of one case.
#[derive(Debug)]
pub struct CaseResult {
    /// The case's id.
    pub case: String,
    /// Its signals, in order.
    pub signals: Vec<SignalResult>,
    /// One for each expectation, in order.
    pub detections: Vec<DetectionResult>,
    /// The formats of its telemetry.
    pub formats: Vec<&'static str>,
    /// Events that one detection of a behaviour sees and another does not.
    pub missing: Vec<Missing>,
    /// What was read.
    pub reading: Reading,
    /// How long it took.
    pub took: Duration,
    /// What kept the case from running.
    pub failure: Option<String>,
}

/// What became of a signal.
#[derive(Debug)]
pub struct SignalResult {
    /// Its title.
    pub title: String,
    /// How many rows there must be.
    pub wanted: Rows,
    /// Rows found, or why the query failed.
    pub found: Result<usize, String>,
    /// Whether that is what was expected.
    pub holds: bool,
}

/// What became of an expectation.
#[derive(Debug)]
pub struct DetectionResult {
    /// Its place in the pack.
    pub index: usize,
    /// The detection's id.
    pub detection: String,
    /// What was expected, if anything was.
    pub expected: Option<Outcome>,
    /// Why, where that was declared.
    pub reason: String,
    /// What happened.
    pub actual: Actual,
    /// The events behind its findings, each once; the first of very many.
    pub events: Vec<Event>,
    /// Findings that stand for no single event.
    pub eventless: usize,
    /// What it reads and nothing offers, where it is not applicable.
    pub lacking: Vec<String>,
    /// How long it took.
    pub took: Duration,
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
    /// Of a case that nothing is known of yet.
    pub(crate) fn of(case: &Case) -> Self {
        CaseResult {
            case: case.id.clone(),
            signals: Vec::new(),
            detections: Vec::new(),
            formats: Vec::new(),
            missing: Vec::new(),
            reading: Reading::default(),
            took: Duration::ZERO,
            failure: None,
        }
    }

    /// The telemetry was opened.
    pub(crate) fn opened(&mut self, session: &Session) {
        self.reading.add(session.discovery());
        self.formats = formats(session.sources());
    }

    /// Whether everything was as expected. A case whose telemetry can't be read whole proves nothing.
    pub fn holds(&self) -> bool {
        self.failure.is_none()
            && self.reading.damaged == 0
            && self.signals.iter().all(|s| s.holds)
            && self.detections.iter().all(|d| d.holds)
    }
}

/// Runs one case with some of the pack's detections. `scratch` is a folder for telemetry that is built into the program.
pub fn case(pack: &Pack, case: &Case, detections: &[usize], options: &Options, scratch: &Path) -> CaseResult {
    let began = Instant::now();
    let mut result = CaseResult::of(case);
    if let Err(e) = fill(pack, case, detections, options, scratch, &mut result) {
        result.failure = Some(e);
    }
    result.took = began.elapsed();
    result
}

fn fill(
    pack: &Pack,
    case: &Case,
    detections: &[usize],
    options: &Options,
    scratch: &Path,
    result: &mut CaseResult,
) -> Result<(), String> {
    let paths = case.telemetry.iter().map(|t| Ok(pack.files.on_disk(t, scratch)?.display().to_string()));
    let paths = paths.collect::<io::Result<Vec<String>>>().map_err(|e| format!("telemetry can't be unpacked: {e}"))?;
    let config = bind(&[pack], Some(case), &options.config, scratch).map_err(|e| e.to_string())?;
    let session = Session::open(&paths, Options { config, ..options.clone() }).map_err(|e| e.to_string())?;
    result.opened(&session);
    let now = match case.now {
        Reference::At(time) => time,
        Reference::LatestEvent => {
            let census = session.census();
            result.reading.add(&census.report);
            census.latest.ok_or("no event of the telemetry has a time; give the case a `now`")?
        }
    };
    result.signals = signals(&session, &case.signals, now, &mut result.reading);
    for expectation in case.expect.iter().filter(|e| detections.contains(&e.detection)) {
        let mut one = detection(&session, pack, expectation.detection, now, &mut result.reading)?;
        one.expect(expectation);
        result.detections.push(one);
    }
    result.missing = missing(&session, pack, case, &result.detections, now);
    Ok(())
}

/// Looks for signals.
pub(crate) fn signals(session: &Session, all: &[Signal], now: i64, reading: &mut Reading) -> Vec<SignalResult> {
    let context = Context::at(now);
    let each = all.iter().map(|signal| {
        let found = rows(session, signal, &context, reading).map_err(|e| e.to_string());
        let holds = found.as_ref().is_ok_and(|n| signal.rows.holds(*n));
        SignalResult { title: signal.title.clone(), wanted: signal.rows, found, holds }
    });
    each.collect()
}

/// Runs a detection of which nothing is expected yet.
pub(crate) fn detection(
    session: &Session,
    pack: &Pack,
    index: usize,
    now: i64,
    reading: &mut Reading,
) -> Result<DetectionResult, String> {
    let began = Instant::now();
    let detection = pack.detections.get(index).ok_or("no such detection")?;
    let (mut events, mut eventless) = (Vec::<Event>::new(), 0);
    let mut sink = |finding: &crate::Finding| {
        match &finding.event {
            // A row may stand for an event that another row stands for too.
            Some(event) if events.len() < KEPT && !events.contains(event) => events.push(event.clone()),
            Some(_) => {}
            None => eventless += 1,
        }
        Ok(())
    };
    let ran = run(session, pack, detection, &When::At(now), reading, &mut |_: &str, _: &_| {}, &mut sink);
    let ran = ran.map_err(|e| e.to_string())?;
    let (actual, lacking) = match ran.outcome {
        RunOutcome::Ran => (Actual::Found(ran.found), Vec::new()),
        RunOutcome::NotApplicable(lacking) => (Actual::NotApplicable, lacking),
        RunOutcome::Failed(e) => (Actual::Failed(e.to_string()), Vec::new()),
    };
    Ok(DetectionResult {
        index,
        detection: detection.id.clone(),
        expected: None,
        reason: String::new(),
        actual,
        events,
        eventless,
        lacking,
        took: began.elapsed(),
        holds: true,
    })
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

impl DetectionResult {
    /// Holds it against what is expected.
    pub(crate) fn expect(&mut self, e: &Expectation) {
        self.expected = Some(e.outcome);
        self.reason.clone_from(&e.reason);
        self.holds = holds(e.outcome, &self.actual);
    }
}

/// The formats of a case's telemetry; none where it can't be opened.
pub(crate) fn formats_of(pack: &Pack, case: &Case, options: &Options, scratch: &Path) -> Vec<&'static str> {
    let paths = case.telemetry.iter().filter_map(|t| pack.files.on_disk(t, scratch).ok());
    let paths: Vec<String> = paths.map(|p| p.display().to_string()).collect();
    let sources = parallax_telemetry::source::discover(&paths, &options.telemetry, &parallax_telemetry::Report::new());
    formats(&sources)
}

/// The formats of some sources, each once, in order.
fn formats(sources: &[Source]) -> Vec<&'static str> {
    let formats: BTreeSet<&'static str> = sources.iter().map(|s| s.format.name()).collect();
    formats.into_iter().collect()
}

impl Actual {
    /// What happened, as a sentence says it.
    pub fn sentence(&self) -> String {
        match self {
            Actual::Found(n) => format!("found {n}"),
            Actual::NotApplicable => "but nothing it reads is offered".to_owned(),
            Actual::Failed(e) => format!("but it failed: {e}"),
        }
    }

    /// Whether something was found.
    pub fn fired(&self) -> bool {
        matches!(self, Actual::Found(n) if *n > 0)
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
