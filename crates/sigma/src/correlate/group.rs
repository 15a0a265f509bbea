//! The matches of one group: those that are still within the timespan, and the match that they make.

use super::condition::Way;
use super::number::{only_lower, percentile, within};
use crate::tree::{Correlation, CorrelationKind};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// The most events that a match lists.
pub const LISTED: usize = 100;

/// What a correlation judges by.
#[derive(Clone, Debug)]
pub(super) struct Judge {
    pub(super) kind: CorrelationKind,
    pub(super) timespan: i64,
    pub(super) bounds: Vec<(crate::tree::CorrelationOrder, f64)>,
    /// How many rules it takes.
    pub(super) rules: usize,
    /// For the temporal kinds: the ways in which its condition holds; none where it has no such condition.
    pub(super) ways: Vec<Way>,
    /// Whether the number is known only when the time is over: it may go down again.
    pub(super) complete: bool,
}

/// A match of one of the rules.
#[derive(Clone, Debug)]
pub(super) struct Entry<E> {
    pub(super) time: i64,
    /// The rule's place in the correlation's `rules`.
    pub(super) rule: usize,
    /// The value of the correlation's field.
    pub(super) value: Option<Rc<str>>,
    pub(super) events: Rc<Vec<(usize, i64, E)>>,
    /// How many events it stands for.
    pub(super) count: u64,
    /// For a match of a correlation the time at which it began: it is given again as it grows.
    pub(super) grows: Option<i64>,
    /// The values that correlations of this one's matches read.
    pub(super) carried: Vec<Option<Rc<str>>>,
}

/// A match while it grows.
#[derive(Clone, Debug)]
pub(super) struct Episode<E> {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) number: f64,
    pub(super) events: Vec<(usize, i64, E)>,
    pub(super) count: u64,
    /// Of matches that grow, how many of their events are in here: listed, and counted.
    taken: HashMap<(usize, i64), (usize, u64)>,
}

#[derive(Debug)]
pub(super) struct Group<E> {
    entries: VecDeque<Entry<E>>,
    seen: Seen,
    pub(super) episode: Option<Episode<E>>,
}

/// What is counted as entries come and go: looking at all of them each time would be too much for a busy group.
#[derive(Debug, Default)]
struct Seen {
    /// For each rule.
    rules: HashMap<usize, usize>,
    /// For each value.
    values: HashMap<Rc<str>, usize>,
    /// Of the values that are numbers.
    sum: f64,
    numbers: usize,
}

impl<E> Default for Group<E> {
    fn default() -> Self {
        Group { entries: VecDeque::new(), seen: Seen::default(), episode: None }
    }
}

impl<E> Entry<E> {
    fn number(&self) -> Option<f64> {
        self.value.as_ref()?.trim().parse::<f64>().ok().filter(|v| v.is_finite())
    }
}

impl Seen {
    fn add<E>(&mut self, entry: &Entry<E>) {
        *self.rules.entry(entry.rule).or_default() += 1;
        if let Some(value) = &entry.value {
            *self.values.entry(value.clone()).or_default() += 1;
        }
        if let Some(number) = entry.number() {
            self.sum += number;
            self.numbers += 1;
        }
    }

    fn remove<E>(&mut self, entry: &Entry<E>) {
        fn less<K: std::hash::Hash + Eq>(all: &mut HashMap<K, usize>, key: &K) {
            if let Some(n) = all.get_mut(key) {
                *n -= 1;
                if *n == 0 {
                    all.remove(key);
                }
            }
        }
        less(&mut self.rules, &entry.rule);
        if let Some(value) = &entry.value {
            less(&mut self.values, value);
        }
        if let Some(number) = entry.number() {
            self.numbers -= 1;
            // What rounding left behind ends here.
            self.sum = if self.numbers == 0 { 0.0 } else { self.sum - number };
        }
    }
}

impl Judge {
    pub(super) fn new(rule: &Correlation, rules: usize, ways: Vec<Way>) -> Self {
        let goes_both_ways = matches!(
            rule.kind,
            CorrelationKind::ValueAvg | CorrelationKind::ValuePercentile(_) | CorrelationKind::ValueMedian
        );
        let complete = goes_both_ways || !only_lower(&rule.bounds) || ways.iter().any(|w| !w.not.is_empty());
        let (kind, bounds) = (rule.kind, rule.bounds.clone());
        Judge { kind, timespan: rule.timespan.max(0), bounds, rules, ways, complete }
    }

    /// The number of the entries, if they fulfil the correlation.
    fn holds<E>(&self, group: &Group<E>) -> Option<f64> {
        match self.kind {
            CorrelationKind::Temporal => self.together(group, false),
            CorrelationKind::TemporalOrdered => self.together(group, true),
            _ => self.number(group).filter(|n| within(*n, &self.bounds)),
        }
    }

    fn number<E>(&self, group: &Group<E>) -> Option<f64> {
        let seen = &group.seen;
        let numbers = || -> Vec<f64> { group.entries.iter().filter_map(Entry::number).collect() };
        match self.kind {
            CorrelationKind::EventCount => Some(group.entries.len() as f64),
            CorrelationKind::ValueCount => Some(seen.values.len() as f64),
            CorrelationKind::ValueSum => (seen.numbers > 0).then_some(seen.sum),
            CorrelationKind::ValueAvg => (seen.numbers > 0).then(|| seen.sum / seen.numbers as f64),
            CorrelationKind::ValuePercentile(percent) => percentile(&mut numbers(), percent),
            CorrelationKind::ValueMedian => percentile(&mut numbers(), 50.0),
            CorrelationKind::Temporal | CorrelationKind::TemporalOrdered => None,
        }
    }

