//! Collecting what is to be said of a text.

use parallax_diagnostics::{Diagnostic, Diagnostics, Span};

/// What was said so far. A function that returns nothing has said why.
#[derive(Debug, Default)]
pub(crate) struct Said(pub(crate) Diagnostics);

impl Said {
    /// Says it.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// An error; nothing, to return it.
    pub(crate) fn error<T>(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> Option<T> {
        self.push(Diagnostic::error(code, span, message));
        None
    }

    /// An error with a way out.
    pub(crate) fn refuse<T>(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<T> {
        self.push(Diagnostic::error(code, span, message).help(help));
        None
    }

    /// A warning with a way out.
    pub(crate) fn warn(&mut self, code: &'static str, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.push(Diagnostic::warning(code, span, message).help(help));
    }
}
