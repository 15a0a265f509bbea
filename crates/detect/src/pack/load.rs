//! Manifest → pack: every name resolved, every file there, every expectation one that can hold.

use super::files::{Files, is_inside};
use super::manifest as raw;
use super::place::{PackError, span, yaml};
use super::{Case, CaseKind, Confidence, Detection, Expectation, MANIFEST, Outcome, Pack, Reference, Rows, Severity};
use super::{Signal, Technique};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
use serde_saphyr::Spanned;
use std::collections::HashSet;

/// The version of the manifest's format that this program reads.
const FORMAT: u32 = 1;

/// The file ending of each dialect.
const DIALECTS: [&str; 2] = ["kql", "sumo"];

pub(super) fn load(files: Files) -> Result<Pack, PackError> {
    let file = files.name(MANIFEST);
    let fail =
        |text: &str, diagnostics: Diagnostics| PackError { file: file.clone(), text: text.to_owned(), diagnostics };
    let unreadable = |why: String| fail("", Diagnostic::error("PACK0000", Span::at(0), why).into());
    let bytes = files.read(MANIFEST).map_err(|e| unreadable(format!("the manifest can't be read: {e}")))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("the manifest is not UTF-8 text".into()))?;
    let manifest: raw::Manifest = serde_saphyr::from_str(&text).map_err(|e| fail(&text, yaml(&e).into()))?;
    let mut check = Check { files: &files, problems: Diagnostics::default() };
    let pack = check.pack(manifest);
    if check.problems.is_empty() {
        return Ok(Pack { files, ..pack });
    }
    let problems = std::mem::take(&mut check.problems);
    Err(fail(&text, problems))
}

struct Check<'a> {
    files: &'a Files,
    problems: Diagnostics,
}

