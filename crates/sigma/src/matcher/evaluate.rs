//! Rules over one event.

use super::Rules;
use super::anchor::base_hash;
use super::compile::{Held, Kind, Node, Test};
use crate::meaning::{compares, each_value, fold, fold_into, is_in, number, same, time_part};
use crate::tree::Case;
use parallax_telemetry::Value;
use std::borrow::Cow;

/// What is kept from event to event: room, and nothing of the events. One a thread.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Numbers the events; what carries another number is of an earlier one.
    event: u32,
    fields: Vec<Field>,
    /// The folded values of the fields that were asked for.
    folded: String,
    /// For each test the event and whether it passed.
    tests: Vec<(u32, bool)>,
    candidates: Candidates,
    hits: Vec<u32>,
    texts: Texts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Field {
    event: u32,
    there: bool,
    /// The hash of the base name, where it was asked for.
    base: Option<u32>,
    start: usize,
    end: usize,
}

/// The rules to evaluate on an event, each once: a hostile value may show a literal a million times.
#[derive(Debug, Default)]
struct Candidates {
    /// For each rule the event for which it was last added.
    seen: Vec<u32>,
    rules: Vec<u32>,
}

impl Candidates {
    fn add(&mut self, event: u32, rules: &[u32]) {
        for rule in rules {
            let seen = &mut self.seen[*rule as usize];
            if *seen != event {
                *seen = event;
                self.rules.push(*rule);
            }
        }
    }
}

/// All texts of an event, folded, for keywords.
#[derive(Debug, Default)]
struct Texts {
    event: u32,
    folded: String,
    /// Where each ends.
    ends: Vec<usize>,
}

/// A value of that many bytes is rare; its room is given back.
const ROOM: usize = 1 << 20;

impl Scratch {
    /// With no room yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn begin(&mut self, rules: &Rules) {
        self.event = self.event.wrapping_add(1);
        let sizes = (self.fields.len(), self.tests.len(), self.candidates.seen.len());
        if self.event == 0 || sizes != (rules.fields.len(), rules.tests.len(), rules.rules.len()) {
            // Of other rules, or the numbers begin anew.
            *self = Scratch {
                event: 1,
                fields: vec![Field::default(); rules.fields.len()],
                tests: vec![(0, false); rules.tests.len()],
                candidates: Candidates { seen: vec![0; rules.rules.len()], rules: Vec::new() },
                ..Scratch::default()
            };
        }
        for room in [&mut self.folded, &mut self.texts.folded] {
            room.clear();
            room.shrink_to(ROOM);
        }
        self.candidates.rules.clear();
        self.hits.clear();
    }
}

pub(super) fn matches<'v, 's>(
    rules: &Rules,
    // Not generic, so that it is compiled here, where speed counts, and once.
    values: &dyn Fn(usize) -> Value<'v>,
    sources: &[u32],
    scratch: &'s mut Scratch,
) -> &'s [u32] {
    scratch.begin(rules);
    let mut event = Event { rules, values, scratch };
    for group in sources.iter().filter_map(|source| rules.groups.get(*source as usize)) {
        let now = event.scratch.event;
        event.scratch.candidates.add(now, &group.always);
        for (field, index) in &group.indexes {
            let Some((start, end)) = event.folded(*field) else { continue };
            let base = if index.asks_base() { Some(event.base(*field)) } else { None };
            let Scratch { folded, candidates, .. } = &mut *event.scratch;
            index.candidates(&folded[start..end], base, &mut |rules| candidates.add(now, rules));
        }
        if let Some(index) = &group.keywords {
            event.gather();
            let Scratch { texts, candidates, .. } = &mut *event.scratch;
            let mut start = 0;
            for end in &texts.ends {
                index.candidates(&texts.folded[start..*end], None, &mut |rules| candidates.add(now, rules));
                start = *end;
            }
        }
    }
    event.evaluate();
    scratch.hits.sort_unstable();
    &scratch.hits
}

