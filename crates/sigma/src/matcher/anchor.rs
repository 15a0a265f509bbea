//! What any event that fulfils a condition must show: the literals by which rules are found.

use crate::meaning::fold;
use crate::tree::{Condition, Is, Piece};
use hashbrown::HashMap;
use parallax_functions::matcher::Alternatives;
use regex_syntax::hir::Hir;

/// Where a literal stands in a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Place {
    Anywhere,
    Start,
    End,
    /// It is the whole value.
    Whole,
    /// The value is there, whatever it is; the text is empty.
    There,
}

/// A literal, folded, that a field's value must show.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Atom {
    pub(super) field: u32,
    pub(super) place: Place,
    pub(super) text: Box<str>,
}

/// Of two separators the last one divides a path; what follows is the name of the program or file.
pub(super) fn base_name(path: &[u8]) -> &[u8] {
    match memchr::memrchr2(b'\\', b'/', path) {
        Some(at) => &path[at + 1..],
        None => path,
    }
}

/// A hash of the base name of a path.
pub(super) fn base_hash(path: &[u8]) -> u32 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut hash = 0u64;
    let mut chunks = base_name(path).chunks_exact(8);
    for chunk in &mut chunks {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(chunk);
        hash = (hash.rotate_left(5) ^ u64::from_le_bytes(bytes)).wrapping_mul(FACTOR);
    }
    let rest = chunks.remainder();
    let last = rest.iter().rev().fold(rest.len() as u64, |n, b| n << 8 | u64::from(*b));
    ((hash.rotate_left(5) ^ last).wrapping_mul(FACTOR) >> 32) as u32
}

/// Whether literals at the end of a value decide its base name.
pub(super) fn has_separator(text: &[u8]) -> bool {
    text.iter().any(|b| matches!(b, b'\\' | b'/'))
}

impl Atom {
    /// The base name that a value with this literal has, where it decides that.
    pub(super) fn base(&self) -> Option<&[u8]> {
        let text = self.text.as_bytes();
        let known = match self.place {
            Place::Whole => true,
            Place::End => has_separator(text),
            _ => false,
        };
        known.then(|| base_name(text))
    }
}

/// How common literals are, judged by the rules themselves: what many rules look for, many events have.
#[derive(Default)]
pub(super) struct Commonness {
    /// In how many rules, and in which one last.
    grams: HashMap<[u8; 4], (u32, u32)>,
    bases: HashMap<Vec<u8>, (u32, u32)>,
}

impl Commonness {
    /// Counts a literal of a rule; rules come one after the other.
    pub(super) fn add(&mut self, rule: u32, atom: &Atom) {
        let count = |seen: &mut (u32, u32)| {
            if seen.0 == 0 || seen.1 != rule {
                *seen = (seen.0 + 1, rule);
            }
        };
        for gram in atom.text.as_bytes().windows(4) {
            count(self.grams.entry([gram[0], gram[1], gram[2], gram[3]]).or_default());
        }
        if let Some(base) = atom.base() {
            count(self.bases.entry_ref(base).or_default());
        }
    }

    /// In how many rules four neighbouring bytes occur.
    pub(super) fn gram(&self, gram: [u8; 4]) -> u32 {
        self.grams.get(&gram).map_or(0, |(rules, _)| *rules)
    }

    /// What it costs to go by a literal, about: how many of a thousand events show it.
    pub(super) fn cost(&self, atom: &Atom) -> f64 {
        let text = atom.text.as_bytes();
        if let Some(base) = atom.base() {
            // Names of files are many; other whole values are mostly of a few words that many events share.
            let few = if atom.place == Place::Whole && !text.contains(&b'.') { 20.0 } else { 0.05 };
            return few + 0.4 * f64::from(self.bases.get(base).map_or(0, |(rules, _)| *rules));
        }
        let rarest = text.windows(4).map(|w| self.gram([w[0], w[1], w[2], w[3]])).min();
        match (atom.place, text.len()) {
            (Place::There, _) | (_, 0) => 2_000.0,
            (_, 1) => 900.0,
            (_, 2) => 500.0,
            (_, 3) => 150.0,
            (_, length) => {
                let fewer = if length < 12 { f64::from(12 - length as u32) } else { 0.0 };
                0.05 + 0.3 * f64::from(rarest.unwrap_or(0)) + 0.15 * fewer * fewer
            }
        }
    }
}

/// Finds the literals of conditions.
pub(super) struct Finder<'a> {
    pub(super) fields: &'a HashMap<String, u32>,
    /// The field whose value is all of an event's texts.
    pub(super) keywords: u32,
}

