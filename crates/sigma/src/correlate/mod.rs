//! Rules over the matches of other rules, by time.
//!
//! What the specification (“Sigma Correlation Rules Specification”, 2.1) leaves open is decided so:
//! - The timespan slides: matches are judged together when the first and the last lie no further apart.
//! - As long as a condition keeps holding it is one match, with all events of that time. Where a number may also fall
//!   (upper bounds, equality, means, percentiles, `not`), it is judged when the time is over that begins with a group's
//!   first event; the next time begins with the first event after it.
//! - An event without one of the group-by fields is in no group.
//! - `temporal_ordered`: events of the same time are in any order.
//! - A correlation over correlations takes a match's time from its latest event, and a field's value from the group or
//!   the latest event that has it. Kinds that count take each match once; temporal kinds see it as long as it holds.

mod condition;
mod group;
mod number;

use crate::tree::{Correlation, CorrelationKind};
use group::{Entry, Episode, Group, Judge};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::rc::Rc;

pub use group::LISTED;

/// A correlation with the rules that it takes.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// What it is called by the caller.
    pub index: usize,
    /// The rule.
    pub rule: &'a Correlation,
    /// For each of its `rules` which one it is.
    pub of: Vec<Member>,
}

/// A rule that a correlation takes.
#[derive(Clone, Debug)]
pub struct Member {
    /// What it is called by the caller.
    pub index: usize,
    /// The names it goes by: id, name, title.
    pub names: Vec<String>,
}

/// A match of a correlation.
#[derive(Clone, Debug, PartialEq)]
pub struct Match<E> {
    /// Which correlation.
    pub correlation: usize,
    /// The time of its first and its last event, in nanoseconds since the Unix epoch.
    pub time: (i64, i64),
    /// The values of its group-by fields.
    pub group: Vec<(String, String)>,
    /// The number that was compared: the highest, where it grew.
    pub number: f64,
    /// Its events, with the rules that they matched, the first ones of them ([`LISTED`]).
    pub events: Vec<(usize, i64, E)>,
    /// How many there are.
    pub count: u64,
}

/// Takes the matches of rules by time and says which correlations they fulfil. It holds no more than the matches of the
/// timespans.
#[derive(Debug)]
pub struct Correlator<E> {
    nodes: Vec<Node<E>>,
    /// For each rule, in which correlations it is what.
    taken: HashMap<usize, Vec<(usize, usize)>>,
    /// For each rule the fields that are wanted of its events.
    fields: HashMap<usize, Vec<String>>,
    /// Matches without a field that a correlation groups by: correlation and number.
    ungrouped: HashMap<usize, u64>,
    hits: u64,
}

#[derive(Debug)]
struct Node<E> {
    index: usize,
    judge: Judge,
    /// For each of its rules the fields that its groups and its value are read from there.
    reads: Vec<(Vec<String>, Vec<String>)>,
    group_by: Vec<String>,
    groups: HashMap<Rc<[Rc<str>]>, Group<E>>,
    /// When the times of groups are over, where they are judged then.
    ends: BinaryHeap<Reverse<(i64, u64, GroupKey)>>,
    /// Whether it counts matches rather than looks for their being together.
    counts: bool,
    /// The fields that others read of its matches.
    carries: Vec<String>,
}

type GroupKey = Rc<[Rc<str>]>;

/// A match of a rule or correlation on its way to those that take it.
struct Given<E> {
    rule: usize,
    time: i64,
    events: Rc<Vec<(usize, i64, E)>>,
    count: u64,
    /// Whether it is a new one, rather than one that goes on.
    began: bool,
    grows: Option<i64>,
}

/// How often groups whose time is over are let go, in matches.
const SWEEP: u64 = 4096;

/// The value of a field of an event.
pub type Values<'a> = &'a dyn Fn(&str) -> Option<Rc<str>>;

