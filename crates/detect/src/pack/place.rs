//! Errors of a pack, each with its place in the manifest.

use parallax_diagnostics::{Diagnostic, Diagnostics, Span, Style};
use serde_saphyr::{Location, Spanned};
use std::fmt;

/// A pack that can't be used.
#[derive(Clone, Debug)]
pub struct PackError {
    /// What is wrong: with the manifest, then with files that it names.
    pub problems: Vec<InFile>,
}

/// What is wrong with one file.
#[derive(Clone, Debug)]
pub struct InFile {
    /// Its name.
    pub file: String,
    /// Its text; empty where it can't be read.
    pub text: String,
    /// What is wrong.
    pub diagnostics: Diagnostics,
}

impl PackError {
    /// The errors as a person reads them.
    pub fn render(&self, style: Style) -> String {
        let all: Vec<String> = self.problems.iter().map(|p| p.render(style)).collect();
        all.join("\n")
    }
}

impl InFile {
    fn render(&self, style: Style) -> String {
        if self.text.is_empty() {
            let all: Vec<_> = self.diagnostics.iter().map(|d| format!("{}: {}", self.file, d.message)).collect();
            return all.join("\n");
        }
        self.diagnostics.render(&self.text, &self.file, style)
    }
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Style::Plain))
    }
}

impl std::error::Error for PackError {}

/// The bytes of the manifest that a value came from.
pub(super) fn span<T>(value: &Spanned<T>) -> Span {
    span_of(&value.referenced)
}

fn span_of(location: &Location) -> Span {
    let start = location.span().byte_offset().unwrap_or(0) as usize;
    let length = location.span().byte_len().unwrap_or(0) as usize;
    Span::new(start, start + length)
}

/// What the YAML reader says, in our own form: it renders places too, in another style than ours.
pub(crate) fn yaml(error: &serde_saphyr::Error) -> Diagnostic {
    let place = error.location().map_or(Span::at(0), |l| span_of(&l));
    let message = error.without_snippet().to_string();
    // "line 3 column 5: what": the place is shown by the caret.
    let message = message.lines().next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let d = Diagnostic::error("PACK0001", place, trim_place(message));
    if message.contains("unknown field") { d.help("`docs/packs.md` lists the keys of a pack") } else { d }
}

fn trim_place(message: &str) -> &str {
    let cut = message.find(" at line ").unwrap_or(message.len());
    let message = &message[..cut];
    match message.split_once(": ") {
        Some((place, rest)) if place.starts_with("line ") => rest,
        _ => message,
    }
}