    /// How many of the rules matched, if they are those that have to.
    fn together<E>(&self, group: &Group<E>, ordered: bool) -> Option<f64> {
        let there = |rule: &usize| group.seen.rules.contains_key(rule);
        let distinct = group.seen.rules.len();
        if !self.ways.is_empty() {
            let holds = |way: &&Way| {
                way.matched.iter().all(there)
                    && !way.not.iter().any(there)
                    && (!ordered || chain(&group.entries, &way.matched) == way.matched.len())
            };
            return self.ways.iter().find(holds).map(|_| distinct as f64);
        }
        if self.bounds.is_empty() && distinct < self.rules {
            return None;
        }
        let number = match ordered {
            true => chain(&group.entries, &(0..self.rules).collect::<Vec<_>>()),
            false => distinct,
        };
        let enough = if self.bounds.is_empty() { number == self.rules } else { within(number as f64, &self.bounds) };
        enough.then_some(number as f64)
    }
}

/// The most rules of `order` of which there are entries one after the other. Entries of the same time are in any order:
/// a source that tells seconds does not say which came first.
fn chain<E>(entries: &VecDeque<Entry<E>>, order: &[usize]) -> usize {
    let mut sorted: Vec<(i64, usize)> = entries.iter().map(|e| (e.time, e.rule)).collect();
    sorted.sort_unstable_by_key(|(time, rule)| (*time, order.iter().position(|r| r == rule)));
    // The longest chain that ends with each of the places in the order.
    let mut longest = vec![0usize; order.len()];
    for (_, rule) in sorted {
        // From behind, so that an event is not counted for two places.
        for place in (0..order.len()).rev().filter(|p| order[*p] == rule) {
            let before = longest[..place].iter().max().copied().unwrap_or(0);
            longest[place] = longest[place].max(before + 1);
        }
    }
    longest.into_iter().max().unwrap_or(0)
}

/// What an entry does to a group.
pub(super) struct Step<E> {
    /// A match that has ended.
    pub(super) ended: Option<Episode<E>>,
    /// Whether the condition holds now, and whether it began to.
    pub(super) holds: bool,
    pub(super) began: bool,
}

impl<E: Clone> Group<E> {
    /// Takes an entry; those that are too old for it are let go.
    pub(super) fn take(&mut self, judge: &Judge, entry: Entry<E>) -> Step<E> {
        let time = entry.time;
        self.insert(entry);
        let latest = self.entries.back().map_or(time, |e| e.time);
        while let Some(old) = self.entries.front().filter(|e| latest.saturating_sub(e.time) > judge.timespan) {
            self.seen.remove(old);
            self.entries.pop_front();
        }
        match judge.holds(self) {
            Some(number) => {
                let began = self.episode.is_none();
                match &mut self.episode {
                    Some(episode) => {
                        episode.number =
                            if episode.number.total_cmp(&number).is_lt() { number } else { episode.number };
                        if let Some(entry) = self.entries.back() {
                            episode.add(entry);
                        }
                    }
                    None => self.episode = Some(Episode::of(&self.entries, number)),
                }
                Step { ended: None, holds: true, began }
            }
            None => Step { ended: self.episode.take(), holds: false, began: false },
        }
    }

    /// Takes an entry of a group that is judged when its time is over.
    pub(super) fn keep(&mut self, entry: Entry<E>) {
        self.insert(entry);
    }

    /// The time is over.
    pub(super) fn close(&self, judge: &Judge) -> Option<Episode<E>> {
        judge.holds(self).map(|n| Episode::of(&self.entries, n))
    }

    /// By time; entries of other correlations may come a little late.
    fn insert(&mut self, entry: Entry<E>) {
        let at = self.entries.iter().rposition(|e| e.time <= entry.time).map_or(0, |at| at + 1);
        self.seen.add(&entry);
        self.entries.insert(at, entry);
    }

    /// The latest value of what is carried on, for each.
    pub(super) fn carried(&self, fields: usize) -> Vec<Option<Rc<str>>> {
        (0..fields).map(|i| self.entries.iter().rev().find_map(|e| e.carried.get(i).cloned().flatten())).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The time of the first and the last entry.
    pub(super) fn times(&self) -> Option<(i64, i64)> {
        Some((self.entries.front()?.time, self.entries.back()?.time))
    }
}

impl<E: Clone> Episode<E> {
    fn of(entries: &VecDeque<Entry<E>>, number: f64) -> Self {
        let first = entries.front().map_or(0, |e| e.time);
        let (events, taken) = (Vec::new(), HashMap::new());
        let mut episode = Episode { first, last: first, number, events, count: 0, taken };
        entries.iter().for_each(|e| episode.add(e));
        episode
    }

    fn add(&mut self, entry: &Entry<E>) {
        let room = LISTED.saturating_sub(self.events.len());
        let (listed, counted) = match entry.grows {
            Some(began) => {
                let now = (entry.events.len(), entry.count);
                self.taken.insert((entry.rule, began), now).unwrap_or_default()
            }
            None => (0, 0),
        };
        self.events.extend(entry.events.iter().skip(listed).take(room).cloned());
        self.count += entry.count.saturating_sub(counted);
        self.first = self.first.min(entry.events.first().map_or(entry.time, |e| e.1));
        self.last = self.last.max(entry.time);
    }
}
