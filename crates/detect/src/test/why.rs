//! Why a detection does not see an event: the predicate that drops it, or what it does not read.

use super::case::{Actual, DetectionResult};
use crate::finding::Event;
use crate::pack::Detection;
use parallax_diagnostics::Span;
use parallax_engine::{Context, Dialect, Followed, Part, Pick, Role, Session, Shown};

/// The longest piece of a query that is quoted.
const QUOTED: usize = 160;

/// The most operands whose values are told.
const OPERANDS: usize = 4;

/// Why a detection does not see an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Nothing that it reads is offered by the telemetry: these tables or fields.
    NotApplicable(Vec<String>),
    /// The event is a row of none of the tables that it reads.
    NotRead(Vec<String>),
    /// A predicate is not true of it.
    Predicate {
        /// The line of the query, from 1.
        line: usize,
        /// The predicate, on one line.
        text: String,
        /// Whether it is to be false and is true.
        negated: bool,
        /// What it looks at, with the event's values.
        values: Vec<(String, String)>,
    },
    /// It goes through every step that can be followed; what comes then puts several events together.
    Beyond(String),
    /// The query failed.
    Failed(String),
    /// It could not be found out.
    Unknown(String),
}

impl Why {
    /// What is the same for other events that are not seen for the same reason.
    pub fn kind(&self) -> Why {
        match self {
            Why::Predicate { line, text, negated, .. } => {
                Why::Predicate { line: *line, text: text.clone(), negated: *negated, values: Vec::new() }
            }
            other => other.clone(),
        }
    }

    /// As a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Why::NotApplicable(lacking) => format!("no input offers what it reads: {}", lacking.join(", ")),
            Why::NotRead(tables) => format!("the event is no row of {}, which it reads", tables.join(", ")),
            Why::Predicate { line, text, negated, values } => {
                let values: Vec<String> = values.iter().map(|(name, value)| format!("{name} = {value}")).collect();
                let values = if values.is_empty() { String::new() } else { format!(": {}", values.join(", ")) };
                let truth = if *negated { "true, and must not be" } else { "not true" };
                format!("line {line}: `{text}` is {truth}{values}")
            }
            Why::Beyond(text) => format!("it passes the conditions on single events; `{text}` puts events together"),
            Why::Failed(why) => format!("the query failed: {why}"),
            Why::Unknown(why) => why.clone(),
        }
    }
}

pub(super) fn why(session: &Session, detection: &Detection, result: &DetectionResult, event: &Event, now: i64) -> Why {
    match &result.actual {
        Actual::NotApplicable => return Why::NotApplicable(result.lacking.clone()),
        Actual::Failed(e) => return Why::Failed(e.lines().next().unwrap_or_default().to_owned()),
        Actual::Found(_) => {}
    }
    let unknown = |why: &str| Why::Unknown(why.to_owned());
    let Some(dialect) = Dialect::named(&detection.dialect) else { return unknown("its dialect is not known") };
    let (Some(source), Some(record)) = (&event.source, event.record) else {
        return unknown("where the event was recorded is not known");
    };
    let pick = Pick::At(vec![source.clone()], record);
    let context = Context { provenance: true, ..Context::at(now) };
    let text = &detection.query;
    match session.follow_steps(dialect, text, &context, &pick, 1) {
        Err(e) => Why::Unknown(format!("the event can't be followed: {}", first_line(&e.to_string()))),
        Ok((followed, _)) => match followed.first() {
            Some(followed) => of(followed, text),
            None => {
                let tables = session.explain(dialect, text, &context).map(|e| e.tables).unwrap_or_default();
                Why::NotRead(tables.into_iter().map(|t| t.name).collect())
            }
        },
    }
}

fn of(followed: &Followed, text: &str) -> Why {
    if let Some(step) = followed.dropped.and_then(|at| followed.steps.get(at)) {
        let Some((part, wanted)) = step.parts.iter().find(|p| !holds(p)).map(|p| decisive(p, true)) else {
            let (line, text) = (line(step.span, text), piece(step.span, text));
            return Why::Predicate { line, text, negated: false, values: Vec::new() };
        };
        let mut values = Vec::new();
        operands(part, text, &mut values);
        return Why::Predicate { line: line(part.span, text), text: piece(part.span, text), negated: !wanted, values };
    }
    match &followed.beyond {
        Some(beyond) => Why::Beyond(piece(beyond.span, text)),
        None => {
            Why::Unknown("no step drops it: the query returns it in a row that stands for another event".to_owned())
        }
    }
}

fn holds(part: &Part) -> bool {
    part.value.as_ref().is_some_and(Shown::is_true)
}

/// The part that decides that `part` is not what is wanted, and what is wanted of it.
fn decisive(part: &Part, wanted: bool) -> (&Part, bool) {
    let is_condition = |p: &&Part| !matches!(p.role, Role::Operand | Role::Needle(_) | Role::Matched);
    let conditions = || part.parts.iter().filter(is_condition);
    let all = matches!(part.role, Role::All | Role::Named(_));
    match (&part.role, wanted) {
        (Role::Not, _) => conditions().next().map_or((part, wanted), |inner| decisive(inner, !wanted)),
        // A part that has but one is that one.
        (Role::All | Role::Any | Role::Named(_), _) if conditions().count() == 1 => {
            conditions().next().map_or((part, wanted), |p| decisive(p, wanted))
        }
        (_, true) if all => conditions().find(|p| !holds(p)).map_or((part, wanted), |p| decisive(p, true)),
        (Role::Any, false) => conditions().find(|p| holds(p)).map_or((part, wanted), |p| decisive(p, false)),
        // None of several is true, or all are: that is the reason.
        _ => (part, wanted),
    }
}

/// What a condition looks at, each thing once; of very many the first.
fn operands(part: &Part, text: &str, all: &mut Vec<(String, String)>) {
    for inner in &part.parts {
        if matches!(inner.role, Role::Operand) {
            let name = piece(inner.span, text);
            if all.len() < OPERANDS && !name.is_empty() && all.iter().all(|(n, _)| *n != name) {
                all.push((name, inner.value.as_ref().map_or_else(|| "null".to_owned(), shown)));
            }
        } else {
            operands(inner, text, all);
        }
    }
}

fn line(span: Span, text: &str) -> usize {
    text.get(..span.start).map_or(1, |before| before.matches('\n').count() + 1)
}

/// A piece of a query on one line.
fn piece(span: Span, text: &str) -> String {
    cut(&span.of(text).split_whitespace().collect::<Vec<_>>().join(" "))
}

fn shown(value: &Shown) -> String {
    match (&value.text, value.type_name) {
        (None, _) => "null".to_owned(),
        (Some(text), "string") => format!("\"{}\"", cut(text)),
        (Some(text), _) => cut(text),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
