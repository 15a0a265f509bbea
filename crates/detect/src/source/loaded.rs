//! What was loaded, and what could not be.

use super::Rule;
use crate::pack::Pack;
use parallax_diagnostics::{Diagnostic, Diagnostics, Span, Style};
use std::collections::BTreeMap;

/// Everything that was loaded.
#[derive(Debug, Default)]
pub struct Detections {
    /// The rules, in the order of the paths, and of their names within a folder.
    pub rules: Vec<Rule>,
    /// The packs among them.
    pub packs: Vec<Pack>,
    /// What could not be loaded.
    pub faults: Vec<Fault>,
    /// Remarks on what was loaded.
    pub remarks: Vec<Fault>,
    /// How many Sigma filters were loaded.
    pub filters: usize,
    /// Files in folders that are of a kind that could be a detection and are none.
    pub passed_over: Vec<String>,
}

/// What is wrong with a file, or with a part of it.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The file, as messages name it.
    pub file: String,
    /// Its text; empty where it can't be read.
    pub text: String,
    /// What is wrong.
    pub diagnostics: Diagnostics,
}

impl Fault {
    pub(super) fn new(file: &str, text: &str, diagnostics: impl Into<Diagnostics>) -> Self {
        Fault { file: file.to_owned(), text: text.to_owned(), diagnostics: diagnostics.into() }
    }

    pub(super) fn unreadable(file: &str, why: impl Into<String>) -> Self {
        Fault::new(file, "", Diagnostic::error("DETECT0001", Span::at(0), why))
    }

    /// With the place marked.
    pub fn render(&self, style: Style) -> String {
        if !self.text.is_empty() {
            return self.diagnostics.render(&self.text, &self.file, style);
        }
        let one = |d: &Diagnostic| {
            let kind = if d.severity == parallax_diagnostics::Severity::Error { "error" } else { "warning" };
            format!("{kind}[{}]: {}: {}", d.code, self.file, d.message)
        };
        self.diagnostics.iter().map(one).collect::<Vec<_>>().join("\n")
    }

    /// On one line: file, place, reason.
    pub fn short(&self) -> String {
        let Some(first) = self.diagnostics.iter().next() else { return self.file.clone() };
        let place = match self.text.is_empty() {
            true => String::new(),
            false => {
                let (line, column) = first.position(&self.text);
                format!(":{line}:{column}")
            }
        };
        let more = match self.diagnostics.iter().count() {
            0 | 1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        format!("{}{place}: {} [{}]{more}", self.file, first.message, first.code)
    }
}

/// The values of Sigma's placeholders, by their names.
pub type Placeholders = BTreeMap<String, Vec<String>>;
