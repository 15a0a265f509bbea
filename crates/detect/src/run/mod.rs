//! Running detections over a session.

mod applies;
mod kept;
mod query;
mod sentinel;
mod sigma;
mod sink;
mod together;

pub use applies::applies;
pub use sink::{Pen, Pens, TakeFindings};

use crate::pack::{Detection, Pack, Severity};
use crate::source::{About, Body, Detections, Rule};
use parallax_engine::{Census, Error, Kept, Session};
use parallax_telemetry::{Damage, Report};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// What became of one detection.
#[derive(Debug)]
pub struct DetectionRun {
    /// What people say of it.
    pub about: Arc<About>,
    /// The rule's name, [`About::name`].
    pub rule: String,
    /// How bad its findings are.
    pub severity: Severity,
    /// How it ended.
    pub outcome: RunOutcome,
    /// How much it found.
    pub found: usize,
    /// The worst of that; a rule may judge each of its findings.
    pub worst: Option<Severity>,
    /// Events read, events of those before the query's own time window, and that window's beginning (nanoseconds since
    /// the Unix epoch) where it has one.
    pub outside: (u64, u64, Option<i64>),
    /// At how many reference times the query ran; see [`When::Recorded`].
    pub times: usize,
    /// Whether it ran once over all recorded time, without its own bound.
    pub whole: bool,
    /// Whether it would have had to run at more reference times than [`TIMES`] to look at every event.
    pub cut_short: bool,
    /// The query's warnings, rendered.
    pub warnings: Vec<String>,
}

/// The most reference times at which one detection runs.
pub const TIMES: usize = 2_000;

/// When detections are to run.
#[derive(Clone, Debug)]
pub enum When {
    /// Once, with this reference time in nanoseconds since the Unix epoch.
    At(i64),
    /// As if they had been running all the time that was recorded: at the time of the latest event, and where a query
    /// looks back only so far, again at the end of the time before that, until every event was within its reach. A
    /// query that looks at each event alone needs but one run, without that bound.
    Recorded(Arc<Census>),
}

/// How a detection ended.
#[derive(Debug)]
pub enum RunOutcome {
    /// It ran.
    Ran,
    /// Nothing it reads is offered by any input. The tables or fields that it wants.
    NotApplicable(Vec<String>),
    /// Its query is wrong or failed.
    Failed(Error),
}

/// What was read and what could not be, over all queries of a run: the same file is read by several.
#[derive(Debug, Default)]
pub struct Reading {
    /// How many times inputs were read, wholly or in part.
    pub times: usize,
    /// Decompressed bytes, of the query that read most.
    pub bytes: u64,
    /// Events, of the query that read most.
    pub events: u64,
    /// Each thing that could not be read, once.
    pub damages: Vec<Damage>,
    /// How many things could not be read; more than `damages` where there were too many to keep.
    pub damaged: u64,
    /// What else was noted, with how often.
    pub notes: BTreeMap<String, u64>,
}

impl Reading {
    /// Takes in what one query, or the search for sources, read.
    pub fn add(&mut self, report: &Report) {
        self.bytes = self.bytes.max(report.bytes());
        self.events = self.events.max(report.events());
        let mut new = 0;
        for damage in report.damages() {
            if !self.damages.contains(&damage) {
                self.damages.push(damage);
                new += 1;
            }
        }
        // Threads find them in any order.
        self.damages.sort_by(|a, b| (&a.file, a.position).cmp(&(&b.file, b.position)));
        let kept = report.damages().len() as u64;
        let beyond = report.damaged().saturating_sub(kept);
        let known_beyond = self.damaged.saturating_sub(self.damages.len() as u64 - new);
        self.damaged = self.damages.len() as u64 + beyond.max(known_beyond);
        for (note, n) in report.notes() {
            let known = self.notes.entry(note).or_default();
            *known = n.max(*known);
        }
    }
}

/// Called with the report of each query as it starts, for those who show progress.
pub type Watch<'a> = &'a mut dyn FnMut(&str, &Arc<Report>);

/// Where findings go.
pub type Sink<'a> = &'a mut dyn TakeFindings;

impl DetectionRun {
    fn of(rule: &Rule) -> Self {
        DetectionRun {
            about: rule.about.clone(),
            rule: rule.about.name.clone(),
            severity: rule.about.severity,
            outcome: RunOutcome::Ran,
            found: 0,
            worst: None,
            outside: (0, 0, None),
            times: 0,
            whole: false,
            cut_short: false,
            warnings: Vec::new(),
        }
    }
}

impl DetectionRun {
    fn found(&mut self, severity: Severity) {
        self.found += 1;
        self.worst = self.worst.max(Some(severity));
    }
}

/// Why a run ends early.
enum Stop {
    Query(Error),
    Sink(io::Error),
}

impl From<Error> for Stop {
    fn from(e: Error) -> Self {
        Stop::Query(e)
    }
}

/// What is to run over what.
pub struct Job<'a> {
    /// The inputs.
    pub session: &'a Session,
    /// Everything that is loaded.
    pub detections: &'a Detections,
    /// For each rule whether its findings are asked for.
    pub chosen: &'a [bool],
    /// The reference time, in nanoseconds since the Unix epoch; without one, all recorded time is gone through.
    pub now: Option<i64>,
    /// The clock's time, which it is where no event has one.
    pub wall: i64,
}

