//! Correlations over what the rules matched, by time.

use super::super::{Job, Sink};
use super::Out;
use super::make::{Pending, column};
use super::plan::correlation;
use crate::finding::{Event, Finding, Hash, Related};
use parallax_engine::value::ticks_of_nanos;
use parallax_sigma::correlate::{Correlator, Match};
use serde_json::Value as Json;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

/// Gives the matches to the correlations, by time.
pub(super) fn correlate(
    job: &Job<'_>,
    correlator: &mut Correlator<Arc<Event>>,
    mut pending: Vec<Pending>,
    out: &mut Out,
    sink: Sink<'_>,
) -> io::Result<()> {
    // Stable: of the same time, the order of the sources.
    pending.sort_by_key(|p| p.time);
    let mut failed = Ok(());
    let mut report = |found: Match<Arc<Event>>| {
        let Some(run) = out.runs.get_mut(&found.correlation) else { return };
        let finding = finding(job, found);
        run.found(finding.severity);
        if failed.is_ok() {
            failed = sink.finding(&finding);
        }
    };
    for one in pending {
        let fields = correlator.fields(one.rule).to_vec();
        let values: Vec<Option<Rc<str>>> = one.values.iter().map(|v| v.as_deref().map(Rc::from)).collect();
        let value = |name: &str| values.get(fields.iter().position(|f| f == name)?)?.clone();
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
fn finding(job: &Job<'_>, found: Match<Arc<Event>>) -> Finding {
    let about = &job.detections.rules[found.correlation].about;
    let mut hash = Hash::default();
    hash.put(Some(&about.name));
    for (name, value) in &found.group {
        hash.put(Some(name));
        hash.put(Some(value));
    }
    let first = found.events.iter().min_by_key(|(_, time, _)| *time);
    first.iter().for_each(|(_, _, event)| hash.event(event));
    let mut columns: Vec<_> =
        found.group.iter().map(|(name, value)| column(name, Some(value.as_str().into()))).collect();
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
