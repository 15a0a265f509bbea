//! Why a query returned an event: the conditions of its steps that held, with the text that matched.

use super::{Place, by_source};
use crate::model::Reason;
use parallax_engine::{Context, Dialect, Error, Followed, Part, Role, Session, Shown};
use std::collections::HashMap;

/// Follows the events through the query in one reading, and says for each why the query returned it.
///
/// # Errors
/// What is wrong with the query, and what fails while events are read.
pub fn reasons(
    session: &Session,
    dialect: Dialect,
    query: &str,
    context: &Context,
    events: &[Place],
) -> Result<HashMap<Place, Vec<Reason>>, Error> {
    let (followed, _) = session.follow_through(dialect, query, context, &by_source(events))?;
    let mut all = HashMap::new();
    for event in &followed {
        let Some(place) = event.source().map(str::to_owned).zip(event.record()) else { continue };
        let known: &mut Vec<Reason> = all.entry(place).or_default();
        for reason in of(event, query) {
            if !known.contains(&reason) {
                known.push(reason);
            }
        }
    }
    Ok(all)
}

/// The conditions that held, step by step. Of the conditions of one alternative, those that are true.
fn of(event: &Followed, query: &str) -> Vec<Reason> {
    let mut found = Vec::new();
    for step in &event.steps {
        for part in &step.parts {
            collect(part, query, &mut found);
        }
    }
    found
}

fn collect(part: &Part, query: &str, found: &mut Vec<Reason>) {
    let holds = part.value.as_ref().is_some_and(Shown::is_true);
    match part.role {
        Role::All | Role::Any | Role::Named(_) => part.parts.iter().for_each(|p| collect(p, query, found)),
        // What is denied did not match: there is nothing to mark.
        Role::Not => {}
        Role::Test if holds => found.extend(reason(part, query)),
        _ => {}
    }
}

fn reason(test: &Part, query: &str) -> Option<Reason> {
    let operand = test.parts.iter().find(|p| p.role == Role::Operand);
    let text = |part: &Part| part.value.as_ref().and_then(|v| v.text.clone());
    let hits = || test.parts.iter().filter(|p| matches!(p.role, Role::Needle(_)));
    // The text in which the needles stand; where there is none, what the condition looked at.
    let within = hits().find_map(|p| p.within.clone());
    let value = within.or_else(|| operand.and_then(text)).unwrap_or_default();
    let mut marks: Vec<(usize, usize)> = hits()
        .filter(|p| p.within.as_ref().is_none_or(|w| *w == value))
        .filter_map(|p| p.hit.map(|h| (h.start, h.end)))
        .collect();
    // The text that a regular expression matched, where it first stands.
    let matched = test.parts.iter().filter(|p| p.role == Role::Matched).filter_map(text).filter(|t| !t.is_empty());
    marks.extend(matched.filter_map(|m| value.find(&m).map(|at| (at, at + m.len()))));
    marks.sort_unstable();
    marks.dedup();
    let field = operand.map(|p| squeeze(p.span.of(query))).filter(|f| !f.is_empty());
    // That the time lies within the query's window says nothing of the event.
    let time = operand.and_then(|p| p.value.as_ref()).is_some_and(|v| v.type_name == "datetime");
    (!time).then(|| Reason { field, value, test: squeeze(test.span.of(query)), marks })
}

/// A piece of a query on one line.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
