//! From Signals to Insights: suppression, activity scores, thresholds.
//!
//! Documented (“Insight Generation Process”): an entity's activity score is the sum of the severities of its uniquely
//! named Signals of the detection window. When it exceeds the threshold an Insight is made and the score starts again
//! from zero. A Signal of the same name on the same entity is suppressed for 12 hours, and for up to 72 while such
//! Signals keep firing. Suppressed Signals and those of prototypes count for nothing; prototypes are not suppressed.

use crate::entity::Entity;
use crate::signal::Signal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};

const HOUR: i64 = 3_600_000_000_000;

/// The configurable numbers, with the documented defaults.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The activity score that must be exceeded: 12.
    pub threshold: u32,
    /// Over how long Signals count, in nanoseconds: 14 days.
    pub window: i64,
    /// For how long a Signal suppresses those of its name on its entity, in nanoseconds: 12 hours.
    pub quiet: i64,
    /// For how long at most while they keep firing: 72 hours.
    pub longest: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { threshold: 12, window: 14 * 24 * HOUR, quiet: 12 * HOUR, longest: 72 * HOUR }
    }
}

/// How bad an Insight is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InsightSeverity {
    /// One above the threshold.
    Low,
    /// Two or three above it.
    Medium,
    /// Four or more above it.
    High,
}

impl InsightSeverity {
    fn of(score: u32, threshold: u32) -> Self {
        match score.saturating_sub(threshold) {
            0 | 1 => InsightSeverity::Low,
            2 | 3 => InsightSeverity::Medium,
            _ => InsightSeverity::High,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            InsightSeverity::Low => "low",
            InsightSeverity::Medium => "medium",
            InsightSeverity::High => "high",
        }
    }
}

/// An entity whose activity score exceeded the threshold.
#[derive(Clone, Debug)]
pub struct Insight {
    /// Whose.
    pub entity: Entity,
    /// The score.
    pub score: u32,
    /// How bad.
    pub severity: InsightSeverity,
    /// When: the time of its last Signal.
    pub time: Option<i64>,
    /// The ids and names of its Signals, and their severities, in their order.
    pub signals: Vec<(String, String, u8)>,
}

impl Insight {
    /// As JSON.
    pub fn json(&self, show: &dyn Fn(i64) -> String) -> Value {
        let signals: Vec<Value> = self
            .signals
            .iter()
            .map(|(id, name, severity)| json!({ "id": id, "name": name, "severity": severity }))
            .collect();
        json!({
            "entity": { "type": self.entity.kind, "value": self.entity.value },
            "activityScore": self.score,
            "severity": self.severity.name(),
            "time": self.time.map(show),
            "signals": signals,
        })
    }
}

/// A Signal that counts.
struct Counted {
    time: i64,
    id: String,
    name: String,
    severity: u8,
}

/// Which Signal of a name on an entity others are redundant to.
struct Quiet {
    began: i64,
    latest: i64,
    id: String,
}

/// The entities' scores while Signals come in, by their time.
pub(crate) struct Scores {
    settings: Settings,
    active: HashMap<Entity, VecDeque<Counted>>,
    quiet: HashMap<(Entity, String), Quiet>,
}

impl Scores {
    pub(crate) fn new(settings: Settings) -> Self {
        Scores { settings, active: HashMap::new(), quiet: HashMap::new() }
    }

    /// Takes in a Signal: says whether it is redundant, and whether its entity is an Insight now. `suppression` is the
    /// rule's own, in milliseconds.
    pub(crate) fn add(&mut self, signal: &mut Signal, suppression: Option<i64>) -> Option<Insight> {
        let time = signal.time.unwrap_or(i64::MIN);
        if signal.prototype {
            return None;
        }
        signal.suppressed_by = self.suppress(signal, time, suppression);
        if signal.suppressed_by.is_some() {
            return None;
        }
        let counted = self.active.entry(signal.entity.clone()).or_default();
        let oldest = time.saturating_sub(self.settings.window);
        while counted.front().is_some_and(|c| c.time < oldest) {
            counted.pop_front();
        }
        let (id, name) = (signal.id.clone(), signal.name.clone());
        counted.push_back(Counted { time, id, name, severity: signal.severity });
        let score = score(counted);
        if score <= self.settings.threshold {
            return None;
        }
        let signals = counted.drain(..).map(|c| (c.id, c.name, c.severity)).collect();
        self.active.remove(&signal.entity);
        Some(Insight {
            entity: signal.entity.clone(),
            score,
            severity: InsightSeverity::of(score, self.settings.threshold),
            time: signal.time,
            signals,
        })
    }

    fn suppress(&mut self, signal: &Signal, time: i64, own: Option<i64>) -> Option<String> {
        let key = (signal.entity.clone(), signal.name.clone());
        if let Some(quiet) = self.quiet.get_mut(&key) {
            let redundant = match own {
                Some(millis) => time.saturating_sub(quiet.began) < millis.saturating_mul(1_000_000),
                None => {
                    time.saturating_sub(quiet.latest) < self.settings.quiet
                        && time.saturating_sub(quiet.began) < self.settings.longest
                }
            };
            if redundant {
                quiet.latest = time;
                return Some(quiet.id.clone());
            }
        }
        self.quiet.insert(key, Quiet { began: time, latest: time, id: signal.id.clone() });
        None
    }