impl Check<'_> {
    fn refuse(&mut self, code: &'static str, place: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.problems.push(Diagnostic::error(code, place, message));
        self.problems.0.last_mut().expect("just pushed")
    }

    fn pack(&mut self, m: raw::Manifest) -> Pack {
        if m.format.value != FORMAT {
            let found = m.format.value;
            self.refuse(
                "PACK0002",
                span(&m.format),
                format!("format {found} is not known; this program reads {FORMAT}"),
            );
        }
        self.id(&m.id);
        self.technique_id(&m.technique.id);
        if m.detections.value.is_empty() {
            self.refuse("PACK0003", span(&m.detections), "a pack without detections");
        }
        let technique = Technique {
            id: m.technique.id.value,
            name: m.technique.name,
            tactics: m.technique.tactics,
            url: m.technique.url,
        };
        self.unique("detection", m.detections.value.iter().map(|d| &d.id));
        self.unique("case", m.cases.iter().map(|c| &c.id));
        let detections: Vec<Detection> =
            m.detections.value.into_iter().map(|d| self.detection(d, &technique.id)).collect();
        let cases = m.cases.into_iter().map(|c| self.case(c, &detections)).collect();
        Pack {
            id: m.id.value,
            title: m.title.value,
            version: m.version,
            summary: m.summary,
            technique,
            detections,
            cases,
            files: self.files.clone(),
        }
    }

    fn detection(&mut self, d: raw::Detection, technique: &str) -> Detection {
        self.id(&d.id);
        d.attack.iter().for_each(|id| self.technique_id(id));
        let severity = self.word(&d.severity, "severity", Severity::WORDS).unwrap_or(Severity::Low);
        let confidence = self.word(&d.confidence, "confidence", Confidence::WORDS).unwrap_or(Confidence::Low);
        let dialect = self.dialect(&d);
        let query = self.query(&d.query);
        let attack = match d.attack.is_empty() {
            true => vec![technique.to_owned()],
            false => d.attack.into_iter().map(|a| a.value).collect(),
        };
        Detection {
            id: d.id.value,
            title: d.title.value,
            dialect,
            path: d.query.value,
            query,
            severity,
            confidence,
            description: d.description,
            attack,
            data_sources: d.data_sources,
            false_positives: d.false_positives,
            references: d.references,
        }
    }

    /// The dialect that the detection says, or that the ending of its query's file says.
    fn dialect(&mut self, d: &raw::Detection) -> String {
        let (name, place) = match &d.dialect {
            Some(dialect) => (dialect.value.clone(), span(dialect)),
            None => (d.query.value.rsplit('.').next().unwrap_or_default().to_owned(), span(&d.query)),
        };
        if !DIALECTS.contains(&name.as_str()) {
            let what = match d.dialect {
                Some(_) => format!("`{name}` is not a dialect"),
                None => "the ending of the query's file does not say which dialect it is".to_owned(),
            };
            self.refuse("PACK0004", place, what).help = Some("write `dialect: kql` or `dialect: sumo`".into());
        }
        name
    }

    fn query(&mut self, path: &Spanned<String>) -> String {
        if !self.inside(path) {
            return String::new();
        }
        match self.files.read(&path.value).map(String::from_utf8) {
            Ok(Ok(text)) => return text,
            Ok(Err(_)) => self.refuse("PACK0005", span(path), "the query is not UTF-8 text"),
            Err(e) => self.refuse("PACK0005", span(path), format!("the query can't be read: {e}")),
        };
        String::new()
    }

    fn case(&mut self, c: raw::Case, detections: &[Detection]) -> Case {
        self.id(&c.id);
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
        let expect = self.expectations(&c, kind, detections);
        Case {
            id: c.id.value,
            title: c.title.value,
            kind,
            atomic: c.atomic,
            telemetry: c.telemetry.value.into_iter().map(|t| t.value).collect(),
            now,
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
        let (dialect, query) = match (s.kql, s.sumo) {
            (Some(q), None) => ("kql", q.value),
            (None, Some(q)) => ("sumo", q.value),
            _ => {
                self.refuse("PACK0008", place, "a signal has one query: either `kql` or `sumo`");
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
    fn expectations(&mut self, c: &raw::Case, kind: CaseKind, detections: &[Detection]) -> Vec<Expectation> {
        let mut found: Vec<Option<Expectation>> = vec![None; detections.len()];
        for e in &c.expect.value {
            let Some(at) = detections.iter().position(|d| d.id == e.detection.value) else {
                let d = Diagnostic::error("PACK0009", span(&e.detection), "the pack has no such detection")
                    .suggest(&e.detection.value, detections.iter().map(|d| d.id.as_str()));
                self.problems.push(d);
                continue;
            };
            if found[at].is_some() {
                self.refuse("PACK0009", span(&e.detection), "this detection is expected twice");
            }
            found[at] = self.outcome(e, kind).map(|outcome| Expectation {
                detection: at,
                outcome,
                reason: e.reason.trim().to_owned(),
            });
        }
        let missing: Vec<_> = detections
            .iter()
            .filter(|d| c.expect.value.iter().all(|e| e.detection.value != d.id))
            .map(|d| format!("`{}`", d.id))
            .collect();
        if !missing.is_empty() {
            let message = format!("the case does not say what is expected of {}", missing.join(", "));
            self.refuse("PACK0009", span(&c.id), message);
        }
        found.into_iter().flatten().collect()
    }

    fn outcome(&mut self, e: &raw::Expectation, kind: CaseKind) -> Option<Outcome> {
        let findings = e.findings.as_ref().map(|n| n.value);
        let (outcome, of, reasoned) = match e.outcome.value.as_str() {
            "fires" => (Outcome::Fires(findings), Some(CaseKind::Attack), false),
            "misses" => (Outcome::Misses, Some(CaseKind::Attack), true),
            "silent" => (Outcome::Silent, Some(CaseKind::Benign), false),
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

    fn word<T: Copy>(&mut self, value: &Spanned<String>, what: &str, words: &[(&str, T)]) -> Option<T> {
        let found = words.iter().find(|(w, _)| *w == value.value).map(|(_, v)| *v);
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(w, _)| *w).collect();
            self.refuse("PACK0012", span(value), format!("`{}` is not a {what}", value.value)).help =
                Some(format!("one of {}", known.join(", ")));
        }
        found
    }

    fn id(&mut self, id: &Spanned<String>) {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if id.value.is_empty() || !id.value.chars().all(good) {
            self.refuse("PACK0013", span(id), "an id is made of letters, digits, `-`, `_` and `.`");
        }
    }

    fn technique_id(&mut self, id: &Spanned<String>) {
        let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
        let good = id.value.strip_prefix('T').is_some_and(|rest| match rest.split_once('.') {
            Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
            None => digits(rest, 4),
        });
        if !good {
            self.refuse("PACK0014", span(id), format!("`{}` is not an ATT&CK technique id", id.value)).help =
                Some("such as T1059 or T1059.011".into());
        }
    }

    fn inside(&mut self, path: &Spanned<String>) -> bool {
        let inside = is_inside(&path.value);
        if !inside {
            self.refuse("PACK0015", span(path), "a path in a pack is relative and stays inside it");
        }
        inside
    }

    fn unique<'a>(&mut self, what: &str, ids: impl Iterator<Item = &'a Spanned<String>>) {
        let mut seen = HashSet::new();
        for id in ids {
            if !seen.insert(id.value.as_str()) {
                self.refuse("PACK0013", span(id), format!("there are two {what}s of this id"));
            }
        }
    }
}
