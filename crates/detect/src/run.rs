//! Running detections over a session.

use crate::finding::{Finding, findings};
use crate::pack::{Detection, Pack};
use parallax_engine::{Context, Dialect, Error, Session};
use parallax_telemetry::{Damage, Report};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What became of one detection.
#[derive(Debug)]
pub struct DetectionRun {
    /// `pack/detection`.
    pub rule: String,
    /// How it ended.
    pub outcome: RunOutcome,
    /// What it found.
    pub findings: Vec<Finding>,
    /// Events read, events of those before the query's own time window, and that window's beginning (nanoseconds since
    /// the Unix epoch) where it has one.
    pub outside: (u64, u64, Option<i64>),
    /// The query's warnings, rendered.
    pub warnings: Vec<String>,
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

/// Runs one detection.
pub fn run(
    session: &Session,
    pack: &Pack,
    detection: &Detection,
    context: &Context,
    reading: &mut Reading,
    watch: Watch<'_>,
) -> DetectionRun {
    let rule = format!("{}/{}", pack.id, detection.id);
    let mut result = DetectionRun {
        rule,
        outcome: RunOutcome::Ran,
        findings: Vec::new(),
        outside: (0, 0, None),
        warnings: Vec::new(),
    };
    let context = Context { provenance: true, ..context.clone() };
    let dialect = Dialect::named(&detection.dialect).unwrap_or(Dialect::Sigma);
    let mut execution = match session.query(dialect, &detection.query, &context) {
        Ok(execution) => execution,
        Err(e) => {
            result.outcome = RunOutcome::Failed(e);
            return result;
        }
    };
    let origin = pack.files.name(&detection.path);
    let plain = parallax_diagnostics::Style::Plain;
    result.warnings = execution.diagnostics.iter().map(|d| d.render(&detection.query, &origin, plain)).collect();
    watch(&result.rule, &execution.report);
    for batch in &mut execution.rows {
        match batch {
            Ok(batch) => {
                let found = findings(pack, detection, &execution.columns, execution.provenance, &batch);
                result.findings.extend(found);
            }
            Err(e) => {
                result.outcome = RunOutcome::Failed(e);
                break;
            }
        }
    }
    reading.add(&execution.report);
    let (before, read) = execution.outside.counts();
    result.outside = (read, before, execution.outside.bound());
    if matches!(result.outcome, RunOutcome::Ran) && result.findings.is_empty() {
        let lacking = execution.lacking();
        if !lacking.is_empty() {
            result.outcome = RunOutcome::NotApplicable(lacking);
        }
    }
    result
}
