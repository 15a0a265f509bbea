//! Findings as they come: all are counted, the worst are kept.

use parallax_detect::Finding;
use parallax_detect::pack::Severity;
use std::collections::BTreeMap;

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

    /// The rule's place among the names. Findings come rule by rule, so the last is looked at first.
    fn rule(&mut self, name: &str) -> u32 {
        let place = self.rule_names.iter().rposition(|known| known == name).unwrap_or_else(|| {
            self.rule_names.push(name.to_owned());
            self.rules.insert(name.to_owned(), 0);
            self.rule_names.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    /// The first and the last time.
    pub fn range(&self) -> Option<(i64, i64)> {
        let times = || self.times.iter().map(|(time, ..)| *time);
        times().min().zip(times().max())
    }
}

/// Keeps the worst findings, and of equally bad ones some of every rule: a rule that fires ten thousand times does not
/// push out the others.
#[derive(Debug)]
pub struct Collector {
    limit: usize,
    kept: usize,
    by: BTreeMap<(Severity, String), Vec<Finding>>,
    /// The counts.
    pub totals: Totals,
}

impl Collector {
    /// Keeps at most `limit` findings.
    pub fn new(limit: usize) -> Self {
        Collector { limit, kept: 0, by: BTreeMap::new(), totals: Totals::default() }
    }

    /// Takes one in.
    pub fn add(&mut self, finding: &Finding) {
        self.totals.add(finding);
        if self.limit == 0 {
            return;
        }
        let key = (finding.severity, finding.rule.clone());
        if self.kept >= self.limit {
            let own = self.by.get(&key).map_or(0, Vec::len);
            // Of the least bad kept, the rule with most of them gives way; the newcomer's own does so first.
            let Some(lowest) = self.by.keys().next().map(|(severity, _)| *severity) else { return };
            let of_lowest = self.by.range((lowest, String::new())..).take_while(|((s, _), _)| *s == lowest);
            let Some((victim, most)) = of_lowest.map(|(k, v)| (k.clone(), v.len())).max_by_key(|(_, n)| *n) else {
                return;
            };
            if finding.severity < lowest || (finding.severity == lowest && own + 1 >= most) {
                return;
            }
            if let Some(list) = self.by.get_mut(&victim) {
                list.pop();
                if list.is_empty() {
                    self.by.remove(&victim);
                }
            }
            self.kept -= 1;
        }
        self.kept += 1;
        self.by.entry(key).or_default().push(finding.clone());
    }

    /// The counts, and the findings that were kept: the worst first, then by time.
    pub fn finish(self) -> (Totals, Vec<Finding>) {
        let mut all: Vec<Finding> = self.by.into_values().flatten().collect();
        let key = |f: &Finding| {
            let time = f.event.as_ref().and_then(|e| e.time).unwrap_or(i64::MAX);
            (std::cmp::Reverse(f.severity), time)
        };
        all.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.rule.cmp(&b.rule)));
        (self.totals, all)
    }
}
