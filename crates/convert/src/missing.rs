//! What becomes of values that say nothing.
//!
//! Sigma tells a missing field from an empty value and from `-`. KQL's text columns and Sumo's fields do not: what says
//! nothing is empty, or missing. Which tests that changes can be computed.

use crate::loss::Effect;
use crate::middle::{Condition, Field, Is, Test};
use crate::pattern;

/// What a test answers about a value; `None` is a missing one.
pub(crate) fn answer(is: &Is, value: Option<&str>) -> Option<bool> {
    Some(match (is, value) {
        (Is::Null, value) => value.is_none(),
        (Is::Exists(yes), value) => value.is_some() == *yes,
        (_, None) => false,
        (Is::Like(p), Some(v)) => pattern::covers(p, v),
        (Is::Matches(r), Some(v)) => pattern::found(&pattern::with_flags(r), v)?,
        (Is::Term(t), Some(v)) => pattern::found(&pattern::term(t), v)?,
        // An address, a number, a time: none of the texts that say nothing is one.
        (Is::In(_) | Is::Compares(..) | Is::TimePart(..), Some(_)) => false,
        (Is::Field(..), Some(_)) => return None,
    })
}

/// What a language does to the events that are found where values say nothing. `source`: the texts that are missing
/// where the test was written for; `target`: those that are missing where it is written now, of which it answers `holds`.
pub(crate) fn effect(is: &[&Is], source: &[String], target: &[String], holds: bool) -> Option<Effect> {
    let any = |value: Option<&str>| is.iter().any(|is| answer(is, value).unwrap_or(false));
    let mut values: Vec<Option<&str>> = vec![None];
    values.extend(source.iter().chain(target).map(|s| Some(s.as_str())));
    let (mut fewer, mut more) = (false, false);
    for value in values {
        let among = |list: &[String]| value.is_none_or(|v| list.iter().any(|s| s == v));
        let before = any(value.filter(|_| !among(source)));
        let after = if among(target) { holds } else { any(value) };
        fewer |= before && !after;
        more |= !before && after;
    }
    match (fewer, more) {
        (false, false) => None,
        (true, false) => Some(Effect::Narrows),
        (false, true) => Some(Effect::Widens),
        (true, true) => Some(Effect::Either),
    }
}

/// What tests answer about a missing value.
pub(crate) fn none(is: &[&Is]) -> bool {
    is.iter().any(|is| answer(is, None).unwrap_or(false))
}

/// Tests that stand side by side as alternatives of one field, with whether they stand under an odd number of negations.
pub(crate) fn units(condition: &Condition) -> Vec<(Vec<&Test>, bool)> {
    fn walk<'a>(condition: &'a Condition, negated: bool, found: &mut Vec<(Vec<&'a Test>, bool)>) {
        match condition {
            Condition::All(parts) => parts.iter().for_each(|c| walk(c, negated, found)),
            Condition::Any(parts) => {
                let first = found.len();
                for part in parts {
                    let Condition::Test(test) = part else {
                        walk(part, negated, found);
                        continue;
                    };
                    match found[first..].iter_mut().find(|(tests, n)| *n == negated && tests[0].field == test.field) {
                        Some((tests, _)) => tests.push(test),
                        None => found.push((vec![test], negated)),
                    }
                }
            }
            Condition::Not(inner) => walk(inner, !negated, found),
            Condition::Test(test) => found.push((vec![test], negated)),
            Condition::Always(_) => {}
        }
    }
    let mut found = Vec::new();
    walk(condition, false, &mut found);
    found
}

/// A test for a value that says nothing, missing or empty, which every language has.
pub(crate) fn says_nothing(condition: &Condition) -> Option<(Field, &Test)> {
    let Condition::Any(parts) = condition else { return None };
    let [Condition::Test(a), Condition::Test(b)] = parts.as_slice() else { return None };
    let (Some(one), Some(other)) = (&a.field, &b.field) else { return None };
    let pair = |a: &Test, b: &Test| a.is == Is::Null && is_empty(&b.is);
    (one == other && (pair(a, b) || pair(b, a))).then(|| (one.clone(), a))
}

/// Whether it is a test for a missing or for an empty value.
fn is_half(condition: &Condition) -> bool {
    matches!(condition, Condition::Test(test) if test.is == Is::Null || is_empty(&test.is))
}

/// Whether the test is for the empty text.
pub(crate) fn is_empty(is: &Is) -> bool {
    matches!(is, Is::Like(p) if p.parts.is_empty())
}

/// Brings tests for a missing and for an empty value of the same field together, wherever they stand side by side.
pub(crate) fn paired(condition: &Condition) -> Condition {
    match condition {
        Condition::Any(parts) => Condition::Any(pair_up(parts, |c| c, |c| c)).flattened(),
        Condition::All(parts) => {
            let open = |c: &Condition| match c {
                Condition::Not(inner) => (**inner).clone(),
                // Only negations can be brought together under `and`.
                _ => Condition::Always(true),
            };
            Condition::All(pair_up_all(parts, open))
        }
        Condition::Not(inner) => Condition::Not(Box::new(paired(inner))),
        other => other.clone(),
    }
}

fn pair_up(
    parts: &[Condition],
    open: impl Fn(Condition) -> Condition,
    close: impl Fn(Condition) -> Condition,
) -> Vec<Condition> {
    let mut left: Vec<Condition> = parts.iter().map(paired).map(open).collect();
    let mut out = Vec::new();
    while !left.is_empty() {
        let one = left.remove(0);
        let with = |other: &Condition| says_nothing(&Condition::Any(vec![one.clone(), other.clone()])).is_some();
        let partner = if is_half(&one) { left.iter().position(with) } else { None };
        out.push(close(match partner {
            Some(at) => Condition::Any(vec![one, left.remove(at)]),
            None => one,
        }));
    }
    out
}

fn pair_up_all(parts: &[Condition], open: impl Fn(&Condition) -> Condition) -> Vec<Condition> {
    let mut left: Vec<Condition> = parts.iter().map(paired).collect();
    let mut out = Vec::new();
    while !left.is_empty() {
        let one = left.remove(0);
        let inner = open(&one);
        let with = |other: &Condition| says_nothing(&Condition::Any(vec![inner.clone(), open(other)])).is_some();
        let partner = if is_half(&inner) { left.iter().position(with) } else { None };
        out.push(match partner {
            Some(at) => {
                let other = open(&left.remove(at));
                Condition::Not(Box::new(Condition::Any(vec![inner, other])))
            }
            None => one,
        });
    }
    out
}

impl Condition {
    /// `Any` of one is that one.
    fn flattened(self) -> Self {
        match self {
            Condition::Any(mut parts) if parts.len() == 1 => parts.remove(0),
            other => other,
        }
    }
}
