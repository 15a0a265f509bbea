//! Text to tokens, in one pass and linear time.
//!
//! What is not obvious, and was measured against the reference parser:
//! - Letters are ASCII; a name with others must be bracketed.
//! - The longest keyword that fits wins, and only if no letter, digit or `_` follows; else the word is a name.
//! - `int(`, `datetime(`, `time(`, … directly followed by `(` are one literal up to the next `)`, on one line.
//! - A name may begin with digits: `5min_avg`.
//! - `"…"` and `'…'` end at the line's end; a backslash that begins no escape ends them too.

mod scan;

use super::codes;
use super::keyword::Keyword;
use parallax_diagnostics::{Diagnostic, Span};
use scan::{escape, is_raw_guid, long, real, timespan};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    End,
    Identifier,
    Keyword(Keyword),
    String,
    Bool,
    Long,
    Real,
    Timespan,
    /// `int(…)`, `long(…)`, `datetime(…)`, …: the literal's type.
    Typed(super::tree::ScalarType),
    /// A guid without `guid(…)` around it.
    RawGuid,
    Directive,
    Bad,
    LeftParen,
    RightParen,
    LeftBracket,
    RightBracket,
    LeftBrace,
    RightBrace,
    Bar,
    Dot,
    DotDot,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Less,
    LessEqual,
    LessBar,
    LessGreater,
    Greater,
    GreaterEqual,
    Equal,
    EqualEqual,
    EqualTilde,
    FatArrow,
    BangEqual,
    BangTilde,
    Colon,
    Semicolon,
    Comma,
    At,
    Question,
}

/// One token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether nothing, not even a space, stands between it and the token before.
    pub(crate) glued: bool,
}

impl Token {
    pub(crate) fn span(self) -> Span {
        Span::new(self.start, self.end)
    }
}

/// The tokens of a text, the last one [`Kind::End`], and the first thing that is wrong with them.
pub(crate) struct Lexed {
    pub(crate) tokens: Vec<Token>,
    pub(crate) error: Option<Diagnostic>,
}

