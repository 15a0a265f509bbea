//! `{{name}}`: filled in as text before the query is parsed again, which is what the real product does.

use super::codes;
use crate::syntax::{Query, Tree, parse};
use parallax_catalog::Context;
use parallax_diagnostics::{Diagnostic, Diagnostics, Fix, Span};

/// A query ready to be planned, and how places in its text relate to the text that the user wrote.
pub(super) struct Filled {
    pub(super) text: String,
    pub(super) query: Query,
    /// Where each filled-in value lies, and what it replaced.
    pieces: Vec<(Span, Span)>,
}

/// Fills in the parameters.
pub(super) fn fill(tree: &Tree, context: &Context) -> Result<Filled, Diagnostics> {
    let mut text = String::with_capacity(tree.text.len());
    let mut pieces = Vec::new();
    let mut from = 0;
    while let Some(open) = tree.text[from..].find("{{").map(|at| from + at) {
        let Some(close) = tree.text[open..].find("}}").map(|at| open + at + 2) else { break };
        let name = tree.text[open + 2..close - 2].trim();
        // JSON in a string also has two braces in a row; a parameter's name is one word.
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || "_- .".contains(c)) {
            text.push_str(&tree.text[from..open + 2]);
            from = open + 2;
            continue;
        }
        let span = Span::new(open, close);
        let value = (context.parameters.get(name))
            .or_else(|| context.parameters.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v));
        let Some(value) = value else {
            return Err(Diagnostic::error(codes::NO_PARAMETER, span, format!("the parameter `{name}` has no value"))
                .help("give it one; a dashboard's usual default is `*`")
                .into());
        };
        text.push_str(&tree.text[from..open]);
        pieces.push((Span::new(text.len(), text.len() + value.len()), span));
        text.push_str(value);
        from = close;
    }
    text.push_str(&tree.text[from..]);
    if pieces.is_empty() {
        return Ok(Filled { text, query: tree.query.clone(), pieces });
    }
    let mut filled = Filled { text, query: tree.query.clone(), pieces };
    match parse(&filled.text) {
        Ok(again) => filled.query = again.query,
        Err(diagnostics) => return Err(filled.original(diagnostics)),
    }
    Ok(filled)
}

impl Filled {
    /// The diagnostics with their places in the text that the user wrote.
    pub(super) fn original(&self, mut diagnostics: Diagnostics) -> Diagnostics {
        if self.pieces.is_empty() {
            return diagnostics;
        }
        for d in &mut diagnostics.0 {
            d.span = self.span(d.span);
            d.fix = d.fix.take().map(|f| Fix { span: self.span(f.span), replacement: f.replacement });
        }
        diagnostics
    }

    fn span(&self, span: Span) -> Span {
        Span::new(self.offset(span.start, false), self.offset(span.end, true))
    }

    fn offset(&self, at: usize, end: bool) -> usize {
        let mut shift = 0isize;
        for (new, old) in &self.pieces {
            if at < new.start || (at == new.start && end) {
                break;
            }
            if at < new.end || (at == new.end && end) {
                return if end { old.end } else { old.start };
            }
            shift = old.end.cast_signed() - new.end.cast_signed();
        }
        at.saturating_add_signed(shift)
    }
}
