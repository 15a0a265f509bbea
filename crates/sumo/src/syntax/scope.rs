//! What stands before the first pipe.
//!
//! Binding, tightest first: NOT, AND (written or not), OR. Almost every character can be part of a word here: `%ASA-6`,
//! `[ERROR]`, `C:\Windows`, `<14>`. A word ends at whitespace, a parenthesis, a pipe or a quote.

use super::codes;
use super::cursor::{Cursor, Result, Token};
use super::text::decode;
use super::tree::{At, Name, Scope, ScopeKind, ScopeOp, Subquery, Text};
use parallax_diagnostics::{Diagnostic, Span};

impl Cursor<'_> {
    /// The scope; nothing at all means everything.
    pub(super) fn scope(&mut self) -> Result<Scope> {
        self.deeper(Self::scope_any)
    }

    fn scope_any(&mut self) -> Result<Scope> {
        let start = self.here()?;
        let mut terms = vec![self.scope_all()?];
        while self.scope_word_is("or") || self.rest().starts_with("||") {
            self.take(2);
            terms.push(self.scope_all()?);
        }
        Ok(match terms.len() {
            1 => terms.remove(0),
            _ => Scope { kind: ScopeKind::Any(terms), at: self.since(start) },
        })
    }

    fn scope_all(&mut self) -> Result<Scope> {
        let start = self.here()?;
        let mut terms = Vec::new();
        loop {
            self.skip()?;
            if self.scope_word_is("and") && !terms.is_empty() {
                self.take(3);
                continue;
            }
            if self.rest().starts_with("&&") {
                self.take(2);
                continue;
            }
            if self.scope_word_is("or") || matches!(self.next_char(), None | Some('|' | ')' | ']')) {
                break;
            }
            terms.push(self.scope_term()?);
        }
        Ok(match terms.len() {
            1 => terms.remove(0),
            _ => Scope { kind: ScopeKind::All(terms), at: self.since(start) },
        })
    }

    fn scope_term(&mut self) -> Result<Scope> {
        self.term()?;
        let start = self.here()?;
        let rest = self.rest();
        let kind = if self.scope_word_is("not") {
            self.take(3);
            ScopeKind::Not(Box::new(self.scope_negated()?))
        } else if rest.starts_with('!') {
            self.take(1);
            ScopeKind::Not(Box::new(self.scope_negated()?))
        } else if rest.starts_with('(') {
            self.take(1);
            let inner = self.scope()?;
            self.skip()?;
            if !self.rest().starts_with(')') {
                return Err(self.unexpected("`)`", codes::UNEXPECTED).label("this closes no parenthesis"));
            }
            self.take(1);
            return Ok(Scope { kind: inner.kind, at: self.since(start) });
        } else if rest.starts_with('[') && rest.len() > 9 && rest.as_bytes()[1..9].eq_ignore_ascii_case(b"subquery") {
            ScopeKind::Subquery(Box::new(self.subquery()?))
        } else if rest.starts_with('"') {
            ScopeKind::Phrase(self.string()?.text)
        } else {
            return self.scope_word_or_field(start);
        };
        Ok(Scope { kind, at: self.since(start) })
    }

    /// What a NOT applies to: it must be there.
    fn scope_negated(&mut self) -> Result<Scope> {
        self.skip()?;
        if matches!(self.next_char(), None | Some('|' | ')')) {
            return Err(self.unexpected("a term after NOT", codes::UNEXPECTED));
        }
        self.deeper(Self::scope_term)
    }

    fn scope_word_or_field(&mut self, start: usize) -> Result<Scope> {
        let is_macro = self.rest().strip_prefix('`').is_some_and(|rest| rest.contains('`'));
        if is_macro || (self.rest().starts_with("{{") && !parameter_goes_on(self.rest())) {
            let Token::Parameter(name) = self.bump()? else {
                return Err(self.unexpected("a parameter", codes::UNEXPECTED));
            };
            return Ok(Scope { kind: ScopeKind::Parameter(name.to_owned()), at: self.since(start) });
        }
        if let Some(field) = self.scope_field(start)? {
            return Ok(field);
        }
        // A comparison without its field is no word: the field before it would read as its own.
        let list = self.rest().strip_prefix_word("in").is_some_and(|rest| rest.trim_start().starts_with('('));
        if list || comparison(self.rest()).is_some() {
            return Err(self.unexpected("a field before the comparison", codes::UNEXPECTED));
        }
        let word = self.scope_text(word_end)?;
        if word.is_empty() {
            return Err(self.unexpected("a search term", codes::UNEXPECTED));
        }
        Ok(Scope { kind: ScopeKind::Keyword(word), at: self.since(start) })
    }

    /// `field=value`, if a name with a comparison after it stands here.
    fn scope_field(&mut self, start: usize) -> Result<Option<Scope>> {
        let rest = self.rest();
        let (name, length) = if rest.starts_with("%\"") {
            let Token::Quoted(raw) = self.peek()? else { return Ok(None) };
            (decode(raw), raw.len() + 3)
        } else {
            let length = rest.find(|c: char| !(c.is_alphanumeric() || "_.@-".contains(c))).unwrap_or(rest.len());
            (rest[..length].to_owned(), length)
        };
        if length == 0 {
            return Ok(None);
        }
        self.pos += length;
        let skipped = self.skip();
        let after = self.rest();
        self.pos = start;
        skipped?;
        let name = Name { text: name, at: At(Span::new(start, start + length)) };
        if let Some(list) = after.strip_prefix_word("in")
            && list.trim_start().starts_with('(')
        {
            self.pos = self.text.len() - list.len();
            let values = self.scope_list()?;
            return Ok(Some(Scope { kind: ScopeKind::In { name, values }, at: self.since(start) }));
        }
        let Some((op, op_length)) = comparison(after) else { return Ok(None) };
        self.take(rest.len() - after.len() + op_length);
        // A value that follows directly may begin like a comment: `_sourceName=/*/messages`.
        if self.next_char().is_some_and(char::is_whitespace) {
            self.skip()?;
        }
        let value_start = self.pos;
        let quoted = self.rest().starts_with('"');
        let text = if quoted { self.string()?.text } else { self.scope_text(value_end)? };
        if text.is_empty() && !quoted {
            return Err(self.unexpected("a value", codes::UNEXPECTED));
        }
        let value = Text { text, at: self.since(value_start) };
        Ok(Some(Scope { kind: ScopeKind::Field { name, op, value, quoted }, at: self.since(start) }))
    }

    fn scope_list(&mut self) -> Result<Vec<Text>> {
        self.expect("(")?;
        let mut values = Vec::new();
        loop {
            let start = self.here()?;
            let text =
                if self.rest().starts_with('"') { self.string()?.text } else { self.raw_word(&[',', ')'])?.text };
            values.push(Text { text, at: self.since(start) });
            if !self.eat(",")? {
                break;
            }
        }
        self.expect(")")?;
        Ok(values)
    }

    /// The characters up to `end`, placeholders taken whole.
    fn scope_text(&mut self, end: fn(char) -> bool) -> Result<String> {
        let start = self.pos;
        loop {
            let rest = self.rest();
            let close = if rest.starts_with("{{") {
                Some("}}")
            } else if rest.starts_with("${") {
                Some("}")
            } else {
                None
            };
            if let Some(close) = close {
                let Some(at) = rest.find(close) else {
                    let span = Span::new(self.pos, self.pos + 2);
                    return Err(Diagnostic::error(codes::UNTERMINATED, span, "this parameter has no end")
                        .help(format!("close it with `{close}`")));
                };
                self.pos += at + close.len();
                continue;
            }
            match rest.chars().next() {
                // A parenthesis inside a value that it closes again belongs to it: `Foo(bar)`.
                Some(c) if !end(c) => self.pos += c.len_utf8(),
                _ => break,
            }
        }
        self.last = self.pos;
        Ok(self.text[start..self.pos].to_owned())
    }

    pub(super) fn subquery(&mut self) -> Result<Subquery> {
        let start = self.here()?;
        self.expect("[")?;
        self.expect_word("subquery")?;
        let colon = self.rest().find(':').ok_or_else(|| {
            Diagnostic::error(codes::UNEXPECTED, Span::at(self.pos), "a subquery's text begins after a colon")
        })?;
        let options = self.rest()[..colon].trim().to_owned();
        self.take(colon + 1);
        let query = self.deeper(|c| c.query(true))?;
        self.expect("]")?;
        Ok(Subquery { options, query, at: self.since(start) })
    }

    /// Whether this word stands here, alone.
    fn scope_word_is(&mut self, word: &str) -> bool {
        if self.skip().is_err() {
            return false;
        }
        self.rest().strip_prefix_word(word).is_some()
    }

    fn take(&mut self, length: usize) {
        self.pos += length;
        self.last = self.pos;
    }
}

