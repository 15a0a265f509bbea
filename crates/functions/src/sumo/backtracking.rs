//! The regular expressions of Java that have no linear-time equivalent: lookaround, back-references, atomic groups and
//! possessive repetition. `parse regex` is documented to take them.
//!
//! They run in a second engine that backtracks. Its steps are bounded: a text that needs more ends the query with an
//! error that names the expression, because a row that was silently taken for no match would be a missed detection.

use super::pattern::{fits, regex, translate};
use arrow::array::{Array, ArrayRef, AsArray, StringViewBuilder};
use datafusion::common::{Result, exec_err};
use fancy_regex::{Regex, RegexBuilder};
use std::sync::Arc;

/// How many steps of backtracking one text may take.
const STEPS: usize = 1_000_000;

/// A regular expression of `parse regex`.
#[derive(Debug)]
pub enum Pattern {
    /// Runs in linear time.
    Linear(regex::Regex),
    /// Backtracks.
    Backtracking(Box<Regex>),
}

impl Pattern {
    /// Compiles a regular expression of Java or RE2; by the second engine only where it needs it.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn new(pattern: &str) -> Result<Self, String> {
        if !fits(pattern) {
            let built = RegexBuilder::new(&by_name(&translate(pattern)))
                .backtrack_limit(STEPS)
                .delegate_size_limit(4 << 20)
                .build()
                .map_err(|e| e.to_string().lines().last().unwrap_or("it does not parse").to_owned())?;
            return Ok(Pattern::Backtracking(Box::new(built)));
        }
        regex(pattern).map(Pattern::Linear)
    }

    /// The named groups, in order, and their numbers.
    pub fn names(&self) -> Vec<(usize, String)> {
        let named = |(at, name): (usize, Option<&str>)| Some((at, name?.to_owned()));
        match self {
            Pattern::Linear(regex) => regex.capture_names().enumerate().filter_map(named).collect(),
            Pattern::Backtracking(regex) => regex.capture_names().enumerate().filter_map(named).collect(),
        }
    }

    /// How many groups there are, the whole match among them.
    pub fn groups(&self) -> usize {
        match self {
            Pattern::Linear(regex) => regex.captures_len(),
            Pattern::Backtracking(regex) => regex.captures_len(),
        }
    }
}

/// Back-references to named groups by their names: the engine takes them in no other way where groups have names.
fn by_name(pattern: &str) -> String {
    let mut names: Vec<Option<&str>> = Vec::new();
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.char_indices().peekable();
    let mut class = false;
    while let Some((at, c)) = chars.next() {
        out.push(c);
        match c {
            '\\' => {
                let Some((_, next)) = chars.next() else { break };
                let digit = next.to_digit(10).filter(|_| !class).and_then(|d| usize::try_from(d).ok());
                match digit.and_then(|d| names.get(d.checked_sub(1)?).copied().flatten()) {
                    Some(name) => out.push_str(&format!("k<{name}>")),
                    None => out.push(next),
                }
            }
            '[' => class = true,
            ']' => class = false,
            '(' if !class => {
                let rest = &pattern[at + 1..];
                let named = rest.strip_prefix("?<").or_else(|| rest.strip_prefix("?P<"));
                match named.filter(|r| !r.starts_with(['=', '!'])).and_then(|r| r.split_once('>')) {
                    Some((name, _)) => names.push(Some(name)),
                    None if !rest.starts_with('?') => names.push(None),
                    None => {}
                }
            }
            _ => {}
        }
    }
    out
}

/// A text for each text of a column, written by `f`; null where the text is null or `f` gives nothing.
pub(super) fn each(args: &[ArrayRef], rows: usize, f: impl Fn(&str, &mut String) -> Result<bool>) -> Result<ArrayRef> {
    let texts = args[0].as_string_view_opt();
    let mut out = StringViewBuilder::with_capacity(rows);
    let mut buffer = String::new();
    for row in 0..rows {
        let at = if args[0].len() == 1 { 0 } else { row };
        buffer.clear();
        match texts.filter(|t| t.is_valid(at)) {
            Some(texts) if f(texts.value(at), &mut buffer)? => out.append_value(&buffer),
            _ => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

/// What a match gave, or the error that says why there is no answer.
pub(super) fn answered<T>(found: fancy_regex::Result<T>, regex: &Regex) -> Result<T> {
    match found {
        Ok(found) => Ok(found),
        Err(_) => exec_err!(
            "the regular expression `{}` looks around or back and gave up on a text after {STEPS} steps",
            regex.as_str()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backtracks(pattern: &str) -> bool {
        matches!(Pattern::new(pattern), Ok(Pattern::Backtracking(_)))
    }

    #[test]
    fn only_what_needs_it_backtracks() {
        for pattern in [r"(?<a>(?!000)\d{3})", r"(?<a>x)(?<=y)", r"(?<a>.)\1", r"(?>a+)(?<b>b)", r"(?<a>\d++)x"] {
            assert!(backtracks(pattern), "{pattern}");
        }
        for pattern in [r"\(?=(?<a>a)", r"(?<a>[(?!])", r"(?P<a>\d+)+", r"(?<a>\\1)", r"(?<a>a\+)+", r"(?i)(?<a>b)"] {
            assert!(!backtracks(pattern) && Pattern::new(pattern).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn giving_up_is_an_error() {
        let Ok(Pattern::Backtracking(regex)) = Pattern::new(r"(?<a>(x+x+)+y)(?!z)") else { panic!("it backtracks") };
        let text = "x".repeat(60);
        let found = answered(regex.captures(&text), &regex);
        assert!(found.is_err_and(|e| e.to_string().contains("gave up on a text")));
    }
}
