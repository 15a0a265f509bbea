//! Whether text matches: globs, regular expressions, tokens, substrings.

use super::capture::unpack;
use super::pattern::regex;
use crate::udf::{Body, Consts, Functions};
use aho_corasick::AhoCorasick;
use datafusion::common::{Result, plan_datafusion_err, plan_err};
use memchr::memmem;

pub(super) fn register(f: &mut Functions) {
    // `matches "glob"`: case-sensitive, over the whole value; `*` is any text. A missing field matches nothing, not even
    // `*` (from how published queries use it). A third argument `?` makes the question mark stand for one character.
    f.compiled("matches(string, string, string?) bool", &[1, 2], |c| {
        let glob = Glob::new(c.str(1), c.str(2) == "?");
        Ok(Body::bool(move |r| Some(r.text(0).is_some_and(|text| glob.is_match(text)))))
    });
    // Any of several packed globs, none of which has a `?` that is a wildcard.
    f.compiled("matches_any(string, string) bool", &[1], |c| {
        let any = AnyGlob::new(unpack(c.str(1)))?;
        Ok(Body::bool(move |r| Some(r.text(0).is_some_and(|text| any.is_match(text)))))
    });
    // `matches /re/`: unanchored (documented examples anchor where they mean it).
    f.compiled("matches_regex(string, string) bool", &[1], |c| {
        let regex = compile(c.str(1))?;
        Ok(Body::bool(move |r| Some(r.text(0).is_some_and(|text| regex.is_match(text)))))
    });
    // A scope's keyword or phrase over `_raw`.
    f.compiled("has_term(string, string) bool", &[1], |c| keyword(c, false));
    f.compiled("has_phrase(string, string) bool", &[1], |c| keyword(c, true));
    // A scope's `field=value`: without regard to case, `*` and `?` are wildcards. A missing field has no value.
    f.compiled("field_matches(string, string) bool", &[1], |c| {
        let glob = Glob::new(&c.str(1).to_lowercase(), true);
        Ok(Body::bool(move |r| Some(r.text(0).is_some_and(|text| glob.is_match(&text.to_lowercase())))))
    });
    f.bool("field_equals(string, string) bool", |r| {
        Some(r.text(0).is_some_and(|text| text.to_lowercase() == r.str(1).to_lowercase()))
    });
    // Case-sensitive; two empty texts contain each other, an empty and another do not (documented).
    f.compiled("contains(string, string) bool", &[1], |c| {
        let finder = memmem::Finder::new(c.str(1)).into_owned();
        Ok(Body::bool(move |r| {
            let text = r.str(0).as_bytes();
            Some(if finder.needle().is_empty() { text.is_empty() } else { finder.find(text).is_some() })
        }))
    });
}

fn compile(pattern: &str) -> Result<regex::Regex> {
    match regex(pattern) {
        Ok(regex) => Ok(regex),
        Err(why) => plan_err!("the regular expression `{pattern}` cannot be used: {why}"),
    }
}

/// A glob over a whole value.
#[derive(Debug)]
pub(super) enum Glob {
    /// No wildcard.
    Exact(String),
    /// Literals between wildcards.
    Pieces { start: String, middle: Vec<memmem::Finder<'static>>, end: String },
    /// With `?`.
    Regex(Box<regex::Regex>),
}

impl Glob {
    pub(super) fn new(pattern: &str, question: bool) -> Self {
        if question && pattern.contains('?') {
            let text = format!("(?s)^(?:{})$", wildcards(pattern, ".*", "."));
            if let Ok(regex) = regex::Regex::new(&text) {
                return Glob::Regex(Box::new(regex));
            }
        }
        let mut pieces: Vec<&str> = pattern.split('*').collect();
        let end = match pieces.pop() {
            Some(end) if !pieces.is_empty() => end.to_owned(),
            _ => return Glob::Exact(pattern.to_owned()),
        };
        let start = pieces.remove(0).to_owned();
        let middle = pieces.iter().filter(|p| !p.is_empty()).map(|p| memmem::Finder::new(*p).into_owned()).collect();
        Glob::Pieces { start, middle, end }
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        match self {
            Glob::Exact(exact) => text == exact,
            Glob::Regex(regex) => regex.is_match(text),
            Glob::Pieces { start, middle, end } => {
                let mut rest = text;
                // Most globs begin and end in a star.
                if !start.is_empty() {
                    let Some(after) = rest.strip_prefix(start.as_str()) else { return false };
                    rest = after;
                }
                if !end.is_empty() {
                    let Some(before) = rest.strip_suffix(end.as_str()) else { return false };
                    rest = before;
                }
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

/// Several globs, those that say no more than that a text holds something found together.
struct AnyGlob {
    within: Option<AhoCorasick>,
    others: Vec<Glob>,
}

impl AnyGlob {
    fn new<'g>(globs: impl Iterator<Item = &'g str>) -> Result<Self> {
        let (mut within, mut others) = (Vec::new(), Vec::new());
        for glob in globs {
            match glob.strip_prefix('*').and_then(|g| g.strip_suffix('*')) {
                Some(inner) if !inner.is_empty() && !inner.contains('*') => within.push(inner),
                _ => others.push(Glob::new(glob, false)),
            }
        }
        let within = match within.is_empty() {
            true => None,
            false => Some(AhoCorasick::new(within).map_err(|e| plan_datafusion_err!("globs can't be used: {e}"))?),
        };
        Ok(AnyGlob { within, others })
    }

    fn is_match(&self, text: &str) -> bool {
        self.within.as_ref().is_some_and(|w| w.is_match(text)) || self.others.iter().any(|g| g.is_match(text))
    }
}

/// A pattern as a regular expression, its wildcards replaced.
fn wildcards(pattern: &str, star: &str, question: &str) -> String {
    let mut out = String::new();
    for c in pattern.chars() {
        match c {
            '*' => out.push_str(star),
            '?' => out.push_str(question),
            c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out
}

/// A keyword: whole tokens, without regard to case; a token is a run of letters, digits and underscores. `*` stays
/// inside a token and `?` is one character of it (documented). A phrase's white space is any white space.
fn keyword(consts: &Consts, phrase: bool) -> Result<Body> {
    let regex = term(consts.str(1), phrase)?;
    Ok(Body::bool(move |r| Some(r.text(0).is_some_and(|text| regex.is_match(text)))))
}

/// The regular expression of a keyword or a phrase.
pub(super) fn term(pattern: &str, phrase: bool) -> Result<regex::Regex> {
    let part = |text: &str| wildcards(text, r"\w*", r"\w");
    let body =
        if phrase { pattern.split_whitespace().map(part).collect::<Vec<_>>().join(r"\s+") } else { part(pattern) };
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');

    let (first, last) = (pattern.trim_start().chars().next(), pattern.trim_end().chars().next_back());
    // A wildcard at an edge already runs to the token's edge.
    let before = if inside(first) { r"(?:^|\W)" } else { "" };
    let after = if inside(last) { r"(?:$|\W)" } else { "" };
    match regex::Regex::new(&format!("(?i){before}{body}{after}")) {
        Ok(regex) => Ok(regex),
        Err(e) => plan_err!("the search term `{pattern}` cannot be used: {e}"),
    }
}
