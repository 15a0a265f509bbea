//! Why an event fulfils a rule.

use super::evaluate::{folded, text};
use super::{FIELDS, RAW, Rules};
use crate::meaning::{Glob, Meaning, each_value, regex};
use crate::tree::{Case, Condition, Is, Order, Part, Pattern, Piece, Test, TimePart};
use parallax_telemetry::Value;

/// Longer values are cut to what stands around the match.
const LONGEST: usize = 32 << 10;
/// How much of a value that is cut stands before the match.
const BEFORE: usize = 1 << 10;

/// A test that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The field; `None` for a keyword.
    pub field: Option<String>,
    /// Its value; of a very long one what stands around the match.
    pub value: String,
    /// Where in the value what the rule looks for stands: ranges of bytes. Empty where it is the value as a whole.
    pub marks: Vec<(usize, usize)>,
    /// The test in words: `contains "lua"`.
    pub test: String,
}

/// The tests that make the rule's condition hold; none if it does not.
pub(super) fn reasons<'v>(rules: &Rules, rule: usize, values: &dyn Fn(usize) -> Value<'v>) -> Vec<Reason> {
    let value = |name: &str| {
        let at = rules.fields.iter().position(|f| f == name)?;
        text(values(at)).map(String::from)
    };
    let mut reasons = why(&rules.rules[rule].condition, &value).unwrap_or_default();
    let mut seen = hashbrown::HashSet::new();
    reasons.retain(|r| seen.insert((r.field.clone(), r.test.clone())));
    reasons
}

fn why(condition: &Condition, value: &dyn Fn(&str) -> Option<String>) -> Option<Vec<Reason>> {
    match condition {
        Condition::And(each) => Some(each.iter().map(|c| why(c, value)).collect::<Option<Vec<_>>>()?.concat()),
        Condition::Or(each) => {
            let held: Vec<_> = each.iter().filter_map(|c| why(c, value)).collect();
            (!held.is_empty()).then(|| held.concat())
        }
        Condition::Not(inner) => why(inner, value).is_none().then(Vec::new),
        Condition::Test(test) => {
            let meaning = Meaning::new(&test.is).ok()?;
            let Some(field) = &test.field else { return keyword(test, &meaning, value) };
            let other = if let Is::Field(_, other, _) = &test.is { value(other) } else { None };
            let text = value(field);
            meaning.holds(text.as_deref(), other.as_deref()).then(|| {
                let text = text.unwrap_or_default();
                let mark = mark(&test.is, &text, other.as_deref(), false);
                vec![reason(Some(field.clone()), &text, mark, &test.is)]
            })
        }
    }
}

fn keyword(test: &Test, meaning: &Meaning, value: &dyn Fn(&str) -> Option<String>) -> Option<Vec<Reason>> {
    let mut found = None;
    let mut look = |text: &str| {
        if found.is_none() && meaning.held(text) {
            found = Some(reason(None, text, mark(&test.is, text, None, true), &test.is));
        }
    };
    // A field's value is the shorter text to show.
    if let Some(fields) = value(FIELDS) {
        each_value(&fields, &mut look);
    }
    if let Some(raw) = value(RAW) {
        look(&raw);
    }
    found.map(|reason| vec![reason])
}

fn reason(field: Option<String>, value: &str, mark: Option<(usize, usize)>, is: &Is) -> Reason {
    let (mut from, mut to) = (0, value.len());
    if value.len() > LONGEST {
        let start = mark.map_or(0, |(start, _)| start);
        from = value.floor_char_boundary(start.saturating_sub(BEFORE));
        to = value.floor_char_boundary((from + LONGEST).min(value.len()));
    }
    let mark = mark.filter(|(start, end)| start < end && *start < to);
    let marks = mark.map(|(start, end)| (start - from, end.min(to) - from)).into_iter().collect();
    Reason { field, value: value[from..to].to_owned(), marks, test: words(is) }
}

