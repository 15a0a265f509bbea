//! Which telemetry can make a rule fire.

use crate::tree::{Condition, Is, Rule, Test};
use parallax_telemetry::logsource::Offer;

/// One kind of telemetry that a rule's log source means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applicable {
    /// How people call the events: `Sysmon 1`.
    pub events: String,
    /// Whether such an event can fulfil the rule, by the fields that it can have.
    pub can_fire: bool,
    /// The fields of the rule that no such event has.
    pub lacks: Vec<String>,
}

/// What a rule can be run over, with nothing configured. A rule that can fire nowhere says so by its lacks.
pub fn applicable(rule: &Rule) -> Vec<Applicable> {
    let of = |offer: Offer| {
        let mut lacks = Vec::new();
        lacking(&rule.condition, &offer, &mut lacks);
        Applicable { events: offer.words().to_owned(), can_fire: can(&rule.condition, &offer, true), lacks }
    };
    rule.logsource.offers().into_iter().map(of).collect()
}

/// Whether any telemetry that its log source means can make a rule fire.
pub fn can_fire(rule: &Rule) -> bool {
    let offers = rule.logsource.offers();
    offers.is_empty() || offers.iter().any(|offer| can(&rule.condition, offer, true))
}

/// Whether an event may make the condition hold, or fail.
fn can(condition: &Condition, offer: &Offer, hold: bool) -> bool {
    match condition {
        Condition::And(parts) if hold => parts.iter().all(|p| can(p, offer, true)),
        Condition::Or(parts) if !hold => parts.iter().all(|p| can(p, offer, false)),
        Condition::And(parts) | Condition::Or(parts) => parts.iter().any(|p| can(p, offer, hold)),
        Condition::Not(part) => can(part, offer, !hold),
        Condition::Test(test) => match there(test, offer) {
            true => true,
            // Of what is never there it is known what becomes of the test.
            false => matches!(test.is, Is::Null | Is::Exists(false)) == hold,
        },
    }
}

fn there(test: &Test, offer: &Offer) -> bool {
    let other = match &test.is {
        Is::Field(_, other, _) => offer.has(other),
        _ => true,
    };
    other && test.field.as_ref().is_none_or(|field| offer.has(field))
}

fn lacking(condition: &Condition, offer: &Offer, out: &mut Vec<String>) {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().for_each(|p| lacking(p, offer, out)),
        Condition::Not(part) => lacking(part, offer, out),
        Condition::Test(test) => {
            let other = match &test.is {
                Is::Field(_, other, _) => Some(other),
                _ => None,
            };
            for field in test.field.iter().chain(other) {
                if !offer.has(field) && !out.contains(field) {
                    out.push(field.clone());
                }
            }
        }
    }
}
