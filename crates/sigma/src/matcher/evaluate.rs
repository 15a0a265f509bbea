//! Rules over one event.

use super::compile::{Held, Kind, Node, Test};
use super::index::Found;
use super::known::{At, Known, Looked, Seen};
use super::{Group, Rules, Values};
use crate::meaning::{compares, each_value, fold, fold_into, is_in, number, same, time_part};
use crate::tree::Case;
use parallax_telemetry::{RawText, Value};
use std::borrow::Cow;

/// What is kept from event to event: room, and what was found out of values that may come again. One a thread.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Numbers the events; what carries another number is of an earlier one.
    event: u32,
    fields: Vec<Field>,
    /// The values of the fields that were asked for, as they are and folded.
    plain: String,
    folded: String,
    /// What the rules of each log source see in a field.
    columns: Vec<Column>,
    /// A bit for each test that follows from literals, and those that are set.
    told: Vec<u64>,
    set: Vec<u32>,
    /// For each test that is not of one value alone the event and whether it passed.
    tests: Vec<(u32, bool)>,
    /// Which rules it is for.
    rules: u64,
    known: Known,
    candidates: Candidates,
    hits: Vec<u32>,
    texts: Texts,
}

/// A field's value, if there is one.
#[derive(Clone, Copy, Debug, Default)]
struct Field {
    event: u32,
    value: Option<At>,
    /// Where its text stands, if somebody looked at it.
    text: Option<Place>,
}

/// Where a text stands among those of the event, and where it does when it is folded.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    plain: (u32, u32),
    folded: (u32, u32),
}

fn span((start, end): (u32, u32)) -> std::ops::Range<usize> {
    start as usize..end as usize
}

#[derive(Clone, Copy, Debug, Default)]
struct Column {
    event: u32,
    seen: Option<Seen>,
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

/// Texts of that many bytes are rare; their room is given back.
const ROOM: usize = 1 << 20;

impl Scratch {
    /// With no room yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn begin(&mut self, rules: &Rules) {
        self.event = self.event.wrapping_add(1);
        if self.event == 0 || self.rules != rules.id || self.fields.len() != rules.fields.len() {
            // Of other rules, or the numbers begin anew.
            *self = Scratch {
                event: 1,
                rules: rules.id,
                known: Known::new(rules.fields.len(), rules.sizes.literals),
                fields: vec![Field::default(); rules.fields.len()],
                columns: vec![Column::default(); rules.sizes.columns],
                told: vec![0; rules.sizes.told.div_ceil(64)],
                tests: vec![(0, false); rules.sizes.tests],
                candidates: Candidates { seen: vec![0; rules.rules.len()], rules: Vec::new() },
                ..Scratch::default()
            };
        }
        for room in [&mut self.plain, &mut self.folded, &mut self.texts.folded] {
            room.clear();
            room.shrink_to(ROOM);
        }
        for bit in self.set.drain(..) {
            self.told[bit as usize / 64] = 0;
        }
        self.known.begin();
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
    for source in sources {
        let Some(group) = rules.groups.get(*source as usize) else { continue };
        let mut event = Event { rules, group, values, scratch };
        event.find();
        event.evaluate();
    }
    scratch.hits.sort_unstable();
    scratch.hits.dedup();
    &scratch.hits
}

/// The text of a value, as the columns of views have it.
pub(super) fn text(value: Value<'_>) -> Option<Cow<'_, str>> {
    value.into_text()
}

/// An event under the rules of a log source.
struct Event<'e, 's> {
    rules: &'e Rules,
    group: &'e Group,
    values: &'e dyn Values,
    scratch: &'s mut Scratch,
}

/// Takes the rules that the texts of an event are an anchor of.
struct Adding<'c>(&'c mut Candidates, u32);

impl Found for Adding<'_> {
    fn literal(&mut self, _: u32, rules: &[u32], _: &[u32]) {
        self.0.add(self.1, rules);
    }

    fn there(&mut self, rules: &[u32]) {
        self.0.add(self.1, rules);
    }
}

