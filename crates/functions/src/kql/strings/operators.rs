//! The string operators: `has` and its family, `contains`, `startswith`, `=~`, `in~`, `matches regex`.
//!
//! Rules as measured on the real engine: see [`crate::matcher`]. Case-insensitive operators fold ASCII only
//! (documented). Each is declared once, in its positive form; a negation is the caller's `not`, for strings are never
//! null. A list of needles is a dynamic: `has_any("a", "b")` is called with `["a","b"]`, whose elements count as
//! `tostring` of them (a null as the empty string, measured).

use crate::matcher::{Case, Matcher, Place, Quantifier, Run};
use crate::udf::{Body, Consts, Functions};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, ByteView, StringViewArray};
use datafusion::common::{DataFusionError, Result};
use std::collections::HashSet;
use std::sync::Arc;

pub(super) fn register(f: &mut Functions) {
    use Case::{Ascii, Sensitive};
    use Place::{Anywhere, Term, TermEnd, TermStart};
    f.compiled("has(string, string) bool", &[1], |c| one(c, Term, Ascii));
    f.compiled("has_cs(string, string) bool", &[1], |c| one(c, Term, Sensitive));
    f.compiled("hasprefix(string, string) bool", &[1], |c| one(c, TermStart, Ascii));
    f.compiled("hasprefix_cs(string, string) bool", &[1], |c| one(c, TermStart, Sensitive));
    f.compiled("hassuffix(string, string) bool", &[1], |c| one(c, TermEnd, Ascii));
    f.compiled("hassuffix_cs(string, string) bool", &[1], |c| one(c, TermEnd, Sensitive));
    f.compiled("contains(string, string) bool", &[1], |c| one(c, Anywhere, Ascii));
    f.compiled("contains_cs(string, string) bool", &[1], |c| one(c, Anywhere, Sensitive));
    f.compiled("has_any(string, dynamic) bool", &[1], |c| many(c, Quantifier::Any));
    f.compiled("has_all(string, dynamic) bool", &[1], |c| many(c, Quantifier::All));
    f.compiled("has_any_index(string, dynamic) long", &[1], has_any_index);
    f.compiled("in(string, dynamic) bool", &[1], |c| Ok(is_in(c)));
    f.compiled("in_ci(string, dynamic) bool", &[1], |c| Ok(is_in_ci(c)));
    f.compiled("matches_regex(string, string) bool", &[1], |c| {
        let regex = super::regex(c.str(1))?;
        Ok(match Run::of(regex.as_str()) {
            Some(run) => Body::bool(move |r| {
                let text = r.str(0);
                Some(run.is_in(text.as_bytes()) && regex.is_match(text))
            }),
            None => Body::bool(move |r| Some(regex.is_match(r.str(0)))),
        })
    });
    f.bool("equals_ci(string, string) bool", |r| Some(r.str(0).eq_ignore_ascii_case(r.str(1))));
    f.bool("startswith(string, string) bool", |r| {
        let (text, start) = (r.str(0).as_bytes(), r.str(1).as_bytes());
        Some(text.get(..start.len()).is_some_and(|t| t.eq_ignore_ascii_case(start)))
    });
    f.bool("endswith(string, string) bool", |r| {
        let (text, end) = (r.str(0).as_bytes(), r.str(1).as_bytes());
        let at = text.len().checked_sub(end.len());
        Some(at.is_some_and(|at| text[at..].eq_ignore_ascii_case(end)))
    });
    f.bool("startswith_cs(string, string) bool", |r| Some(starts_with(r.str(0), r.str(1))));
    f.bool("endswith_cs(string, string) bool", |r| Some(r.str(0).ends_with(r.str(1))));
}

fn one(consts: &Consts, place: Place, case: Case) -> Result<Body> {
    matcher(&[consts.str(1)], place, case, Quantifier::Any)
}

fn many(consts: &Consts, quantifier: Quantifier) -> Result<Body> {
    matcher(&needles(consts), Place::Term, Case::Ascii, quantifier)
}

