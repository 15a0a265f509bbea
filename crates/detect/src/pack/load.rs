//! Manifest → pack: every name resolved, every file there, every expectation one that can hold.

use super::files::{Files, is_inside};
use super::manifest as raw;
use super::place::{InFile, PackError, span, yaml};
use super::{Behaviour, Confidence, Detection, MANIFEST, Pack, Role, Severity, Technique};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
use serde_saphyr::Spanned;
use std::collections::HashSet;

/// The versions of the manifest's format that this program reads.
const FORMATS: std::ops::RangeInclusive<u32> = 1..=2;

/// The dialects, and the endings of their files.
pub(super) const DIALECTS: [(&str, &[&str]); 3] = [("kql", &["kql"]), ("sumo", &["sumo"]), ("sigma", &["yml", "yaml"])];

pub(super) fn load(files: Files) -> Result<Pack, PackError> {
    let file = files.name(MANIFEST);
    let fail = |text: &str, diagnostics: Diagnostics| PackError {
        problems: vec![InFile { file: file.clone(), text: text.to_owned(), diagnostics }],
    };
    let unreadable = |why: String| fail("", Diagnostic::error("PACK0000", Span::at(0), why).into());
    let bytes = files.read(MANIFEST).map_err(|e| unreadable(format!("the manifest can't be read: {e}")))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("the manifest is not UTF-8 text".into()))?;
    let manifest: raw::Manifest = serde_saphyr::from_str(&text).map_err(|e| fail(&text, yaml(&e).into()))?;
    let format = manifest.format.value;
    let mut check = Check { files: &files, format, problems: Diagnostics::default(), elsewhere: Vec::new() };
    let pack = check.pack(manifest);
    let (problems, mut elsewhere) = (check.problems, check.elsewhere);
    if problems.is_empty() && elsewhere.is_empty() {
        return Ok(pack);
    }
    let mut error = fail(&text, problems);
    error.problems.append(&mut elsewhere);
    error.problems.retain(|p| !p.diagnostics.is_empty());
    Err(error)
}

/// The pack without its cases, which are the most of a manifest. Of one in which anything else is wrong everything is read, so
/// that everything is said.
pub(super) fn load_without_cases(files: Files) -> Result<Pack, PackError> {
    let text = files.read(MANIFEST).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let manifest = text.and_then(|text| serde_saphyr::from_str::<raw::Manifest>(&without_cases(&text)?).ok());
    if let Some(manifest) = manifest {
        let format = manifest.format.value;
        let mut check = Check { files: &files, format, problems: Diagnostics::default(), elsewhere: Vec::new() };
        let pack = check.pack(manifest);
        if check.problems.is_empty() && check.elsewhere.is_empty() {
            return Ok(pack);
        }
    }
    load(files)
}

/// A manifest without what stands under `cases`: all lines from the key to the next one that begins with another.
fn without_cases(text: &str) -> Option<String> {
    let mut left = String::new();
    let mut within = false;
    for line in text.split_inclusive('\n') {
        match line.as_bytes().first()? {
            // What is nested, said aside, or an element of a list that stands as far left as its key.
            b' ' | b'\t' | b'#' | b'-' | b'\r' | b'\n' if !line.starts_with("---") => {}
            b'a'..=b'z' => within = line.starts_with("cases:"),
            // Several documents, or something unusual.
            _ => return None,
        }
        if !within {
            left.push_str(line);
        }
    }
    Some(left)
}

pub(super) struct Check<'a> {
    pub(super) files: &'a Files,
    /// The version of the format that the manifest says.
    pub(super) format: u32,
    /// What is wrong with the manifest.
    pub(super) problems: Diagnostics,
    /// What is wrong with files that it names.
    pub(super) elsewhere: Vec<InFile>,
}

