//! A rule's text and what it says.
//!
//! The text is YAML; what stands in it is read with the parts of `rsigma-parser`: conditions, modifiers' names, texts
//! with wildcards, timespans. The walk through a document is ours: it keeps the order of the text and the place of
//! everything, which that crate's own documents lose.

mod chunks;
mod condition;
mod correlation;
mod detection;
mod document;
mod encode;
mod item;
mod layout;
mod meta;
mod modifiers;
mod print;
mod said;
mod scalar;
mod shape;
pub mod tree;
mod values;
mod written;
mod yaml;

pub use document::Located;
pub use layout::rule;
pub use print::print;
pub use written::{Written, all, any, not};

use parallax_diagnostics::Diagnostics;
use said::Said;
use std::collections::BTreeMap;
use tree::Document;

/// What a rule's text leaves open.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The values of placeholders (`%name%` under `expand`): texts, which may have wildcards.
    pub placeholders: BTreeMap<String, Vec<String>>,
}

/// What was read of a file.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// The documents that are right, in the order of the text.
    pub documents: Vec<Located>,
    /// All that is to be said: errors of documents that are not among them, and warnings.
    pub diagnostics: Diagnostics,
}

/// What gives the values of a placeholder.
type Placeholders<'a> = &'a dyn Fn(&str) -> Option<Vec<String>>;

/// The whole text of a file.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

/// Reads a file of rules: each document by itself, so that one that is wrong does not hide the others.
pub fn read(text: &str, options: &Options) -> Read {
    read_with(text, &|name| options.placeholders.get(name).cloned())
}

/// Reads a file of rules; `placeholder` gives the values of a placeholder, where it has any.
pub fn read_with(text: &str, placeholder: &dyn Fn(&str) -> Option<Vec<String>>) -> Read {
    let mut said = Said::default();
    let (nodes, error) = yaml::documents(text);
    let nodes = document::collected(nodes, &mut said);
    let none = nodes.is_empty();
    let documents: Vec<Located> =
        nodes.iter().filter_map(|n| document::document(n, Text(text), placeholder, &mut said)).collect();
    match error {
        Some(error) => said.push(error),
        None if none && said.0.is_empty() => {
            let _: Option<()> =
                said.error("SIGMA0105", parallax_diagnostics::Span::at(0), "there is no rule in this text");
        }
        None => {}
    }
    Read { documents, diagnostics: said.0 }
}

/// The documents of a file.
///
/// # Errors
/// Any of them is wrong; warnings are among what is said then. [`read`] gives those that are right, and all warnings.
pub fn parse(text: &str) -> Result<Vec<Document>, Diagnostics> {
    let read = read(text, &Options::default());
    if read.diagnostics.has_errors() {
        return Err(read.diagnostics);
    }
    Ok(read.documents.into_iter().map(|l| l.document).collect())
}

/// Whether a YAML text is a file of rules, by the keys at its top: other YAML is none of ours.
pub fn is_rules(text: &str) -> bool {
    let section = |line: &str| ["detection:", "correlation:", "filter:"].iter().any(|key| line.starts_with(key));
    text.lines().any(section)
}

/// The pattern of a text as rules spell it.
pub fn pattern(text: &str, case: tree::Case) -> tree::Pattern {
    // A text that no modifier has worked on is one.
    chunks::pattern(&chunks::parsed(text), case).unwrap_or(tree::Pattern { parts: Vec::new(), case })
}

/// A pattern as rules spell it.
pub fn spelled(parts: &[tree::Piece]) -> String {
    shape::pattern_text(parts)
}

/// The parts of a pattern, as rules spell it, that stand for themselves.
pub fn literals(text: &str) -> Vec<String> {
    let pattern = pattern(text, tree::Case::Counts);
    let literal = |piece| if let tree::Piece::Text(text) = piece { Some(text) } else { None };
    pattern.parts.into_iter().filter_map(literal).collect()
}
