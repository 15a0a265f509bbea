//! Tokens to tree.
//!
//! ```text
//! expression = { [ "|" ] "json" "field" "=" name text "as" name } [ [ "|" ] "where" ] or
//! or         = and { ( "or" | "||" ) and }
//! and        = not { ( "and" | "&&" ) not }
//! not        = ( "not" | "!" ) not | comparison
//! comparison = sum [ operator sum | [ "not" | "!" ] ( like | rlike | matches | in | between ) … | "is" [ "not" ] "null" ]
//! sum        = product { ( "+" | "-" ) product }
//! product    = unary { ( "*" | "/" | "%" ) unary }
//! unary      = "-" unary | primary
//! primary    = literal | name [ "(" … ")" | "[" key "]" | "." name ] | "(" or ")" | "[" … "]"
//! ```
//! `!` binds as loosely as `not`: `!lower(x) matches /re/` denies the match, as published rules mean it.

use super::codes;
use super::lexer::{Lexer, Token};
use super::tree::{Alias, Arithmetic, Comparison, Expression, Kind, Node, Pattern};
use parallax_diagnostics::{Diagnostic, Span};

/// How deep expressions may nest.
const MAX_DEPTH: usize = 64;

/// How many arithmetic operators may stand in a row: each makes the tree deeper.
const MAX_ROW: usize = 120;

type Parsing<T> = Result<T, Diagnostic>;

pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    span: Span,
    /// Where the token before ended.
    ended: usize,
    depth: usize,
    failed: Option<Diagnostic>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut parser =
            Parser { lexer: Lexer::new(text), token: Token::End, span: Span::at(0), ended: 0, depth: 0, failed: None };
        parser.step();
        parser
    }

    pub(super) fn whole(mut self) -> Parsing<Expression> {
        let mut aliases = Vec::new();
        loop {
            let before = (self.lexer.clone(), self.token.clone(), self.span, self.ended);
            self.take("|");
            if self.is_word("json") && self.follows_word("field") {
                aliases.push(self.alias()?);
                continue;
            }
            if !self.take_word("where") {
                (self.lexer, self.token, self.span, self.ended) = before;
            }
            break;
        }
        let root = self.or()?;
        if self.token != Token::End || self.failed.is_some() {
            return Err(self.unexpected("the end of the expression"));
        }
        Ok(Expression { aliases, root })
    }

    /// Goes to the next token. What cannot be read is told when the parser comes to it.
    fn step(&mut self) {
        self.ended = self.span.end;
        match self.lexer.next() {
            Ok((token, span)) => (self.token, self.span) = (token, span),
            Err(d) => {
                (self.token, self.span) = (Token::End, Span::at(self.lexer.at));
                self.failed = Some(d);
            }
        }
    }

    fn unexpected(&mut self, wanted: &str) -> Diagnostic {
        if let Some(failed) = self.failed.take() {
            return failed;
        }
        let found = match &self.token {
            Token::End => "the expression ends".to_owned(),
            _ => format!("`{}` stands", self.span.of(self.lexer.text)),
        };
        Diagnostic::error(codes::UNEXPECTED, self.span, format!("{found} where {wanted} is expected"))
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(&self.token, Token::Symbol(s) if *s == symbol)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(&self.token, Token::Word(w) if w.eq_ignore_ascii_case(word))
    }

    fn follows_word(&self, word: &str) -> bool {
        matches!(self.lexer.clone().next(), Ok((Token::Word(w), _)) if w.eq_ignore_ascii_case(word))
    }

    fn take(&mut self, symbol: &str) -> bool {
        let yes = self.is(symbol);
        if yes {
            self.step();
        }
        yes
    }

    fn take_word(&mut self, word: &str) -> bool {
        let yes = self.is_word(word);
        if yes {
            self.step();
        }
        yes
    }

    fn expect(&mut self, symbol: &str) -> Parsing<()> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    fn word(&mut self, what: &str) -> Parsing<String> {
        match &self.token {
            Token::Word(word) => {
                let word = word.clone();
                self.step();
                Ok(word)
            }
            _ => Err(self.unexpected(what)),
        }
    }

    fn text(&mut self, what: &str) -> Parsing<String> {
        match &self.token {
            Token::Text(text) => {
                let text = text.clone();
                self.step();
                Ok(text)
            }
            _ => Err(self.unexpected(what)),
        }
    }

    fn alias(&mut self) -> Parsing<Alias> {
        self.step();
        self.step();
        self.expect("=")?;
        let map = self.word("the map's name")?;
        let span = self.span;
        let path = self.text("a path in quotes")?;
        if !self.take_word("as") {
            return Err(self.unexpected("`as` and a name"));
        }
        let name = self.word("a name")?;
        Ok(Alias { map, path, name, span })
    }

    fn node(&self, from: usize, kind: Kind) -> Node {
        Node { kind, span: Span::new(from, self.ended) }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsing<T>) -> Parsing<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH}");
            return Err(Diagnostic::error(codes::TOO_LARGE, self.span, message));
        }
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn or(&mut self) -> Parsing<Node> {
        let from = self.span.start;
        let first = self.and()?;
        let mut terms = vec![first];
        while self.take_word("or") || self.take("||") {
            terms.push(self.and()?);
        }
        Ok(match terms.len() {
            1 => terms.remove(0),
            _ => self.node(from, Kind::Any(terms)),
        })
    }

    fn and(&mut self) -> Parsing<Node> {
        let from = self.span.start;
        let first = self.not()?;
        let mut terms = vec![first];
        while self.take_word("and") || self.take("&&") {
            terms.push(self.not()?);
        }
        Ok(match terms.len() {
            1 => terms.remove(0),
            _ => self.node(from, Kind::All(terms)),
        })
    }

    fn not(&mut self) -> Parsing<Node> {
        let from = self.span.start;
        if self.take_word("not") || self.take("!") {
            let inner = self.deeper(Self::not)?;
            return Ok(self.node(from, Kind::Not(Box::new(inner))));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsing<Node> {
        let from = self.span.start;
        let left = self.sum()?;
        if let Token::Symbol(symbol) = self.token
            && let Some(operator) = comparison(symbol)
        {
            self.step();
            // `a = !b`, `a = (b)`
            let right = self.sum()?;
            return Ok(self.node(from, Kind::Compare(Box::new(left), operator, Box::new(right))));
        }
        if self.take_word("is") {
            let denied = self.take_word("not");
            if !self.take_word("null") {
                return Err(self.unexpected("`null`"));
            }
            let is_null = self.node(from, Kind::IsNull(Box::new(left)));
            return Ok(if denied { self.node(from, Kind::Not(Box::new(is_null))) } else { is_null });
        }
        let denied = self.take_word("not") || self.take("!");
        let kind = if self.take_word("like") {
            let pattern = self.sum()?;
            let escape = if self.take_word("escape") { Some(self.text("the escape character")?) } else { None };
            Kind::Like(Box::new(left), Pattern::Like(escape), Box::new(pattern))
        } else if self.take_word("rlike") {
            let pattern = self.pattern()?;
            Kind::Like(Box::new(left), Pattern::Rlike, Box::new(pattern))
        } else if self.is_word("matches") {
            let pattern = self.after_matches()?;
            Kind::Like(Box::new(left), Pattern::Matches, Box::new(pattern))
        } else if self.take_word("in") {
            self.expect("(")?;
            Kind::In(Box::new(left), self.list(")")?)
        } else if self.take_word("between") {
            let low = self.sum()?;
            if !self.take_word("and") {
                return Err(self.unexpected("`and` and the upper bound"));
            }
            Kind::Between(Box::new(left), Box::new(low), Box::new(self.sum()?))
        } else if denied {
            return Err(self.unexpected("`like`, `rlike`, `matches`, `in` or `between`"));
        } else {
            return Ok(left);
        };
        let found = self.node(from, kind);
        Ok(if denied { self.node(from, Kind::Not(Box::new(found))) } else { found })
    }

    /// What follows `matches`; the token is still that word, so that a slash is not taken for a division.
    fn after_matches(&mut self) -> Parsing<Node> {
        self.lexer.skip()?;
        if self.lexer.text[self.lexer.at..].starts_with('/') {
            return self.regex();
        }
        self.step();
        self.sum()
    }

    fn pattern(&mut self) -> Parsing<Node> {
        if self.is("/") {
            self.lexer.at = self.span.start;
            return self.regex();
        }
        self.sum()
    }

    fn regex(&mut self) -> Parsing<Node> {
        let (pattern, span) = self.lexer.regex()?;
        self.span = span;
        self.step();
        Ok(Node { kind: Kind::Regex(pattern), span })
    }

    fn list(&mut self, close: &str) -> Parsing<Vec<Node>> {
        let mut items = Vec::new();
        while !self.take(close) {
            items.push(self.deeper(Self::or)?);
            if !self.take(",") && !self.is(close) {
                return Err(self.unexpected(&format!("`,` or `{close}`")));
            }
        }
        Ok(items)
    }

    fn in_row(&self, operators: usize) -> Parsing<()> {
        if operators <= MAX_ROW {
            return Ok(());
        }
        let message = format!("more than {MAX_ROW} arithmetic operators in a row");
        Err(Diagnostic::error(codes::TOO_LARGE, self.span, message))
    }

    fn sum(&mut self) -> Parsing<Node> {
        let from = self.span.start;
        let mut left = self.product()?;
        let mut row = 0;
        loop {
            let operator = match &self.token {
                Token::Symbol("+") => Arithmetic::Add,
                Token::Symbol("-") => Arithmetic::Subtract,
                _ => return Ok(left),
            };
            row += 1;
            self.in_row(row)?;
            self.step();
            let right = self.product()?;
            left = self.node(from, Kind::Arithmetic(Box::new(left), operator, Box::new(right)));
        }
    }

    fn product(&mut self) -> Parsing<Node> {
        let from = self.span.start;
        let mut left = self.unary()?;
        let mut row = 0;
        loop {
            let operator = match &self.token {
                Token::Symbol("*") => Arithmetic::Multiply,
                Token::Symbol("/") => Arithmetic::Divide,
                Token::Symbol("%") => Arithmetic::Remainder,
                _ => return Ok(left),
            };
            row += 1;
            self.in_row(row)?;
            self.step();
            let right = self.unary()?;
            left = self.node(from, Kind::Arithmetic(Box::new(left), operator, Box::new(right)));
        }
    }

    fn unary(&mut self) -> Parsing<Node> {
        let from = self.span.start;
        if self.take("-") {
            let inner = self.deeper(Self::unary)?;
            let kind = match inner.kind {
                Kind::Number(n) => Kind::Number(-n),
                _ => Kind::Negative(Box::new(inner)),
            };
            return Ok(self.node(from, kind));
        }
        self.primary()
    }

    fn primary(&mut self) -> Parsing<Node> {
        let from = self.span.start;
        if self.take("(") {
            let mut inner = self.deeper(Self::or)?;
            self.expect(")")?;
            inner.span = Span::new(from, self.ended);
            return Ok(inner);
        }
        if self.take("[") {
            let items = self.list("]")?;
            return Ok(self.node(from, Kind::Array(items)));
        }
        let kind = match self.token.clone() {
            Token::Text(text) => Kind::Text(text),
            Token::Number(n) => Kind::Number(n),
            Token::Word(word) if !is_reserved(&word) => {
                self.step();
                return self.named(from, word);
            }
            Token::Word(word) if word.eq_ignore_ascii_case("null") => Kind::Null,
            Token::Word(word) if word.eq_ignore_ascii_case("true") => Kind::Bool(true),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => Kind::Bool(false),
            _ => return Err(self.unexpected("a value")),
        };
        self.step();
        Ok(self.node(from, kind))
    }

    fn named(&mut self, from: usize, word: String) -> Parsing<Node> {
        if self.take("(") {
            let arguments = self.list(")")?;
            return Ok(self.node(from, Kind::Call(word, arguments)));
        }
        if self.take("[") {
            let key = match &self.token {
                Token::Word(_) => self.dotted()?,
                // A place in a list.
                Token::Number(n) if *n == n.trunc() => {
                    let place = format!("{n}");
                    self.step();
                    place
                }
                _ => self.text("a field's name in quotes")?,
            };
            self.expect("]")?;
            return Ok(self.node(from, Kind::Entry(word, key)));
        }
        if self.take(".") {
            let key = self.dotted()?;
            return Ok(self.node(from, Kind::Entry(word, key)));
        }
        Ok(self.node(from, Kind::Field(word)))
    }

    fn dotted(&mut self) -> Parsing<String> {
        let mut key = self.word("a name")?;
        while self.take(".") {
            key.push('.');
            key.push_str(&self.word("a name")?);
        }
        Ok(key)
    }
}

fn comparison(symbol: &str) -> Option<Comparison> {
    Some(match symbol {
        "=" | "==" => Comparison::Equal,
        "!=" | "<>" => Comparison::NotEqual,
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

/// Words that are no names.
fn is_reserved(word: &str) -> bool {
    ["and", "or", "not", "like", "rlike", "in", "between", "is", "null", "true", "false", "matches", "escape"]
        .iter()
        .any(|r| r.eq_ignore_ascii_case(word))
}
