//! Of few rules, texts of which any event that fulfils one of them shows one: so that others need not be decoded.

use super::anchor::{Atom, Finder, Place};
use super::{One, RAW};
use parallax_telemetry::needles::{Clause, Literal, Needles};

/// More rules have more texts than are looked for before events are decoded.
const RULES: usize = 256;

/// The texts; `None` where a rule has none that is worth looking for.
pub(super) fn needed(rules: &[One], finder: &Finder<'_>, fields: &[String]) -> Option<Clause> {
    let rules: Vec<&One> = rules.iter().filter(|r| r.node.is_some()).collect();
    if rules.is_empty() || rules.len() > RULES {
        return None;
    }
    let cost = |atoms: &[Atom]| atoms.iter().map(|atom| cost(atom, finder)).sum();
    let mut all = Vec::new();
    for rule in rules {
        let atoms = finder.anchor_by(&rule.condition, &cost)?;
        if !cost(&atoms).is_finite() {
            return None;
        }
        all.extend(atoms);
    }
    all.sort_unstable();
    all.dedup();
    // A keyword is looked for in the event's text and in the values of its fields, which stand in the text.
    let column = |atom: &Atom| {
        if atom.field == finder.keywords { Some(RAW) } else { Some(fields.get(atom.field as usize)?.as_str()) }
    };
    all.iter().map(|atom| Some(Literal { folds: true, ..Literal::new(column(atom)?, &*atom.text) })).collect()
}

/// How often a literal may be expected in raw events.
fn cost(atom: &Atom, finder: &Finder<'_>) -> f64 {
    // Numbers among the values of an event are written anew.
    let anew = atom.field == finder.keywords && atom.text.bytes().any(|b| b.is_ascii_digit());
    if atom.place == Place::There || anew {
        return f64::INFINITY;
    }
    Needles::new([(&*atom.text, true)]).map_or(f64::INFINITY, |needles| needles.frequency())
}
