//! So many records, or distinct values, within a window.
//!
//! The window slides: it is looked at at each record and holds what is not older than the record by more than its
//! length. After the rule fired, counting starts again with nothing: the product's overlapping windows may fire twice
//! for the same records (documented), and its suppression removes that.

use super::{Firing, Group, Key, Look, Place, latest, nanos};
use crate::signal::RecordRef;
use std::collections::{HashMap, VecDeque};

pub(crate) struct Threshold {
    pub(super) condition: Place,
    limit: u64,
    window: i64,
    group: Group,
    distinct: Option<Place>,
    open: HashMap<Key, Open>,
}

#[derive(Default)]
struct Open {
    records: VecDeque<(i64, Option<Box<str>>, RecordRef)>,
    values: HashMap<Box<str>, u64>,
}

impl Open {
    fn expire(&mut self, oldest: i64) {
        while let Some((_, value, _)) = self.records.pop_front_if(|(time, ..)| *time < oldest) {
            let Some(value) = value else { continue };
            if let Some(count) = self.values.get_mut(&value) {
                *count -= 1;
                if *count == 0 {
                    self.values.remove(&value);
                }
            }
        }
    }
}

impl Threshold {
    pub(crate) fn new(condition: Place, limit: u64, window: i64, group: Group, distinct: Option<Place>) -> Self {
        Threshold { condition, limit, window: nanos(window), group, distinct, open: HashMap::new() }
    }

    pub(super) fn look(&mut self, look: &mut Look<'_, '_>) {
        let Some(time) = look.record.time() else { return };
        let value = self.distinct.map(|place| look.record.text(place));
        // What is counted is values, and there is none.
        if value == Some(None) {
            return;
        }
        for (key, entities) in self.group.parts(look.record, look.entities) {
            let open = self.open.entry(key).or_default();
            open.expire(time.saturating_sub(self.window));
            let value: Option<Box<str>> = value.flatten().map(Box::from);
            if let Some(value) = &value {
                *open.values.entry(value.clone()).or_default() += 1;
            }
            open.records.push_back((time, value, look.record.reference(look.sources)));
            let count = if self.distinct.is_some() { open.values.len() } else { open.records.len() } as u64;
            if count < self.limit {
                continue;
            }
            let records = latest(open.records.iter().map(|(_, _, r)| r));
            let count = open.records.len() as u64;
            *open = Open::default();
            for entity in entities {
                (look.fire)(Firing { entity, count, records: records.clone() });
            }
        }
    }

    pub(super) fn forget(&mut self, now: i64) {
        let oldest = now.saturating_sub(self.window);
        self.open.retain(|_, open| open.records.back().is_some_and(|(time, ..)| *time >= oldest));
    }
}
