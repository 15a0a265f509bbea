//! A query at all the times at which it would have run, over the events that were kept for it.

use super::{DetectionRun, RunOutcome, Sink, Stop, TIMES};
use crate::finding::finding;
use crate::source::Rule;
use parallax_diagnostics::Style;
use parallax_engine::{Census, Context, Kept, Session};
use std::collections::HashSet;
use std::io;
use std::sync::Arc;

/// Runs it; nothing where it does not look at other times as it did when its events were read.
pub(super) fn run(
    session: &Session,
    rule: &Rule,
    kept: &Kept,
    census: &Arc<Census>,
    sink: Sink<'_>,
) -> io::Result<Option<DetectionRun>> {
    let mut result = DetectionRun::of(rule);
    match all(session, rule, kept, census, &mut result, sink) {
        Ok(true) => Ok(Some(result)),
        Ok(false) => Ok(None),
        Err(Stop::Query(e)) => Ok(Some(DetectionRun { outcome: RunOutcome::Failed(e), ..result })),
        Err(Stop::Sink(e)) => Err(e),
    }
}

fn all(
    session: &Session,
    rule: &Rule,
    kept: &Kept,
    census: &Arc<Census>,
    result: &mut DetectionRun,
    sink: Sink<'_>,
) -> Result<bool, Stop> {
    let about = &rule.about;
    let mut known = HashSet::new();
    let mut next = census.latest;
    let mut last_bound = None;
    while let Some(at) = next {
        if result.times >= TIMES {
            result.cut_short = true;
            break;
        }
        let context = Context { provenance: true, ..Context::at(at) };
        let Some(mut run) = session.query_kept(kept, &context, Some(census), None)? else {
            return if result.times == 0 { Ok(false) } else { Err(changed()) };
        };
        result.times += 1;
        if result.times == 1 {
            let warnings = run.diagnostics.iter().map(|d| d.render(&about.text, &about.file, Style::Plain));
            result.warnings = warnings.collect();
        }
        let mut new = HashSet::new();
        for batch in &mut run.rows {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                let found = finding(about, &run.columns, run.provenance, &batch, row);
                if known.contains(&found.id) {
                    continue;
                }
                result.found(found.severity);
                sink.finding(&found).map_err(Stop::Sink)?;
                new.insert(found.id);
            }
        }
        known.extend(new);
        let bound = run.bound.filter(|b| *b < at && run.before > 0 && Some(*b) != last_bound);
        last_bound = run.bound;
        next = bound.and_then(|b| census.before(b));
    }
    let lacking = kept.lacking();
    if result.found == 0 && !lacking.is_empty() {
        result.outcome = RunOutcome::NotApplicable(lacking);
    }
    Ok(true)
}

fn changed() -> Stop {
    Stop::Query(parallax_engine::Error::Execution("the query reads other columns at another time".to_owned()))
}
