//! An aggregate of an hour or a day that lies far above what it was before.
//!
//! Documented: the aggregate is computed for each hour or day and entity; after the learning period a value that lies
//! more than so many standard deviations from the mean makes a Signal, unless it is below the minimum. Not documented,
//! and decided here: hours and days are those of UTC; a baseline is made of those in which a record matched; the
//! deviation is that of the population; only values above the mean are outliers; an hour or day fires once, as soon as
//! its value is one; it becomes part of the baseline when it is over.

use super::aggregate::{Running, Value};
use super::{Group, Key, Look, Place, nanos};
use crate::rule::Aggregate;
use std::collections::{HashMap, VecDeque};

/// The numbers of the rule; times in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    pub(crate) window: i64,
    pub(crate) baseline: i64,
    pub(crate) retention: i64,
    pub(crate) deviations: f64,
    pub(crate) floor: f64,
}

pub(crate) struct Outlier {
    pub(super) condition: Place,
    aggregate: Aggregate,
    argument: Place,
    group: Group,
    window: i64,
    pub(super) baseline: i64,
    retention: i64,
    deviations: f64,
    floor: f64,
    known: HashMap<Key, Past>,
}

struct Past {
    began: i64,
    /// The beginning and the value of each window that is over.
    over: VecDeque<(i64, f64)>,
    current: i64,
    running: Running,
    fired: bool,
}

impl Outlier {
    pub(crate) fn new(condition: Place, aggregate: Aggregate, argument: Place, group: Group, model: Model) -> Self {
        Outlier {
            condition,
            aggregate,
            argument,
            group,
            window: nanos(model.window).max(1),
            baseline: nanos(model.baseline),
            retention: nanos(model.retention),
            deviations: model.deviations,
            floor: model.floor,
            known: HashMap::new(),
        }
    }

    pub(super) fn look(&mut self, look: &mut Look<'_, '_>) {
        let Some(time) = look.record.time() else { return };
        let begins = time.div_euclid(self.window) * self.window;
        for (key, entities) in self.group.parts(look.record, look.entities) {
            let past = self.known.entry(key).or_insert_with(|| Past {
                began: time,
                over: VecDeque::new(),
                current: begins,
                running: Running::new(self.aggregate),
                fired: false,
            });
            if past.current != begins {
                let running = std::mem::replace(&mut past.running, Running::new(self.aggregate));
                if let Value::Number(Some(value)) = running.value() {
                    past.over.push_back((past.current, value));
                }
                (past.current, past.fired) = (begins, false);
            }
            let oldest = time.saturating_sub(self.retention);
            while past.over.pop_front_if(|(begins, _)| *begins < oldest).is_some() {}
            past.running.change(look.record.text(self.argument), true);
            let Value::Number(Some(value)) = past.running.value() else { continue };
            let learned = time.saturating_sub(past.began) >= self.baseline && !past.over.is_empty();
            if learned && !past.fired && value >= self.floor && value > limit(&past.over, self.deviations) {
                past.fired = true;
                look.fire_alone(&entities);
            }
        }
    }

    pub(super) fn forget(&mut self, now: i64) {
        let oldest = now.saturating_sub(self.retention);
        self.known.retain(|_, past| past.current >= oldest);
    }
}

/// The value above which one is an outlier.
fn limit(over: &VecDeque<(i64, f64)>, deviations: f64) -> f64 {
    let count = over.len() as f64;
    let mean = over.iter().map(|(_, v)| v).sum::<f64>() / count;
    let variance = over.iter().map(|(_, v)| (v - mean).powi(2)).sum::<f64>() / count;
    mean + deviations * variance.sqrt()
}
