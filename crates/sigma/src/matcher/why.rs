//! Why an event fulfils a rule.

use super::Rules;
use super::evaluate::{folded, text};
use crate::meaning::{Glob, Meaning, each_value};
use crate::tree::{Case, Condition, Is, Order, Part, Pattern, Piece, Test, TimePart};
use hashbrown::HashMap;
use parallax_telemetry::Value;
use std::borrow::Cow;

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

/// A condition with its tests compiled: made once for a rule that matches.
pub(super) enum Because {
    And(Vec<Because>),
    Or(Vec<Because>),
    Not(Box<Because>),
    Test(Box<Compiled>),
}

pub(super) struct Compiled {
    /// The place of the field; `None` for a keyword.
    field: Option<usize>,
    /// The place of the other field of a comparison.
    other: Option<usize>,
    test: Test,
    /// The test in words.
    words: String,
    glob: Option<(Glob, Case)>,
    /// `None` where it can't be compiled: such a rule matches nothing.
    meaning: Option<Meaning>,
}

impl Because {
    fn new(condition: &Condition, rules: &Rules) -> Self {
        let all = |each: &[Condition]| each.iter().map(|c| Because::new(c, rules)).collect();
        let place = |name: &str| rules.fields.iter().position(|f| f == name);
        match condition {
            Condition::And(each) => Because::And(all(each)),
            Condition::Or(each) => Because::Or(all(each)),
            Condition::Not(inner) => Because::Not(Box::new(Because::new(inner, rules))),
            Condition::Test(test) => Because::Test(Box::new(Compiled {
                field: test.field.as_deref().and_then(place),
                other: if let Is::Field(_, other, _) = &test.is { place(other) } else { None },
                test: test.clone(),
                words: words(&test.is),
                glob: if let Is::Like(p) = &test.is { Some((Glob::new(p), p.case)) } else { None },
                meaning: Meaning::new(&test.is).ok(),
            })),
        }
    }
}

/// The values of an event that were asked for, with their folded forms.
struct Values<'e, 'v> {
    ask: &'e dyn Fn(usize) -> Value<'v>,
    known: HashMap<usize, Option<(Cow<'v, str>, String)>>,
}

impl<'v> Values<'_, 'v> {
    fn get(&mut self, at: usize) -> Option<&(Cow<'v, str>, String)> {
        let ask = self.ask;
        let known = self.known.entry(at).or_insert_with(|| {
            text(ask(at)).map(|text| {
                let folded = folded(&text).into_owned();
                (text, folded)
            })
        });
        known.as_ref()
    }
}

/// The tests that make the rule's condition hold; none if it does not.
pub(super) fn reasons<'v>(rules: &Rules, rule: usize, ask: &dyn Fn(usize) -> Value<'v>) -> Vec<Reason> {
    let one = &rules.rules[rule];
    let because = one.because.get_or_init(|| Because::new(&one.condition, rules));
    let mut values = Values { ask, known: HashMap::new() };
    let mut held = Vec::new();
    if !why(because, rules, &mut values, &mut held) {
        return Vec::new();
    }
    let mut reasons: Vec<Reason> = Vec::with_capacity(held.len());
    for test in held {
        let Some(reason) = test.reason(rules, &mut values) else { continue };
        if !reasons.iter().any(|r| r.field == reason.field && r.test == reason.test) {
            reasons.push(reason);
        }
    }
    reasons
}

/// Whether it holds; then with the tests that make it hold.
fn why<'b>(because: &'b Because, rules: &Rules, values: &mut Values<'_, '_>, held: &mut Vec<&'b Compiled>) -> bool {
    let before = held.len();
    let holds = match because {
        Because::And(each) => each.iter().all(|b| why(b, rules, values, held)),
        Because::Or(each) => each.iter().fold(false, |any, b| why(b, rules, values, held) | any),
        Because::Not(inner) => {
            let holds = !why(inner, rules, values, held);
            held.truncate(before);
            holds
        }
        Because::Test(test) => {
            let holds = test.holds(rules, values);
            if holds {
                held.push(test);
            }
            holds
        }
    };
    if !holds {
        held.truncate(before);
    }
    holds
}

