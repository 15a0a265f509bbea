//! What looks at matched records, in the order of their time, and says when a rule fires.

mod aggregate;
mod aggregation;
mod chain;
mod first_seen;
mod outlier;
mod threshold;

pub(crate) use aggregation::{Aggregation, Trigger};
pub(crate) use chain::Chain;
pub(crate) use first_seen::FirstSeen;
pub(crate) use outlier::{Model, Outlier};
pub(crate) use threshold::Threshold;

use crate::entity::Entity;
use crate::matched::{Matched, Sources};
use crate::signal::RecordRef;
use std::collections::VecDeque;

/// The place of a condition or of a text among those that are asked of each record.
pub(crate) type Place = usize;

/// Nanoseconds of milliseconds.
pub(crate) fn nanos(millis: i64) -> i64 {
    millis.saturating_mul(1_000_000)
}

/// A rule that fires.
pub(crate) struct Firing {
    /// On what.
    pub(crate) entity: Entity,
    /// How many records made it fire.
    pub(crate) count: u64,
    /// The latest of them, the record that is looked at last.
    pub(crate) records: Vec<RecordRef>,
}

/// The most records that a Signal names.
pub(crate) const KEPT: usize = 100;

/// What records are counted apart by.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// By the entity of the Signal.
    pub(crate) by_entity: bool,
    /// By these texts; one that is missing is a value of its own.
    pub(crate) fields: Vec<Place>,
}

/// One of the parts into which records are counted.
pub(crate) type Key = Vec<Option<Box<str>>>;

impl Group {
    fn fields(&self, record: &Matched<'_>) -> Key {
        self.fields.iter().map(|place| record.text(*place).map(Box::from)).collect()
    }

    /// The parts that a record belongs to, each with the entities that a Signal of it is about.
    pub(crate) fn parts(&self, record: &Matched<'_>, entities: &[Entity]) -> Vec<(Key, Vec<Entity>)> {
        let fields = self.fields(record);
        if !self.by_entity {
            return vec![(fields, entities.to_vec())];
        }
        let part = |entity: &Entity| {
            let own = [Some(Box::from(entity.kind.as_str())), Some(Box::from(entity.value.as_str()))];
            (own.into_iter().chain(fields.iter().cloned()).collect(), vec![entity.clone()])
        };
        entities.iter().map(part).collect()
    }
}

/// What looks at the records for one rule.
pub(crate) enum Watch {
    Match(Place),
    Threshold(Threshold),
    Chain(Chain),
    Aggregation(Box<Aggregation>),
    FirstSeen(FirstSeen),
    Outlier(Box<Outlier>),
}

/// What a record is looked at with.
pub(crate) struct Look<'a, 'b> {
    pub(crate) record: &'a Matched<'b>,
    /// The entities of the rule that the record has.
    pub(crate) entities: &'a [Entity],
    pub(crate) sources: &'a mut Sources,
    pub(crate) fire: &'a mut dyn FnMut(Firing),
}

impl Look<'_, '_> {
    fn reference(&mut self) -> RecordRef {
        self.record.reference(self.sources)
    }

    /// Fires on each of the entities for one record.
    fn fire_alone(&mut self, entities: &[Entity]) {
        for entity in entities {
            let records = vec![self.reference()];
            (self.fire)(Firing { entity: entity.clone(), count: 1, records });
        }
    }
}

impl Watch {
    pub(crate) fn matching(condition: Place) -> Self {
        Watch::Match(condition)
    }

    /// Whether the record matters.
    pub(crate) fn wants(&self, record: &Matched<'_>) -> bool {
        match self {
            Watch::Match(condition) => record.holds(*condition),
            Watch::Threshold(w) => record.holds(w.condition),
            Watch::Chain(w) => w.steps.iter().any(|(condition, _)| record.holds(*condition)),
            Watch::Aggregation(w) => record.holds(w.condition),
            Watch::FirstSeen(w) => record.holds(w.condition),
            Watch::Outlier(w) => record.holds(w.condition),
        }
    }

    /// Looks at a record that matters.
    pub(crate) fn look(&mut self, look: &mut Look<'_, '_>) {
        match self {
            Watch::Match(_) => {
                let entities = look.entities;
                look.fire_alone(entities);
            }
            Watch::Threshold(w) => w.look(look),
            Watch::Chain(w) => w.look(look),
            Watch::Aggregation(w) => w.look(look),
            Watch::FirstSeen(w) => w.look(look),
            Watch::Outlier(w) => w.look(look),
        }
    }

    /// Lets go of what can no longer matter at that time.
    pub(crate) fn forget(&mut self, now: i64) {
        match self {
            Watch::Match(_) => {}
            Watch::Threshold(w) => w.forget(now),
            Watch::Chain(w) => w.forget(now),
            Watch::Aggregation(w) => w.forget(now),
            Watch::FirstSeen(w) => w.forget(now),
            Watch::Outlier(w) => w.forget(now),
        }
    }

    /// How long first-seen and outlier rules learn, in milliseconds, instead of what the rule says.
    pub(crate) fn learn(&mut self, millis: i64) {
        match self {
            Watch::FirstSeen(w) => w.baseline = nanos(millis),
            Watch::Outlier(w) => w.baseline = nanos(millis),
            _ => {}
        }
    }
}

/// The latest of some records.
fn latest<'a>(records: impl DoubleEndedIterator<Item = &'a RecordRef>) -> Vec<RecordRef> {
    let mut kept: VecDeque<RecordRef> = VecDeque::new();
    for record in records.rev().take(KEPT) {
        kept.push_front(record.clone());
    }
    kept.into()
}