impl<E: Clone> Correlator<E> {
    /// Of those correlations, each after the ones that it takes.
    ///
    /// # Errors
    /// A correlation whose condition is wrong: its index and a sentence.
    pub fn new(all: &[Wanted<'_>]) -> Result<Self, (usize, String)> {
        let mut new = Correlator {
            nodes: Vec::new(),
            taken: HashMap::new(),
            fields: HashMap::new(),
            ungrouped: HashMap::new(),
            hits: 0,
        };
        for one in all {
            let node = Node::new(one).map_err(|why| (one.index, why))?;
            for (place, member) in one.of.iter().enumerate() {
                new.taken.entry(member.index).or_default().push((new.nodes.len(), place));
            }
            new.nodes.push(node);
        }
        // From the outermost in: what one reads of another's matches is wanted of that one's rules.
        for at in (0..all.len()).rev() {
            for (member, (group, value)) in all[at].of.iter().zip(&new.nodes[at].reads) {
                let below = new.nodes.iter().position(|n| n.index == member.index);
                let wanted = new.fields.get(&all[at].index).cloned().unwrap_or_default();
                let fields = new.fields.entry(member.index).or_default();
                for field in group.iter().chain(value).chain(&wanted) {
                    if !fields.contains(field) {
                        fields.push(field.clone());
                    }
                }
                debug_assert!(below.is_none_or(|below| below < at));
            }
        }
        for node in &mut new.nodes {
            node.carries = new.fields.get(&node.index).cloned().unwrap_or_default();
        }
        Ok(new)
    }

    /// The fields of the rule's events that are read.
    pub fn fields(&self, rule: usize) -> &[String] {
        self.fields.get(&rule).map_or(&[], Vec::as_slice)
    }

    /// Whether any correlation takes the rule's matches.
    pub fn takes(&self, rule: usize) -> bool {
        self.taken.contains_key(&rule)
    }

    /// For each correlation how many matches had no value for a field that it groups by.
    pub fn ungrouped(&self) -> &HashMap<usize, u64> {
        &self.ungrouped
    }

    /// A match of a rule. They come by time.
    pub fn take(&mut self, rule: usize, time: i64, event: E, values: Values<'_>, out: &mut dyn FnMut(Match<E>)) {
        self.advance(time, out);
        self.hits += 1;
        if self.hits.is_multiple_of(SWEEP) {
            self.sweep(time, out);
        }
        let events = Rc::new(vec![(rule, time, event)]);
        self.give(&Given { rule, time, events, count: 1, began: true, grows: None }, values, out);
    }

    /// There are no more.
    pub fn finish(&mut self, out: &mut dyn FnMut(Match<E>)) {
        self.advance(i64::MAX, out);
        for at in 0..self.nodes.len() {
            let mut left: Vec<_> = self.nodes[at].groups.drain().collect();
            left.retain(|(_, group)| group.episode.is_some());
            left.sort_by(|(a, x), (b, y)| (x.times(), a).cmp(&(y.times(), b)));
            for (key, group) in left {
                if let Some(episode) = group.episode {
                    out(self.nodes[at].matched(&key, episode));
                }
            }
        }
    }

    /// Judges the groups whose time is over before `time`.
    fn advance(&mut self, time: i64, out: &mut dyn FnMut(Match<E>)) {
        for at in 0..self.nodes.len() {
            while self.nodes[at].ends.peek().is_some_and(|Reverse((end, ..))| *end < time || time == i64::MAX) {
                let node = &mut self.nodes[at];
                let Some(Reverse((_, _, key))) = node.ends.pop() else { break };
                let Some(group) = node.groups.remove(&key) else { continue };
                let Some(episode) = group.close(&node.judge) else { continue };
                let found = node.matched(&key, episode);
                let carried = group.carried(node.carries.len());
                self.pass_on(at, &found, &carried, true, out);
                out(found);
            }
        }
    }

    /// Lets go of groups that can't go on.
    fn sweep(&mut self, time: i64, out: &mut dyn FnMut(Match<E>)) {
        for node in self.nodes.iter_mut().filter(|n| !n.judge.complete) {
            let span = node.judge.timespan;
            // Twice as long: matches of other correlations come a little late.
            let old =
                |g: &Group<E>| g.times().is_none_or(|(_, last)| time.saturating_sub(last) > span.saturating_mul(2));
            let mut gone: Vec<GroupKey> = node.groups.iter().filter(|(_, g)| old(g)).map(|(k, _)| k.clone()).collect();
            gone.sort();
            for key in gone {
                if let Some(episode) = node.groups.remove(&key).and_then(|g| g.episode) {
                    out(node.matched(&key, episode));
                }
            }
        }
    }

    /// Gives a match to the correlations that take it.
    fn give(&mut self, given: &Given<E>, values: Values<'_>, out: &mut dyn FnMut(Match<E>)) {
        let &Given { rule, time, ref events, count, began, grows } = given;
        for (at, place) in self.taken.get(&rule).cloned().unwrap_or_default() {
            let node = &mut self.nodes[at];
            if !began && node.counts {
                continue;
            }
            let (group, value) = &node.reads[place];
            let key: Option<Vec<Rc<str>>> = group.iter().map(|f| values(f)).collect();
            let Some(key) = key else {
                *self.ungrouped.entry(node.index).or_default() += 1;
                continue;
            };
            let key: GroupKey = key.into();
            let value = joined(value, values);
            let carried = node.carries.iter().map(|f| values(f)).collect();
            let entry = Entry { time, rule: place, value, events: events.clone(), count, grows, carried };
            let found = node.groups.entry(key.clone()).or_default();
            if node.judge.complete {
                if found.is_empty() {
                    let end = time.saturating_add(node.judge.timespan);
                    node.ends.push(Reverse((end, self.hits, key.clone())));
                }
                found.keep(entry);
                continue;
            }
            let step = found.take(&node.judge, entry);
            if let Some(ended) = step.ended {
                out(node.matched(&key, ended));
            }
            if step.holds
                && self.taken.contains_key(&node.index)
                && let Some(found) = node.groups.get(&key)
                && let Some(episode) = &found.episode
            {
                let now = node.matched(&key, episode.clone());
                let carried = found.carried(node.carries.len());
                self.pass_on(at, &now, &carried, step.began, out);
            }
        }
    }

    /// Gives a correlation's match to those that take it.
    fn pass_on(
        &mut self,
        at: usize,
        found: &Match<E>,
        carried: &[Option<Rc<str>>],
        began: bool,
        out: &mut dyn FnMut(Match<E>),
    ) {
        let (index, carries) = (self.nodes[at].index, self.nodes[at].carries.clone());
        let events = Rc::new(found.events.clone());
        let value = |field: &str| {
            let own = found.group.iter().find(|(name, _)| name == field);
            let carried = || carried.get(carries.iter().position(|c| c == field)?)?.clone();
            own.map(|(_, value)| Rc::from(value.as_str())).or_else(carried)
        };
        let (time, count, grows) = (found.time.1, found.count, Some(found.time.0));
        self.give(&Given { rule: index, time, events, count, began, grows }, &value, out);
    }
}

impl<E: Clone> Node<E> {
    fn new(wanted: &Wanted<'_>) -> Result<Self, String> {
        let rule = wanted.rule;
        let ways = match (&rule.condition, rule.kind) {
            (Some(text), CorrelationKind::Temporal | CorrelationKind::TemporalOrdered) => {
                let is = |place: usize, name: &str| {
                    rule.rules.get(place).is_some_and(|r| r == name) || wanted.of[place].names.iter().any(|n| n == name)
                };
                let place = |name: &str| (0..wanted.of.len()).find(|p| is(*p, name));
                let named = |pattern: &str| {
                    let fits = |name: &String| pattern == "them" || glob(pattern, name);
                    (0..wanted.of.len()).filter(|p| wanted.of[*p].names.iter().any(fits)).collect()
                };
                condition::ways(text, &place, &named)?
            }
            _ => Vec::new(),
        };
        let read = |member: &Member, name: &String| -> String {
            let alias = rule.aliases.iter().find(|(alias, _)| alias == name);
            let field = alias.and_then(|(_, of)| of.iter().find(|(rule, _)| member.names.contains(rule)));
            field.map_or_else(|| name.clone(), |(_, field)| field.clone())
        };
        let reads = |member: &Member| {
            let fields = |names: &[String]| names.iter().map(|n| read(member, n)).collect::<Vec<_>>();
            (fields(&rule.group_by), fields(&rule.fields))
        };
        Ok(Node {
            index: wanted.index,
            judge: Judge::new(rule, wanted.of.len(), ways),
            reads: wanted.of.iter().map(reads).collect(),
            group_by: rule.group_by.clone(),
            groups: HashMap::new(),
            ends: BinaryHeap::new(),
            counts: !matches!(rule.kind, CorrelationKind::Temporal | CorrelationKind::TemporalOrdered),
            carries: Vec::new(),
        })
    }

    fn matched(&self, key: &GroupKey, episode: Episode<E>) -> Match<E> {
        let group = self.group_by.iter().zip(key.iter());
        Match {
            correlation: self.index,
            time: (episode.first, episode.last),
            group: group.map(|(name, value)| (name.clone(), value.to_string())).collect(),
            number: episode.number,
            events: episode.events,
            count: episode.count,
        }
    }
}

/// A name with `*` for other text.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => {
            let Some(text) = text.strip_prefix(start) else { return false };
            rest.is_empty() || text.char_indices().any(|(at, _)| glob(rest, &text[at..])) || glob(rest, "")
        }
    }
}

/// The values of all the fields as one; nothing where one of them is missing.
fn joined(fields: &[String], values: Values<'_>) -> Option<Rc<str>> {
    match fields {
        [] => None,
        [one] => values(one),
        several => {
            let all: Option<Vec<Rc<str>>> = several.iter().map(|f| values(f)).collect();
            all.map(|all| all.join("\u{1f}").into())
        }
    }
}
