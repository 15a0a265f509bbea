//! So many records of each of several kinds within a window, in any order or in theirs.
//!
//! In order means: the records of a step are all later than the last one that the step before needed. The windows slide
//! as a threshold's do, and counting starts again after the rule fired.

use super::{Firing, Group, Key, Look, Place, latest, nanos};
use crate::signal::RecordRef;
use std::collections::{HashMap, VecDeque};

pub(crate) struct Chain {
    pub(super) steps: Vec<(Place, u64)>,
    ordered: bool,
    window: i64,
    group: Group,
    open: HashMap<Key, VecDeque<Seen>>,
}

/// A record, and the steps that it is of.
struct Seen {
    time: i64,
    of: Box<[bool]>,
    record: RecordRef,
}

impl Chain {
    pub(crate) fn new(steps: Vec<(Place, u64)>, ordered: bool, window: i64, group: Group) -> Self {
        Chain { steps, ordered, window: nanos(window), group, open: HashMap::new() }
    }

    pub(super) fn look(&mut self, look: &mut Look<'_, '_>) {
        let Some(time) = look.record.time() else { return };
        let of: Box<[bool]> = self.steps.iter().map(|(condition, _)| look.record.holds(*condition)).collect();
        for (key, entities) in self.group.parts(look.record, look.entities) {
            let open = self.open.entry(key).or_default();
            let oldest = time.saturating_sub(self.window);
            while open.pop_front_if(|seen| seen.time < oldest).is_some() {}
            open.push_back(Seen { time, of: of.clone(), record: look.record.reference(look.sources) });
            let complete = if self.ordered { in_order(&self.steps, open) } else { in_any_order(&self.steps, open) };
            if !complete {
                continue;
            }
            let records = latest(open.iter().map(|seen| &seen.record));
            let count = open.len() as u64;
            open.clear();
            for entity in entities {
                (look.fire)(Firing { entity, count, records: records.clone() });
            }
        }
    }

    pub(super) fn forget(&mut self, now: i64) {
        let oldest = now.saturating_sub(self.window);
        self.open.retain(|_, open| open.back().is_some_and(|seen| seen.time >= oldest));
    }
}

fn in_any_order(steps: &[(Place, u64)], open: &VecDeque<Seen>) -> bool {
    steps.iter().enumerate().all(|(step, (_, limit))| {
        let enough = usize::try_from(*limit).unwrap_or(usize::MAX);
        open.iter().filter(|seen| seen.of[step]).take(enough).count() == enough
    })
}

/// Taking the earliest records for each step leaves most for the next.
fn in_order(steps: &[(Place, u64)], open: &VecDeque<Seen>) -> bool {
    let (mut step, mut count) = (0, 0);
    for seen in open {
        if seen.of[step] {
            count += 1;
            if count >= steps[step].1 {
                (step, count) = (step + 1, 0);
                if step == steps.len() {
                    return true;
                }
            }
        }
    }
    false
}