/// The text of a value, as the columns of views have it.
pub(super) fn text(value: Value<'_>) -> Option<Cow<'_, str>> {
    value.into_text()
}

struct Event<'e, 'v> {
    rules: &'e Rules,
    values: &'e dyn Fn(usize) -> Value<'v>,
    scratch: &'e mut Scratch,
}

impl<'v> Event<'_, 'v> {
    fn evaluate(&mut self) {
        let candidates = std::mem::take(&mut self.scratch.candidates.rules);
        for rule in &candidates {
            let rules = self.rules;
            if rules.rules[*rule as usize].node.as_ref().is_some_and(|node| self.holds(node)) {
                self.scratch.hits.push(*rule);
            }
        }
        self.scratch.candidates.rules = candidates;
    }

    fn holds(&mut self, node: &Node) -> bool {
        match node {
            Node::And(each) => each.iter().all(|n| self.holds(n)),
            Node::Or(each) => each.iter().any(|n| self.holds(n)),
            Node::Not(inner) => !self.holds(inner),
            Node::Test(at) => {
                let at = *at as usize;
                let (event, passed) = self.scratch.tests[at];
                if event == self.scratch.event {
                    return passed;
                }
                let passed = self.passes(&self.rules.tests[at]);
                self.scratch.tests[at] = (self.scratch.event, passed);
                passed
            }
        }
    }

    fn passes(&mut self, test: &Test) -> bool {
        match &test.kind {
            Kind::Any(any) => {
                let Some((start, end)) = self.folded(test.field) else { return false };
                let base = if any.asks_base() { self.base(test.field) } else { 0 };
                any.is_match(&self.scratch.folded.as_bytes()[start..end], base)
            }
            Kind::All(all) => self.folded(test.field).is_some_and(|(start, end)| {
                let text = &self.scratch.folded.as_bytes()[start..end];
                all.iter().all(|finder| finder.find(text).is_some())
            }),
            Kind::Like(glob, Case::Ignored) => {
                self.folded(test.field).is_some_and(|(start, end)| glob.is_match(&self.scratch.folded[start..end]))
            }
            Kind::Like(glob, Case::Counts) => self.text(test.field).is_some_and(|t| glob.is_match(&t)),
            Kind::Matches(expression) => self.text(test.field).is_some_and(|t| expression.is_match(&t)),
            Kind::In(network) => self.text(test.field).is_some_and(|t| is_in(network, &t)),
            Kind::Compares(order, limit) => {
                self.text(test.field).and_then(|t| number(&t)).is_some_and(|n| compares(n, *order, *limit))
            }
            Kind::Field(part, other, case) => {
                let (Some(value), Some(other)) = (self.text(test.field), self.text(*other)) else { return false };
                same(*part, *case, &value, &other)
            }
            Kind::Exists(there) => self.folded(test.field).is_some() == *there,
            Kind::TimePart(part, wanted) => self.text(test.field).and_then(|t| time_part(&t, *part)) == Some(*wanted),
            Kind::Held(held) => self.held(held),
        }
    }

    fn text(&self, field: u32) -> Option<Cow<'v, str>> {
        text((self.values)(field as usize))
    }

    /// Where the folded value of a field stands in the scratch's text.
    fn folded(&mut self, at: u32) -> Option<(usize, usize)> {
        let Scratch { event, fields, folded, .. } = &mut *self.scratch;
        let field = &mut fields[at as usize];
        if field.event != *event {
            *field = Field { event: *event, there: false, base: None, start: folded.len(), end: 0 };
            if let Some(text) = text((self.values)(at as usize)) {
                fold_into(&text, folded);
                field.there = true;
            }
            field.end = folded.len();
        }
        field.there.then_some((field.start, field.end))
    }

    /// The hash of the base name of a field whose value was folded.
    fn base(&mut self, at: u32) -> u32 {
        let Scratch { fields, folded, .. } = &mut *self.scratch;
        let field = &mut fields[at as usize];
        *field.base.get_or_insert_with(|| base_hash(&folded.as_bytes()[field.start..field.end]))
    }

    /// Calls with all texts of the event: its own, and the values of its fields.
    fn each_text(&self, each: &mut dyn FnMut(&str)) {
        let Some((raw, fields)) = self.rules.keywords else { return };
        if let Some(raw) = self.text(raw) {
            each(&raw);
        }
        if let Some(fields) = self.text(fields) {
            each_value(&fields, each);
        }
    }

    /// Gathers all texts of the event, folded.
    fn gather(&mut self) {
        if self.scratch.texts.event == self.scratch.event {
            return;
        }
        let mut texts = std::mem::take(&mut self.scratch.texts);
        texts.event = self.scratch.event;
        texts.ends.clear();
        self.each_text(&mut |text| {
            fold_into(text, &mut texts.folded);
            texts.ends.push(texts.folded.len());
        });
        self.scratch.texts = texts;
    }

    fn held(&mut self, held: &Held) -> bool {
        let mut found = false;
        match held {
            Held::Like(glob, Case::Ignored) => {
                self.gather();
                let texts = &self.scratch.texts;
                let mut start = 0;
                found = texts
                    .ends
                    .iter()
                    .any(|end| glob.find(&texts.folded[std::mem::replace(&mut start, *end)..*end]).is_some());
            }
            // These are rare, and look at the texts as they are.
            Held::Like(glob, Case::Counts) => self.each_text(&mut |text| found |= glob.find(text).is_some()),
            Held::Meaning(meaning) => self.each_text(&mut |text| found |= meaning.held(text)),
        }
        found
    }
}

/// The folded text, for those who have no scratch.
pub(super) fn folded(text: &str) -> Cow<'_, str> {
    fold(text)
}
