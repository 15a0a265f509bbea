//! Expressions: a Pratt parser over the operators of `where`, `if` and field expressions.
//!
//! Binding, loosest first: `? :`, `or`/`||`, `and`/`&&`, `not`/`!`, comparisons (`= != < matches in contains`), `+ -`,
//! `* / %`, unary minus.

use super::codes;
use super::cursor::{Cursor, MAX_CHAIN, Result, Token};
use super::numbers::Number;
use super::text::decode;
use super::tree::{BinaryOp, Expr, ExprKind};
use parallax_diagnostics::{Diagnostic, Span};

impl Cursor<'_> {
    /// An expression.
    pub(super) fn expression(&mut self) -> Result<Expr> {
        self.deeper(Self::conditional)
    }

    fn conditional(&mut self) -> Result<Expr> {
        let start = self.here()?;
        let condition = self.or()?;
        if !self.eat("?")? {
            return Ok(condition);
        }
        let yes = self.expression()?;
        self.expect(":")?;
        let no = self.expression()?;
        let kind = ExprKind::Conditional(Box::new(condition), Box::new(yes), Box::new(no));
        Ok(Expr { kind, at: self.since(start) })
    }

    fn or(&mut self) -> Result<Expr> {
        let start = self.here()?;
        let mut terms = vec![self.and()?];
        while self.eat_word("or")? || self.eat("||")? {
            terms.push(self.and()?);
        }
        Ok(match terms.len() {
            1 => terms.remove(0),
            _ => Expr { kind: ExprKind::Or(terms), at: self.since(start) },
        })
    }

    fn and(&mut self) -> Result<Expr> {
        let start = self.here()?;
        let mut terms = vec![self.not()?];
        while self.eat_word("and")? || self.eat("&&")? {
            terms.push(self.not()?);
        }
        Ok(match terms.len() {
            1 => terms.remove(0),
            _ => Expr { kind: ExprKind::And(terms), at: self.since(start) },
        })
    }

    fn not(&mut self) -> Result<Expr> {
        let start = self.here()?;
        if self.eat_word("not")? {
            let inner = self.deeper(Self::not)?;
            return Ok(Expr { kind: ExprKind::Not(Box::new(inner)), at: self.since(start) });
        }
        self.binary(4)
    }

    /// Operators that bind at least as tightly as `least`.
    fn binary(&mut self, least: u8) -> Result<Expr> {
        let start = self.here()?;
        let mut left = self.unary()?;
        let mut length = 0;
        loop {
            let Some(op) = self.binary_operator()? else { return Ok(left) };
            let precedence = match &op {
                Infix::Op(op, _) => op.precedence(),
                Infix::In(_) => 4,
            };
            if precedence < least {
                return Ok(left);
            }
            length += 1;
            if length > MAX_CHAIN {
                return Err(self.too_large(&format!("more than {MAX_CHAIN} operators in a row")));
            }
            let kind = match op {
                Infix::Op(op, words) => {
                    for _ in 0..words {
                        self.bump()?;
                    }
                    let right = self.deeper(|c| c.binary(precedence + 1))?;
                    ExprKind::Binary(op, Box::new(left), Box::new(right))
                }
                Infix::In(negated) => {
                    self.bump()?;
                    if negated {
                        self.bump()?;
                    }
                    let list = self.in_list()?;
                    ExprKind::In { value: Box::new(left), list, negated }
                }
            };
            left = Expr { kind, at: self.since(start) };
        }
    }

    fn in_list(&mut self) -> Result<Vec<Expr>> {
        if self.at_symbol("[")? {
            return Ok(vec![self.primary()?]);
        }
        self.expect("(")?;
        let list = self.arguments()?;
        if list.is_empty() {
            return Err(self.unexpected("a value", codes::UNEXPECTED));
        }
        Ok(list)
    }

    /// The operator that stands here and how many tokens it has.
    fn binary_operator(&mut self) -> Result<Option<Infix>> {
        use BinaryOp as B;
        Ok(match self.peek()? {
            Token::Symbol(symbol) => {
                let op = match symbol {
                    "=" | "==" => B::Eq,
                    "!=" | "<>" => B::Ne,
                    "<" => B::Lt,
                    "<=" => B::Le,
                    ">" => B::Gt,
                    ">=" => B::Ge,
                    "=~" => B::RegexMatches,
                    "+" => B::Add,
                    "-" => B::Subtract,
                    "*" => B::Multiply,
                    "/" => B::Divide,
                    "%" => B::Modulo,
                    _ => return Ok(None),
                };
                Some(Infix::Op(op, 1))
            }
            Token::Word(w) if w.eq_ignore_ascii_case("matches") => Some(Infix::Op(B::Matches, 1)),
            Token::Word(w) if w.eq_ignore_ascii_case("contains") => Some(Infix::Op(B::Contains, 1)),
            Token::Word(w) if w.eq_ignore_ascii_case("in") => Some(Infix::In(false)),
            Token::Word(w) if w.eq_ignore_ascii_case("not") => {
                let (pos, last) = (self.pos, self.last);
                self.bump()?;
                let next = self.peek()?;
                (self.pos, self.last) = (pos, last);
                match next {
                    Token::Word(w) if w.eq_ignore_ascii_case("in") => Some(Infix::In(true)),
                    Token::Word(w) if w.eq_ignore_ascii_case("matches") => Some(Infix::Op(B::NotMatches, 2)),
                    _ => None,
                }
            }
            // `%"quoted"` directly after an operand is a remainder by a string: no such thing.
            _ => None,
        })
    }

    fn unary(&mut self) -> Result<Expr> {
        let start = self.here()?;
        match self.peek()? {
            Token::Symbol("!") => {
                self.bump()?;
                let inner = self.deeper(Self::unary)?;
                Ok(Expr { kind: ExprKind::Not(Box::new(inner)), at: self.since(start) })
            }
            Token::Symbol("-") => {
                self.bump()?;
                let inner = self.deeper(Self::unary)?;
                Ok(Expr { kind: ExprKind::Negate(Box::new(inner)), at: self.since(start) })
            }
            Token::Symbol("+") => {
                self.bump()?;
                self.deeper(Self::unary)
            }
            _ => self.primary(),
        }
    }

    fn primary(&mut self) -> Result<Expr> {
        self.term()?;
        let start = self.here()?;
        let kind = match self.peek()? {
            Token::Text(raw) => {
                self.bump()?;
                ExprKind::Text(decode(raw))
            }
            Token::Number(text) => {
                self.bump()?;
                match Number::read(text, Span::new(start, self.last)) {
                    Ok(number) => ExprKind::Number(number),
                    // `4xx` and `5min_avg` are fields.
                    Err(_)
                        if text.trim_start_matches(|c: char| c.is_ascii_digit()).len() > 1 && !text.contains('.') =>
                    {
                        ExprKind::Field(text.to_owned())
                    }
                    Err(d) => return Err(d),
                }
            }
            Token::Parameter(name) => {
                self.bump()?;
                ExprKind::Parameter(name.to_owned())
            }
            Token::Quoted(raw) => {
                self.bump()?;
                ExprKind::Field(decode(raw))
            }
            Token::Symbol("(") => {
                self.bump()?;
                let inner = self.expression()?;
                self.expect(")")?;
                return Ok(Expr { kind: inner.kind, at: self.since(start) });
            }
            // `%field` for `%"field"`.
            Token::Symbol("%") => ExprKind::Field(self.name()?.text),
            Token::Symbol("/") => ExprKind::Regex(self.regex_literal()?.text),
            Token::Symbol("[") => ExprKind::Subquery(Box::new(self.subquery()?)),
            Token::Word(word) => {
                self.bump()?;
                // Calls may have a space before their parenthesis: `if (…)`.
                if self.at_symbol("(")? && (!is_reserved(word) || is_call(word)) {
                    self.bump()?;
                    let arguments = if word.eq_ignore_ascii_case("lookupcontains") {
                        self.place_and_arguments()?
                    } else {
                        self.arguments()?
                    };
                    ExprKind::Call(word.to_owned(), arguments)
                } else if word.eq_ignore_ascii_case("null") {
                    ExprKind::Null
                } else if word.eq_ignore_ascii_case("true") {
                    ExprKind::Bool(true)
                } else if word.eq_ignore_ascii_case("false") {
                    ExprKind::Bool(false)
                } else if is_reserved(word) {
                    let span = Span::new(start, self.last);
                    return Err(Diagnostic::error(
                        codes::UNEXPECTED,
                        span,
                        format!("expected a value, found the operator `{word}`"),
                    ));
                } else {
                    ExprKind::Field(word.to_owned())
                }
            }
            _ => return Err(self.unexpected("an expression", codes::UNEXPECTED)),
        };
        Ok(Expr { kind, at: self.since(start) })
    }

    /// `path://"…", condition`: the place of a table comes first, as a text.
    fn place_and_arguments(&mut self) -> Result<Vec<Expr>> {
        let place = self.place(&['|', ')', '"', ','])?;
        let mut all = vec![Expr { kind: ExprKind::Text(place.text), at: place.at }];
        if self.eat(",")? {
            all.extend(self.arguments()?);
        } else {
            self.expect(")")?;
        }
        Ok(all)
    }

    /// Arguments up to and with the closing parenthesis.
    pub(super) fn arguments(&mut self) -> Result<Vec<Expr>> {
        let mut arguments = Vec::new();
        if self.eat(")")? {
            return Ok(arguments);
        }
        loop {
            // `count(*)`
            if self.at_symbol("*")? {
                let start = self.here()?;
                self.bump()?;
                arguments.push(Expr { kind: ExprKind::Field("*".to_owned()), at: self.since(start) });
            } else {
                arguments.push(self.expression()?);
            }
            if !self.eat(",")? {
                break;
            }
        }
        self.expect(")")?;
        Ok(arguments)
    }

    /// A whole number or a parameter in its place.
    pub(super) fn count(&mut self) -> Result<Expr> {
        match self.peek()? {
            Token::Number(_) | Token::Parameter(_) => {
                let count = self.primary()?;
                match &count.kind {
                    ExprKind::Field(name) => {
                        Err(Diagnostic::error(codes::BAD_NUMBER, count.at.0, format!("`{name}` is not a number")))
                    }
                    _ => Ok(count),
                }
            }
            _ => Err(self.unexpected("a number", codes::UNEXPECTED)),
        }
    }
}

enum Infix {
    Op(BinaryOp, usize),
    In(bool),
}

/// Operators that published queries also write as functions.
fn is_call(word: &str) -> bool {
    ["matches", "in"].iter().any(|w| w.eq_ignore_ascii_case(word))
}

/// Words that are operators between or before expressions and so no fields.
fn is_reserved(word: &str) -> bool {
    ["and", "or", "not", "in", "matches"].iter().any(|w| w.eq_ignore_ascii_case(word))
}