/// What came of a job.
#[derive(Debug, Default)]
pub struct Ran {
    /// One for each rule that was to report, in their order.
    pub runs: Vec<DetectionRun>,
    /// The time of the latest event, where somebody had to know; `None` inside where no event has a time.
    pub latest: Option<Option<i64>>,
    /// The clock's time, which was the reference time where no event has one.
    pub wall: i64,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// When it happened, found out when it is asked for.
struct Clock<'a> {
    job: &'a Job<'a>,
    census: Option<Arc<Census>>,
}

impl Clock<'_> {
    fn when(&mut self, reading: &mut Reading) -> When {
        if let Some(now) = self.job.now {
            return When::At(now);
        }
        let census = self.census(reading);
        if census.latest.is_none() { When::At(self.job.wall) } else { When::Recorded(census) }
    }

    fn census(&mut self, reading: &mut Reading) -> Arc<Census> {
        let session = self.job.session;
        self.census
            .get_or_insert_with(|| {
                let census = session.census();
                reading.times += 1;
                reading.add(&census.report);
                Arc::new(census)
            })
            .clone()
    }
}

/// Runs everything that is chosen. Inputs are read as few times as can be.
///
/// # Errors
/// `sink` fails.
pub fn run_all(job: &Job<'_>, reading: &mut Reading, watch: Watch<'_>, sink: Sink<'_>) -> io::Result<Ran> {
    let mut clock = Clock { job, census: None };
    let rules = &job.detections.rules;
    let chosen = |at: usize| job.chosen.get(at).copied().unwrap_or(true) && rules[at].reports();
    let queries: Vec<usize> = (0..rules.len()).filter(|at| chosen(*at) && rules[*at].is_query()).collect();
    let mut notes = Vec::new();
    let mut runs = BTreeMap::new();
    // Whether a query has to know the time of the latest event is seen when it is planned.
    let sigma = (0..rules.len()).any(|at| chosen(at) && !rules[at].is_query());
    let mut plans = together::Plans::new(queries);
    let census = sigma && job.now.is_none() && plans.need_census(job);
    if let Some(out) = sigma::run(job, census, reading, watch, sink)? {
        runs = out.runs;
        clock.census = out.census.map(Arc::new);
        notes = out.notes;
    }
    let left = together::run(job, plans, &mut runs, &mut clock, reading, watch, sink)?;
    let mut others: Vec<(usize, Option<Kept>)> = left.others.into_iter().map(|at| (at, None)).collect();
    others.extend(left.kept.into_iter().map(|(at, kept)| (at, Some(kept))));
    others.sort_by_key(|(at, _)| *at);
    for (at, kept) in others {
        let rule = &rules[at];
        if let Body::Sentinel(analytics) = &rule.body {
            let census = clock.census(reading);
            let over = sentinel::Over { session: job.session, kept, census, now: job.now };
            runs.insert(at, sentinel::run(rule, analytics, &over, reading, sink)?);
            continue;
        }
        let when = clock.when(reading);
        let run = match (&kept, &when) {
            (Some(kept), When::Recorded(census)) => kept::run(job.session, rule, kept, census, sink)?,
            _ => None,
        };
        let run = match run {
            Some(run) => run,
            None => query::run(job.session, rule, &when, reading, watch, sink)?,
        };
        runs.insert(at, run);
    }
    let runs = runs.into_values().collect();
    Ok(Ran { runs, latest: clock.census.map(|c| c.latest), wall: job.wall, notes })
}

/// Runs one detection of a pack.
///
/// # Errors
/// `sink` fails.
pub fn run(
    session: &Session,
    pack: &Pack,
    detection: &Detection,
    when: &When,
    reading: &mut Reading,
    watch: Watch<'_>,
    sink: Sink<'_>,
) -> io::Result<DetectionRun> {
    let detections = Detections::of_detection(pack, detection, &session.placeholders());
    if let Some(fault) = detections.faults.first() {
        let about = Arc::new(crate::source::about_of(pack, detection));
        let failed = RunOutcome::Failed(Error::Query(fault.diagnostics.clone()));
        return Ok(DetectionRun { outcome: failed, ..DetectionRun::of(&Rule { about, body: Body::Query }) });
    }
    if let [rule @ Rule { body: Body::Query, .. }] = detections.rules.as_slice() {
        return query::run(session, rule, when, reading, watch, sink);
    }
    let now = match when {
        When::At(time) => Some(*time),
        When::Recorded(_) => None,
    };
    let chosen = vec![true; detections.rules.len()];
    let job = Job { session, detections: &detections, chosen: &chosen, now, wall: now.unwrap_or_default() };
    let ran = run_all(&job, reading, watch, sink)?;
    Ok(joined(ran.runs, &crate::source::about_of(pack, detection)))
}

/// The rules of one detection as one.
fn joined(runs: Vec<DetectionRun>, about: &About) -> DetectionRun {
    let about = Arc::new(about.clone());
    let mut one = DetectionRun::of(&Rule { about, body: Body::Query });
    one.times = 1;
    let mut lacking = Vec::new();
    let (mut ran, mut failed) = (false, None);
    for run in runs {
        one.found += run.found;
        one.worst = one.worst.max(run.worst);
        one.warnings.extend(run.warnings);
        match run.outcome {
            RunOutcome::Ran => ran = true,
            RunOutcome::NotApplicable(what) => lacking.extend(what),
            RunOutcome::Failed(e) => failed = Some(e),
        }
    }
    one.outcome = match failed {
        Some(e) => RunOutcome::Failed(e),
        None if ran || lacking.is_empty() => RunOutcome::Ran,
        None => RunOutcome::NotApplicable(lacking),
    };
    one
}