fn matcher<S: AsRef<str>>(needles: &[S], place: Place, case: Case, quantifier: Quantifier) -> Result<Body> {
    let matcher = Matcher::new(needles, place, case, quantifier).map_err(|e| DataFusionError::External(Box::new(e)))?;
    Ok(Body::arrays(move |args, _| Ok(Arc::new(matches(&matcher, args[0].as_string_view())) as ArrayRef)))
}

/// The texts of the list that is argument 1.
fn needles(consts: &Consts) -> Vec<String> {
    let Some(json) = consts.text(1) else { return Vec::new() };
    match serde_json::from_str(json) {
        Ok(list) => {
            let mut all = Vec::new();
            flatten(list, &mut all);
            all
        }
        Err(_) => vec![json.to_owned()],
    }
}

fn flatten(value: serde_json::Value, all: &mut Vec<String>) {
    match value {
        serde_json::Value::Array(list) => list.into_iter().for_each(|v| flatten(v, all)),
        serde_json::Value::Null => all.push(String::new()),
        serde_json::Value::String(s) => all.push(s),
        other => all.push(other.to_string()),
    }
}

fn is_in(consts: &Consts) -> Body {
    let set: HashSet<String> = needles(consts).into_iter().collect();
    Body::bool(move |r| Some(set.contains(r.str(0))))
}

fn is_in_ci(consts: &Consts) -> Body {
    let set: HashSet<String> = needles(consts).iter().map(|n| n.to_ascii_lowercase()).collect();
    let lengths: HashSet<usize> = set.iter().map(String::len).collect();
    Body::bool(move |r| {
        let text = r.str(0);
        // Most texts have a length that no needle has, and need not be folded.
        Some(lengths.contains(&text.len()) && set.contains(&text.to_ascii_lowercase()))
    })
}

/// The index of the first needle of the list that the text has, or -1.
fn has_any_index(consts: &Consts) -> Result<Body> {
    let matchers = needles(consts)
        .iter()
        .map(|n| Matcher::new(&[n], Place::Term, Case::Ascii, Quantifier::Any))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| DataFusionError::External(Box::new(e)))?;
    Ok(Body::long(move |r| Some(matchers.iter().position(|m| m.is_match(r.str(0))).map_or(-1, |i| i as i64))))
}

/// Which texts of a column match. Never null: a missing string is empty.
pub(crate) fn matches(matcher: &Matcher, column: &StringViewArray) -> BooleanArray {
    if mostly_match(matcher, column) {
        return one_by_one(matcher, column);
    }
    in_bulk(matcher, column).unwrap_or_else(|| one_by_one(matcher, column))
}

/// Whether a sample says that the texts mostly match: then a pass that skips what does not is in vain.
fn mostly_match(matcher: &Matcher, column: &StringViewArray) -> bool {
    const SAMPLE: usize = 32;
    let step = (column.len() / SAMPLE).max(1);
    let sample = (0..column.len()).step_by(step).filter(|i| column.is_valid(*i));
    let (matching, all) = sample.fold((0, 0), |(m, n), i| (m + usize::from(matcher.is_match(column.value(i))), n + 1));
    matching * 2 > all
}

pub(crate) fn one_by_one(matcher: &Matcher, column: &StringViewArray) -> BooleanArray {
    column.iter().map(|v| Some(matcher.is_match(v.unwrap_or("")))).collect()
}

/// Texts of up to this many bytes lie in the view itself.
const INLINE: u32 = 12;

