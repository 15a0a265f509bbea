//! Findings as they come: all are counted, the worst are kept.

use parallax_detect::Finding;
use parallax_detect::pack::Severity;
use std::collections::{BTreeMap, HashMap};

/// Counts over all findings, shown or not.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// All of them.
    pub findings: usize,
    /// By severity, the worst last.
    pub severities: BTreeMap<Severity, usize>,
    /// By host; the empty name is that of findings without one.
    pub hosts: BTreeMap<String, usize>,
    /// Findings of hosts beyond [`HOSTS`].
    pub other_hosts: usize,
    /// By rule.
    pub rules: BTreeMap<String, usize>,
    /// By technique.
    pub techniques: BTreeMap<String, usize>,
    /// When: ticks of 100 ns since 0001, severity, and the rule's place in `rule_names`.
    pub times: Vec<(i64, Severity, u32)>,
    /// The rules in the order in which they were first met.
    pub rule_names: Vec<String>,
    places: HashMap<String, u32>,
    /// Findings without a time, and those beyond [`TIMES`].
    pub untimed: usize,
}

/// The most hosts that are counted by name.
pub const HOSTS: usize = 10_000;

/// The most times that are kept for the timeline.
pub const TIMES: usize = 1_000_000;

impl Totals {
    /// Counts one.
    pub fn add(&mut self, finding: &Finding) {
        self.findings += 1;
        *self.severities.entry(finding.severity).or_default() += 1;
        let host = finding.event.as_ref().and_then(|e| e.host.as_deref()).unwrap_or_default();
        if let Some(n) = self.hosts.get_mut(host) {
            *n += 1;
        } else if self.hosts.len() < HOSTS {
            self.hosts.insert(host.to_owned(), 1);
        } else {
            self.other_hosts += 1;
        }
        let rule = self.rule(&finding.rule);
        if let Some(n) = self.rules.get_mut(&finding.rule) {
            *n += 1;
        }
        for id in &finding.attack {
            *self.techniques.entry(id.clone()).or_default() += 1;
        }
        match finding.event.as_ref().and_then(|e| e.time) {
            Some(time) if self.times.len() < TIMES => self.times.push((time, finding.severity, rule)),
            _ => self.untimed += 1,
        }
    }

    fn rule(&mut self, name: &str) -> u32 {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = u32::try_from(self.rule_names.len()).unwrap_or(u32::MAX);
        self.rule_names.push(name.to_owned());
        self.rules.insert(name.to_owned(), 0);
        self.places.insert(name.to_owned(), place);
        place
    }

    /// The first and the last time.
    pub fn range(&self) -> Option<(i64, i64)> {
        let times = || self.times.iter().map(|(time, ..)| *time);
        times().min().zip(times().max())
    }
}

/// Keeps the first findings of every rule, in half of the room; then the worst, and of equally bad ones some of every
/// rule: one that fires ten thousand times does not push out the others.
#[derive(Debug)]
pub struct Collector {
    limit: usize,
    first: Vec<Finding>,
    kept: usize,
    by: BTreeMap<(Severity, String), Vec<Finding>>,
    /// The counts.
    pub totals: Totals,
}

/// So many findings of a rule are kept however bad the others are.
const FIRST: usize = 2;

impl Collector {
    /// Keeps at most `limit` findings.
    pub fn new(limit: usize) -> Self {
        Collector { limit, first: Vec::new(), kept: 0, by: BTreeMap::new(), totals: Totals::default() }
    }

    /// Takes one in.
    pub fn add(&mut self, finding: &Finding) {
        self.totals.add(finding);
        let found = self.totals.rules.get(&finding.rule).copied().unwrap_or_default();
        if found <= FIRST && self.first.len() < self.limit.div_ceil(2) {
            self.first.push(finding.clone());
            if self.first.len() + self.kept > self.limit {
                self.give_way(None);
            }
        } else if self.first.len() + self.kept < self.limit || self.give_way(Some(finding)) {
            self.kept += 1;
            self.by.entry((finding.severity, finding.rule.clone())).or_default().push(finding.clone());
        }
    }

    /// Makes room, for that one if it is to be kept rather. Of the least bad, the rule with most of them gives one up.
    fn give_way(&mut self, newcomer: Option<&Finding>) -> bool {
        let Some(lowest) = self.by.keys().next().map(|(severity, _)| *severity) else { return false };
        let of_lowest = self.by.range((lowest, String::new())..).take_while(|((s, _), _)| *s == lowest);
        let Some((victim, most)) = of_lowest.map(|(k, v)| (k, v.len())).max_by_key(|(_, n)| *n) else { return false };
        if let Some(finding) = newcomer {
            let own = self.by.get(&(finding.severity, finding.rule.clone())).map_or(0, Vec::len);
            if finding.severity < lowest || (finding.severity == lowest && own + 1 >= most) {
                return false;
            }
        }
        let victim = victim.clone();
        if let Some(list) = self.by.get_mut(&victim) {
            list.pop();
            if list.is_empty() {
                self.by.remove(&victim);
            }
        }
        self.kept -= 1;
        true
    }

    /// The counts, and the findings that were kept: the worst first, then by time.
    pub fn finish(self) -> (Totals, Vec<Finding>) {
        let mut all = self.first;
        all.extend(self.by.into_values().flatten());
        let key = |f: &Finding| {
            let time = f.event.as_ref().and_then(|e| e.time).unwrap_or(i64::MAX);
            (std::cmp::Reverse(f.severity), time)
        };
        all.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.rule.cmp(&b.rule)));
        (self.totals, all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parallax_detect::{Detections, Pack};
    use std::path::Path;

    /// A finding of a rule; what it is about does not matter.
    fn finding(rule: &str, severity: Severity, time: i64) -> Finding {
        let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/T1059.011");
        thread_local!(static ABOUT: std::cell::OnceCell<Finding> = const { std::cell::OnceCell::new() });
        let mut one = ABOUT.with(|about| about.get_or_init(|| bare(&pack)).clone());
        one.rule = rule.to_owned();
        one.severity = severity;
        one.event = Some(parallax_detect::Event { time: Some(time), ..Default::default() });
        one
    }

    fn bare(pack: &Path) -> Finding {
        let pack = Pack::open(pack).ok().unwrap();
        Finding::of(&Detections::of_pack(&pack, &Default::default()).rules[0].about)
    }

    #[test]
    fn the_worst_are_kept_and_some_of_every_rule() {
        let mut all = Collector::new(10);
        (0..500).for_each(|n| all.add(&finding("noisy", Severity::Medium, n)));
        (0..3).for_each(|n| all.add(&finding("quiet", Severity::Medium, n)));
        (0..2).for_each(|n| all.add(&finding("bad", Severity::High, n)));
        (0..50).for_each(|n| all.add(&finding("harmless", Severity::Low, n)));
        let (totals, kept) = all.finish();
        assert_eq!((totals.findings, totals.rules["noisy"], totals.range()), (555, 500, Some((0, 499))));
        let of = |rule: &str| kept.iter().filter(|f| f.rule == rule).count();
        // Of the harmless one there was no room left among the first.
        assert_eq!((of("bad"), of("quiet"), of("noisy"), of("harmless")), (2, 3, 5, 0));
        assert!(kept.iter().any(|f| f.rule == "noisy" && f.event.as_ref().unwrap().time == Some(0)));
        assert!(kept.is_sorted_by_key(|f| std::cmp::Reverse(f.severity)));
    }
}
