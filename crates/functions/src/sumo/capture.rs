//! `parse`: text taken apart by anchors or by a regular expression.
//!
//! A pattern with one field gives its text, or null where it does not match. One with several gives them packed (see
//! [`pack`]), so that a row is matched once however many fields it has; `sumo_capture` takes one out.

use super::backtracking::{Pattern, answered, each};
use crate::udf::{Body, Functions};
use datafusion::common::{Result, plan_err};
use memchr::memmem;

pub(super) fn register(f: &mut Functions) {
    f.compiled_once("parse_anchor(string, string, string?) dynamic", &[1, 2], |c| {
        let anchors = Anchors::new(c.str(1), c.str(2) == "nocase");
        Ok(Body::text(move |r, out| {
            let captures = anchors.captures(r.text(0)?)?;
            write(&captures, out);
            Some(())
        }))
    });
    f.compiled_once("parse_regex(string, string) dynamic", &[1], |c| {
        let groups = match Groups::compile(c.str(1))? {
            Either::Linear(groups) => groups,
            Either::Backtracking(groups) => return Ok(groups.first()),
        };
        Ok(Body::text(move |r, out| {
            groups.write(&groups.regex.captures(r.text(0)?)?, out);
            Some(())
        }))
    });
    // Every match, each packed into one element.
    f.compiled_once("parse_regex_all(string, string) dynamic", &[1], |c| {
        let groups = match Groups::compile(c.str(1))? {
            Either::Linear(groups) => groups,
            Either::Backtracking(groups) => return Ok(groups.all()),
        };
        Ok(Body::text(move |r, out| {
            let mut one = String::new();
            for captures in groups.regex.captures_iter(r.text(0)?) {
                one.clear();
                groups.write(&captures, &mut one);
                pack(&one, out);
            }
            (!out.is_empty()).then_some(())
        }))
    });
    // What is packed already, and one more text; null where either is.
    f.text("pack(string, string) dynamic", |r, out| {
        out.push_str(r.text(0)?);
        pack(r.text(1)?, out);
        Some(())
    });
    f.text("capture(string, long) dynamic", |r, out| {
        let index = usize::try_from(r.long(1)?).ok()?;
        out.push_str(unpack(r.text(0)?).nth(index)?);
        Some(())
    });
}

fn write(captures: &[&str], out: &mut String) {
    match captures {
        [one] => out.push_str(one),
        many => many.iter().for_each(|text| pack(text, out)),
    }
}

/// Appends `text` with its length before it: `5:hello`.
pub fn pack(text: &str, out: &mut String) {
    // Most values are short; formatting a number costs more than copying them.
    match text.len() {
        n @ 0..10 => out.push(char::from(b'0' + n as u8)),
        n @ 10..100 => out.extend([char::from(b'0' + (n / 10) as u8), char::from(b'0' + (n % 10) as u8)]),
        n => out.push_str(&n.to_string()),
    }
    out.push(':');
    out.push_str(text);
}

/// What was packed.
pub fn unpack(mut packed: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (length, rest) = packed.split_once(':')?;
        let (text, rest) = rest.split_at_checked(length.parse().ok()?)?;
        packed = rest;
        Some(text)
    })
}

/// A regular expression's named groups, in order.
struct Groups {
    regex: regex::Regex,
    indices: Vec<usize>,
}

/// The groups of either engine.
enum Either {
    Linear(Groups),
    Backtracking(Slow),
}

impl Groups {
    fn compile(pattern: &str) -> Result<Either> {
        let compiled = match Pattern::new(pattern) {
            Ok(compiled) => compiled,
            Err(why) => return plan_err!("the regular expression `{pattern}` cannot be used: {why}"),
        };
        let indices = compiled.names().into_iter().map(|(i, _)| i).collect();
        Ok(match compiled {
            Pattern::Linear(regex) => Either::Linear(Groups { regex, indices }),
            Pattern::Backtracking(regex) => Either::Backtracking(Slow { regex, indices }),
        })
    }