/// Cuts a text into tokens.
pub(crate) fn lex(text: &str) -> Lexed {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, error: None };
    let mut tokens = Vec::with_capacity(text.len() / 4 + 1);
    loop {
        let before = lexer.at;
        lexer.skip_trivia();
        let start = lexer.at;
        let kind = lexer.token();
        tokens.push(Token { kind, start, end: lexer.at, glued: before == start });
        if kind == Kind::End {
            return Lexed { tokens, error: lexer.error };
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    error: Option<Diagnostic>,
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// White space as the reference parser has it: Unicode's, and the characters that are invisible.
fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\x0c' | '\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{180e}' | '\u{2000}'..='\u{200b}')
        || matches!(c, '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}')
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.error.get_or_insert(diagnostic);
    }

    fn skip_trivia(&mut self) {
        loop {
            match self.peek(0) {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b'/' if self.peek(1) == b'/' => {
                    let rest = &self.bytes[self.at..];
                    self.at += rest.iter().position(|&b| b == b'\n' || b == b'\r').unwrap_or(rest.len());
                }
                0 if self.at >= self.bytes.len() => return,
                b if b < 0x80 && b != 0x0c => return,
                _ => match self.text[self.at..].chars().next() {
                    Some(c) if is_space(c) => self.at += c.len_utf8(),
                    _ => return,
                },
            }
        }
    }

    fn take(&mut self, length: usize, kind: Kind) -> Kind {
        self.at += length;
        kind
    }

    fn token(&mut self) -> Kind {
        if self.at >= self.bytes.len() {
            return Kind::End;
        }
        let first = self.peek(0);
        if let Some((kind, length)) = self.punctuation(first) {
            return self.take(length, kind);
        }
        match first {
            b'\'' | b'"' => return self.string(),
            b'`' | b'~' if self.is_fence(0) => return self.string(),
            b'@' => return self.string(),
            b'#' => return self.directive(),
            _ => {}
        }
        if let Some(kind) = self.word_of_the_language() {
            return kind;
        }
        if first.is_ascii_alphabetic() || first == b'_' || first == b'$' {
            return self.name();
        }
        if first.is_ascii_digit() {
            return self.number();
        }
        self.bad()
    }

    fn punctuation(&self, first: u8) -> Option<(Kind, usize)> {
        let second = self.peek(1);
        Some(match (first, second) {
            (b'(', _) => (Kind::LeftParen, 1),
            (b')', _) => (Kind::RightParen, 1),
            (b'[', _) => (Kind::LeftBracket, 1),
            (b']', _) => (Kind::RightBracket, 1),
            (b'{', _) => (Kind::LeftBrace, 1),
            (b'}', _) => (Kind::RightBrace, 1),
            (b'|', _) => (Kind::Bar, 1),
            (b'.', b'.') => (Kind::DotDot, 2),
            (b'.', _) => (Kind::Dot, 1),
            (b'+', _) => (Kind::Plus, 1),
            (b'-', _) => (Kind::Minus, 1),
            (b'*', _) => (Kind::Star, 1),
            (b'/', _) => (Kind::Slash, 1),
            (b'%', _) => (Kind::Percent, 1),
            (b'<', b'=') => (Kind::LessEqual, 2),
            (b'<', b'|') => (Kind::LessBar, 2),
            (b'<', b'>') => (Kind::LessGreater, 2),
            (b'<', _) => (Kind::Less, 1),
            (b'>', b'=') => (Kind::GreaterEqual, 2),
            (b'>', _) => (Kind::Greater, 1),
            (b'=', b'=') => (Kind::EqualEqual, 2),
            (b'=', b'>') => (Kind::FatArrow, 2),
            (b'=', b'~') => (Kind::EqualTilde, 2),
            (b'=', _) => (Kind::Equal, 1),
            (b'!', b'=') => (Kind::BangEqual, 2),
            (b'!', b'~') => (Kind::BangTilde, 2),
            (b':', _) => (Kind::Colon, 1),
            (b';', _) => (Kind::Semicolon, 1),
            (b',', _) => (Kind::Comma, 1),
            (b'@', b'\'' | b'"') => return None,
            (b'@', b'`' | b'~') if self.is_fence(1) => return None,
            (b'@', _) => (Kind::At, 1),
            (b'?', _) => (Kind::Question, 1),
            _ => return None,
        })
    }

    fn is_fence(&self, ahead: usize) -> bool {
        let rest = &self.bytes[(self.at + ahead).min(self.bytes.len())..];
        rest.starts_with(b"```") || rest.starts_with(b"~~~")
    }

    fn directive(&mut self) -> Kind {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&b| b == b'\n' || b == b'\r').unwrap_or(rest.len());
        self.take(length, Kind::Directive)
    }

    /// A keyword, or a typed literal that begins with one.
    fn word_of_the_language(&mut self) -> Option<Kind> {
        let keyword = Keyword::longest_prefix(&self.bytes[self.at..])?;
        let length = keyword.text().len();
        let next = self.peek(length);
        if next == b'('
            && let Some(ty) = typed_literal(keyword)
        {
            return Some(self.typed_literal(length, ty));
        }
        if is_name_byte(next) {
            return None;
        }
        Some(self.take(length, Kind::Keyword(keyword)))
    }

    fn typed_literal(&mut self, length: usize, ty: super::tree::ScalarType) -> Kind {
        let start = self.at;
        let inner = &self.bytes[start + length + 1..];
        let stop = inner.iter().position(|&b| matches!(b, b')' | b'\n' | b'\r')).unwrap_or(inner.len());
        self.at = start + length + 1 + stop;
        if self.peek(0) == b')' {
            self.at += 1;
        } else {
            let span = Span::new(start, self.at);
            self.report(
                Diagnostic::error(codes::UNCLOSED_LITERAL, span, "this literal has no closing `)` on its line")
                    .label("begins here")
                    .help("write the literal on one line and close it with `)`"),
            );
        }
        Kind::Typed(ty)
    }

    fn name(&mut self) -> Kind {
        let rest = &self.bytes[self.at..];
        if is_raw_guid(rest) {
            return self.take(36, Kind::RawGuid);
        }
        let length = 1 + rest[1..].iter().take_while(|&&b| is_name_byte(b)).count();
        match &rest[..length] {
            b"true" | b"True" | b"TRUE" | b"false" | b"False" | b"FALSE" => self.take(length, Kind::Bool),
            b"h" | b"H" if self.opens_string(1) => self.string(),
            _ => self.take(length, Kind::Identifier),
        }
    }

    /// Whether a string begins `ahead` bytes from here.
    fn opens_string(&self, ahead: usize) -> bool {
        match self.peek(ahead) {
            b'\'' | b'"' => true,
            b'@' => matches!(self.peek(ahead + 1), b'\'' | b'"') || self.is_fence(ahead + 1),
            _ => self.is_fence(ahead),
        }
    }

    fn number(&mut self) -> Kind {
        let rest = &self.bytes[self.at..];
        if is_raw_guid(rest) {
            return self.take(36, Kind::RawGuid);
        }
        let found = real(rest)
            .map(|n| (n, Kind::Real))
            .or_else(|| timespan(rest).map(|n| (n, Kind::Timespan)))
            .or_else(|| long(rest).map(|n| (n, Kind::Long)));
        match found {
            Some((length, kind)) => self.take(length, kind),
            None => {
                let length = rest.iter().take_while(|&&b| is_name_byte(b)).count();
                self.take(length, Kind::Identifier)
            }
        }
    }

    fn string(&mut self) -> Kind {
        let start = self.at;
        if matches!(self.peek(0), b'h' | b'H') {
            self.at += 1;
        }
        let verbatim = self.peek(0) == b'@';
        if verbatim {
            self.at += 1;
        }
        let quote = self.peek(0);
        let closed = if self.is_fence(0) {
            self.fenced(quote)
        } else {
            self.at += 1;
            self.quoted(quote, verbatim)
        };
        if !closed {
            let span = Span::new(start, self.at);
            let help = if matches!(quote, b'`' | b'~') {
                "close the text with the three characters that opened it"
            } else {
                "close it with the quote that opened it; a text over several lines stands between ```"
            };
            self.report(
                Diagnostic::error(codes::UNCLOSED_STRING, span, "this string is not closed")
                    .label("begins here")
                    .help(help),
            );
        }
        Kind::String
    }

    fn fenced(&mut self, quote: u8) -> bool {
        self.at += 3;
        let fence = [quote; 3];
        let rest = &self.bytes[self.at..];
        match rest.windows(3).position(|w| w == fence) {
            Some(length) => {
                self.at += length + 3;
                true
            }
            None => {
                self.at = self.bytes.len();
                false
            }
        }
    }

    fn quoted(&mut self, quote: u8, verbatim: bool) -> bool {
        loop {
            match self.peek(0) {
                0 if self.at >= self.bytes.len() => return false,
                b'\n' | b'\r' => return false,
                b'\\' if !verbatim => match escape(&self.bytes[self.at..]) {
                    Some(length) => self.at += length,
                    None => {
                        self.bad_escape(quote);
                        return true; // said already
                    }
                },
                b if b == quote && verbatim && self.peek(1) == quote => self.at += 2,
                b if b == quote => {
                    self.at += 1;
                    return true;
                }
                _ => self.at += 1,
            }
        }
    }

    /// Says what is wrong with a backslash and goes on behind the string, as a person reads it.
    fn bad_escape(&mut self, quote: u8) {
        let at = self.at;
        let shown = self.text[at + 1..].chars().next().map_or(0, char::len_utf8);
        let rest = &self.bytes[at..];
        let end = rest.iter().position(|&b| b == quote || b == b'\n' || b == b'\r').unwrap_or(rest.len());
        self.at = at + end + usize::from(rest.get(end) == Some(&quote));
        let what = &self.text[at..at + 1 + shown];
        let diagnostic = Diagnostic::error(
            codes::BAD_ESCAPE,
            Span::new(at, at + 1 + shown),
            format!("`{}` is not an escape", what.trim_end()),
        )
        .label("in this string")
        .help("double the backslash, or write the string verbatim with an `@` before its quote");
        self.report(diagnostic);
    }

    fn bad(&mut self) -> Kind {
        let c = self.text[self.at..].chars().next().unwrap_or(' ');
        let span = Span::new(self.at, self.at + c.len_utf8());
        self.at = span.end;
        let diagnostic =
            Diagnostic::error(codes::UNEXPECTED_CHARACTER, span, format!("`{}` has no meaning here", c.escape_debug()));
        let help = match c {
            '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => Some("this is a typographic quote; write ' or \""),
            '!' => Some(
                "operators that begin with `!` are `!=`, `!~`, `!in`, `!has`, `!contains`, `!between`, …; for a whole expression write not(…)",
            ),
            '&' => Some("write `and`"),
            '^' => Some("write pow(…) or binary_xor(…)"),
            '`' | '~' => Some("a text over several lines begins with three of them"),
            c if c.is_alphabetic() => Some("a name with letters outside of ASCII stands in brackets: ['…']"),
            _ => None,
        };
        self.report(match help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
        Kind::Bad
    }
}

fn typed_literal(keyword: Keyword) -> Option<super::tree::ScalarType> {
    use super::tree::ScalarType as T;
    Some(match keyword {
        Keyword::Long | Keyword::Int64 => T::Long,
        Keyword::Int | Keyword::Int32 => T::Int,
        Keyword::Real | Keyword::Double => T::Real,
        Keyword::Decimal => T::Decimal,
        Keyword::Bool => T::Bool,
        Keyword::Datetime | Keyword::Date => T::DateTime,
        Keyword::Time | Keyword::Timespan => T::Timespan,
        Keyword::Guid => T::Guid,
        _ => return None,
    })
}
