//! The asked fields, found quickly among an object's entries.

use super::value::{self, Entry};
use crate::event::Value;
use std::collections::{HashMap, HashSet};

/// A pseudo-field that every family knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pseudo {
    /// The event's time.
    Time,
    /// The host.
    Host,
    /// The source's own record number.
    Id,
    /// The text as it stood.
    Raw,
    /// All fields as a JSON object.
    Fields,
    /// The table's name.
    Table,
    /// One that this family does not have.
    Unknown,
}

/// The asked names, prepared.
pub(crate) struct Wanted {
    names: Vec<String>,
    pseudo: Vec<(usize, Pseudo)>,
    dotted: Vec<usize>,
    plain: Vec<usize>,
    /// Lower-case plain name to slots.
    slots: HashMap<String, Vec<usize>>,
    /// What the n-th entry of the previous objects was called: rows of one table repeat their column order.
    memo: Vec<(String, Vec<usize>)>,
    /// Lower-case names that the caller knows; empty where it does not want to hear of others.
    known: HashSet<String>,
    /// Names met that the caller does not know, until they are told.
    news: Vec<String>,
}

/// So many unknown names are told; more are data under changing names, not columns.
const MOST_NEWS: usize = 1_000;

impl Wanted {
    pub(crate) fn new(fields: &[String], known: &[String]) -> Self {
        let mut wanted = Wanted {
            names: fields.to_vec(),
            pseudo: Vec::new(),
            dotted: Vec::new(),
            plain: Vec::new(),
            slots: HashMap::new(),
            memo: Vec::new(),
            known: known.iter().map(|n| n.to_ascii_lowercase()).collect(),
            news: Vec::new(),
        };
        for (slot, name) in fields.iter().enumerate() {
            if name.starts_with('@') {
                let pseudo = match name.to_ascii_lowercase().as_str() {
                    "@time" => Pseudo::Time,
                    "@host" => Pseudo::Host,
                    "@id" => Pseudo::Id,
                    "@raw" => Pseudo::Raw,
                    "@fields" => Pseudo::Fields,
                    "@table" => Pseudo::Table,
                    _ => Pseudo::Unknown,
                };
                wanted.pseudo.push((slot, pseudo));
                continue;
            }
            if name.contains('.') {
                wanted.dotted.push(slot);
            } else {
                wanted.plain.push(slot);
            }
            wanted.slots.entry(name.to_ascii_lowercase()).or_default().push(slot);
        }
        wanted
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// Which pseudo-field the slot asks for.
    pub(crate) fn pseudo_of(&self, slot: usize) -> Option<Pseudo> {
        self.names.get(slot).filter(|n| n.starts_with('@'))?;
        self.pseudo.iter().find(|(s, _)| *s == slot).map(|(_, pseudo)| *pseudo)
    }

    /// The asked pseudo-fields with their slots.
    pub(crate) fn pseudo(&self) -> &[(usize, Pseudo)] {
        &self.pseudo
    }

    /// Names met since the last call that the caller does not know.
    pub(crate) fn news(&mut self) -> std::vec::Drain<'_, String> {
        self.news.drain(..)
    }

    /// The entries of an object that are asked for by their own names, with their slots.
    pub(crate) fn found<'a>(&mut self, entries: &[Entry<'a>], found: &mut Vec<(usize, &'a str)>) {
        for (place, (name, raw)) in entries.iter().enumerate() {
            self.meet(place, name);
            found.extend(self.memo[place].1.iter().map(|slot| (*slot, *raw)));
        }
    }

    /// The value of a plain or dotted name that [`Wanted::found`] did not find at the top.
    pub(crate) fn below<'a>(&self, slot: usize, entries: &[Entry<'a>], nested: bool) -> Value<'a> {
        let Some(name) = self.names.get(slot).filter(|n| !n.starts_with('@')) else { return Value::Missing };
        if name.contains('.') {
            return value::find(entries, name).map_or(Value::Missing, value::decode);
        }
        match nested {
            true => value::leaf(entries, name, 0).map_or(Value::Missing, value::decode),
            false => Value::Missing,
        }
    }

    /// Notes how the entry at a place is called.
    fn meet(&mut self, place: usize, name: &str) {
        if self.memo.get(place).is_some_and(|(known, _)| known == name) {
            return;
        }
        let lower = name.to_ascii_lowercase();
        let slots = self.slots.get(&lower).cloned().unwrap_or_default();
        if !self.known.is_empty() && !self.known.contains(&lower) && self.known.len() < MOST_NEWS {
            self.news.push(name.to_owned());
            self.known.insert(lower);
        }
        let entry = (name.to_owned(), slots);
        match self.memo.get_mut(place) {
            Some(old) => *old = entry,
            None => self.memo.push(entry),
        }
    }

    /// Fills the slots of plain and dotted names from an object's entries. With `nested`, names that stand nowhere at
    /// the top are looked for below.
    pub(crate) fn fill<'a>(&mut self, entries: &[Entry<'a>], nested: bool, values: &mut [Value<'a>]) {
        for (place, (name, raw)) in entries.iter().enumerate() {
            self.meet(place, name);
            for slot in &self.memo[place].1 {
                values[*slot] = value::decode(raw);
            }
        }
        for slot in &self.dotted {
            if values[*slot].is_missing()
                && let Some(raw) = value::find(entries, &self.names[*slot])
            {
                values[*slot] = value::decode(raw);
            }
        }
        if nested && entries.iter().any(|(_, raw)| raw.starts_with('{')) {
            for slot in &self.plain {
                let name = &self.names[*slot];
                // A name that stands at the top is that one, even where it is null.
                let at_top = || entries.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
                if values[*slot].is_missing()
                    && !at_top()
                    && let Some(raw) = value::leaf(entries, name, 0)
                {
                    values[*slot] = value::decode(raw);
                }
            }
        }
    }
}
