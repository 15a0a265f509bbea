//! Calls and the names that expressions are given.

use super::super::codes;
use super::super::lexer::Kind;
use super::super::tree::{Argument, Call, Expr, ExprKind, Naming};
use super::lists::ListRule;
use super::names::Names;
use super::{Parsed, Parser};
use parallax_diagnostics::Diagnostic;

impl Parser<'_> {
    /// Whether `name(` stands at `ahead`.
    pub(super) fn begins_call(&self, ahead: usize) -> bool {
        self.name_length(ahead, Names::Used).is_some_and(|n| self.peek_at(ahead + n) == Kind::LeftParen)
    }

    /// `name(arguments)`; only after [`Parser::begins_call`].
    pub(super) fn call(&mut self) -> Parsed<Call> {
        let start = self.here();
        let name = self.expect_name()?;
        self.expect(Kind::LeftParen, "(")?;
        let arguments = self.list(ListRule::default(), Self::argument, |p| p.missing_expression())?;
        self.close_list(Kind::RightParen, ")")?;
        Ok(Call { name, arguments, span: self.since(start) })
    }

    fn argument(&mut self) -> Parsed<Option<Argument>> {
        if self.peek() == Kind::Star && matches!(self.peek_at(1), Kind::RightParen | Kind::Comma) {
            return Ok(Some(self.star_argument()));
        }
        self.named()
    }

    pub(super) fn star_argument(&mut self) -> Argument {
        let span = self.bump().span();
        Argument { naming: Naming::None, value: Expr { kind: ExprKind::Star, span }, span }
    }

    /// `expression`, `name = expression` or `(a, b) = expression`.
    pub(super) fn named(&mut self) -> Parsed<Option<Argument>> {
        let start = self.here();
        let naming = if let Some(n) = self.name_length(0, Names::Declared)
            && self.peek_at(n) == Kind::Equal
        {
            Naming::One(self.expect_name_of(Names::Declared)?)
        } else if self.dashed_name_before_equal() {
            return Err(self.dashed_name());
        } else if self.name_list_before_equal() {
            self.bump();
            let rule = ListRule { some: true, ..ListRule::default() };
            let names = self.list(rule, |p| p.name_of(Names::Declared), |p| p.missing_name())?;
            self.expect(Kind::RightParen, ")")?;
            Naming::Many(names)
        } else {
            let Some(value) = self.scalar()? else { return Ok(None) };
            let span = value.span;
            return Ok(Some(Argument { naming: Naming::None, value, span }));
        };
        self.expect(Kind::Equal, "=")?;
        let value = self.expect_scalar()?;
        Ok(Some(Argument { naming, value, span: self.since(start) }))
    }

    pub(super) fn expect_named(&mut self) -> Parsed<Argument> {
        match self.named()? {
            Some(argument) => Ok(argument),
            None => Err(self.missing_expression()),
        }
    }

    /// `name = …, name = …`
    pub(super) fn named_list(&mut self, rule: ListRule<'_>) -> Parsed<Vec<Argument>> {
        self.list(rule, Self::named, |p| p.missing_expression())
    }

    fn dashed_length(&self) -> usize {
        let word = |kind| matches!(kind, Kind::Identifier | Kind::Keyword(_));
        if !word(self.peek()) {
            return 0;
        }
        let mut n = 1;
        while self.token(n).glued && (word(self.peek_at(n)) || self.peek_at(n) == Kind::Minus) {
            n += 1;
        }
        n
    }

    fn dashed_name_before_equal(&self) -> bool {
        let n = self.dashed_length();
        n > 0 && self.peek_at(n) == Kind::Equal
    }

    fn dashed_name(&self) -> Box<Diagnostic> {
        let span = self.here().to(self.token(self.dashed_length() - 1).span());
        let text = span.of(self.text);
        let message = format!("`{text}` must stand in brackets to be a name");
        Box::new(
            Diagnostic::error(codes::KEYWORD_AS_NAME, span, message)
                .help(format!("write ['{text}']"))
                .fix(span, format!("['{text}']")),
        )
    }

    /// Whether `(a, b) =` stands here.
    fn name_list_before_equal(&self) -> bool {
        if self.peek() != Kind::LeftParen {
            return false;
        }
        let mut at = 1;
        while let Some(n) = self.name_length(at, Names::Declared) {
            at += n;
            if self.peek_at(at) != Kind::Comma {
                break;
            }
            at += 1;
        }
        self.peek_at(at) == Kind::RightParen && self.peek_at(at + 1) == Kind::Equal
    }
}
