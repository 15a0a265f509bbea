//! Running detections over a session.

use crate::finding::{Finding, finding};
use crate::pack::{Detection, Pack, Severity};
use parallax_diagnostics::Style;
use parallax_engine::{Census, Context, Dialect, Error, Execution, Session};
use parallax_telemetry::{Damage, Report};
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::Arc;

/// What became of one detection.
#[derive(Debug)]
pub struct DetectionRun {
    /// `pack/detection`.
    pub rule: String,
    /// How bad its findings are.
    pub severity: Severity,
    /// How it ended.
    pub outcome: RunOutcome,
    /// How much it found.
    pub found: usize,
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

/// Takes findings as they come; memory must not grow with their number.
pub type Sink<'a> = &'a mut dyn FnMut(&Finding) -> io::Result<()>;

/// Runs one detection.
pub fn run(
    session: &Session,
    pack: &Pack,
    detection: &Detection,
    when: &When,
    reading: &mut Reading,
    watch: Watch<'_>,
    sink: Sink<'_>,
) -> io::Result<DetectionRun> {
    let mut run = Running {
        session,
        pack,
        detection,
        reading,
        watch,
        sink,
        several: matches!(when, When::Recorded(_)),
        known: HashSet::new(),
        result: DetectionRun {
            rule: format!("{}/{}", pack.id, detection.id),
            severity: detection.severity,
            outcome: RunOutcome::Ran,
            found: 0,
            outside: (0, 0, None),
            times: 0,
            whole: false,
            cut_short: false,
            warnings: Vec::new(),
        },
    };
    match run.all(when) {
        Ok(()) => {}
        Err(Stop::Query(e)) => run.result.outcome = RunOutcome::Failed(e),
        Err(Stop::Sink(e)) => return Err(e),
    }
    Ok(run.result)
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

struct Running<'a> {
    session: &'a Session,
    pack: &'a Pack,
    detection: &'a Detection,
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
        let detection = self.detection;
        let dialect = Dialect::named(&detection.dialect).unwrap_or(Dialect::Sigma);
        let context = Context { provenance: true, ..Context::at(now) };
        let mut execution = start(self.session, dialect, &detection.query, &context)?;
        self.result.times += 1;
        if self.result.times == 1 {
            let (origin, style) = (self.pack.files.name(&detection.path), Style::Plain);
            let warnings = execution.diagnostics.iter().map(|d| d.render(&detection.query, &origin, style));
            self.result.warnings = warnings.collect();
        }
        (self.watch)(&self.result.rule, &execution.report);
        // Where there may be another reference time, the same event may be found again.
        let several = self.several && execution.outside.bound().is_some();
        let mut new = HashSet::new();
        for batch in &mut execution.rows {
            let batch = batch?;
            let rows = 0..batch.num_rows();
            for finding in
                rows.map(|row| finding(self.pack, detection, &execution.columns, execution.provenance, &batch, row))
            {
                if self.known.contains(&finding.id) {
                    continue;
                }
                self.result.found += 1;
                (self.sink)(&finding).map_err(Stop::Sink)?;
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