impl<'e> Event<'e, '_> {
    /// Finds the rules to evaluate.
    fn find(&mut self) {
        let group = self.group;
        let now = self.scratch.event;
        self.scratch.candidates.rules.clear();
        self.scratch.candidates.add(now, &group.always);
        for column in &group.found {
            let Some(seen) = self.seen(group.first_column + *column as usize) else { continue };
            let Scratch { known, candidates, .. } = &mut *self.scratch;
            candidates.add(now, known.rules(&seen));
        }
        if let Some(index) = &group.keywords {
            self.gather();
            let Scratch { texts, candidates, .. } = &mut *self.scratch;
            let mut start = 0;
            for end in &texts.ends {
                index.find(&texts.folded[start..*end], None, &mut Adding(candidates, now));
                start = *end;
            }
        }
    }

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
            Node::Told { column, test } => {
                if self.scratch.columns[*column as usize].event != self.scratch.event {
                    self.see(*column as usize);
                }
                self.scratch.told[*test as usize / 64] >> (test % 64) & 1 != 0
            }
            Node::Test(at) => self.test(*at as usize),
        }
    }

    fn test(&mut self, at: usize) -> bool {
        let group = self.group;
        let test = &group.tests[at];
        if let Some((column, place)) = test.place {
            let Some(seen) = self.seen(group.first_column + column as usize) else { return false };
            return self.scratch.known.passes(&seen, place).unwrap_or_else(|| {
                let passed = self.passes(test);
                self.scratch.known.passed(&seen, place, group.columns[column as usize].asked, passed);
                passed
            });
        }
        let at = group.first_test + at;
        let (event, passed) = self.scratch.tests[at];
        if event == self.scratch.event {
            return passed;
        }
        let passed = self.passes(test);
        self.scratch.tests[at] = (self.scratch.event, passed);
        passed
    }

    /// What is seen in a column's value, if there is one.
    #[inline]
    fn seen(&mut self, column: usize) -> Option<Seen> {
        let Column { event, seen } = self.scratch.columns[column];
        if event == self.scratch.event { seen } else { self.see(column) }
    }

    fn see(&mut self, column: usize) -> Option<Seen> {
        let of = &self.group.columns[column - self.group.first_column];
        let value = self.value(of.field);
        let seen = value.map(|at| match self.scratch.known.seen(at, column as u32) {
            Some(seen) => seen,
            None => {
                let place = self.place(of.field);
                let Scratch { known, folded, .. } = &mut *self.scratch;
                known.see(at, column as u32, &of.index, &folded[span(place.folded)])
            }
        });
        let Scratch { event, known, columns, told, set, .. } = &mut *self.scratch;
        if let Some(seen) = &seen {
            for test in known.tests(seen) {
                let bit = of.first_told + test;
                told[bit as usize / 64] |= 1 << (bit % 64);
                set.push(bit);
            }
        }
        columns[column] = Column { event: *event, seen };
        seen
    }

    fn passes(&mut self, test: &Test) -> bool {
        match &test.kind {
            Kind::Any(any) => self.folded(test.field).is_some_and(|text| any.is_match(text.as_bytes())),
            Kind::All(all) => {
                self.folded(test.field).is_some_and(|text| all.iter().all(|f| f.find(text.as_bytes()).is_some()))
            }
            Kind::Like(glob, Case::Ignored) => self.folded(test.field).is_some_and(|text| glob.is_match(text)),
            Kind::Like(glob, Case::Counts) => self.of_text(test.field, |t| glob.is_match(t)),
            Kind::Matches(expression) => self.of_text(test.field, |t| expression.is_match(t)),
            Kind::In(network) => self.of_text(test.field, |t| is_in(network, t)),
            Kind::Compares(order, limit) => {
                self.of_text(test.field, |t| number(t).is_some_and(|n| compares(n, *order, *limit)))
            }
            Kind::Field(part, other, case) => {
                let Some(other) = self.text(*other) else { return false };
                self.of_text(test.field, |value| same(*part, *case, value, &other))
            }
            Kind::Exists(there) => self.value(test.field).is_some() == *there,
            Kind::TimePart(part, wanted) => self.of_text(test.field, |t| time_part(t, *part) == Some(*wanted)),
            Kind::Held(held) => self.held(held),
        }
    }

    /// Whether a field has a text that passes.
    fn of_text(&mut self, field: u32, passes: impl FnOnce(&str) -> bool) -> bool {
        self.value(field).is_some() && {
            let place = self.place(field);
            passes(&self.scratch.plain[span(place.plain)])
        }
    }

    fn text(&self, field: u32) -> Option<Cow<'e, str>> {
        text(self.values.value(field as usize))
    }

    /// A field's value, if the event has one.
    fn value(&mut self, at: u32) -> Option<At> {
        let Scratch { event, fields, known, .. } = &mut *self.scratch;
        let field = &mut fields[at as usize];
        if field.event == *event {
            return field.value;
        }
        *field = Field { event: *event, value: None, text: None };
        let raw = self.values.raw(at as usize);
        let hash = match known.look(at, raw) {
            Looked::Entry(entry) => {
                field.value = Some(At::Kept(entry));
                return field.value;
            }
            _ if raw == RawText::Missing => return None,
            Looked::New(hash) => Some(hash),
            Looked::No => None,
        };
        let text = self.take(at)?;
        let Scratch { fields, known, .. } = &mut *self.scratch;
        let value = Some(match hash {
            Some(hash) => known.keep(hash, at, raw),
            None => known.pass(),
        });
        let field = &mut fields[at as usize];
        (field.value, field.text) = (value, Some(text));
        value
    }

    /// Takes a field's text.
    fn take(&mut self, at: u32) -> Option<Place> {
        let Scratch { plain, folded, .. } = &mut *self.scratch;
        let (start, first) = (plain.len(), folded.len());
        if !self.values.text_into(at as usize, plain) {
            plain.truncate(start);
            return None;
        }
        fold_into(&plain[start..], folded);
        Some(Place { plain: (start as u32, plain.len() as u32), folded: (first as u32, folded.len() as u32) })
    }

    /// Where the text of a field's value stands, which there is.
    fn place(&mut self, at: u32) -> Place {
        if let Some(place) = self.scratch.fields[at as usize].text {
            return place;
        }
        let place = self.take(at);
        self.scratch.fields[at as usize].text = place;
        place.unwrap_or_default()
    }

    /// A field's value, folded, if the event has one.
    fn folded(&mut self, at: u32) -> Option<&str> {
        self.value(at)?;
        let place = self.place(at);
        Some(&self.scratch.folded[span(place.folded)])
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
