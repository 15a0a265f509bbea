//! A condition as an expression over the columns of a log source.

use super::functions::{ORDERS, PLACES, TIME_PARTS, function};
use crate::matcher::{FIELDS, RAW};
use crate::tree::{Case, Condition, Is, Order, Part, Pattern, Piece, Regex, Test, TimePart};
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Expr, lit, not};

/// The fields that a condition reads, in the order of the text.
pub(crate) fn fields(condition: &Condition, out: &mut Vec<String>) {
    let mut add = |name: &str| {
        if !out.iter().any(|n| n == name) {
            out.push(name.to_owned());
        }
    };
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().for_each(|p| fields(p, out)),
        Condition::Not(inner) => fields(inner, out),
        Condition::Test(test) => {
            match &test.field {
                Some(field) => add(field),
                None => [RAW, FIELDS].into_iter().for_each(&mut add),
            }
            if let Is::Field(_, other, _) = &test.is {
                add(other);
            }
        }
    }
}

/// A column of the scan.
pub(super) fn column(name: &str) -> Expr {
    Expr::Column(Column::new(Some(super::TABLE), name))
}

/// Whether an event fulfils it; never null.
pub(super) fn expression(condition: &Condition) -> Result<Expr, String> {
    match condition {
        Condition::And(parts) => {
            let parts: Vec<Expr> = parts.iter().map(expression).collect::<Result<_, _>>()?;
            Ok(balanced(parts, Expr::and).unwrap_or_else(|| lit(true)))
        }
        Condition::Or(parts) => {
            let parts: Vec<Expr> = grouped(parts).iter().map(group).collect::<Result<_, _>>()?;
            Ok(balanced(parts, Expr::or).unwrap_or_else(|| lit(false)))
        }
        Condition::Not(inner) => Ok(not(expression(inner)?)),
        Condition::Test(test) => test_of(test),
    }
}

/// Joined so that the depth grows with the logarithm of their number.
fn balanced(mut parts: Vec<Expr>, join: fn(Expr, Expr) -> Expr) -> Option<Expr> {
    if parts.len() < 2 {
        return parts.pop();
    }
    let right = parts.split_off(parts.len() / 2);
    Some(join(balanced(parts, join)?, balanced(right, join)?))
}

/// Alternatives, those that one function can answer together.
enum Group<'a> {
    One(&'a Condition),
    /// Texts at the same place of a field (of the event, for none).
    Texts(Option<&'a str>, u8, Case, Vec<String>),
}

fn grouped(parts: &[Condition]) -> Vec<Group<'_>> {
    let mut out: Vec<Group<'_>> = Vec::new();
    for part in parts {
        let Condition::Test(Test { field, is: Is::Like(pattern) }) = part else {
            out.push(Group::One(part));
            continue;
        };
        let (place, text) = if field.is_some() { placed(pattern) } else { (4, spelled(pattern)) };
        let same = out.iter_mut().find_map(|g| match g {
            Group::Texts(f, p, c, texts) if *f == field.as_deref() && *p == place && *c == pattern.case => Some(texts),
            _ => None,
        });
        match same {
            Some(texts) => texts.push(text),
            None => out.push(Group::Texts(field.as_deref(), place, pattern.case, vec![text])),
        }
    }
    out
}

fn group(group: &Group<'_>) -> Result<Expr, String> {
    match group {
        Group::One(condition) => expression(condition),
        Group::Texts(field, place, case, texts) => like(*field, *place, *case, texts),
    }
}

fn like(field: Option<&str>, place: u8, case: Case, texts: &[String]) -> Result<Expr, String> {
    let cs = if case == Case::Counts { "_cs" } else { "" };
    let list = || serde_json::to_string(texts).unwrap_or_default();
    let Some(field) = field else {
        return call(&format!("keyword{cs}"), vec![column(RAW), column(FIELDS), text(list())]);
    };
    let name = PLACES[usize::from(place)];
    match texts {
        [one] => call(&format!("{name}{cs}"), vec![column(field), text(one.as_str())]),
        _ => call(&format!("{name}_any{cs}"), vec![column(field), text(list())]),
    }
}

