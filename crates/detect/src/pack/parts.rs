//! What a pack holds beside detections and cases: behaviours, hunts, documents, atomic tests.

use super::load::{Check, dialect_of};
use super::manifest as raw;
use super::markdown;
use super::place::{InFile, span};
use super::{AtomicFile, Behaviour, Document, DocumentKind, Hunt, HuntQuery};
use crate::atomic;
use parallax_diagnostics::Diagnostic;
use serde_saphyr::Spanned;

impl Check<'_> {
    pub(super) fn behaviours(&mut self, all: Option<Spanned<Vec<raw::Behaviour>>>) -> Vec<Behaviour> {
        let Some(all) = all else { return Vec::new() };
        self.since_2(Some(span(&all)), "behaviours");
        self.unique("behaviour", all.value.iter().map(|b| &b.id));
        let each = all.value.into_iter().map(|b| {
            self.id(&b.id);
            Behaviour { id: b.id.value, title: b.title, summary: b.summary }
        });
        each.collect()
    }

    /// The behaviour of that name; one that is not declared would make nothing comparable.
    pub(super) fn behaviour(&mut self, name: &Spanned<String>, known: &[Behaviour]) -> Option<String> {
        if known.iter().any(|b| b.id == name.value) {
            return Some(name.value.clone());
        }
        let d = Diagnostic::error("PACK0016", span(name), format!("the pack declares no behaviour `{}`", name.value));
        self.problems.push(d.suggest(&name.value, known.iter().map(|b| b.id.as_str())));
        None
    }

    pub(super) fn hunts(&mut self, all: Option<Spanned<Vec<raw::Hunt>>>) -> Vec<Hunt> {
        let Some(all) = all else { return Vec::new() };
        self.since_2(Some(span(&all)), "hunts");
        self.unique("hunt", all.value.iter().map(|h| &h.id));
        all.value.into_iter().map(|h| self.hunt(h)).collect()
    }

    fn hunt(&mut self, h: raw::Hunt) -> Hunt {
        self.id(&h.id);
        let mut queries = Vec::new();
        for (dialect, path) in [("kql", h.kql), ("sumo", h.sumo), ("sigma", h.sigma)] {
            let Some(path) = path else { continue };
            if dialect_of(&path.value) != Some(dialect) {
                let message = format!("the ending of the file does not say that it is {dialect}");
                self.refuse("PACK0004", span(&path), message);
            }
            let text = self.text(&path, "query");
            queries.push(HuntQuery { dialect: dialect.to_owned(), path: path.value, text });
        }
        if queries.is_empty() {
            self.refuse("PACK0017", span(&h.id), "a hunt has a query: `kql`, `sumo` or `sigma`");
        }
        Hunt {
            id: h.id.value,
            title: h.title,
            purpose: h.purpose,
            reading: h.reading,
            queries,
            references: h.references,
        }
    }

    pub(super) fn documents(&mut self, all: Option<Spanned<raw::Documents>>) -> Vec<Document> {
        let Some(all) = all else { return Vec::new() };
        self.since_2(Some(span(&all)), "documents");
        let all = all.value;
        let kinds = [
            (DocumentKind::Guide, all.guide),
            (DocumentKind::Playbook, all.playbook),
            (DocumentKind::Tuning, all.tuning),
            (DocumentKind::References, all.references),
            (DocumentKind::Changelog, all.changelog),
            (DocumentKind::Readme, all.readme),
        ];
        let named = kinds.into_iter().filter_map(|(kind, path)| path.map(|p| (kind, p)));
        let documents: Vec<Document> = named
            .map(|(kind, path)| {
                let text = self.text(&path, "document");
                Document { kind, path: path.value, text }
            })
            .collect();
        for document in &documents {
            let diagnostics = markdown::broken_links(&document.text, &document.path, self.files);
            if !diagnostics.is_empty() {
                let file = self.files.name(&document.path);
                self.elsewhere.push(InFile { file, text: document.text.clone(), diagnostics });
            }
        }
        documents
    }

    pub(super) fn atomics(&mut self, all: Option<Spanned<Vec<Spanned<String>>>>) -> Option<Vec<AtomicFile>> {
        let all = all?;
        self.since_2(Some(span(&all)), "atomics");
        let mut files = Vec::new();
        for path in all.value {
            let text = self.text(&path, "file of atomic tests");
            if text.is_empty() {
                continue;
            }
            let read = atomic::read(&text).and_then(|read| {
                let lost = atomic::cut_off(&text, &read);
                if lost.is_empty() { Ok(read) } else { Err(lost) }
            });
            match read {
                Ok(read) => {
                    let technique = read.attack_technique;
                    files.push(AtomicFile { path: path.value, technique, tests: read.tests });
                }
                Err(diagnostics) => {
                    let file = self.files.name(&path.value);
                    self.elsewhere.push(InFile { file, text, diagnostics });
                }
            }
        }
        Some(files)
    }

    /// Whether there is such a test: a case that names another proves nothing about any.
    pub(super) fn atomic_name(&mut self, name: &Spanned<String>, files: &[AtomicFile]) {
        let known: Vec<&str> = files.iter().flat_map(|f| &f.tests).map(|t| t.name.as_str()).collect();
        // A file that can't be read has said so.
        if known.is_empty() || known.contains(&name.value.as_str()) {
            return;
        }
        let d = Diagnostic::error("PACK0019", span(name), "the pack's atomic tests have none of this name");
        self.problems.push(d.suggest(&name.value, known));
    }
}
