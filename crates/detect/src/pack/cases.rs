//! Cases: telemetry that is there, signals that are one query, one expectation for each detection.

use super::load::Check;
use super::manifest as raw;
use super::place::span;
use super::{
    AtomicFile, Behaviour, Case, CaseKind, Detection, Expectation, List, Outcome, Reference, Role, Rows, Signal,
};
use parallax_diagnostics::{Diagnostic, Span};
use serde_saphyr::Spanned;

impl Check<'_> {
    pub(super) fn case(
        &mut self,
        c: raw::Case,
        detections: &[Detection],
        behaviours: &[Behaviour],
        atomics: Option<&[AtomicFile]>,
        lists: &[List],
    ) -> Case {
        self.id(&c.id);
        self.since_2(c.method.as_ref().map(span), "method");
        self.since_2(c.others.as_ref().map(span), "others");
        if let (Some(atomic), Some(files)) = (&c.atomic, atomics) {
            self.atomic_name(atomic, files);
        }
        if c.telemetry.value.is_empty() {
            self.refuse("PACK0006", span(&c.telemetry), "a case without telemetry");
        }
        for path in &c.telemetry.value {
            if self.inside(path) && !self.files.exists(&path.value) {
                self.refuse("PACK0006", span(path), "there is no such file in the pack");
            }
        }
        let kind = self.word(&c.kind, "kind of case", CaseKind::WORDS).unwrap_or(CaseKind::Attack);
        let now = c.now.as_ref().map_or(Reference::LatestEvent, |n| self.reference(n));
        let replaced = self.replaced(c.lists.as_ref(), lists);
        let expect = self.expectations(&c, kind, detections, behaviours);
        Case {
            id: c.id.value,
            title: c.title.value,
            kind,
            atomic: c.atomic.map(|a| a.value).unwrap_or_default(),
            method: c.method.map(|m| m.value).unwrap_or_default(),
            telemetry: c.telemetry.value.into_iter().map(|t| t.value).collect(),
            now,
            lists: replaced,
            signals: c.signals.into_iter().filter_map(|s| self.signal(s)).collect(),
            expect,
        }
    }

    fn reference(&mut self, now: &Spanned<String>) -> Reference {
        if now.value == "latest-event" {
            return Reference::LatestEvent;
        }
        match now.value.parse::<jiff::Timestamp>().ok().and_then(|t| i64::try_from(t.as_nanosecond()).ok()) {
            Some(t) => Reference::At(t),
            None => {
                self.refuse("PACK0007", span(now), format!("`{}` is not a time", now.value)).help =
                    Some("write `latest-event`, or a time such as `2026-03-01T12:00:00Z`".into());
                Reference::LatestEvent
            }
        }
    }

    fn signal(&mut self, s: raw::Signal) -> Option<Signal> {
        let place = span(&s.title);
        self.since_2(s.sigma.as_ref().map(span), "sigma");
        let (dialect, query) = match (s.kql, s.sumo, s.sigma) {
            (Some(q), None, None) => ("kql", q.value),
            (None, Some(q), None) => ("sumo", q.value),
            (None, None, Some(q)) => ("sigma", q.value),
            _ => {
                self.refuse("PACK0008", place, "a signal has one query: `kql`, `sumo` or `sigma`");
                return None;
            }
        };
        let rows = match (s.exactly, s.at_least) {
            (Some(n), None) => Rows::Exactly(n.value),
            (None, Some(n)) => Rows::AtLeast(n.value),
            (None, None) => Rows::AtLeast(1),
            (Some(n), Some(_)) => {
                self.refuse("PACK0008", span(&n), "a signal has either `exactly` or `at_least`");
                return None;
            }
        };
        Some(Signal { title: s.title.value, dialect: dialect.into(), query, rows })
    }

    /// One expectation for each detection: a matrix with holes would let a detection go untested in silence.
    fn expectations(
        &mut self,
        c: &raw::Case,
        kind: CaseKind,
        detections: &[Detection],
        behaviours: &[Behaviour],
    ) -> Vec<Expectation> {
        let mut found: Vec<Option<Expectation>> = vec![None; detections.len()];
        let mut said = vec![false; detections.len()];
        for e in &c.expect.value {
            let outcome = self.outcome(e, kind);
            for (at, place) in self.named(e, detections, behaviours) {
                if std::mem::replace(&mut said[at], true) {
                    let message = match e.detection.is_some() {
                        true => "this detection is expected twice".to_owned(),
                        false => format!("`{}` of this behaviour is expected twice", detections[at].id),
                    };
                    self.refuse("PACK0009", place, message);
                }
                let reason = e.reason.trim().to_owned();
                found[at] = outcome.map(|outcome| Expectation { detection: at, outcome, reason });
            }
        }
        if let Some(others) = &c.others {
            self.word(others, "word for the other detections", &[("nothing", ())]);
            for at in (0..detections.len()).filter(|at| !said[*at]) {
                found[at] = Some(Expectation { detection: at, outcome: Outcome::Nothing, reason: String::new() });
            }
            return found.into_iter().flatten().collect();
        }
        let missing = detections.iter().zip(&said).filter(|(_, said)| !**said).map(|(d, _)| format!("`{}`", d.id));
        let missing: Vec<_> = missing.collect();
        if !missing.is_empty() {
            let message = format!("the case does not say what is expected of {}", missing.join(", "));
            let d = self.refuse("PACK0009", span(&c.id), message);
            d.help = Some("name them in `expect`, or write `others: nothing`".into());
        }
        found.into_iter().flatten().collect()
    }

    /// The detections that an expectation is about, with the places to point at.
    fn named(
        &mut self,
        e: &raw::Expectation,
        detections: &[Detection],
        behaviours: &[Behaviour],
    ) -> Vec<(usize, Span)> {
        let (names, place) = match (&e.detection, &e.behaviour) {
            (Some(names), None) => (&names.value, span(names)),
            (None, Some(behaviour)) => {
                self.since_2(Some(span(behaviour)), "behaviour");
                let Some(id) = self.behaviour(behaviour, behaviours) else { return Vec::new() };
                let hardened = |d: &Detection| d.behaviour.as_ref() == Some(&id) && d.role != Some(Role::Published);
                let all = detections.iter().enumerate().filter(|(_, d)| hardened(d));
                let all: Vec<_> = all.map(|(at, _)| (at, span(behaviour))).collect();
                if all.is_empty() {
                    self.refuse("PACK0009", span(behaviour), "no detection but published ones is of this behaviour");
                }
                return all;
            }
            _ => {
                self.refuse("PACK0009", span(&e.outcome), "an expectation names a `detection` or a `behaviour`");
                return Vec::new();
            }
        };
        let names: Vec<&str> = match names {
            raw::Names::One(name) => vec![name],
            raw::Names::Several(names) => {
                self.since_2(Some(place), "detection: [several]");
                names.iter().map(String::as_str).collect()
            }
        };
        let mut all = Vec::new();
        for name in names {
            match detections.iter().position(|d| d.id == name) {
                Some(at) => all.push((at, place)),
                None => {
                    let d = Diagnostic::error("PACK0009", place, format!("the pack has no detection `{name}`"));
                    self.problems.push(d.suggest(name, detections.iter().map(|d| d.id.as_str())));
                }
            }
        }
        all
    }

    fn outcome(&mut self, e: &raw::Expectation, kind: CaseKind) -> Option<Outcome> {
        let findings = e.findings.as_ref().map(|n| n.value);
        let (outcome, of, reasoned) = match e.outcome.value.as_str() {
            "fires" => (Outcome::Fires(findings), Some(CaseKind::Attack), false),
            "misses" => (Outcome::Misses, Some(CaseKind::Attack), true),
            // Of an attack: what the detection looks for is not a part of this one.
            "silent" => (Outcome::Silent, (self.format == 1).then_some(CaseKind::Benign), false),
            "false-positive" => (Outcome::FalsePositive(findings), Some(CaseKind::Benign), true),
            "not-applicable" => (Outcome::NotApplicable, None, true),
            other => {
                let known = ["fires", "misses", "silent", "false-positive", "not-applicable"];
                let d = Diagnostic::error("PACK0010", span(&e.outcome), format!("`{other}` is not an outcome"))
                    .help(format!("one of {}", known.join(", ")));
                self.problems.push(d);
                return None;
            }
        };
        if let Some(of) = of.filter(|of| *of != kind) {
            let word = &e.outcome.value;
            self.refuse(
                "PACK0010",
                span(&e.outcome),
                format!("`{word}` is an outcome of {of} cases; this one is {kind}"),
            );
        }
        if reasoned && e.reason.trim().is_empty() {
            let word = &e.outcome.value;
            self.refuse("PACK0011", span(&e.outcome), format!("`{word}` needs a `reason`"));
        }
        let counted = matches!(outcome, Outcome::Fires(_) | Outcome::FalsePositive(_));
        if let Some(n) = e.findings.as_ref().filter(|n| !counted || n.value == 0) {
            self.refuse("PACK0011", span(n), "`findings` counts what fires, from 1");
        }
        Some(outcome)
    }
}
