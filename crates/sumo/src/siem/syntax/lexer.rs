//! Characters to tokens.
//!
//! Strings are raw: a backslash is a character, as patterns need it (`'\%SystemDrive\%'`, documented). Only `\"`
//! between double quotes is a quote (documented). Between single quotes nothing is escaped: published rules end strings
//! in a backslash.

use super::codes;
use parallax_diagnostics::{Diagnostic, Span};

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name or a keyword; keywords are told apart by the parser, without regard to case.
    Word(String),
    Text(String),
    Number(f64),
    Symbol(&'static str),
    End,
}

/// The longer ones first.
const SYMBOLS: [&str; 23] = [
    "&&", "||", "==", "!=", "<>", "<=", ">=", "=", "<", ">", "!", "+", "-", "*", "/", "%", "(", ")", "[", "]", ",",
    ".", "|",
];

/// A text and the place that is read next.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Lexer { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Goes over white space and comments.
    pub(super) fn skip(&mut self) -> Result<(), Diagnostic> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("/*") {
                let Some(end) = trimmed.find("*/") else {
                    return Err(self.unterminated(self.at, "comment", "*/"));
                };
                self.at += end + 2;
            } else if trimmed.starts_with("//") {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else {
                return Ok(());
            }
        }
    }

    fn unterminated(&self, from: usize, what: &str, end: &str) -> Diagnostic {
        let message = format!("a {what} without its closing `{end}`");
        Diagnostic::error(codes::UNTERMINATED, Span::new(from, self.text.len()), message).label("begins here")
    }

    /// The next token and where it stands.
    pub(super) fn next(&mut self) -> Result<(Token, Span), Diagnostic> {
        self.skip()?;
        let from = self.at;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok((Token::End, Span::at(from))) };
        let token = match first {
            '\'' | '"' | '“' | '”' => Token::Text(self.string(first)?),
            c if c.is_ascii_digit() => Token::Number(self.number()?),
            c if c.is_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
                self.at += end;
                Token::Word(rest[..end].to_owned())
            }
            c => match SYMBOLS.iter().find(|s| rest.starts_with(**s)) {
                Some(symbol) => {
                    self.at += symbol.len();
                    Token::Symbol(symbol)
                }
                None => {
                    let span = Span::new(from, from + c.len_utf8());
                    return Err(Diagnostic::error(codes::UNEXPECTED, span, format!("`{c}` cannot stand here")));
                }
            },
        };
        Ok((token, Span::new(from, self.at)))
    }

    fn string(&mut self, quote: char) -> Result<String, Diagnostic> {
        let from = self.at;
        let body = &self.rest()[quote.len_utf8()..];
        let double = quote != '\'';
        let closes = |c: char| if double { c == '"' || (quote != '"' && c == '”') } else { c == '\'' };
        let mut out = String::new();
        let mut chars = body.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c == '\\' && double {
                // Pairs go together, so that a text may end in two backslashes.
                match chars.next() {
                    Some((_, '"')) => out.push('"'),
                    Some((_, other)) => out.extend(['\\', other]),
                    None => break,
                }
            } else if closes(c) {
                self.at += quote.len_utf8() + at + c.len_utf8();
                return Ok(out);
            } else {
                out.push(c);
            }
        }
        Err(self.unterminated(from, "string", if double { "\"" } else { "'" }))
    }

    /// A number with the suffixes of the search language: times in milliseconds, powers of 1000 and of 1024.
    fn number(&mut self) -> Result<f64, Diagnostic> {
        let rest = self.rest();
        let from = self.at;
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut end = digits(rest);
        if rest[end..].starts_with('.') && digits(&rest[end + 1..]) > 0 {
            end += 1 + digits(&rest[end + 1..]);
        }
        let suffix = rest[end..].find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len() - end);
        let suffix = &rest[end..end + suffix];
        self.at += end + suffix.len();
        let span = Span::new(from, self.at);
        let wrong = || Diagnostic::error(codes::BAD_NUMBER, span, format!("`{}` is not a number", span.of(self.text)));
        let value: f64 = rest[..end].parse().map_err(|_| wrong())?;
        let unit = unit(suffix).ok_or_else(wrong)?;
        Ok(value * unit)
    }

    /// A regular expression between slashes, from the opening one. A slash in it is written `\/`.
    pub(super) fn regex(&mut self) -> Result<(String, Span), Diagnostic> {
        let from = self.at;
        let body = &self.rest()[1..];
        let mut escaped = false;
        for (at, c) in body.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '/' => {
                    self.at += at + 2;
                    return Ok((body[..at].to_owned(), Span::new(from, self.at)));
                }
                _ => {}
            }
        }
        Err(self.unterminated(from, "regular expression", "/"))
    }
}

/// What a number's suffix multiplies it by (documented: “CIP literals supported in CSE”).
fn unit(suffix: &str) -> Option<f64> {
    Some(match suffix {
        "" => 1.0,
        "ns" => 1e-6,
        "us" => 1e-3,
        "ms" => 1.0,
        "s" => 1e3,
        "m" => 6e4,
        "h" => 3.6e6,
        "d" => 8.64e7,
        "w" => 6.048e8,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" | "B" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "Ki" => 1024.0,
        "Mi" => 1024f64.powi(2),
        "Gi" => 1024f64.powi(3),
        "Ti" => 1024f64.powi(4),
        "Pi" => 1024f64.powi(5),
        // Java's letters for a number's type.
        "L" | "l" | "D" | "f" | "F" => 1.0,
        _ => return None,
    })
}
