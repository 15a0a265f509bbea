//! Which of the loaded rules run.

use super::{Body, Detections, Rule};
use crate::pack::Severity;
use std::collections::BTreeMap;

/// What is asked for. What is empty leaves nothing out.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// At least so bad.
    pub level: Option<Severity>,
    /// Exactly so bad: one of them.
    pub only_level: Vec<Severity>,
    /// One of these tags; `*` and `?` stand for other text.
    pub tags: Vec<String>,
    /// One of these statuses.
    pub status: Vec<String>,
    /// Id, name, or title; with `*` and `?`.
    pub rules: Vec<String>,
    /// The same, left out.
    pub exclude: Vec<String>,
}

/// Why rules were left out: by the name of the filter that was the first to do so, how many.
pub type LeftOut = BTreeMap<&'static str, usize>;

/// What is left of the loaded rules.
#[derive(Debug, Default)]
pub struct Chosen {
    /// What is left; for each rule that is loaded, whether it reports.
    pub runs: Vec<bool>,
    /// What was left out.
    pub left_out: LeftOut,
}

impl Filters {
    /// Which rules report. Rules that a correlation needs run all the same.
    pub fn choose(&self, detections: &Detections) -> Chosen {
        let mut chosen = Chosen::default();
        for rule in &detections.rules {
            let why = self.leaves_out(rule);
            chosen.runs.push(why.is_none());
            if let Some(why) = why.filter(|_| rule.reports()) {
                *chosen.left_out.entry(why).or_default() += 1;
            }
        }
        chosen
    }

    fn leaves_out(&self, rule: &Rule) -> Option<&'static str> {
        let about = &rule.about;
        let given = |names: &[String]| names.iter().any(|n| rule.is_called(n));
        let says = |all: &[String], text: &str| all.iter().any(|p| glob(p, text));
        [
            ("--exclude", given(&self.exclude)),
            ("--rule", !self.rules.is_empty() && !given(&self.rules)),
            ("--level", self.level.is_some_and(|least| about.severity < least)),
            ("--only-level", !self.only_level.is_empty() && !self.only_level.contains(&about.severity)),
            ("--tag", !self.tags.is_empty() && !about.tags.iter().any(|t| says(&self.tags, t))),
            ("--status", !self.status.is_empty() && !says(&self.status, about.status.as_deref().unwrap_or("none"))),
        ]
        .into_iter()
        .find_map(|(name, out)| out.then_some(name))
    }
}

impl Rule {
    /// Whether it is what `name` names: its name, id, short name or title, or the end of `pack/detection`.
    pub fn is_called(&self, name: &str) -> bool {
        let about = &self.about;
        let own = [Some(&about.name), about.id.as_ref(), about.short.as_ref(), Some(&about.title)];
        own.into_iter().flatten().any(|own| glob(name, own))
    }

    /// Whether it runs as a query, over tables.
    pub(crate) fn is_query(&self) -> bool {
        matches!(self.body, Body::Query | Body::Sentinel(_))
    }

    /// Whether it reports its own matches.
    pub fn reports(&self) -> bool {
        match &self.body {
            Body::Sigma(rule) => rule.reports,
            Body::Correlation(rule) => rule.reports,
            Body::Query | Body::Sentinel(_) => true,
        }
    }
}

/// Whether the text is of the pattern's form, without regard to ASCII case.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let same = |a: char, b: char| a == '?' || a.eq_ignore_ascii_case(&b);
    let (mut i, mut j, mut star) = (0, 0, None);
    while j < t.len() {
        match p.get(i) {
            Some('*') => {
                star = Some((i, j));
                i += 1;
            }
            Some(c) if same(*c, t[j]) => (i, j) = (i + 1, j + 1),
            // The last star takes one more.
            _ => match star {
                Some((at, from)) => {
                    (i, j) = (at + 1, from + 1);
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    p[i..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn globs() {
        assert!(glob("attack.t1059*", "attack.T1059.011"));
        assert!(glob("*lua*", "Detect Lua in Sentinel"));
        assert!(glob("a*b?d", "aXXbbcd"));
        assert!(glob("*", ""));
        assert!(!glob("attack.t1059", "attack.t1059.011"));
        assert!(!glob("a?", "a"));
    }
}