impl Compiled {
    fn holds(&self, rules: &Rules, values: &mut Values<'_, '_>) -> bool {
        let Some(at) = self.field else { return self.keyword(rules, values).is_some() };
        if let Some((glob, case)) = &self.glob {
            let value = values.get(at);
            return value
                .is_some_and(|(text, folded)| glob.is_match(if *case == Case::Counts { text } else { folded }));
        }
        let other = self.other.and_then(|other| values.get(other)).map(|(text, _)| text.to_string());
        let value = values.get(at).map(|(text, _)| &**text);
        self.meaning.as_ref().is_some_and(|m| m.holds(value, other.as_deref()))
    }

    fn reason(&self, rules: &Rules, values: &mut Values<'_, '_>) -> Option<Reason> {
        let Some(at) = self.field else { return self.keyword(rules, values) };
        let other = self.other.and_then(|other| values.get(other)).map(|(text, _)| text.to_string());
        let (value, folded) = values.get(at).map_or(("", ""), |(text, folded)| (&**text, folded.as_str()));
        let mark = match &self.glob {
            Some((glob, Case::Counts)) => glob.matched(value),
            Some((glob, Case::Ignored)) => glob.matched(folded).map(|span| unfolded(value, folded, span)),
            None => mark(&self.test.is, self.meaning.as_ref(), value, other.as_deref(), false),
        };
        Some(self.because(value, mark))
    }

    fn because(&self, value: &str, mark: Option<(usize, usize)>) -> Reason {
        reason(self.test.field.clone(), value, mark, &self.words)
    }

    fn keyword(&self, rules: &Rules, values: &mut Values<'_, '_>) -> Option<Reason> {
        let (raw, fields) = rules.keywords?;
        let (meaning, is) = (self.meaning.as_ref()?, &self.test.is);
        let mut found = None;
        let mut look = |text: &str| {
            if found.is_none() && meaning.held(text) {
                found = Some(reason(None, text, mark(is, Some(meaning), text, None, true), &self.words));
            }
        };
        // A field's value is the shorter text to show.
        if let Some((fields, _)) = values.get(fields as usize) {
            each_value(fields, &mut look);
        }
        if let Some((raw, _)) = values.get(raw as usize) {
            look(raw);
        }
        found
    }
}

fn reason(field: Option<String>, value: &str, mark: Option<(usize, usize)>, words: &str) -> Reason {
    let (mut from, mut to) = (0, value.len());
    if value.len() > LONGEST {
        let start = mark.map_or(0, |(start, _)| start);
        from = value.floor_char_boundary(start.saturating_sub(BEFORE));
        to = value.floor_char_boundary((from + LONGEST).min(value.len()));
    }
    let mark = mark.filter(|(start, end)| start < end && *start < to);
    let marks = mark.map(|(start, end)| (start - from, end.min(to) - from)).into_iter().collect();
    Reason { field, value: value[from..to].to_owned(), marks, test: words.to_owned() }
}

/// Where what a test looks for stands in a value that passes it.
fn mark(
    is: &Is,
    meaning: Option<&Meaning>,
    value: &str,
    other: Option<&str>,
    anywhere: bool,
) -> Option<(usize, usize)> {
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
        Is::Matches(_) => meaning?.found(value),
        Is::Field(part, _, case) => {
            let (other, any) = (Piece::Text(other?.to_owned()), Piece::Any);
            let parts = match part {
                Part::Whole => vec![other],
                Part::Somewhere => vec![any.clone(), other, any],
                Part::Start => vec![other, any],
                Part::End => vec![any, other],
            };
            mark(&Is::Like(Pattern { parts, case: *case }), None, value, None, false)
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
