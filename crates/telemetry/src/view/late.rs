//! Values of a row for those who look at texts alone, as their source has them.

use super::expr::{Node, Scope};
use crate::event::RawText;

impl Node {
    /// The text that the value is made of.
    pub(crate) fn raw<'a>(&'a self, scope: &Scope<'a>) -> RawText<'a> {
        match (self, scope.late) {
            (Node::Slot(slot), Some(late)) if scope.empty && scope.missing.is_empty() => late.raw(*slot),
            (Node::First(parts), Some(_)) => {
                let mut each = parts.iter().map(|part| part.raw(scope));
                each.find(|raw| *raw != RawText::Missing).unwrap_or(RawText::Missing)
            }
            _ => RawText::Unknown,
        }
    }

    /// Appends the value's text; `false` where there is none.
    pub(crate) fn text_into(&self, scope: &Scope<'_>, out: &mut String) -> bool {
        match (self, scope.late) {
            (Node::Slot(slot), Some(late)) if scope.empty && scope.missing.is_empty() => late.text_into(*slot, out),
            (Node::First(parts), Some(_)) => parts.iter().any(|part| part.text_into(scope, out)),
            _ => self.value(scope).into_text().is_some_and(|text| {
                out.push_str(&text);
                true
            }),
        }
    }
}