/// Where what a test looks for stands in a value that passes it.
fn mark(is: &Is, value: &str, other: Option<&str>, anywhere: bool) -> Option<(usize, usize)> {
    match is {
        Is::Like(pattern) => {
            let glob = Glob::new(pattern);
            let find = |text: &str| if anywhere { glob.find(text) } else { glob.matched(text) };
            if pattern.case == Case::Counts {
                return find(value);
            }
            let folded = folded(value);
            find(&folded).map(|span| unfolded(value, &folded, span))
        }
        Is::Matches(expression) => regex(expression).ok()?.find(value).map(|m| (m.start(), m.end())),
        Is::Field(part, _, case) => {
            let (other, any) = (Piece::Text(other?.to_owned()), Piece::Any);
            let parts = match part {
                Part::Whole => vec![other],
                Part::Somewhere => vec![any.clone(), other, any],
                Part::Start => vec![other, any],
                Part::End => vec![any, other],
            };
            mark(&Is::Like(Pattern { parts, case: *case }), value, None, false)
        }
        _ => None,
    }
}

/// A range of the folded text in the text itself. Folding keeps the number of characters, not that of bytes.
fn unfolded(text: &str, folded: &str, (start, end): (usize, usize)) -> (usize, usize) {
    if text.is_ascii() {
        return (start, end);
    }
    let place = |at: usize| {
        let characters = folded[..at].chars().count();
        text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at)
    };
    (place(start), place(end))
}

/// A test in words.
fn words(is: &Is) -> String {
    match is {
        Is::Like(pattern) => {
            let cased = if pattern.case == Case::Counts { ", case counting" } else { "" };
            let words = match pattern.parts.as_slice() {
                [] => "is empty".to_owned(),
                [Piece::Any] => "is there".to_owned(),
                [Piece::Text(t)] => format!("is \"{t}\""),
                [Piece::Text(t), Piece::Any] => format!("begins with \"{t}\""),
                [Piece::Any, Piece::Text(t)] => format!("ends with \"{t}\""),
                [Piece::Any, Piece::Text(t), Piece::Any] => format!("contains \"{t}\""),
                parts => format!("is like \"{}\"", parts.iter().map(glyph).collect::<String>()),
            };
            words + cased
        }
        Is::Matches(expression) => {
            let flags = [(expression.ignore_case, 'i'), (expression.multi_line, 'm'), (expression.dot_all, 's')];
            let flags: String = flags.iter().filter(|(on, _)| *on).map(|(_, flag)| *flag).collect();
            format!("matches /{}/{flags}", expression.text)
        }
        Is::In(network) => format!("is in {}/{}", network.address, network.bits),
        Is::Compares(order, number) => format!("is {} {number}", sign(*order)),
        Is::Field(part, other, _) => match part {
            Part::Whole => format!("is the same as {other}"),
            Part::Somewhere => format!("contains {other}"),
            Part::Start => format!("begins with {other}"),
            Part::End => format!("ends with {other}"),
        },
        Is::Exists(true) => "is there".to_owned(),
        Is::Exists(false) => "is not there".to_owned(),
        Is::Null => "is null".to_owned(),
        Is::TimePart(part, number) => format!("has the {} {number}", unit(*part)),
    }
}

fn glyph(piece: &Piece) -> String {
    match piece {
        // As it is written in a rule.
        Piece::Text(text) => text.replace('*', "\\*").replace('?', "\\?"),
        Piece::One => "?".to_owned(),
        Piece::Any => "*".to_owned(),
    }
}

fn sign(order: Order) -> &'static str {
    match order {
        Order::Less => "<",
        Order::LessOrEqual => "<=",
        Order::Greater => ">",
        Order::GreaterOrEqual => ">=",
        Order::NotEqual => "!=",
    }
}

fn unit(part: TimePart) -> &'static str {
    match part {
        TimePart::Minute => "minute",
        TimePart::Hour => "hour",
        TimePart::Day => "day",
        TimePart::Week => "week",
        TimePart::Month => "month",
        TimePart::Year => "year",
    }
}
