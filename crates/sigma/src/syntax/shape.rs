//! The shapes that a detection can have in YAML, and how a test is spelled.

use crate::tree::{Case, Condition, Is, Order, Part, Pattern, Piece, Test, TimePart};

/// A detection.
#[derive(Debug)]
pub(crate) enum Shape {
    /// All of these entries.
    Map(Vec<Entry>),
    /// One of these.
    List(Vec<Element>),
}

/// An entry of a map.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// As YAML.
    pub(crate) values: Vec<String>,
    /// Whether a list is written even for one value.
    pub(crate) list: bool,
}

/// An element of a list.
#[derive(Debug)]
pub(crate) enum Element {
    Map(Vec<Entry>),
    /// A keyword, as YAML.
    Keyword(String),
}

/// The shape of a condition, if one detection can say it; `negations` allows `neq`.
pub(crate) fn shape(condition: &Condition, negations: bool) -> Option<Shape> {
    if let Condition::Or(parts) = condition
        && entry(parts, false).is_none()
    {
        return list(parts, negations).map(Shape::List);
    }
    if let Condition::Test(test) = condition
        && let Some(keyword) = keyword(test)
    {
        return Some(Shape::List(vec![Element::Keyword(keyword)]));
    }
    if let Condition::Or(parts) = condition
        && let Some(keywords) =
            parts.iter().map(|p| if let Condition::Test(t) = p { keyword(t) } else { None }).collect::<Option<Vec<_>>>()
    {
        return Some(Shape::List(keywords.into_iter().map(Element::Keyword).collect()));
    }
    map(condition, negations).map(Shape::Map)
}

fn list(parts: &[Condition], negations: bool) -> Option<Vec<Element>> {
    let mut out = Vec::new();
    let mut rest = parts;
    while let Some(first) = rest.first() {
        if let Condition::Test(test) = first
            && let Some(keyword) = keyword(test)
        {
            out.push(Element::Keyword(keyword));
            rest = &rest[1..];
            continue;
        }
        let run = run(rest);
        if run > 1 {
            out.push(Element::Map(vec![entry(&rest[..run], false)?]));
        } else {
            out.push(Element::Map(map(first, negations)?));
        }
        rest = &rest[run..];
    }
    (!out.is_empty()).then_some(out)
}

fn map(condition: &Condition, negations: bool) -> Option<Vec<Entry>> {
    let parts = match condition {
        Condition::And(parts) if parts.is_empty() => return None,
        Condition::And(parts) => parts.as_slice(),
        other => std::slice::from_ref(other),
    };
    let mut out: Vec<Entry> = Vec::new();
    let mut rest = parts;
    while let Some(first) = rest.first() {
        let run = run(rest);
        out.push(match first {
            Condition::Test(_) => entry(&rest[..run], run > 1)?,
            Condition::Or(values) => entry(values, false).or_else(|| wildcards(values))?,
            Condition::Not(inner) if negations => negated(inner)?,
            _ => return None,
        });
        rest = &rest[run.max(1)..];
    }
    let mut keys: Vec<&str> = out.iter().map(|e| e.key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    (keys.len() == out.len()).then_some(out)
}

fn negated(inner: &Condition) -> Option<Entry> {
    let mut entry = match inner {
        Condition::Test(test) if !matches!(test.is, Is::Exists(_)) => entry(std::slice::from_ref(inner), false)?,
        Condition::Or(values) => entry(values, false)?,
        Condition::And(values) => entry(values, true)?,
        _ => return None,
    };
    entry.key.push_str("|neq");
    Some(entry)
}

/// How many tests at the beginning differ in their values alone.
fn run(parts: &[Condition]) -> usize {
    let Some(Condition::Test(first)) = parts.first() else { return 1 };
    let Some(key) = key(first).filter(|_| joins(first)) else { return 1 };
    let same = |p: &&Condition| matches!(p, Condition::Test(t) if joins(t) && self::key(t).as_ref() == Some(&key));
    parts.iter().take_while(same).count().max(1)
}

/// Whether its value may stand in a list.
fn joins(test: &Test) -> bool {
    !matches!(test.is, Is::Null | Is::Exists(_))
}

/// The entry of tests that differ in their values alone.
fn entry(parts: &[Condition], all: bool) -> Option<Entry> {
    let Some(Condition::Test(first)) = parts.first() else { return None };
    if parts.len() > 1 && run(parts) < parts.len() {
        return None;
    }
    let mut key = key(first)?;
    if all {
        key.push_str("|all");
    }
    // A keyword alone is no entry of a map.
    if key.is_empty() {
        return None;
    }
    let test = |p: &Condition| if let Condition::Test(test) = p { value(&test.is) } else { None };
    let dashes = if all || first.field.is_none() { None } else { dashes(parts) };
    if let Some(firsts) = dashes {
        key.push_str("|windash");
        let values: Vec<String> = firsts.into_iter().map(test).collect::<Option<_>>()?;
        return Some(Entry { key, list: values.len() > 1, values });
    }
    let values = parts.iter().map(test).collect::<Option<_>>()?;
    Some(Entry { key, values, list: parts.len() > 1 })
}

/// Of alternatives that `windash` makes, those that it makes them of; nothing where it is not all of them.
fn dashes(parts: &[Condition]) -> Option<Vec<&Condition>> {
    let pattern = |c: &Condition| match c {
        Condition::Test(Test { is: Is::Like(pattern), .. }) => Some(pattern.clone()),
        _ => None,
    };
    let (mut firsts, mut expanded) = (Vec::new(), false);
    let mut rest = parts;
    while let Some(first) = rest.first() {
        let own = pattern(first)?;
        let texts = super::encode::windash(&super::chunks::of(&own)).ok()?;
        let group = rest.get(..texts.len())?;
        for (text, other) in texts.iter().zip(group) {
            if super::chunks::pattern(text, own.case)? != pattern(other)? {
                return None;
            }
        }
        expanded |= texts.len() > 1;
        firsts.push(first);
        rest = &rest[texts.len()..];
    }
    expanded.then_some(firsts)
}

/// The entry of texts that stand at different places, spelled with wildcards.
fn wildcards(parts: &[Condition]) -> Option<Entry> {
    let Some(Condition::Test(Test { field: Some(field), is: Is::Like(first) })) = parts.first() else { return None };
    let mut values = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Condition::Test(Test { field: Some(other), is: Is::Like(pattern) })
                if other == field && pattern.case == first.case =>
            {
                values.push(super::scalar::value(&pattern_text(&pattern.parts)));
            }
            _ => return None,
        }
    }
    let cased = if first.case == Case::Counts { "|cased" } else { "" };
    (!field.contains('|')).then(|| Entry { key: format!("{field}{cased}"), values, list: true })
}

