//! A diagnostic as a person reads it: rustc's own style, through `annotate-snippets`.

use crate::{Diagnostic, Severity};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// Whether a terminal reads the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// No escape sequences: files, pipes, tests.
    Plain,
    /// ANSI colours.
    Colour,
}

pub(crate) fn render(d: &Diagnostic, text: &str, origin: &str, style: Style) -> String {
    let level = match d.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let start = floor(text, d.span.start);
    let end = floor(text, d.span.end).max(start);
    let mark = AnnotationKind::Primary.span(start..end).label(d.label.as_str());
    let mut groups = vec![
        level
            .primary_title(d.message.as_str())
            .id(d.code)
            .element(Snippet::source(text).path(origin).fold(true).annotation(mark)),
    ];
    if let Some(help) = &d.help {
        groups.push(Group::with_title(Level::HELP.secondary_title(help.as_str())));
    }
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colour => Renderer::styled(),
    };
    renderer.render(&groups)
}

/// The nearest character boundary at or before `at`: a renderer must not panic over a span that is a byte off.
fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}
