//! Whether the inputs have what a rule needs, as far as can be said without reading them.

use crate::source::{Body, Detections};
use parallax_engine::{Context, Session};
use parallax_sigma::tree::Rule;
use parallax_sigma::{applicable, can_fire};
use parallax_telemetry::logsource::Sorter;
use parallax_telemetry::{Format, LogSource, view};

/// Whether the rule can find anything in the inputs; if not, what is lacking. Nothing without inputs.
pub fn applies(session: &Session, detections: &Detections, at: usize) -> Option<Result<(), String>> {
    if session.sources().is_empty() {
        return None;
    }
    let rule = detections.rules.get(at)?;
    Some(match &rule.body {
        Body::Query | Body::Sentinel(_) => query(session, rule.about.dialect, &rule.about.text),
        Body::Sigma(sigma) => match cannot_fire(&sigma.rule) {
            Some(why) => Err(why),
            None => log_source(session, &sigma.rule.logsource),
        },
        Body::Correlation(correlation) => {
            let each = correlation.of.iter().map(|of| applies(session, detections, *of));
            // One that applies is enough to count; the others are said when it runs.
            each.flatten().reduce(|a, b| if a.is_ok() { a } else { b }).unwrap_or(Ok(()))
        }
    })
}

/// Why no event that the rule is about can fulfil it: it asks for fields that none of them has.
pub(super) fn cannot_fire(rule: &Rule) -> Option<String> {
    if can_fire(rule) {
        return None;
    }
    let each = applicable(rule).into_iter().map(|a| format!("{} of {}", a.lacks.join(", "), a.events));
    Some(format!("fields {}", each.collect::<Vec<_>>().join("; ")))
}

/// Whether a source can hold such events, by its format.
fn log_source(session: &Session, wanted: &LogSource) -> Result<(), String> {
    let sorter = Sorter::new(std::slice::from_ref(wanted));
    let view = sorter.narrow(&view::logs(sorter.columns()));
    if session.sources().iter().any(|s| s.format != Format::Parquet && view.seen_in(s)) {
        return Ok(());
    }
    Err(format!("no input can hold log source {wanted}"))
}

fn query(session: &Session, dialect: parallax_engine::Dialect, text: &str) -> Result<(), String> {
    let tables = session.uses(dialect, text, &Context::at(0)).map_err(|e| e.to_string())?;
    if tables.is_empty() || tables.iter().any(|t| t.fed) {
        return Ok(());
    }
    let names: Vec<String> = tables.into_iter().map(|t| t.name).collect();
    Err(format!("no input feeds {}", names.join(", ")))
}