impl Check<'_> {
    pub(super) fn refuse(&mut self, code: &'static str, place: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.problems.push(Diagnostic::error(code, place, message));
        self.problems.0.last_mut().expect("just pushed")
    }

    fn pack(&mut self, m: raw::Manifest) -> Pack {
        if !FORMATS.contains(&m.format.value) {
            let found = m.format.value;
            let message =
                format!("format {found} is not known; this program reads {} and {}", FORMATS.start(), FORMATS.end());
            self.refuse("PACK0002", span(&m.format), message);
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
        let behaviours = self.behaviours(m.behaviours);
        let detections: Vec<Detection> =
            m.detections.value.into_iter().map(|d| self.detection(d, &technique.id, &behaviours)).collect();
        let atomics = self.atomics(m.atomics);
        let lists = self.lists(m.lists);
        let cases = m.cases.into_iter();
        let cases = cases.map(|c| self.case(c, &detections, &behaviours, atomics.as_deref(), &lists)).collect();
        let (hunts, documents) = (self.hunts(m.hunts), self.documents(m.documents));
        Pack {
            id: m.id.value,
            title: m.title.value,
            version: m.version,
            summary: m.summary,
            technique,
            behaviours,
            detections,
            cases,
            hunts,
            lists,
            documents,
            atomics: atomics.unwrap_or_default(),
            files: self.files.clone(),
        }
    }

    fn detection(&mut self, d: raw::Detection, technique: &str, behaviours: &[Behaviour]) -> Detection {
        self.id(&d.id);
        self.since_2(d.role.as_ref().map(span), "role");
        self.since_2(d.behaviour.as_ref().map(span), "behaviour");
        let role = d.role.as_ref().and_then(|r| self.word(r, "role", Role::WORDS));
        let behaviour = d.behaviour.as_ref().and_then(|b| self.behaviour(b, behaviours));
        d.attack.iter().for_each(|id| self.technique_id(id));
        let severity = self.word(&d.severity, "severity", Severity::WORDS).unwrap_or(Severity::Low);
        let confidence = self.word(&d.confidence, "confidence", Confidence::WORDS).unwrap_or(Confidence::Low);
        let dialect = self.dialect(&d);
        let mut query = self.text(&d.query, "query");
        let filters = self.filters(d.filters, &dialect, &mut query);
        let attack = match d.attack.is_empty() {
            true => vec![technique.to_owned()],
            false => d.attack.into_iter().map(|a| a.value).collect(),
        };
        Detection {
            id: d.id.value,
            title: d.title.value,
            dialect,
            role,
            behaviour,
            path: d.query.value,
            query,
            filters,
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
        let known = |name: &str| DIALECTS.iter().find(|(n, _)| *n == name).map(|(n, _)| (*n).to_owned());
        let (found, place) = match &d.dialect {
            Some(dialect) => (known(&dialect.value), span(dialect)),
            None => (dialect_of(&d.query.value).map(str::to_owned), span(&d.query)),
        };
        if let (Some("sigma"), false) = (found.as_deref(), self.format >= 2) {
            self.since_2(Some(place), "dialect: sigma");
        }
        found.unwrap_or_else(|| {
            let what = match &d.dialect {
                Some(dialect) => format!("`{}` is not a dialect", dialect.value),
                None => "the ending of the query's file does not say which dialect it is".to_owned(),
            };
            self.refuse("PACK0004", place, what).help =
                Some("write `dialect: kql`, `dialect: sumo` or `dialect: sigma`".into());
            String::new()
        })
    }

    /// Appends the documents of filters to a Sigma rule; what stands in the rule keeps its place.
    fn filters(
        &mut self,
        files: Option<Spanned<Vec<Spanned<String>>>>,
        dialect: &str,
        query: &mut String,
    ) -> Vec<String> {
        let Some(files) = files else { return Vec::new() };
        self.since_2(Some(span(&files)), "filters");
        if dialect != "sigma" {
            self.refuse("PACK0004", span(&files), "filters are for Sigma rules");
        }
        for file in &files.value {
            let text = self.text(file, "filter");
            let end = if query.ends_with('\n') { "" } else { "\n" };
            query.push_str(&format!("{end}---\n{text}"));
        }
        files.value.into_iter().map(|f| f.value).collect()
    }

    /// The text of a file that the manifest names; empty where that is refused.
    pub(super) fn text(&mut self, path: &Spanned<String>, what: &str) -> String {
        if !self.inside(path) {
            return String::new();
        }
        match self.files.read(&path.value).map(String::from_utf8) {
            Ok(Ok(text)) => return text,
            Ok(Err(_)) => self.refuse("PACK0005", span(path), format!("the {what} is not UTF-8 text")),
            Err(e) => self.refuse("PACK0005", span(path), format!("the {what} can't be read: {e}")),
        };
        String::new()
    }

    /// Refuses what format 1 did not have: a program that reads no other would have refused it too.
    pub(super) fn since_2(&mut self, place: Option<Span>, what: &str) {
        // Saying it once is enough.
        let said = self.problems.iter().any(|d| d.code == "PACK0002");
        if let Some(place) = place.filter(|_| self.format == 1 && !said) {
            self.refuse("PACK0002", place, format!("`{what}` needs `format: 2`"));
        }
    }

    pub(super) fn word<T: Copy>(&mut self, value: &Spanned<String>, what: &str, words: &[(&str, T)]) -> Option<T> {
        let found = words.iter().find(|(w, _)| *w == value.value).map(|(_, v)| *v);
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(w, _)| *w).collect();
            self.refuse("PACK0012", span(value), format!("`{}` is not a {what}", value.value)).help =
                Some(format!("one of {}", known.join(", ")));
        }
        found
    }

    pub(super) fn id(&mut self, id: &Spanned<String>) {
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

    pub(super) fn inside(&mut self, path: &Spanned<String>) -> bool {
        let inside = is_inside(&path.value);
        if !inside {
            self.refuse("PACK0015", span(path), "a path in a pack is relative and stays inside it");
        }
        inside
    }

    pub(super) fn unique<'a>(&mut self, what: &str, ids: impl Iterator<Item = &'a Spanned<String>>) {
        let mut seen = HashSet::new();
        for id in ids {
            if !seen.insert(id.value.as_str()) {
                self.refuse("PACK0013", span(id), format!("there are two {what}s of this id"));
            }
        }
    }
}

/// The dialect of a query's file, by its ending.
pub(super) fn dialect_of(path: &str) -> Option<&'static str> {
    let ending = path.rsplit_once('.')?.1.to_ascii_lowercase();
    DIALECTS.iter().find(|(_, endings)| endings.contains(&ending.as_str())).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::without_cases;

    #[test]
    fn cases_are_left_out_of_a_manifest() {
        let text = "id: x\ncases:\n- id: a\n  text: |\n    hunts:\n# said\n\nhunts:\n  - id: b\n";
        assert_eq!(without_cases(text).unwrap(), "id: x\nhunts:\n  - id: b\n");
        assert_eq!(without_cases("id: x\n---\ncases: []\n"), None);
        assert_eq!(without_cases("{id: x, cases: []}"), None);
    }
}