impl Finder<'_> {
    /// The set of literals of which any event that fulfils the condition shows one, the cheapest that there is.
    pub(super) fn anchor(&self, condition: &Condition, common: &Commonness) -> Option<Vec<Atom>> {
        self.anchor_by(condition, &|atoms| atoms.iter().map(|a| common.cost(a)).sum())
    }

    /// The same, by another measure of what is cheap.
    pub(super) fn anchor_by(&self, condition: &Condition, cost: &dyn Fn(&[Atom]) -> f64) -> Option<Vec<Atom>> {
        match condition {
            Condition::And(all) => {
                let sides = all.iter().filter_map(|c| self.anchor_by(c, cost));
                sides.min_by(|a, b| cost(a).total_cmp(&cost(b)))
            }
            Condition::Or(any) => {
                let mut atoms = any.iter().map(|c| self.anchor_by(c, cost)).collect::<Option<Vec<_>>>()?.concat();
                atoms.sort_unstable();
                atoms.dedup();
                Some(atoms)
            }
            // What must not be there can't be looked for.
            Condition::Not(_) => None,
            Condition::Test(test) => {
                let field = self.field(test.field.as_deref());
                let sets = self.literals(field, test.field.is_none(), &test.is);
                sets.into_iter().min_by(|a, b| cost(a).total_cmp(&cost(b)))
            }
        }
    }

    /// All literals of a condition outside of negations.
    pub(super) fn all(&self, condition: &Condition, out: &mut impl FnMut(&Atom)) {
        match condition {
            Condition::And(each) | Condition::Or(each) => each.iter().for_each(|c| self.all(c, out)),
            Condition::Not(_) => {}
            Condition::Test(test) => {
                let field = self.field(test.field.as_deref());
                self.literals(field, test.field.is_none(), &test.is).iter().flatten().for_each(out);
            }
        }
    }

    fn field(&self, name: Option<&str>) -> u32 {
        name.map_or(self.keywords, |name| self.fields.get(name).copied().unwrap_or(self.keywords))
    }

    /// Sets of literals; of each a passing value shows one at least.
    fn literals(&self, field: u32, keyword: bool, is: &Is) -> Vec<Vec<Atom>> {
        let atom = |place, text: &str| vec![Atom { field, place, text: text.into() }];
        let there = || atom(Place::There, "");
        let mut sets = match is {
            Is::Like(pattern) => {
                let last = pattern.parts.len().saturating_sub(1);
                let texts = pattern.parts.iter().enumerate().filter_map(|(at, piece)| match piece {
                    Piece::Text(text) => Some((at, fold(text))),
                    Piece::One | Piece::Any => None,
                });
                let place = |at: usize| match (at == 0, at == last) {
                    _ if keyword => Place::Anywhere,
                    (true, true) => Place::Whole,
                    (true, false) => Place::Start,
                    (false, true) => Place::End,
                    (false, false) => Place::Anywhere,
                };
                let mut sets: Vec<_> = texts.map(|(at, text)| atom(place(at), &text)).collect();
                if pattern.parts.is_empty() && !keyword {
                    sets.push(atom(Place::Whole, ""));
                }
                sets
            }
            Is::Matches(expression) => {
                let parsed = regex_syntax::ParserBuilder::new()
                    .case_insensitive(expression.ignore_case)
                    .multi_line(expression.multi_line)
                    .dot_matches_new_line(expression.dot_all)
                    .build()
                    .parse(&expression.text);
                let texts = parsed.ok().and_then(|hir| required(&hir));
                let set = texts.map(|texts| texts.iter().flat_map(|t| atom(Place::Anywhere, t)).collect());
                set.into_iter().collect()
            }
            Is::Exists(false) | Is::Null => return Vec::new(),
            Is::Field(..) | Is::Exists(true) | Is::In(_) | Is::Compares(..) | Is::TimePart(..) => Vec::new(),
        };
        sets.push(there());
        sets
    }
}

/// Folded texts of which any match of the expression holds one.
fn required(hir: &Hir) -> Option<Vec<String>> {
    // Three letters and more tell something; many alternatives tell less.
    let cost = |set: &Alternatives| {
        let shortest = set.iter().map(|one| one.text.len()).min().unwrap_or(0);
        -((100 * shortest.min(12) / (set.len() + 9)) as f64)
    };
    let sets = parallax_functions::matcher::required(hir, crate::meaning::fold_char, &cost);
    let best = sets.into_iter().min_by(|a, b| cost(a).total_cmp(&cost(b)))?;
    Some(best.into_iter().map(|one| one.text).collect())
}
