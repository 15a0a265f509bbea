//! A place in the text, and the tokens that can be read from there.

use super::codes;
use super::text::{decode, decode_regex};
use super::tree::{At, Name, Operator, OperatorKind, Query, Text};
use parallax_diagnostics::{Diagnostic, Span};

pub(super) type Result<T> = std::result::Result<T, Diagnostic>;

/// How deep expressions, parentheses and child pipelines may nest: what a thread with a small stack still plans in an
/// unoptimised build.
pub(super) const MAX_DEPTH: usize = 32;
/// How many operators such as `+` may stand in a row; planning recurses over them.
pub(super) const MAX_CHAIN: usize = 120;
/// How many operators a pipeline may have. The real product refuses far fewer.
pub(super) const MAX_OPERATORS: usize = 250;

/// How many fields, keys or states may stand in one list; each is a column or an expression.
const MAX_LIST: usize = 500;

/// How many terms a query may have: fields, values, search words.
const MAX_TERMS: usize = 20_000;

/// A token of the operators' world.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// A bare word.
    Word(&'a str),
    /// What stands between the quotes of `%"…"`.
    Quoted(&'a str),
    /// What stands between quotes, escapes not resolved.
    Text(&'a str),
    /// Digits, and a suffix if there is one.
    Number(&'a str),
    /// `{{name}}`: the name.
    Parameter(&'a str),
    /// Punctuation.
    Symbol(&'static str),
    /// The end.
    End,
}

/// The parser's state: where it is and how deep.
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) pos: usize,
    /// Where the last token ended.
    pub(super) last: usize,
    depth: usize,
    terms: usize,
}

/// Longest first.
const SYMBOLS: [&str; 27] = [
    "==", "=~", "!=", "<>", "<=", ">=", "&&", "||", "=", "<", ">", "!", "+", "-", "*", "/", "%", "(", ")", "[", "]",
    ",", "?", ":", "|", ";", "#",
];

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Cursor { text, pos: 0, last: 0, depth: 0, terms: 0 }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.pos..).unwrap_or("")
    }

    pub(super) fn next_char(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The whole text as one query.
    pub(super) fn whole(mut self) -> Result<Query> {
        let query = self.query(true)?;
        match self.peek()? {
            Token::End => Ok(query),
            _ => Err(self.unexpected("the end of the query", codes::TRAILING)),
        }
    }

    /// Skips whitespace and comments.
    pub(super) fn skip(&mut self) -> Result<()> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.pos += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.pos += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                match trimmed.find("*/") {
                    Some(end) => self.pos += end + 2,
                    None => {
                        let span = Span::new(self.pos, self.pos + 2);
                        return Err(Diagnostic::error(codes::UNTERMINATED, span, "this comment has no end")
                            .help("close it with `*/`"));
                    }
                }
            } else {
                return Ok(());
            }
        }
    }

    /// The next token, without moving past it (but past what stands before it).
    pub(super) fn peek(&mut self) -> Result<Token<'a>> {
        self.skip()?;
        Ok(self.scan()?.0)
    }

    /// The next token.
    pub(super) fn bump(&mut self) -> Result<Token<'a>> {
        self.skip()?;
        let (token, length) = self.scan()?;
        self.pos += length;
        self.last = self.pos;
        Ok(token)
    }

    /// The token here and its length.
    fn scan(&self) -> Result<(Token<'a>, usize)> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok((Token::End, 0)) };
        if first == '"' {
            let inner = self.quoted(rest, 1)?;
            return Ok((Token::Text(inner), inner.len() + 2));
        }
        if rest.starts_with("%\"") {
            let inner = self.quoted(rest, 2)?;
            return Ok((Token::Quoted(inner), inner.len() + 3));
        }
        // A macro is filled in before planning, as a parameter is.
        if let Some(end) = rest.strip_prefix('`').and_then(|r| r.find('`')) {
            return Ok((Token::Parameter(&rest[..end + 2]), end + 2));
        }
        if rest.starts_with("{{") {
            let end = rest.find("}}").ok_or_else(|| self.unterminated(2, "this parameter", "}}"))?;
            return Ok((Token::Parameter(rest[2..end].trim()), end + 2));
        }
        if rest.starts_with("${") {
            let end = rest.find('}').ok_or_else(|| self.unterminated(2, "this placeholder", "}"))?;
            return Ok((Token::Word(&rest[..=end]), end + 1));
        }
        if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
            return Ok(number_or_word(rest));
        }
        if is_word_start(first) {
            let length = word_length(rest);
            return Ok((Token::Word(&rest[..length]), length));
        }
        match SYMBOLS.iter().find(|s| rest.starts_with(**s)) {
            Some(symbol) => Ok((Token::Symbol(symbol), symbol.len())),
            None => {
                let span = Span::new(self.pos, self.pos + first.len_utf8());
                Err(Diagnostic::error(codes::UNEXPECTED, span, format!("the character `{first}` cannot stand here")))
            }
        }
    }

    /// What stands between the quote that ends at `from` and the next one that no backslash precedes.
    fn quoted(&self, rest: &'a str, from: usize) -> Result<&'a str> {
        let bytes = rest.as_bytes();
        let mut at = from;
        while at < bytes.len() {
            match bytes[at] {
                b'\\' => at += 2,
                b'"' => return Ok(&rest[from..at]),
                _ => at += 1,
            }
        }
        Err(self.unterminated(from, "this string", "\""))
    }

    fn unterminated(&self, length: usize, what: &str, close: &str) -> Diagnostic {
        Diagnostic::error(codes::UNTERMINATED, Span::new(self.pos, self.pos + length), format!("{what} has no end"))
            .help(format!("close it with `{close}`"))
    }

    /// A message that says what was expected at the next token.
    pub(super) fn unexpected(&mut self, wanted: &str, code: &'static str) -> Diagnostic {
        let token = match self.peek() {
            Ok(token) => token,
            Err(d) => return d,
        };
        let start = self.pos;
        let end = match self.scan() {
            Ok((_, length)) => start + length,
            Err(d) => return d,
        };
        let found = match token {
            Token::End => "the end of the query".to_owned(),
            _ => {
                let text = self.text.get(start..end).unwrap_or("");
                let short: String = text.chars().take(40).collect();
                format!("`{short}`{}", if short.len() < text.len() { "…" } else { "" })
            }
        };
        Diagnostic::error(code, Span::new(start, end), format!("expected {wanted}, found {found}"))
    }

    /// The place from `start` to the end of the last token.
    pub(super) fn since(&self, start: usize) -> At {
        At(Span::new(start, self.last.max(start)))
    }

    /// Where the next token starts.
    pub(super) fn here(&mut self) -> Result<usize> {
        self.skip()?;
        Ok(self.pos)
    }

    /// Whether the next token is this symbol.
    pub(super) fn at_symbol(&mut self, symbol: &str) -> Result<bool> {
        Ok(matches!(self.peek()?, Token::Symbol(s) if s == symbol))
    }

    /// Whether the stage ends here.
    pub(super) fn at_end(&mut self) -> Result<bool> {
        Ok(matches!(self.peek()?, Token::End | Token::Symbol("|" | ")" | "]") | Token::Parameter(_)))
    }

    /// Whether the next token is this word, in any case.
    pub(super) fn at_word(&mut self, word: &str) -> Result<bool> {
        Ok(matches!(self.peek()?, Token::Word(w) if w.eq_ignore_ascii_case(word)))
    }

    /// Takes the symbol if it is next.
    pub(super) fn eat(&mut self, symbol: &str) -> Result<bool> {
        let yes = self.at_symbol(symbol)?;
        if yes {
            self.bump()?;
        }
        Ok(yes)
    }

    /// Takes the word if it is next.
    pub(super) fn eat_word(&mut self, word: &str) -> Result<bool> {
        let yes = self.at_word(word)?;
        if yes {
            self.bump()?;
        }
        Ok(yes)
    }

    /// Takes the symbol, which must be next.
    pub(super) fn expect(&mut self, symbol: &str) -> Result<()> {
        if self.eat(symbol)? { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"), codes::UNEXPECTED)) }
    }

    /// Takes the word, which must be next.
    pub(super) fn expect_word(&mut self, word: &str) -> Result<()> {
        if self.eat_word(word)? { Ok(()) } else { Err(self.unexpected(&format!("`{word}`"), codes::UNEXPECTED)) }
    }

    /// A field's name.
    pub(super) fn name(&mut self) -> Result<Name> {
        let start = self.here()?;
        let text = match self.peek()? {
            Token::Word(w) => w.to_owned(),
            Token::Quoted(q) => decode(q),
            // A field that is named by a parameter is spelled with it until it is filled in.
            Token::Parameter(p) => super::print::print_parameter(p),
            // Names such as `4xx` are read as numbers with an odd suffix.
            Token::Number(n) if n.bytes().any(|b| b.is_ascii_alphabetic()) => n.to_owned(),
            Token::Symbol("%") if self.rest()[1..].starts_with(is_word_start) => {
                self.bump()?;
                let length = path_length(self.rest());
                let text = self.rest()[..length].to_owned();
                self.pos += length;
                self.last = self.pos;
                return Ok(Name { text, at: self.since(start) });
            }
            _ => return Err(self.unexpected("a field name", codes::UNEXPECTED)),
        };
        self.bump()?;
        Ok(Name { text, at: self.since(start) })
    }

    /// `a, b, c`, perhaps in parentheses.
    pub(super) fn names(&mut self) -> Result<Vec<Name>> {
        let parenthesised = self.eat("(")?;
        let mut names = vec![self.name()?];
        loop {
            let (pos, last) = (self.pos, self.last);
            if !self.eat(",")? {
                break;
            }
            match self.peek()? {
                // Published queries have a comma too many at the end of long lists.
                Token::Symbol("|" | ")") | Token::End => break,
                // The next pattern of `parse "…" as a, "…" as b`.
                Token::Text(_) => {
                    (self.pos, self.last) = (pos, last);
                    break;
                }
                _ => {}
            }
            self.listed(names.len())?;
            names.push(self.name()?);
        }
        if parenthesised {
            self.expect(")")?;
        }
        Ok(names)
    }

    /// A string in quotes.
    pub(super) fn string(&mut self) -> Result<Text> {
        let start = self.here()?;
        match self.peek()? {
            Token::Text(raw) => {
                self.bump()?;
                Ok(Text { text: decode(raw), at: self.since(start) })
            }
            _ => Err(self.unexpected("a string in double quotes", codes::UNEXPECTED)),
        }
    }

    /// A regular expression in quotes: its backslashes are its own.
    pub(super) fn regex_string(&mut self) -> Result<Text> {
        let start = self.here()?;
        match self.peek()? {
            Token::Text(raw) => {
                self.bump()?;
                Ok(Text { text: decode_regex(raw, '"'), at: self.since(start) })
            }
            _ => Err(self.unexpected("a regular expression in double quotes", codes::UNEXPECTED)),
        }
    }

    /// `/re/`, at whose first slash the cursor stands.
    pub(super) fn regex_literal(&mut self) -> Result<Text> {
        let start = self.here()?;
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let mut at = 1;
        while at < bytes.len() && bytes[at] != b'\n' {
            match bytes[at] {
                b'\\' => at += 2,
                b'/' => {
                    let text = decode_regex(&rest[1..at], '/');
                    self.pos += at + 1;
                    self.last = self.pos;
                    return Ok(Text { text, at: self.since(start) });
                }
                _ => at += 1,
            }
        }
        Err(self.unterminated(1, "this regular expression", "/"))
    }

    /// Everything up to whitespace or one of `stops`: paths and addresses.
    pub(super) fn raw_word(&mut self, stops: &[char]) -> Result<Text> {
        let start = self.here()?;
        let length = self.rest().find(|c: char| c.is_whitespace() || stops.contains(&c)).unwrap_or(self.rest().len());
        if length == 0 {
            return Err(self.unexpected("a word", codes::UNEXPECTED));
        }
        self.pos += length;
        self.last = self.pos;
        Ok(Text { text: self.text[start..self.pos].to_owned(), at: self.since(start) })
    }

    /// Runs `inner` one level deeper.
    pub(super) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            return Err(self.too_large(&format!("this is nested more than {MAX_DEPTH} levels deep")));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Counts a term.
    pub(super) fn term(&mut self) -> Result<()> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(self.too_large(&format!("the query has more than {MAX_TERMS} terms")));
        }
        Ok(())
    }

    /// Refuses a list of fields, keys or the like that goes on after so many.
    pub(super) fn listed(&self, so_many: usize) -> Result<()> {
        if so_many < MAX_LIST {
            Ok(())
        } else {
            Err(self.too_large(&format!("this list has more than {MAX_LIST} members")))
        }
    }

    /// A refusal of size, at the next character.
    pub(super) fn too_large(&self, message: &str) -> Diagnostic {
        Diagnostic::error(codes::TOO_LARGE, Span::at(self.pos.min(self.text.len())), message)
    }

    /// A scope and operators. With `top`, the scope is always there.
    pub(super) fn query(&mut self, top: bool) -> Result<Query> {
        let start = self.here()?;
        self.last = start;
        let mut operators: Vec<Operator> = Vec::new();
        let scope = if (!top && self.at_operator()?) || self.at_listing()? {
            operators.push(self.operator()?);
            None
        } else {
            Some(self.scope()?)
        };
        loop {
            if !operators.is_empty() {
                while let Token::Parameter(name) = self.peek()? {
                    let start = self.pos;
                    self.bump()?;
                    operators
                        .push(Operator { kind: OperatorKind::Placeholder(name.to_owned()), at: self.since(start) });
                }
            }
            if !self.eat("|")? {
                break;
            }
            // A pipe with nothing after it is common where a dashboard's filter was cut away.
            if matches!(self.peek()?, Token::End | Token::Symbol("|" | ")" | "]")) {
                continue;
            }
            if operators.len() >= MAX_OPERATORS {
                return Err(self.too_large(&format!("the pipeline has more than {MAX_OPERATORS} operators")));
            }
            operators.push(self.operator()?);
        }
        Ok(Query { scope, operators, at: self.since(start) })
    }

    /// Whether `cat` and the place of a table stand here, which can begin a query.
    fn at_listing(&mut self) -> Result<bool> {
        self.skip()?;
        let rest = self.rest();
        let Some(word) = rest.get(..3).filter(|w| w.eq_ignore_ascii_case("cat")) else { return Ok(false) };
        let place = rest[word.len()..].trim_start();
        let starts = ["path://", "https://", "sumo://", "shared/", "/shared/", "\"/"];
        // A path of one's own, `myFolder/name`, stands alone before the next pipe.
        let stage = place.split(['|', '\n']).next().unwrap_or_default().trim_end();
        let own = stage.contains('/') && !stage.contains(|c: char| c.is_whitespace() || "\"()=".contains(c));
        Ok(place.len() < rest.len() - word.len() && (own || starts.iter().any(|s| place.starts_with(s))))
    }
}

fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '@' || c == '$'
}

/// How long a name behind `%` is, which may have the indices of `json auto` in it (documented: `%users[2].address`).
fn path_length(rest: &str) -> usize {
    let mut length = word_length(rest);
    while let Some(index) = rest[length..].strip_prefix('[') {
        let digits = index.find(|c: char| !c.is_ascii_digit()).unwrap_or(index.len());
        if digits == 0 || !index[digits..].starts_with(']') {
            break;
        }
        length += digits + 2;
        if let Some(after) = rest[length..].strip_prefix('.').filter(|r| r.starts_with(is_word_start)) {
            length += 1 + word_length(after);
        }
    }
    length
}

/// Dots join words (`EventData.Image`), but a word does not end in one.
fn word_length(rest: &str) -> usize {
    let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '@' | '$'))).unwrap_or(rest.len());
    rest[..end].trim_end_matches('.').len().max(1)
}

fn number_or_word(rest: &str) -> (Token<'_>, usize) {
    let digits = |from: usize| from + rest[from..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - from);
    let mut end = digits(0);
    if rest[end..].starts_with('.') && rest[end + 1..].starts_with(|c: char| c.is_ascii_digit()) {
        end = digits(end + 1);
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        if rest[end + 1 + sign..].starts_with(|c: char| c.is_ascii_digit()) {
            end = digits(end + 1 + sign);
        }
    }
    let suffix = rest[end..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len() - end);
    (Token::Number(&rest[..end + suffix]), end + suffix)
}