fn word_end(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '|' | '"')
}

fn value_end(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '|' | ']' | '"')
}

/// Whether more of a word stands after the parameter.
fn parameter_goes_on(rest: &str) -> bool {
    rest.find("}}").is_some_and(|end| rest[end + 2..].starts_with(|c| !word_end(c) && c != ']'))
}

/// A comparison at the start. `<` and `>` need a number after them: `<14>` is a word.
fn comparison(text: &str) -> Option<(ScopeOp, usize)> {
    let number = |s: &str| {
        let value = s.trim_start();
        let end = value.find(value_end).unwrap_or(value.len());
        value.starts_with("{{") || value[..end].parse::<f64>().is_ok()
    };
    Some(match text.as_bytes() {
        [b'!', b'=', ..] => (ScopeOp::Ne, 2),
        [b'=', b'=', ..] => (ScopeOp::Eq, 2),
        [b'=', ..] => (ScopeOp::Eq, 1),
        [b'<', b'>', ..] => (ScopeOp::Ne, 2),
        [b'<', b'=', ..] if number(&text[2..]) => (ScopeOp::Le, 2),
        [b'>', b'=', ..] if number(&text[2..]) => (ScopeOp::Ge, 2),
        [b'<', ..] if number(&text[1..]) => (ScopeOp::Lt, 1),
        [b'>', ..] if number(&text[1..]) => (ScopeOp::Gt, 1),
        _ => return None,
    })
}

trait Words {
    /// What follows `word`, if it stands at the start and ends there.
    fn strip_prefix_word(&self, word: &str) -> Option<&str>;
}

impl Words for str {
    fn strip_prefix_word(&self, word: &str) -> Option<&str> {
        let head = self.get(..word.len())?;
        let tail = &self[word.len()..];
        let ends =
            tail.starts_with(|c: char| c.is_whitespace() || matches!(c, '(' | '"' | ')' | '|')) || tail.is_empty();
        (ends && head.eq_ignore_ascii_case(word)).then_some(tail)
    }
}
