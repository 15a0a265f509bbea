//! A search's text by what its pieces are.
//!
//! The parser drives the lexer, because what a character is depends on what the parser expects. To colour a text that
//! may be wrong, two worlds are enough: the scope before the first pipe, and the operators behind it.

use super::cursor::{Cursor, Token};
use super::words;
use parallax_diagnostics::{Class, Piece, Span};

/// Words that join or qualify, and begin no stage.
const CONNECTIVES: &[&str] = &[
    "and", "or", "not", "in", "as", "by", "on", "from", "matches", "contains", "nodrop", "auto", "desc", "asc", "if",
    "regex", "field", "multi", "like", "is", "null", "with", "using", "each", "values", "all", "into",
];

/// The pieces of a text, right or wrong, in order.
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut all = Pieces { text, cursor: Cursor::new(text), out: Vec::new(), scope: true, first: true };
    while all.next() {}
    all.out
}

struct Pieces<'a> {
    text: &'a str,
    cursor: Cursor<'a>,
    out: Vec<Piece>,
    /// Before the first pipe.
    scope: bool,
    /// Behind a pipe.
    first: bool,
}

impl Pieces<'_> {
    fn push(&mut self, start: usize, end: usize, class: Class) {
        if start < end {
            self.out.push(Piece { span: Span::new(start, end), class });
        }
    }

    /// Takes the next piece; no at the end.
    fn next(&mut self) -> bool {
        let before = self.cursor.pos;
        let skipped = self.cursor.skip();
        self.comments(Span::new(before, self.cursor.pos));
        if skipped.is_err() {
            self.push(self.cursor.pos, self.text.len(), Class::Comment);
            return false;
        }
        let start = self.cursor.pos;
        if self.scope
            && let Some(end) = self.term(start)
        {
            self.cursor.pos = end;
            return true;
        }
        if let Some(end) = self.regex(start) {
            self.push(start, end, Class::String);
            self.cursor.pos = end;
            return true;
        }
        match self.cursor.bump() {
            Ok(Token::End) => return false,
            Ok(token) => {
                let class = self.class(&token);
                self.push(start, self.cursor.pos, class);
                self.first = matches!(token, Token::Symbol("|"));
                self.scope &= !self.first;
            }
            // What cannot be read is passed over.
            Err(_) => self.cursor.pos = start + self.cursor.next_char().map_or(1, char::len_utf8),
        }
        true
    }

    /// Where the regular expression ends that begins here: a slash that no number or name stands before.
    fn regex(&self, start: usize) -> Option<usize> {
        let divides = |before: &Piece| {
            let text = before.span.of(self.text);
            matches!(before.class, Class::Name | Class::Number) || text.ends_with([')', ']'])
        };
        let rest = self.text[start..].strip_prefix('/').filter(|_| !self.out.last().is_some_and(divides))?;
        let mut escaped = false;
        let close = rest.find(|c| {
            let found = (c == '/' && !escaped) || c == '\n';
            escaped = c == '\\' && !escaped;
            found
        });
        close.filter(|at| rest[*at..].starts_with('/')).map(|at| start + at + 2)
    }

    /// A word of the scope and where it ends: almost every character is part of one.
    fn term(&mut self, start: usize) -> Option<usize> {
        let rest = &self.text[start..];
        let length = rest.find(|c: char| c.is_whitespace() || "()|\"=!<>".contains(c)).unwrap_or(rest.len());
        let word = rest.get(..length).filter(|w| !w.is_empty())?;
        let end = start + length;
        let class = match rest[length..].starts_with(['=', '!', '<', '>']) {
            true => Class::Name,
            false if CONNECTIVES.iter().any(|c| c.eq_ignore_ascii_case(word)) => Class::Keyword,
            false => Class::String,
        };
        self.push(start, end, class);
        Some(end)
    }

    fn comments(&mut self, gap: Span) {
        let text = gap.of(self.text);
        let (lead, trail) = (text.len() - text.trim_start().len(), text.trim_end().len());
        if !text.trim().is_empty() {
            self.push(gap.start + lead, gap.start + trail, Class::Comment);
        }
    }

    fn class(&self, token: &Token<'_>) -> Class {
        let called = self.cursor.rest().starts_with('(');
        match token {
            Token::Word(word) => {
                let operator =
                    [words::OPERATORS, words::VERBATIM].into_iter().any(|list| words::find(list, word).is_some());
                match () {
                    () if self.first && operator => Class::Keyword,
                    () if called => Class::Function,
                    () if self.first && words::find(words::AGGREGATES, word).is_some() => Class::Function,
                    () if CONNECTIVES.iter().any(|c| c.eq_ignore_ascii_case(word)) => Class::Keyword,
                    () => Class::Name,
                }
            }
            Token::Quoted(_) => Class::Name,
            Token::Text(_) => Class::String,
            Token::Number(_) | Token::Parameter(_) => Class::Number,
            Token::Symbol(_) | Token::End => Class::Sign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_piece_is_what_it_is() {
        let text = "_sourceCategory=*linux* OR error // all\n| where a = 1 and b matches \"*x*\" /* b */\n| where d matches /a\\/b.*/ | e / 2 as f | if(a > 2, 1, 0) as c | count by c";
        let found: Vec<(Class, &str)> = pieces(text).into_iter().map(|p| (p.class, p.span.of(text))).collect();
        for wanted in [
            (Class::Name, "_sourceCategory"),
            (Class::String, "*linux*"),
            (Class::Keyword, "OR"),
            (Class::String, "error"),
            (Class::Comment, "// all"),
            (Class::Keyword, "where"),
            (Class::Number, "1"),
            (Class::String, "\"*x*\""),
            (Class::Comment, "/* b */"),
            (Class::String, "/a\\/b.*/"),
            (Class::Sign, "/"),
            (Class::Function, "if"),
            (Class::Name, "c"),
        ] {
            assert!(found.contains(&wanted), "{wanted:?} in {found:?}");
        }
        for wrong in ["a | where \"x", "\u{1f600}{{ | /* ", "a | b \\ c", ""] {
            assert!(pieces(wrong).windows(2).all(|w| w[0].span.end <= w[1].span.start), "{wrong}");
        }
    }
}
