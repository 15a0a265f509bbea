//! Rules over one event.

use super::anchor::base_hash;
use super::compile::{Held, Kind, Node, Test};
use super::known::{Known, Looked};
use super::{Rules, Values};
use crate::meaning::{compares, each_value, fold, fold_end, fold_into, is_in, number, same, time_part};
use crate::tree::Case;
use parallax_telemetry::{RawText, Value};
use std::borrow::Cow;

/// What is kept from event to event: room, and what was found out of values that may come again. One a thread.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Numbers the events; what carries another number is of an earlier one.
    event: u32,
    fields: Vec<Field>,
    /// The folded values of the fields that were asked for.
    folded: String,
    /// For each test the event and whether it passed.
    tests: Vec<(u32, bool)>,
    /// Which rules it is for.
    rules: u64,
    known: Known,
    candidates: Candidates,
    hits: Vec<u32>,
    texts: Texts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Field {
    event: u32,
    there: bool,
    /// Where it is known; then it stands there alone.
    known: Option<u32>,
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

    /// The folded text of a value.
    fn folded(&self, value: &Field) -> &str {
        match value.known {
            Some(entry) => self.known.folded(entry),
            None => &self.folded[value.start..value.end],
        }
    }

    fn begin(&mut self, rules: &Rules) {
        self.event = self.event.wrapping_add(1);
        if self.event == 0 || self.rules != rules.id || self.fields.len() != rules.fields.len() {
            // Of other rules, or the numbers begin anew.
            *self = Scratch {
                event: 1,
                rules: rules.id,
                known: Known::new(rules.fields.len()),
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
        self.known.begin();
        self.candidates.rules.clear();
        self.hits.clear();
    }
}

pub(super) fn matches<'s>(
    rules: &Rules,
    // Not generic, so that it is compiled here, where speed counts, and once.
    values: &dyn Values,
    sources: &[u32],
    scratch: &'s mut Scratch,
) -> &'s [u32] {
    scratch.begin(rules);
    let mut event = Event { rules, values, scratch };
    for source in sources {
        let Some(group) = rules.groups.get(*source as usize) else { continue };
        let now = event.scratch.event;
        event.scratch.candidates.add(now, &group.always);
        for (field, index) in &group.indexes {
            let Some(value) = event.value(*field) else { continue };
            let base = if index.asks_base() && value.known.is_none() { Some(event.base(*field)) } else { None };
            let Scratch { folded, known, candidates, .. } = &mut *event.scratch;
            match value.known {
                Some(entry) => {
                    let find = |text: &str, base: u32, found: &mut dyn FnMut(&[u32])| {
                        index.candidates(text, Some(base), &mut |rules| found(rules));
                    };
                    candidates.add(now, known.rules(entry, *source, find));
                }
                None => {
                    let text = &folded[value.start..value.end];
                    index.candidates(text, base, &mut |rules| candidates.add(now, rules));
                }
            }
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

struct Event<'e> {
    rules: &'e Rules,
    values: &'e dyn Values,
    scratch: &'e mut Scratch,
}

impl<'e> Event<'e> {
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
            Node::Test(at) => self.test(*at as usize),
        }
    }

    fn test(&mut self, at: usize) -> bool {
        let rules = self.rules;
        let test = &rules.tests[at];
        if let Some(place) = test.place {
            let Some(value) = self.value(test.field) else { return false };
            if let Some(entry) = value.known {
                return match self.scratch.known.passes(entry, place) {
                    Some(passed) => passed,
                    None => {
                        let passed = self.passes(test);
                        self.scratch.known.passed(entry, place, rules.tests_of[test.field as usize], passed);
                        passed
                    }
                };
            }
        }
        let (event, passed) = self.scratch.tests[at];
        if event == self.scratch.event {
            return passed;
        }
        let passed = self.passes(test);
        self.scratch.tests[at] = (self.scratch.event, passed);
        passed
    }

    fn passes(&mut self, test: &Test) -> bool {
        match &test.kind {
            Kind::Any(any) => {
                let Some(value) = self.value(test.field) else { return false };
                let base = if any.asks_base() { self.base(test.field) } else { 0 };
                any.is_match(self.scratch.folded(&value).as_bytes(), base)
            }
            Kind::All(all) => self.value(test.field).is_some_and(|value| {
                let text = self.scratch.folded(&value).as_bytes();
                all.iter().all(|finder| finder.find(text).is_some())
            }),
            Kind::Like(glob, Case::Ignored) => {
                self.value(test.field).is_some_and(|value| glob.is_match(self.scratch.folded(&value)))
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
            Kind::Exists(there) => self.value(test.field).is_some() == *there,
            Kind::TimePart(part, wanted) => self.text(test.field).and_then(|t| time_part(&t, *part)) == Some(*wanted),
            Kind::Held(held) => self.held(held),
        }
    }

    fn text(&self, field: u32) -> Option<Cow<'e, str>> {
        text(self.values.value(field as usize))
    }

    /// A field's value, folded, if the event has one.
    fn value(&mut self, at: u32) -> Option<Field> {
        let field = self.scratch.fields[at as usize];
        let field = if field.event == self.scratch.event { field } else { self.take(at) };
        field.there.then_some(field)
    }

    fn take(&mut self, at: u32) -> Field {
        let Scratch { event, fields, folded, known, .. } = &mut *self.scratch;
        let start = folded.len();
        let mut field = Field { event: *event, start, end: start, ..Field::default() };
        let raw = self.values.raw(at as usize);
        match known.look(at, raw) {
            Looked::Entry(entry) => (field.there, field.known) = (true, Some(entry)),
            _ if raw == RawText::Missing => {}
            looked => {
                field.there = self.values.text_into(at as usize, folded);
                fold_end(folded, start);
                if let Looked::New(hash) = looked
                    && field.there
                {
                    field.known = known.add(hash, at, raw, &folded[start..]);
                    folded.truncate(start);
                }
            }
        }
        field.end = folded.len();
        fields[at as usize] = field;
        field
    }

    /// The hash of the base name of a value that was taken.
    fn base(&mut self, at: u32) -> u32 {
        let Scratch { fields, folded, known, .. } = &mut *self.scratch;
        let field = &mut fields[at as usize];
        match field.known {
            Some(entry) => known.base(entry),
            None => *field.base.get_or_insert_with(|| base_hash(&folded.as_bytes()[field.start..field.end])),
        }
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
