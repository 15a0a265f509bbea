//! `{{name}}`: filled in as text before the query is parsed again, which is what the real product does.

use super::codes;
use super::macros;
use crate::syntax::{OperatorKind, Query, Tree, parse};
use parallax_catalog::{Catalog, Context};
use parallax_diagnostics::{Diagnostic, Diagnostics, Fix, Span};

/// A query ready to be planned, and how places in its text relate to the text that the user wrote.
pub(super) struct Filled {
    pub(super) text: String,
    pub(super) query: Query,
    /// Where each filled-in value lies, and what it replaced.
    pieces: Vec<(Span, Span)>,
    /// What is to be said of parameters without a value; its places are those of the user's text.
    pub(super) unset: Vec<Diagnostic>,
}

/// Fills in the parameters.
pub(super) fn fill(tree: &Tree, catalog: &dyn Catalog, context: &Context) -> Result<Filled, Diagnostics> {
    let mut text = String::with_capacity(tree.text.len());
    let mut pieces = Vec::new();
    let mut from = 0;
    let mut unset = Vec::new();
    let scope_ends = tree.query.scope.as_ref().map_or(0, |s| s.at.0.end);
    // Where the stage that is looked at begins.
    let (mut stage, mut looked_at) = (0, 0);
    let stages: Vec<&str> = (tree.query.operators.iter())
        .filter_map(|o| match &o.kind {
            OperatorKind::Placeholder(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let mut macros_at = macros::places(&tree.text).into_iter().peekable();
    loop {
        let parameter = tree.text[from..].find("{{").map(|at| from + at);
        if let Some(span) = macros_at.next_if(|m| parameter.is_none_or(|p| m.start < p)) {
            let value = macros::expand(&tree.text[span.start + 1..span.end - 1], span, catalog)?;
            text.push_str(&tree.text[from..span.start]);
            pieces.push((Span::new(text.len(), text.len() + value.len()), span));
            text.push_str(&value);
            from = span.end;
            continue;
        }
        let Some(open) = parameter else { break };
        // JSON in a string also has two braces in a row; a parameter's name is one word.
        let inside = &tree.text[open + 2..];
        let end = inside.find(|c: char| !c.is_alphanumeric() && !"_- .".contains(c)).unwrap_or(inside.len());
        let name = inside[..end].trim();
        if name.is_empty() || !inside[end..].starts_with("}}") {
            text.push_str(&tree.text[from..open + 2]);
            from = open + 2;
            continue;
        }
        let close = open + 2 + end + 2;
        if let Some(at) = tree.text[looked_at..open].rfind(['\n', '|']) {
            stage = looked_at + at + 1;
        }
        looked_at = open;
        let span = Span::new(open, close);
        let value = (context.parameters.get(name))
            .or_else(|| context.parameters.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v));
        // A dashboard's default is everything: `*`; of a filter that stands for whole operators, nothing.
        let default = if stages.contains(&name) { "" } else { "*" };
        let value = match value {
            Some(value) => value.as_str(),
            // Compared with everything, a value is not restricted; the planner sees the name where the text has no value.
            None if open > scope_ends && is_operand(&tree.text[stage..open]) => {
                let text = format!("the parameter `{name}` has no value; a comparison with it holds");
                unset.push(Diagnostic::warning(codes::DEFAULT_PARAMETER, span, text));
                &tree.text[open..close]
            }
            None => {
                let text = format!("the parameter `{name}` has no value; `{default}` is used");
                unset.push(Diagnostic::warning(codes::DEFAULT_PARAMETER, span, text));
                default
            }
        };
        text.push_str(&tree.text[from..open]);
        pieces.push((Span::new(text.len(), text.len() + value.len()), span));
        text.push_str(value);
        from = close;
    }
    text.push_str(&tree.text[from..]);
    if pieces.is_empty() {
        return Ok(Filled { text, query: tree.query.clone(), pieces, unset });
    }
    let mut filled = Filled { text, query: tree.query.clone(), pieces, unset };
    match parse(&filled.text) {
        Ok(again) => filled.query = again.query,
        // A number, a field or a condition has no default.
        Err(diagnostics) => {
            return Err(match filled.unset.first() {
                Some(unset) => {
                    let text = unset.message.split(';').next().unwrap_or_default().to_owned();
                    Diagnostic::error(codes::NO_PARAMETER, unset.span, text)
                        .help("give it one: `*` does not fit here")
                        .into()
                }
                None => filled.original(diagnostics),
            });
        }
    }
    Ok(filled)
}

/// Whether what follows is compared with what stands before it in its stage.
fn is_operand(before: &str) -> bool {
    // `field={{x}}` of other operators is no comparison.
    let first = before.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    before.trim_end().ends_with(['=', '<', '>'])
        && ["where", "and", "or", "if"].iter().any(|w| w.eq_ignore_ascii_case(first))
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

    pub(super) fn span(&self, span: Span) -> Span {
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
