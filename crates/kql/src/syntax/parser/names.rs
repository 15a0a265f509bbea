//! Names: bare, in brackets, in braces, with wildcards.

use super::super::codes;
use super::super::keyword::Keyword;
use super::super::lexer::Kind;
use super::super::tree::{Name, Wildcard};
use super::super::values;
use super::{Parsed, Parser};
use parallax_diagnostics::Diagnostic;

/// Which keywords count as names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Those that are names everywhere.
    Used,
    /// Also those that may be declared.
    Declared,
}

impl Parser<'_> {
    pub(super) fn is_word(&self, ahead: usize, names: Names) -> bool {
        match self.peek_at(ahead) {
            Kind::Identifier => true,
            Kind::Keyword(k) if names == Names::Used => k.is_name(),
            Kind::Keyword(k) => k.is_declared_name(),
            _ => false,
        }
    }

    fn string_run(&self, ahead: usize) -> usize {
        let mut n = 0;
        while self.peek_at(ahead + n) == Kind::String {
            n += 1;
        }
        n
    }

    /// The number of tokens of `['a']` from `ahead` on.
    fn bracketed_length(&self, ahead: usize) -> Option<usize> {
        if self.peek_at(ahead) != Kind::LeftBracket {
            return None;
        }
        let strings = self.string_run(ahead + 1);
        (strings > 0 && self.peek_at(ahead + 1 + strings) == Kind::RightBracket).then_some(strings + 2)
    }

    /// The number of tokens of `{a}` or `{a[1]}` from `ahead` on; nothing may stand between them.
    pub(super) fn braced_length(&self, ahead: usize) -> Option<usize> {
        let mut at = ahead;
        let mut next = |kind: fn(Kind) -> bool, glued: bool| {
            let token = self.token(at);
            let fits = kind(token.kind) && (!glued || token.glued);
            at += usize::from(fits);
            fits
        };
        if !next(|k| k == Kind::LeftBrace, false) || !next(|k| matches!(k, Kind::Identifier | Kind::Keyword(_)), true) {
            return None;
        }
        if next(|k| k == Kind::LeftBracket, true) {
            next(|k| k == Kind::Minus, true);
            if !next(|k| k == Kind::Long, true) || !next(|k| k == Kind::RightBracket, true) {
                return None;
            }
        }
        next(|k| k == Kind::RightBrace, true).then(|| at - ahead)
    }

    /// The number of tokens of the name that begins at `ahead`.
    pub(super) fn name_length(&self, ahead: usize, names: Names) -> Option<usize> {
        match self.peek_at(ahead) {
            Kind::LeftBracket => self.bracketed_length(ahead),
            Kind::LeftBrace => {
                let short = self.is_word(ahead + 1, Names::Used) && self.peek_at(ahead + 2) == Kind::RightBrace;
                short.then_some(3)
            }
            _ => self.is_word(ahead, names).then_some(1),
        }
    }

    /// A name that is used, or declared by a statement.
    pub(super) fn name(&mut self) -> Parsed<Option<Name>> {
        self.name_of(Names::Used)
    }

    pub(super) fn name_of(&mut self, names: Names) -> Parsed<Option<Name>> {
        match self.peek() {
            Kind::LeftBracket => Ok(self.bracketed_name()),
            Kind::LeftBrace => Ok(self.braced_name()),
            _ if self.is_word(0, names) => Ok(Some(self.word())),
            _ => Ok(None),
        }
    }

    /// Takes the current token as a name, whatever it is.
    pub(super) fn word(&mut self) -> Name {
        let span = self.bump().span();
        Name { text: span.of(self.text).to_owned(), placeholder: false, span }
    }

    fn bracketed_name(&mut self) -> Option<Name> {
        self.bracketed_length(0)?;
        let start = self.bump().span();
        let mut text = String::new();
        while let Some(token) = self.eat(Kind::String) {
            text.push_str(&values::string(self.text_of(token)).0);
        }
        self.bump();
        Some(Name { text, placeholder: false, span: self.since(start) })
    }

    pub(super) fn braced_name(&mut self) -> Option<Name> {
        let length = self.braced_length(0)?;
        let start = self.here();
        self.at += length;
        let span = self.since(start);
        let inner = span.of(self.text).trim_start_matches('{').trim_end_matches('}');
        Some(Name { text: inner.to_owned(), placeholder: true, span })
    }

    pub(super) fn expect_name(&mut self) -> Parsed<Name> {
        self.expect_name_of(Names::Used)
    }

    pub(super) fn expect_name_of(&mut self, names: Names) -> Parsed<Name> {
        match self.name_of(names)? {
            Some(name) => Ok(name),
            None => Err(self.missing_name()),
        }
    }

    pub(super) fn missing_name(&self) -> Box<Diagnostic> {
        if let Kind::Keyword(keyword) = self.peek() {
            return self.keyword_as_name(keyword);
        }
        let found = self.found();
        Box::new(self.error(codes::EXPECTED_NAME, format!("expected a name, found {found}")).label("expected a name"))
    }

    pub(super) fn keyword_as_name(&self, keyword: Keyword) -> Box<Diagnostic> {
        let text = keyword.text();
        let message = format!("`{text}` is a word of the language, not a name");
        let diagnostic = self.error(codes::KEYWORD_AS_NAME, message);
        Box::new(
            diagnostic
                .help(format!("for something that is called so, write ['{text}']"))
                .fix(self.here(), format!("['{text}']")),
        )
    }

    /// The number of tokens of a name with `*` in it; nothing may stand between them.
    pub(super) fn wildcard_length(&self, ahead: usize) -> Option<usize> {
        let mut n = if self.peek_at(ahead) == Kind::Star {
            1
        } else if self.is_word(ahead, Names::Declared)
            && self.peek_at(ahead + 1) == Kind::Star
            && self.token(ahead + 1).glued
        {
            2
        } else {
            return None;
        };
        loop {
            let token = self.token(ahead + n);
            let fits = matches!(token.kind, Kind::Star | Kind::Long) || self.is_word(ahead + n, Names::Declared);
            if !fits || !token.glued {
                return Some(n);
            }
            n += 1;
        }
    }

    pub(super) fn wildcard(&mut self) -> Option<Wildcard> {
        let length = self.wildcard_length(0)?;
        let start = self.here();
        self.at += length;
        let span = self.since(start);
        Some(Wildcard { pattern: span.of(self.text).to_owned(), bracketed: false, span })
    }

    /// `[a*]`
    pub(super) fn bracketed_wildcard(&mut self) -> Parsed<Option<Wildcard>> {
        if self.peek() != Kind::LeftBracket || self.wildcard_length(1).is_none() {
            return Ok(None);
        }
        let start = self.bump().span();
        let Some(mut wildcard) = self.wildcard() else {
            return Err(self.missing_name());
        };
        self.expect(Kind::RightBracket, "]")?;
        wildcard.bracketed = true;
        wildcard.span = self.since(start);
        Ok(Some(wildcard))
    }
}
