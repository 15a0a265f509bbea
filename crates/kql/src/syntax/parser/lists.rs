//! Lists, and where they end.

use super::super::codes;
use super::super::keyword::Keyword;
use super::super::lexer::Kind;
use super::{Parsed, Parser};
use parallax_diagnostics::Diagnostic;

/// How a comma-separated list may look.
#[derive(Clone, Copy, Default)]
pub(super) struct ListRule<'a> {
    /// At least one element.
    pub(super) some: bool,
    /// A comma may follow the last element.
    pub(super) trailing: bool,
    /// Words that end the list although an element could begin with them.
    pub(super) ends: &'a [Keyword],
}

/// At least one element, no comma behind the last.
pub(super) const SOME: ListRule<'static> = ListRule { some: true, trailing: false, ends: &[] };
/// Any number of elements, no comma behind the last.
pub(super) const ANY: ListRule<'static> = ListRule { some: false, trailing: false, ends: &[] };

impl Parser<'_> {
    /// Whether everything around an expression ends here.
    pub(super) fn at_common_end(&self) -> bool {
        matches!(
            self.peek(),
            Kind::RightParen | Kind::RightBracket | Kind::RightBrace | Kind::Bar | Kind::Semicolon | Kind::End
        )
    }

    fn at_list_end(&self, ends: &[Keyword]) -> bool {
        self.at_common_end() || matches!(self.peek(), Kind::Keyword(k) if ends.contains(&k))
    }

    /// `element, element, …`; `missing` says what an element is when there is none.
    pub(super) fn list<T>(
        &mut self,
        rule: ListRule<'_>,
        element: impl FnMut(&mut Self) -> Parsed<Option<T>>,
        missing: impl Fn(&Self) -> Box<Diagnostic>,
    ) -> Parsed<Vec<T>> {
        self.list_until(|p| p.at_list_end(rule.ends), rule, element, missing)
    }

    /// The same, where more than one token decides about the end.
    pub(super) fn list_until<T>(
        &mut self,
        end: impl Fn(&Self) -> bool,
        rule: ListRule<'_>,
        mut element: impl FnMut(&mut Self) -> Parsed<Option<T>>,
        missing: impl Fn(&Self) -> Box<Diagnostic>,
    ) -> Parsed<Vec<T>> {
        let mut items = Vec::new();
        loop {
            let item = if end(self) { None } else { element(self)? };
            match item {
                Some(item) => items.push(item),
                None if items.is_empty() && self.peek() != Kind::Comma && !rule.some => return Ok(items),
                None if !items.is_empty() && rule.trailing => return Ok(items),
                None => return Err(missing(self)),
            }
            if self.eat(Kind::Comma).is_none() {
                return Ok(items);
            }
        }
    }

    /// The token that closes a list; where it is missing, the likely cause is a missing comma.
    pub(super) fn close_list(&mut self, kind: Kind, shown: &str) -> Parsed<()> {
        if self.eat(kind).is_some() {
            return Ok(());
        }
        let starts_element = matches!(
            self.peek(),
            Kind::Identifier | Kind::String | Kind::Long | Kind::Real | Kind::Bool | Kind::Timespan | Kind::Typed(_)
        );
        if starts_element {
            let found = self.found();
            let message = format!("expected `,` or `{shown}` before {found}");
            return Err(Box::new(
                Diagnostic::error(codes::MISSING_SEPARATOR, self.here(), message).label("a comma is missing"),
            ));
        }
        Err(self.expected_token(shown))
    }
}