    /// The scores above zero at the end, the highest first.
    pub(crate) fn left(mut self, now: i64) -> Vec<(Entity, u32)> {
        let oldest = now.saturating_sub(self.settings.window);
        let mut left = Vec::new();
        for (entity, counted) in &mut self.active {
            counted.retain(|c| c.time >= oldest);
            let score = score(counted);
            if score > 0 {
                left.push((entity.clone(), score));
            }
        }
        left.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        left
    }

    /// Lets go of what can no longer matter.
    pub(crate) fn forget(&mut self, now: i64) {
        let oldest = now.saturating_sub(self.settings.window);
        self.active.retain(|_, counted| counted.back().is_some_and(|c| c.time >= oldest));
        let longest = now.saturating_sub(self.settings.longest.max(self.settings.window));
        self.quiet.retain(|_, quiet| quiet.latest >= longest);
    }
}

/// Each name once; of one name the highest severity.
fn score(counted: &VecDeque<Counted>) -> u32 {
    let mut names: BTreeMap<&str, u8> = BTreeMap::new();
    for c in counted {
        let severity = names.entry(&c.name).or_default();
        *severity = (*severity).max(c.severity);
    }
    names.values().map(|s| u32::from(*s)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(name: &str, hours: i64, severity: u8) -> Signal {
        Signal {
            id: format!("{name}@{hours}"),
            rule: "r".into(),
            kind: "match",
            name: name.into(),
            summary: String::new(),
            description: String::new(),
            entity: Entity { kind: "_ip".into(), value: "192.0.2.1".into() },
            severity,
            tags: Vec::new(),
            time: Some(hours * HOUR),
            prototype: false,
            suppressed_by: None,
            count: 1,
            records: Vec::new(),
        }
    }

    #[test]
    fn a_name_counts_once() {
        let mut scores = Scores::new(Settings::default());
        // Ten times the same name is one severity; 12 does not exceed 12.
        for hour in 0..10 {
            assert!(scores.add(&mut signal("a", hour * 24, 6), None).is_none());
        }
        assert!(scores.add(&mut signal("b", 240, 6), None).is_none());
        let insight = scores.add(&mut signal("c", 241, 1), None).unwrap();
        assert_eq!((insight.score, insight.severity), (13, InsightSeverity::Low));
        // The score starts again.
        assert!(scores.add(&mut signal("d", 242, 10), None).is_none());
    }

    #[test]
    fn severities_of_insights() {
        for (severity, expected) in [
            (3, InsightSeverity::Low),
            (4, InsightSeverity::Medium),
            (5, InsightSeverity::Medium),
            (6, InsightSeverity::High),
        ] {
            let mut scores = Scores::new(Settings::default());
            scores.add(&mut signal("a", 0, 10), None);
            assert_eq!(scores.add(&mut signal("b", 1, severity), None).unwrap().severity, expected);
        }
    }

    #[test]
    fn old_signals_do_not_count() {
        let mut scores = Scores::new(Settings::default());
        scores.add(&mut signal("a", 0, 10), None);
        assert!(scores.add(&mut signal("b", 14 * 24 + 1, 10), None).is_none());
        assert_eq!(scores.left(14 * 24 * HOUR + HOUR).len(), 1);
    }

    #[test]
    fn redundant_signals_are_suppressed() {
        let mut scores = Scores::new(Settings::default());
        let mut fired = Vec::new();
        // rule: 12 hours, up to 72 while it keeps firing.
        for hour in (0..=80).step_by(4) {
            let mut s = signal("a", hour, 1);
            scores.add(&mut s, None);
            fired.extend(s.suppressed_by.is_none().then_some(hour));
        }
        assert_eq!(fired, [0, 72]);
        // rule (example 2): hour 0 and hour 13.
        let mut scores = Scores::new(Settings::default());
        for (hour, suppressed) in [(0, false), (13, false), (24, true)] {
            let mut s = signal("b", hour, 1);
            scores.add(&mut s, None);
            assert_eq!(s.suppressed_by.is_some(), suppressed, "{hour}");
        }
        // A rule's own: two hours.
        for (hour, suppressed) in [(30, false), (31, true), (32, false)] {
            let mut s = signal("c", hour, 1);
            scores.add(&mut s, Some(7_200_000));
            assert_eq!(s.suppressed_by.is_some(), suppressed, "{hour}");
        }
    }

    #[test]
    fn prototypes_count_for_nothing_and_are_not_suppressed() {
        let mut scores = Scores::new(Settings::default());
        for hour in 0..3 {
            let mut s = signal("a", hour, 10);
            (s.prototype, s.name) = (true, format!("a{hour}"));
            assert!(scores.add(&mut s, None).is_none());
            assert_eq!(s.suppressed_by, None);
        }
        assert!(scores.left(0).is_empty());
    }
}
