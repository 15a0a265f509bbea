//! From a condition to detections with names: what a rule needs that was not written as one.

use super::written::{all, any, not};
use crate::tree::{Condition, Is, LogSource, Meta, Order, Pattern, Piece, Rule, Test};
use std::collections::HashSet;

/// A rule with that condition. Its detections are `selection…`, negated ones `filter…`.
pub fn rule(meta: Meta, logsource: LogSource, condition: &Condition) -> Rule {
    let condition = normal(condition);
    let mut layout = Layout::default();
    let text = layout.expression(&condition, Around::Nothing, "selection");
    // A single one needs no number.
    let conditions = if let [(name, _)] = layout.detections.as_mut_slice() {
        let plain = name.trim_end_matches("_1").to_owned();
        let text = text.replace(name.as_str(), &plain);
        *name = plain;
        text
    } else {
        text
    };
    Rule { meta, logsource, detections: layout.detections, conditions: vec![conditions], condition }
}

/// The form that reading a rule gives.
pub(crate) fn normal(condition: &Condition) -> Condition {
    match condition {
        Condition::And(parts) => all(parts.iter().map(normal)),
        Condition::Or(parts) => any(parts.iter().map(normal)),
        Condition::Not(inner) => not(normal(inner)),
        Condition::Test(test) => normal_test(test),
    }
}

fn normal_test(test: &Test) -> Condition {
    let one = |is: Is| Condition::Test(Test { field: test.field.clone(), is });
    match &test.is {
        Is::Like(pattern) => one(Is::Like(normal_pattern(pattern, test.field.is_none()))),
        Is::Compares(Order::NotEqual, number) => {
            let is = |parts| Is::Like(Pattern { parts, case: crate::tree::Case::Ignored });
            all([one(is(vec![Piece::Any])), not(one(is(vec![Piece::Text(number.to_string())])))])
        }
        other => one(other.clone()),
    }
}

fn normal_pattern(pattern: &Pattern, keyword: bool) -> Pattern {
    let mut parts: Vec<Piece> = Vec::new();
    let around = || keyword.then_some(Piece::Any);
    for piece in around().into_iter().chain(pattern.parts.iter().cloned()).chain(around()) {
        match (parts.last_mut(), piece) {
            (_, Piece::Text(text)) if text.is_empty() => {}
            (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
            (Some(Piece::Any), Piece::Any) => {}
            (_, piece) => parts.push(piece),
        }
    }
    Pattern { parts, case: pattern.case }
}

/// What an expression stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Nothing,
    And,
    Or,
    Not,
}

#[derive(Default)]
struct Layout {
    detections: Vec<(String, Condition)>,
    used: HashSet<String>,
}

impl Layout {
    /// A detection of that content; the same content has one name.
    fn named(&mut self, condition: Condition, kind: &str) -> String {
        if let Some((name, _)) = self.detections.iter().find(|(n, c)| n.starts_with(kind) && *c == condition) {
            return name.clone();
        }
        let mut number = 1;
        let mut name = format!("{kind}_{number}");
        while !self.used.insert(name.clone()) {
            number += 1;
            name = format!("{kind}_{number}");
        }
        self.detections.push((name.clone(), condition));
        name
    }

    fn expression(&mut self, condition: &Condition, around: Around, kind: &str) -> String {
        if super::print::fits(condition) {
            return self.named(condition.clone(), kind);
        }
        match condition {
            Condition::And(parts) => {
                let text = self.runs(parts, Around::And, kind);
                if around == Around::Not { format!("({text})") } else { text }
            }
            Condition::Or(parts) if parts.is_empty() => self.expression(&never(), around, kind),
            Condition::Or(parts) => {
                let text = self.runs(parts, Around::Or, kind);
                if matches!(around, Around::And | Around::Not) { format!("({text})") } else { text }
            }
            Condition::Not(inner) => {
                let kind = if kind == "filter" { "selection" } else { "filter" };
                format!("not {}", self.expression(inner, Around::Not, kind))
            }
            Condition::Test(_) => self.named(condition.clone(), kind),
        }
    }

    /// As many neighbours as one detection takes, then the next.
    fn runs(&mut self, parts: &[Condition], join: Around, kind: &str) -> String {
        if parts.is_empty() {
            return self.expression(&not(never()), join, kind);
        }
        let (whole, word): (fn(Vec<Condition>) -> Condition, _) =
            if join == Around::And { (Condition::And, " and ") } else { (Condition::Or, " or ") };
        let mut out: Vec<String> = Vec::new();
        let mut rest = parts;
        while !rest.is_empty() {
            let mut run = 1;
            while run < rest.len()
                && !matches!(rest[run], Condition::Not(_))
                && !matches!(rest[run - 1], Condition::Not(_))
                && super::print::fits(&whole(rest[..=run].to_vec()))
            {
                run += 1;
            }
            out.push(match &rest[..run] {
                [one] => self.expression(one, join, kind),
                several => self.named(whole(several.to_vec()), kind),
            });
            rest = &rest[run..];
        }
        out.join(word)
    }
}

/// What no event fulfils: Sigma has no word for it.
fn never() -> Condition {
    let exists = |there| Condition::Test(Test { field: Some("EventID".to_owned()), is: Is::Exists(there) });
    all([exists(true), not(exists(true))])
}