    /// A group that took no part is empty text.
    fn write(&self, captures: &regex::Captures<'_>, out: &mut String) {
        let group = |i: usize| captures.get(i).map_or("", |m| m.as_str());
        match self.indices.as_slice() {
            [one] => out.push_str(group(*one)),
            many => many.iter().for_each(|&i| pack(group(i), out)),
        }
    }
}

/// The same of an expression that backtracks, and can therefore give up.
struct Slow {
    regex: Box<fancy_regex::Regex>,
    indices: Vec<usize>,
}

impl Slow {
    fn of<'t>(&self, captures: &fancy_regex::Captures<'t, str>) -> Vec<&'t str> {
        self.indices.iter().map(|&i| captures.get(i).map_or("", |m| m.as_str())).collect()
    }

    fn first(self) -> Body {
        Body::arrays(move |args, rows| {
            each(args, rows, |text, out| {
                let Some(captures) = answered(self.regex.captures(text), &self.regex)? else { return Ok(false) };
                write(&self.of(&captures), out);
                Ok(true)
            })
        })
    }

    fn all(self) -> Body {
        Body::arrays(move |args, rows| {
            each(args, rows, |text, out| {
                let mut one = String::new();
                for captures in self.regex.captures_iter(text) {
                    one.clear();
                    write(&self.of(&answered(captures, &self.regex)?), &mut one);
                    pack(&one, out);
                }
                Ok(!out.is_empty())
            })
        })
    }
}

/// An anchor pattern: literals with a lazy capture for each `*` between them.
///
/// The first literal may stand anywhere; a `*` at the end runs to the end of the text, one at the start begins where the
/// text does (documented).
#[derive(Debug)]
pub struct Anchors {
    finders: Vec<memmem::Finder<'static>>,
    nocase: bool,
}

impl Anchors {
    /// Compiles a pattern. `nocase` (an extension) ignores the case of ASCII letters.
    pub fn new(pattern: &str, nocase: bool) -> Self {
        let lower = if nocase { pattern.to_ascii_lowercase() } else { pattern.to_owned() };
        let finders = lower.split('*').map(|piece| memmem::Finder::new(piece).into_owned()).collect();
        Anchors { finders, nocase }
    }

    /// The pattern whose literals these are, with a `*` between each two.
    pub(super) fn between(literals: &[String]) -> Self {
        let finders = literals.iter().map(|piece| memmem::Finder::new(piece).into_owned()).collect();
        Anchors { finders, nocase: false }
    }

    /// What each `*` stands for, if the text matches.
    pub fn captures<'t>(&self, text: &'t str) -> Option<Vec<&'t str>> {
        let lower = if self.nocase { Some(text.to_ascii_lowercase()) } else { None };
        let hay = lower.as_deref().unwrap_or(text).as_bytes();
        let (first, rest) = self.finders.split_first()?;
        let mut at = first.find(hay)? + first.needle().len();
        let mut captures = Vec::with_capacity(rest.len());
        for (index, finder) in rest.iter().enumerate() {
            let start = at;
            let last = index + 1 == rest.len();
            let end =
                if last && finder.needle().is_empty() { hay.len() } else { start + finder.find(&hay[start..])? };
            captures.push(text.get(start..end)?);
            at = end + finder.needle().len();
        }
        Some(captures)
    }
}

#[cfg(test)]
mod tests {
    use super::{Anchors, pack, unpack};

    #[test]
    fn packed_texts_come_out_again() {
        let mut packed = String::new();
        for text in ["", "a:b", "12:é"] {
            pack(text, &mut packed);
        }
        assert_eq!(unpack(&packed).collect::<Vec<_>>(), ["", "a:b", "12:é"]);
    }

    #[test]
    fn captures_are_lazy_and_the_last_star_runs_to_the_end() {
        let captures = |pattern: &str, text| Anchors::new(pattern, false).captures(text).map(|c| c.join("|"));
        assert_eq!(captures("User=*:", "x User=a:b:c").as_deref(), Some("a"));
        assert_eq!(captures("*@*", "jo@x@y").as_deref(), Some("jo|x@y"));
        assert_eq!(captures("*", "").as_deref(), Some(""));
        assert_eq!(captures("a=*, b=*;", "a=1, b=2"), None);
    }
}