/// How a pattern's text is compared, and the text: as it is, or as in rules where it has wildcards.
fn placed(pattern: &Pattern) -> (u8, String) {
    let literal = |t: &String| t.clone();
    match pattern.parts.as_slice() {
        [] => (0, String::new()),
        [Piece::Text(t)] => (0, literal(t)),
        [Piece::Any, Piece::Text(t), Piece::Any] => (1, literal(t)),
        [Piece::Text(t), Piece::Any] => (2, literal(t)),
        [Piece::Any, Piece::Text(t)] => (3, literal(t)),
        _ => (4, spelled(pattern)),
    }
}

fn spelled(pattern: &Pattern) -> String {
    crate::syntax::spelled(&pattern.parts)
}

fn test_of(test: &Test) -> Result<Expr, String> {
    let Some(field) = test.field.as_deref() else {
        return match &test.is {
            Is::Like(pattern) => like(None, 4, pattern.case, &[spelled(pattern)]),
            Is::Matches(regex) => {
                compiles(regex)?;
                let (source, flags) = expression_of(regex);
                call("keyword_matches", vec![column(RAW), column(FIELDS), source, flags])
            }
            _ => Err("a keyword is a text or a regular expression".to_owned()),
        };
    };
    let value = column(field);
    match &test.is {
        Is::Like(pattern) => {
            let (place, text) = placed(pattern);
            // Anything at all: the field is there.
            if pattern.parts == [Piece::Any] {
                return Ok(value.is_not_null());
            }
            like(Some(field), place, pattern.case, &[text])
        }
        Is::Matches(regex) => {
            compiles(regex)?;
            let (source, flags) = expression_of(regex);
            call("matches", vec![value, source, flags])
        }
        Is::In(network) => call("in", vec![value, text(format!("{}/{}", network.address, network.bits))]),
        Is::Compares(order, number) => {
            call("compares", vec![value, text(order_name(*order)), text(number.to_string())])
        }
        Is::Field(part, other, case) => {
            let part = match part {
                Part::Whole => "equals",
                Part::Somewhere => "contains",
                Part::Start => "startswith",
                Part::End => "endswith",
            };
            let cs = if *case == Case::Counts { "_cs" } else { "" };
            call(&format!("field_{part}{cs}"), vec![value, column(other)])
        }
        Is::Exists(true) => Ok(value.is_not_null()),
        Is::Exists(false) | Is::Null => Ok(value.is_null()),
        Is::TimePart(part, number) => call("time_part", vec![value, text(part_name(*part)), lit(*number)]),
    }
}

/// An expression that parses may still be too large to be run.
fn compiles(regex: &Regex) -> Result<(), String> {
    match crate::meaning::regex(regex) {
        Ok(_) => Ok(()),
        Err(why) => Err(format!("the regular expression `{}` can't be run: {why}", regex.text)),
    }
}

/// An expression's text and its flags.
pub(super) fn expression_of(regex: &Regex) -> (Expr, Expr) {
    let flags = [(regex.ignore_case, 'i'), (regex.multi_line, 'm'), (regex.dot_all, 's')];
    let flags: String = flags.iter().filter(|(set, _)| *set).map(|(_, f)| *f).collect();
    (text(regex.text.as_str()), text(flags))
}

fn order_name(order: Order) -> &'static str {
    ORDERS.iter().find(|(_, o)| *o == order).map_or("", |(name, _)| name)
}

fn part_name(part: TimePart) -> &'static str {
    TIME_PARTS.iter().find(|(_, p)| *p == part).map_or("", |(name, _)| name)
}

pub(super) fn text(text: impl Into<String>) -> Expr {
    lit(ScalarValue::Utf8View(Some(text.into())))
}

pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Result<Expr, String> {
    match function(&format!("sigma_{name}")) {
        Some(function) => Ok(function.call(arguments)),
        None => Err(format!("there is no function `{name}`")),
    }
}
