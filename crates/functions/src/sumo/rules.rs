//! What only the rule language of Cloud SIEM has.

use super::backtracking::{Pattern, answered};
use super::pattern::regex;
use crate::udf::{Body, Functions};
use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder};
use datafusion::common::plan_err;
use memchr::memmem;
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::Arc;

pub(super) fn register(f: &mut Functions) {
    // `text like pattern escape character`: case-sensitive, over the whole value. `%` is any text and `_` one
    // character; the escape character before one of them, or before itself, makes it plain (documented), before
    // anything else it is a character like any other. An empty escape character escapes nothing.
    f.compiled("like(string, string, string?) bool", &[1, 2], |c| {
        let like = Like::new(c.str(1), c.str(2).chars().next());
        Ok(Body::bool(move |r| Some(r.text(0).is_some_and(|text| like.is_match(text)))))
    });
    f.text("asciitohex(string) dynamic", |r, out| {
        hex(r.text(0)?, out);
        Some(())
    });
    // `rlike`, `matches /re/`: anywhere in the text, by Java's syntax.
    f.compiled("rlike(string, string) bool", &[1], |c| match Pattern::new(c.str(1)) {
        Ok(Pattern::Linear(regex)) => Ok(Body::bool(move |r| Some(r.text(0).is_some_and(|text| regex.is_match(text))))),
        Ok(Pattern::Backtracking(regex)) => Ok(Body::arrays(move |args, rows| {
            let texts = args[0].as_string_view();
            let mut found = BooleanBuilder::with_capacity(rows);
            for row in 0..rows {
                let at = if texts.len() == 1 { 0 } else { row };
                let matches = texts.is_valid(at) && answered(regex.is_match(texts.value(at)), &regex)?;
                found.append_value(matches);
            }
            Ok(Arc::new(found.finish()) as ArrayRef)
        })),
        Err(why) => plan_err!("the regular expression `{}` cannot be used: {why}", c.str(1)),
    });
    // Whether any value of a map (JSON) matches: `anyHttpHeaderMatches`.
    f.compiled("anyvaluematches(string, string) bool", &[1], |c| {
        let pattern = c.str(1).to_owned();
        let regex = match regex(&pattern) {
            Ok(regex) => regex,
            Err(why) => return plan_err!("the regular expression `{pattern}` cannot be used: {why}"),
        };
        Ok(Body::bool(move |r| {
            let Some(Ok(Value::Object(map))) = r.text(0).map(serde_json::from_str) else { return Some(false) };
            Some(map.values().any(|v| match v {
                Value::String(text) => regex.is_match(text),
                other => regex.is_match(&other.to_string()),
            }))
        }))
    });
}

/// The characters of ASCII text in hexadecimal.
fn hex(text: &str, out: &mut String) {
    text.bytes().for_each(|b| {
        // Writing into a string cannot fail.
        let _ = write!(out, "{b:02x}");
    });
}

/// One step of a pattern.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Text(String),
    One,
    Any,
}

/// A compiled `like` pattern.
#[derive(Debug)]
enum Like {
    /// Only `%`: literals between wildcards, the first and the last anchored.
    Pieces { start: String, middle: Vec<memmem::Finder<'static>>, end: String },
    /// No wildcard.
    Exact(String),
    /// With `_`.
    Steps(Vec<Step>),
}

impl Like {
    fn new(pattern: &str, escape: Option<char>) -> Self {
        let steps = steps(pattern, escape);
        if steps.contains(&Step::One) {
            return Like::Steps(steps);
        }
        let mut pieces = vec![String::new()];
        for step in steps {
            match step {
                Step::Text(text) => pieces.last_mut().expect("never empty").push_str(&text),
                _ => pieces.push(String::new()),
            }
        }
        let end = pieces.pop().expect("never empty");
        if pieces.is_empty() {
            return Like::Exact(end);
        }
        let start = pieces.remove(0);
        let middle = pieces.iter().filter(|p| !p.is_empty()).map(|p| memmem::Finder::new(p).into_owned()).collect();
        Like::Pieces { start, middle, end }
    }

    fn is_match(&self, text: &str) -> bool {
        match self {
            Like::Exact(exact) => text == exact,
            Like::Steps(steps) => walk(steps, text),
            Like::Pieces { start, middle, end } => {
                let Some(rest) = text.strip_prefix(start.as_str()) else { return false };
                let Some(rest) = rest.strip_suffix(end.as_str()) else { return false };
                let mut rest = rest.as_bytes();
                for piece in middle {
                    match piece.find(rest) {
                        Some(at) => rest = &rest[at + piece.needle().len()..],
                        None => return false,
                    }
                }
                true
            }
        }
    }
}

fn steps(pattern: &str, escape: Option<char>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut text = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            match chars.peek() {
                Some(next) if matches!(next, '%' | '_') || Some(*next) == escape => {
                    text.push(*next);
                    chars.next();
                }
                _ => text.push(c),
            }
            continue;
        }
        let step = match c {
            '%' => Step::Any,
            '_' => Step::One,
            c => {
                text.push(c);
                continue;
            }
        };
        if !text.is_empty() {
            steps.push(Step::Text(std::mem::take(&mut text)));
        }
        if step != Step::Any || steps.last() != Some(&Step::Any) {
            steps.push(step);
        }
    }
    if !text.is_empty() {
        steps.push(Step::Text(text));
    }
    steps
}

/// Matches in time that is at most the product of both lengths: after a wildcard, only the latest one is tried again.
fn walk(steps: &[Step], text: &str) -> bool {
    let (mut step, mut rest) = (0, text);
    let mut again: Option<(usize, &str)> = None;
    loop {
        let went = match steps.get(step) {
            None if rest.is_empty() => return true,
            None => None,
            Some(Step::Any) => {
                again = Some((step + 1, rest));
                Some(rest)
            }
            Some(Step::One) => rest.chars().next().map(|c| &rest[c.len_utf8()..]),
            Some(Step::Text(want)) => rest.strip_prefix(want.as_str()),
        };
        match (went, &mut again) {
            (Some(left), _) => (step, rest) = (step + 1, left),
            (None, Some((at, from))) => {
                let Some(c) = from.chars().next() else { return false };
                *from = &from[c.len_utf8()..];
                (step, rest) = (*at, from);
            }
            (None, None) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Like;

    #[test]
    fn patterns_match_whole_values() {
        for (pattern, text, expected) in [
            ("%admin%", "the admins", true),
            ("%admin%", "the Admins", false),
            ("admin", "admins", false),
            ("admin%", "admins", true),
            ("%", "", true),
            ("_", "", false),
            ("_", "ä", true),
            ("a_c%", "abcd", true),
            ("%a_c%d_", "xxabcabcyydz", true),
            ("%a_c", "abcabd", false),
            ("a%a", "a", false),
            ("a%b%c", "abc", true),
            // rule: the escape character makes a wildcard plain
            (r"\%SystemDrive\%\\Users%", r"%SystemDrive%\Users\John", true),
            (r"%\_%", "a_b", true),
            (r"%\_%", "ab", false),
            (r"%\temp\\%", r"c:\temp\x", true),
            (r"%\temp\%", r"c:\temp\x", false),
            (r"%\temp\%", r"c:\temp%", true),
        ] {
            assert_eq!(Like::new(pattern, Some('\\')).is_match(text), expected, "{pattern} {text}");
        }
        assert!(Like::new("a!%%", Some('!')).is_match("a%b"));
        assert!(Like::new(r"%\temp\%", None).is_match(r"c:\temp\x"));
    }
}
