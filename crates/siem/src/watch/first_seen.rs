//! Values that were not seen before.
//!
//! A baseline begins with the first record that matches: one for all, or one for each combination of the entities that
//! the rule names. Until it has learned for its time it only takes values in; after that a new value fires and is taken
//! in as well (documented). A value that was not seen for the retention is forgotten.

use super::{Group, Key, Look, Place, nanos};
use std::collections::HashMap;

pub(crate) struct FirstSeen {
    pub(super) condition: Place,
    values: Vec<Place>,
    group: Group,
    pub(super) baseline: i64,
    retention: i64,
    known: HashMap<Key, Baseline>,
}

struct Baseline {
    began: i64,
    /// When each was seen last.
    seen: HashMap<Key, i64>,
}

impl FirstSeen {
    pub(crate) fn new(condition: Place, values: Vec<Place>, group: Group, baseline: i64, retention: i64) -> Self {
        let known = HashMap::new();
        FirstSeen { condition, values, group, baseline: nanos(baseline), retention: nanos(retention), known }
    }

    pub(super) fn look(&mut self, look: &mut Look<'_, '_>) {
        let Some(time) = look.record.time() else { return };
        let values: Option<Key> =
            self.values.iter().map(|v| look.record.text(*v).map(|t| Some(Box::from(t)))).collect();
        // Nothing is no new value.
        let Some(values) = values else { return };
        for (key, entities) in self.group.parts(look.record, look.entities) {
            let baseline = self.known.entry(key).or_insert_with(|| Baseline { began: time, seen: HashMap::new() });
            let before = baseline.seen.insert(values.clone(), time);
            let new = before.is_none_or(|then| time.saturating_sub(then) > self.retention);
            // What a baseline begins with is no news, also where it learns for no time at all.
            let begins = time == baseline.began && baseline.seen.len() == 1;
            if new && !begins && time.saturating_sub(baseline.began) >= self.baseline {
                look.fire_alone(&entities);
            }
        }
    }

    pub(super) fn forget(&mut self, now: i64) {
        let oldest = now.saturating_sub(self.retention);
        for baseline in self.known.values_mut() {
            baseline.seen.retain(|_, seen| *seen >= oldest);
        }
    }
}