/// A keyword without modifiers, as YAML.
fn keyword(test: &Test) -> Option<String> {
    match &test.is {
        Is::Like(Pattern { case: Case::Ignored, .. }) if test.field.is_none() => value(&test.is),
        _ => None,
    }
}

/// The field with the modifiers that say what kind of test it is.
fn key(test: &Test) -> Option<String> {
    let field = test.field.as_deref().unwrap_or_default();
    if field.contains('|') {
        return None;
    }
    let mut key = field.to_owned();
    let mut add = |modifier: &str| {
        key.push('|');
        key.push_str(modifier);
    };
    match &test.is {
        Is::Like(pattern) => {
            if test.field.is_some()
                && let Some(place) = place(pattern).0
            {
                add(place);
            }
            if pattern.case == Case::Counts {
                add("cased");
            }
        }
        Is::Matches(regex) => {
            add("re");
            let flags = [(regex.ignore_case, "i"), (regex.multi_line, "m"), (regex.dot_all, "s")];
            flags.into_iter().filter(|(set, _)| *set).for_each(|(_, flag)| add(flag));
        }
        Is::In(_) => add("cidr"),
        Is::Compares(order, _) => add(match order {
            Order::Less => "lt",
            Order::LessOrEqual => "lte",
            Order::Greater => "gt",
            Order::GreaterOrEqual => "gte",
            Order::NotEqual => return None,
        }),
        Is::Field(part, _, case) => {
            add("fieldref");
            match part {
                Part::Whole => {}
                Part::Somewhere => add("contains"),
                Part::Start => add("startswith"),
                Part::End => add("endswith"),
            }
            if *case == Case::Counts {
                add("cased");
            }
        }
        Is::Exists(_) => add("exists"),
        Is::Null => {}
        Is::TimePart(part, _) => add(match part {
            TimePart::Minute => "minute",
            TimePart::Hour => "hour",
            TimePart::Day => "day",
            TimePart::Week => "week",
            TimePart::Month => "month",
            TimePart::Year => "year",
        }),
    }
    Some(key)
}

/// The modifier that says where a text may stand, and the text without the wildcards that it stands for.
fn place(pattern: &Pattern) -> (Option<&'static str>, &[Piece]) {
    match pattern.parts.as_slice() {
        [Piece::Any, inner @ .., Piece::Any] => (Some("contains"), inner),
        [inner @ .., Piece::Any] if !inner.is_empty() => (Some("startswith"), inner),
        [Piece::Any, inner @ ..] if !inner.is_empty() => (Some("endswith"), inner),
        all => (None, all),
    }
}

/// The value, as YAML.
fn value(is: &Is) -> Option<String> {
    Some(match is {
        Is::Like(pattern) => {
            let (place, pieces) = place(pattern);
            let text = pattern_text(pieces);
            // A number stands for its text, but only where it is the whole of it.
            if place.is_none() { super::scalar::value(&text) } else { quoted(&text) }
        }
        Is::Matches(regex) => quoted(&regex.text),
        Is::In(network) => quoted(&format!("{}/{}", network.address, network.bits)),
        Is::Compares(_, number) => number.is_finite().then(|| number.to_string())?,
        Is::Field(_, name, _) => quoted(&pattern_text(&[Piece::Text(name.clone())])),
        Is::Exists(there) => there.to_string(),
        Is::Null => "null".to_owned(),
        Is::TimePart(_, number) => number.to_string(),
    })
}

/// In quotes, also where it looks like a number.
fn quoted(text: &str) -> String {
    let value = super::scalar::value(text);
    if value.starts_with(['\'', '"']) { value } else { format!("'{value}'") }
}

/// A text with wildcards in Sigma's spelling, with as few backslashes as it takes.
pub(crate) fn pattern_text(pieces: &[Piece]) -> String {
    let mut out = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        let Piece::Text(text) = piece else {
            out.push(if *piece == Piece::Any { '*' } else { '?' });
            continue;
        };
        let wildcard = matches!(pieces.get(at + 1), Some(Piece::One | Piece::Any));
        let mut chars = text.chars().peekable();
        let mut before = None;
        while let Some(c) = chars.next() {
            match c {
                '*' | '?' => out.push('\\'),
                '\\' => {
                    let next = chars.peek().copied();
                    // A single one before an ordinary character stands for itself.
                    let double =
                        before == Some('\\') || matches!(next, Some('\\' | '*' | '?')) || (next.is_none() && wildcard);
                    if double {
                        out.push('\\');
                    }
                }
                _ => {}
            }
            out.push(c);
            before = Some(c);
        }
    }
    out
}