/// One pass over the bytes that the column's views cover; `None` where that would read much that no view names, or
/// texts do not lie in order.
pub(crate) fn in_bulk(matcher: &Matcher, column: &StringViewArray) -> Option<BooleanArray> {
    let buffers = column.data_buffers();
    let mut spans = vec![(usize::MAX, 0usize, 0usize); buffers.len()];
    let mut used = 0;
    for view in column.views().iter().filter(|v| **v as u32 > INLINE) {
        let view = ByteView::from(*view);
        let (start, end) = (view.offset as usize, (view.offset + view.length) as usize);
        let span = spans.get_mut(view.buffer_index as usize)?;
        if start < span.2 {
            return None;
        }
        *span = (span.0.min(start), span.1.max(end), start);
        used += end - start;
    }
    let total: usize = spans.iter().map(|s| s.1.saturating_sub(s.0)).sum();
    if total > used * 2 + 4096 {
        return None;
    }
    let mut scans = (spans.iter().zip(buffers))
        .map(|(&(start, end, _), b)| matcher.scan(if start < end { &b[start..end] } else { &[] }))
        .collect::<Option<Vec<_>>>()?;
    let mut out = BooleanBuilder::with_capacity(column.len());
    for (i, view) in column.views().iter().enumerate() {
        let text = if column.is_valid(i) { column.value(i) } else { "" };
        out.append_value(if text.len() <= INLINE as usize {
            matcher.is_match(text)
        } else {
            let view = ByteView::from(*view);
            let buffer = view.buffer_index as usize;
            scans[buffer].is_match(view.offset as usize - spans[buffer].0, text)
        });
    }
    Some(out.finish())
}

/// As `str::starts_with`; most texts are told apart by their first byte, without a call.
fn starts_with(text: &str, prefix: &str) -> bool {
    let (text, prefix) = (text.as_bytes(), prefix.as_bytes());
    prefix.first().is_none_or(|first| text.first() == Some(first) && text.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The fast path over whole buffers answers as the slow one does.
        #[test]
        fn bulk_is_row_by_row(
            texts in proptest::collection::vec(prop_oneof!["[aAbé_. ]{0,30}", "[ab]{10,20}"], 0..60),
            needles in proptest::collection::vec("[abB_.é]{1,4}", 1..5),
            place in prop_oneof![Just(Place::Anywhere), Just(Place::Term), Just(Place::TermStart), Just(Place::TermEnd)],
            case in prop_oneof![Just(Case::Ascii), Just(Case::Sensitive), Just(Case::Unicode)],
            quantifier in prop_oneof![Just(Quantifier::Any), Just(Quantifier::All)],
        ) {
            let matcher = Matcher::new(&needles, place, case, quantifier).unwrap();
            let column: StringViewArray = texts.iter().map(Some).collect();
            let slow = one_by_one(&matcher, &column);
            if let Some(fast) = in_bulk(&matcher, &column) {
                prop_assert_eq!(&fast, &slow);
            }
            // And both answer as the rule says, character by character.
            for (i, text) in texts.iter().enumerate() {
                prop_assert_eq!(slow.value(i), by_the_rule(text, &needles, place, case, quantifier), "{:?}", text);
            }
        }
    }

    fn by_the_rule(text: &str, needles: &[String], place: Place, case: Case, quantifier: Quantifier) -> bool {
        let key = |s: &str| -> Vec<char> {
            match case {
                Case::Sensitive => s.chars().collect(),
                Case::Ascii => s.to_ascii_lowercase().chars().collect(),
                Case::Unicode => crate::matcher::fold(s).chars().collect(),
            }
        };
        let text = key(text);
        let holds = |needle: &String| {
            let n = key(needle);
            let term = |c: Option<&char>| c.is_some_and(|c| crate::matcher::is_term(*c));
            (0..=text.len().saturating_sub(n.len())).any(|at| {
                text.len() >= n.len()
                    && text[at..at + n.len()] == n[..]
                    && (matches!(place, Place::Anywhere | Place::TermEnd)
                        || !term(n.first())
                        || at == 0
                        || !term(text.get(at - 1)))
                    && (matches!(place, Place::Anywhere | Place::TermStart)
                        || !term(n.last())
                        || !term(text.get(at + n.len())))
            })
        };
        match quantifier {
            Quantifier::Any => needles.iter().any(holds),
            Quantifier::All => needles.iter().all(holds),
        }
    }
}
