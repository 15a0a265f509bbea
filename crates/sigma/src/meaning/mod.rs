//! What the tests of rules mean, value by value: the one place that plans, matchers and explanations go by.
//!
//! Values are the texts of a view's columns; `None` is a value that is not there.

mod fold;
mod glob;
mod number;
mod texts;

pub use fold::{fold, fold_char, fold_into};
pub use glob::Glob;
pub use number::{number, time_part};
pub use texts::each_value;

use crate::tree::{Case, Is, Network, Order, Part, Regex, TimePart};
use std::net::IpAddr;

/// A compiled test.
#[derive(Clone, Debug)]
pub struct Meaning(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Like(Glob, Case),
    Matches(regex::Regex),
    In(Network),
    Compares(Order, f64),
    Field(Part, Case),
    Exists(bool),
    Null,
    TimePart(TimePart, i64),
}

impl Meaning {
    /// Compiles a test.
    ///
    /// # Errors
    /// A regular expression is wrong: a sentence for the person who wrote it.
    pub fn new(is: &Is) -> Result<Self, String> {
        Ok(Meaning(match is {
            Is::Like(pattern) => Kind::Like(Glob::new(pattern), pattern.case),
            Is::Matches(expression) => Kind::Matches(regex(expression)?),
            Is::In(network) => Kind::In(*network),
            Is::Compares(order, number) => Kind::Compares(*order, *number),
            Is::Field(part, _, case) => Kind::Field(*part, *case),
            Is::Exists(there) => Kind::Exists(*there),
            Is::Null => Kind::Null,
            Is::TimePart(part, number) => Kind::TimePart(*part, *number),
        }))
    }

    /// Whether a value passes; `other` is the value of the second field of [`Is::Field`].
    pub fn holds(&self, value: Option<&str>, other: Option<&str>) -> bool {
        match &self.0 {
            Kind::Exists(there) => value.is_some() == *there,
            Kind::Null => value.is_none(),
            kind => value.is_some_and(|value| kind.passes(value, other)),
        }
    }

    /// Where in a text a regular expression is found first.
    pub(crate) fn found(&self, text: &str) -> Option<(usize, usize)> {
        match &self.0 {
            Kind::Matches(expression) => expression.find(text).map(|m| (m.start(), m.end())),
            _ => None,
        }
    }

    /// Whether a text of an event holds a keyword. Tests that ask whether a field is there are no keywords.
    pub fn held(&self, text: &str) -> bool {
        match &self.0 {
            Kind::Like(glob, case) => within(glob, *case, text),
            kind => kind.passes(text, None),
        }
    }
}

impl Kind {
    fn passes(&self, value: &str, other: Option<&str>) -> bool {
        match self {
            Kind::Like(glob, Case::Counts) => glob.is_match(value),
            Kind::Like(glob, Case::Ignored) => glob.is_match(&fold(value)),
            Kind::Matches(expression) => expression.is_match(value),
            Kind::In(network) => is_in(network, value),
            Kind::Compares(order, limit) => number(value).is_some_and(|n| compares(n, *order, *limit)),
            Kind::Field(part, case) => other.is_some_and(|other| same(*part, *case, value, other)),
            Kind::Exists(there) => *there,
            Kind::Null => false,
            Kind::TimePart(part, wanted) => time_part(value, *part) == Some(*wanted),
        }
    }
}

/// Whether an event holds a keyword: `raw` is its text, `fields` the JSON object of its fields.
pub fn keyword(meaning: &Meaning, raw: Option<&str>, fields: Option<&str>) -> bool {
    if raw.is_some_and(|raw| meaning.held(raw)) {
        return true;
    }
    let mut found = false;
    if let Some(fields) = fields {
        each_value(fields, &mut |value| found |= meaning.held(value));
    }
    found
}

/// Compiles a regular expression of a rule.
///
/// # Errors
/// A sentence for the person who wrote it.
pub fn regex(expression: &Regex) -> Result<regex::Regex, String> {
    regex::RegexBuilder::new(&expression.text)
        .case_insensitive(expression.ignore_case)
        .multi_line(expression.multi_line)
        .dot_matches_new_line(expression.dot_all)
        .build()
        .map_err(|e| match e {
            // The crate draws its own caret; its last line is the sentence.
            regex::Error::Syntax(text) => {
                text.lines().last().unwrap_or("it does not parse").trim_start_matches("error: ").to_owned()
            }
            regex::Error::CompiledTooBig(_) => "it compiles to too large an automaton".to_owned(),
            other => other.to_string(),
        })
}

/// Whether a pattern stands anywhere in the text.
pub(crate) fn within(glob: &Glob, case: Case, text: &str) -> bool {
    match case {
        Case::Counts => glob.find(text).is_some(),
        Case::Ignored => glob.find(&fold(text)).is_some(),
    }
}

/// Whether the text is an address of the network. An IPv4 address written as an IPv6 one is that IPv4 address too.
pub(crate) fn is_in(network: &Network, text: &str) -> bool {
    let text = text.trim();
    let plain = text.split_once('%').map_or(text, |(address, _)| address);
    let Ok(address) = plain.parse::<IpAddr>() else { return false };
    shares(network, address) || shares(network, address.to_canonical())
}

fn shares(network: &Network, address: IpAddr) -> bool {
    match (network.address, address) {
        (IpAddr::V4(n), IpAddr::V4(a)) => {
            let beyond = 32 - u32::from(network.bits.min(32));
            (n.to_bits() ^ a.to_bits()).checked_shr(beyond).unwrap_or(0) == 0
        }
        (IpAddr::V6(n), IpAddr::V6(a)) => {
            let beyond = 128 - u32::from(network.bits.min(128));
            (n.to_bits() ^ a.to_bits()).checked_shr(beyond).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[allow(clippy::float_cmp, reason = "a rule's number is compared as it is")]
pub(crate) fn compares(number: f64, order: Order, limit: f64) -> bool {
    match order {
        Order::Less => number < limit,
        Order::LessOrEqual => number <= limit,
        Order::Greater => number > limit,
        Order::GreaterOrEqual => number >= limit,
        Order::NotEqual => number != limit,
    }
}

/// Whether one text is another, or has it at a place.
pub(crate) fn same(part: Part, case: Case, value: &str, other: &str) -> bool {
    if case == Case::Ignored {
        return same(part, Case::Counts, &fold(value), &fold(other));
    }
    match part {
        Part::Whole => value == other,
        Part::Somewhere => memchr::memmem::find(value.as_bytes(), other.as_bytes()).is_some(),
        Part::Start => value.starts_with(other),
        Part::End => value.ends_with(other),
    }
}
