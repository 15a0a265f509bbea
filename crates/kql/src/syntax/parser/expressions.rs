//! Expressions, from loosest to tightest: `or`; `and`; equality, `in`, `between`; relations; sums; products; string
//! operators; signs; paths and calls.
//!
//! String operators bind tighter than arithmetic, and neither they nor comparisons chain.

use super::super::codes;
use super::super::keyword::Keyword;
use super::super::lexer::Kind;
use super::super::tree::{BinaryOp, Expr, ExprKind, InOp, Literal, Selector, UnaryOp};
use super::lists::ListRule;
use super::{Parsed, Parser, RIGHT_SIDE};
use parallax_diagnostics::Diagnostic;

const OR: u8 = 1;
const AND: u8 = 2;
const EQUALITY: u8 = 3;
const RELATION: u8 = 4;
const SUM: u8 = 5;
const PRODUCT: u8 = 6;
const STRING: u8 = 7;

impl Parser<'_> {
    /// An expression without pipes, unless in parentheses.
    pub(super) fn scalar(&mut self) -> Parsed<Option<Expr>> {
        self.nested(|p| p.chain(OR))
    }

    pub(super) fn expect_scalar(&mut self) -> Parsed<Expr> {
        match self.scalar()? {
            Some(expr) => Ok(expr),
            None => Err(self.missing_expression()),
        }
    }

    pub(super) fn missing_expression(&self) -> Box<Diagnostic> {
        let found = self.found();
        let diagnostic = self.error(codes::EXPECTED_EXPRESSION, format!("expected an expression, found {found}"));
        let diagnostic = diagnostic.label("expected an expression");
        let help = match self.peek() {
            Kind::Keyword(Keyword::Materialize) => return self.materialize_outside_let(),
            Kind::Keyword(keyword) => {
                format!("for something that is called `{}`, write ['{0}']", keyword.text())
            }
            Kind::Equal => "to compare, write `==`".to_owned(),
            Kind::Star => "`*` may stand alone only as an argument, as in count(*)".to_owned(),
            _ => return Box::new(diagnostic),
        };
        Box::new(diagnostic.help(help))
    }

    fn materialize_outside_let(&self) -> Box<Diagnostic> {
        let message = "`materialize` may only stand directly after `let name =`";
        let diagnostic = self.error(codes::MATERIALIZE_OUTSIDE_LET, message);
        Box::new(diagnostic.help("bind it first: let name = materialize(…); and use the name here"))
    }

    /// Operators that bind at least as tightly as `least`, by precedence climbing.
    fn chain(&mut self, least: u8) -> Parsed<Option<Expr>> {
        let Some((mut left, mut height)) = self.operand(least)? else {
            return Ok(None);
        };
        // What does not chain lowers the ceiling below itself.
        let mut ceiling = STRING;
        while let Some((level, infix)) = self.infix() {
            if level < least || level > ceiling {
                break;
            }
            let chains = matches!(level, OR | AND | SUM | PRODUCT);
            ceiling = if chains { level } else { level - 1 };
            let (next, taller) = self.measured(|p| p.apply(left, infix, level))?;
            left = next;
            let flat = matches!(level, OR | AND);
            height = if flat { height.max(taller + 1) } else { height.max(taller) + 1 };
            self.grown(height, left.span)?;
        }
        self.grown(height, left.span)?;
        Ok(Some(left))
    }

    /// The left side of a chain, and its height.
    fn operand(&mut self, least: u8) -> Parsed<Option<(Expr, usize)>> {
        if self.peek() == Kind::Star {
            let star_fits = match self.peek_at(1) {
                Kind::EqualEqual => least <= EQUALITY,
                next => string_operator(next).is_some(),
            };
            if !star_fits {
                return Ok(None);
            }
            let span = self.bump().span();
            return Ok(Some((Expr { kind: ExprKind::Star, span }, 1)));
        }
        let (expr, height) = self.measured(Self::signed)?;
        Ok(expr.map(|e| (e, height)))
    }

    fn infix(&self) -> Option<(u8, Infix)> {
        use Kind as K;
        let kind = self.peek();
        let arithmetic = match kind {
            K::Star => Some((PRODUCT, BinaryOp::Multiply)),
            K::Slash => Some((PRODUCT, BinaryOp::Divide)),
            K::Percent => Some((PRODUCT, BinaryOp::Modulo)),
            K::Plus => Some((SUM, BinaryOp::Add)),
            K::Minus => Some((SUM, BinaryOp::Subtract)),
            K::Less => Some((RELATION, BinaryOp::Less)),
            K::LessEqual => Some((RELATION, BinaryOp::LessOrEqual)),
            K::Greater => Some((RELATION, BinaryOp::Greater)),
            K::GreaterEqual => Some((RELATION, BinaryOp::GreaterOrEqual)),
            K::EqualEqual => Some((EQUALITY, BinaryOp::Equal)),
            K::BangEqual | K::LessGreater => Some((EQUALITY, BinaryOp::NotEqual)),
            kind => string_operator(kind).map(|op| (STRING, op)),
        };
        if let Some((level, op)) = arithmetic {
            return Some((level, Infix::Binary(op)));
        }
        let K::Keyword(keyword) = kind else { return None };
        Some(match keyword {
            Keyword::Or => (OR, Infix::Or),
            Keyword::And => (AND, Infix::And),
            // `make-series … on x in range(…)`
            Keyword::In if self.peek_at(1) == K::Keyword(Keyword::Range) => return None,
            Keyword::In => (EQUALITY, Infix::In(InOp::In)),
            Keyword::BangIn => (EQUALITY, Infix::In(InOp::NotIn)),
            Keyword::InTilde => (EQUALITY, Infix::In(InOp::InTilde)),
            Keyword::BangInTilde => (EQUALITY, Infix::In(InOp::NotInTilde)),
            Keyword::HasAny => (EQUALITY, Infix::In(InOp::HasAny)),
            Keyword::HasAll => (EQUALITY, Infix::In(InOp::HasAll)),
            Keyword::Between => (EQUALITY, Infix::Between(false)),
            Keyword::BangBetween => (EQUALITY, Infix::Between(true)),
            _ => return None,
        })
    }

    fn apply(&mut self, left: Expr, infix: Infix, level: u8) -> Parsed<Expr> {
        let start = left.span;
        let op_span = self.bump().span();
        let kind = match infix {
            Infix::Binary(op) => {
                let right = self.right_side(level)?;
                ExprKind::Binary { op, op_span, left: Box::new(left), right: Box::new(right) }
            }
            Infix::And => {
                let right = self.right_side(level)?;
                match left.kind {
                    ExprKind::And(mut all) => {
                        all.push(right);
                        ExprKind::And(all)
                    }
                    _ => ExprKind::And(vec![left, right]),
                }
            }
            Infix::Or => {
                let right = self.right_side(level)?;
                match left.kind {
                    ExprKind::Or(mut all) => {
                        all.push(right);
                        ExprKind::Or(all)
                    }
                    _ => ExprKind::Or(vec![left, right]),
                }
            }
            Infix::In(op) => ExprKind::In { op, op_span, left: Box::new(left), list: self.in_list(op)? },
            Infix::Between(negated) => {
                let (low, high) = self.bounds()?;
                ExprKind::Between { negated, operand: Box::new(left), low: Box::new(low), high: Box::new(high) }
            }
        };
        Ok(Expr { kind, span: self.since(start) })
    }

    fn right_side(&mut self, level: u8) -> Parsed<Expr> {
        match self.deeper(RIGHT_SIDE, |p| p.chain(level + 1))? {
            Some(expr) => Ok(expr),
            None => Err(self.missing_expression()),
        }
    }

    fn in_list(&mut self, op: InOp) -> Parsed<Vec<Expr>> {
        if self.peek() != Kind::LeftParen {
            let found = self.found();
            let message = format!("expected `(` after `{}`, found {found}", op.text());
            let help = format!("write the items in parentheses: {} (…)", op.text());
            return Err(Box::new(self.error(codes::EXPECTED, message).help(help)));
        }
        self.bump();
        let list = if self.is_query_ahead() {
            vec![self.expect_expr()?]
        } else {
            let rule = ListRule { some: true, ..ListRule::default() };
            self.list(rule, Self::scalar, |p| p.missing_expression())?
        };
        self.close_list(Kind::RightParen, ")")?;
        Ok(list)
    }

    /// Whether a pipe, or an operator, makes what follows a query.
    fn is_query_ahead(&self) -> bool {
        if self.begins_operator() {
            return true;
        }
        let mut open = 0_usize;
        for token in &self.tokens[self.at..] {
            match token.kind {
                Kind::End | Kind::Semicolon => return false,
                Kind::Comma if open == 0 => return false,
                Kind::RightParen if open == 0 => return false,
                Kind::RightParen => open -= 1,
                Kind::LeftParen => open += 1,
                Kind::Bar if open == 0 => return true,
                _ => {}
            }
        }
        false
    }

    fn bounds(&mut self) -> Parsed<(Expr, Expr)> {
        self.expect(Kind::LeftParen, "(")?;
        let low = self.expect_scalar()?;
        self.expect(Kind::DotDot, "..")?;
        let high = self.expect_scalar()?;
        self.expect(Kind::RightParen, ")")?;
        Ok((low, high))
    }

    /// An optional sign, then a path or a call.
    pub(super) fn signed(&mut self) -> Parsed<Option<Expr>> {
        let op = match self.peek() {
            Kind::Minus => UnaryOp::Minus,
            Kind::Plus => UnaryOp::Plus,
            _ => return self.path(),
        };
        let start = self.bump().span();
        let number = self.token(0);
        if op == UnaryOp::Minus && number.kind == Kind::Long && self.text_of(number) == "9223372036854775808" {
            // The one long that has no positive counterpart.
            self.bump();
            let kind = ExprKind::Literal(Literal::Long(Some(i64::MIN)));
            return Ok(Some(Expr { kind, span: self.since(start) }));
        }
        let Some(operand) = self.path()? else {
            return Err(self.missing_expression());
        };
        let height = self.tallest + 1;
        let span = self.since(start);
        self.grown(height, span)?;
        Ok(Some(Expr { kind: ExprKind::Unary { op, operand: Box::new(operand) }, span }))
    }

    /// A primary expression and what follows it: `.name`, `.call(…)`, `[index]`.
    pub(super) fn path(&mut self) -> Parsed<Option<Expr>> {
        if self.is(Keyword::Totable) {
            return self.table_subquery().map(Some);
        }
        let (primary, mut height) = self.measured(Self::primary)?;
        let Some(mut expr) = primary else { return Ok(None) };
        height += 1;
        let start = expr.span;
        loop {
            let (next, taller) = self.measured(|p| p.postfix(expr, start))?;
            let (next, more) = next;
            expr = next;
            if !more {
                break;
            }
            height = height.max(taller) + 1;
            self.grown(height, expr.span)?;
        }
        self.grown(height, expr.span)?;
        Ok(Some(expr))
    }

    /// One step of a path; whether there was one.
    fn postfix(&mut self, base: Expr, start: parallax_diagnostics::Span) -> Parsed<(Expr, bool)> {
        let kind = match self.peek() {
            Kind::Dot => {
                self.bump();
                let selector = self.selector()?;
                ExprKind::Path { base: Box::new(base), selector }
            }
            Kind::LeftBracket => {
                self.bump();
                let index = self.bracket_content()?;
                ExprKind::Index { base: Box::new(base), index: Box::new(index) }
            }
            _ => return Ok((base, false)),
        };
        Ok((Expr { kind, span: self.since(start) }, true))
    }

    /// What stands after a dot.
    pub(super) fn selector(&mut self) -> Parsed<Selector> {
        if self.begins_call(0) {
            return self.call().map(Selector::Call);
        }
        if let Some(wildcard) = self.bracketed_wildcard()? {
            return Ok(Selector::Wildcard(wildcard));
        }
        if let Some(name) = self.bare_name()? {
            return Ok(Selector::Name(name));
        }
        match self.peek() {
            Kind::LeftBracket => {
                self.bump();
                Ok(Selector::Index(Box::new(self.bracket_content()?)))
            }
            Kind::At => Ok(Selector::At(self.bump().span())),
            _ => Err(self.missing_name()),
        }
    }

    fn bracket_content(&mut self) -> Parsed<Expr> {
        let index = self.expect_scalar()?;
        self.expect(Kind::RightBracket, "]")?;
        Ok(index)
    }

    /// A name in an expression, where a few reserved words are names too.
    pub(super) fn bare_name(&mut self) -> Parsed<Option<super::super::tree::Name>> {
        if let Kind::Keyword(Keyword::Kind | Keyword::Withsource | Keyword::WithSource) = self.peek() {
            return Ok(Some(self.word()));
        }
        self.name()
    }

    fn primary(&mut self) -> Parsed<Option<Expr>> {
        let start = self.here();
        let kind = match self.peek() {
            Kind::LeftParen => return self.parenthesised().map(Some),
            Kind::Keyword(Keyword::Datatable) => self.data_table()?,
            Kind::Keyword(Keyword::InternalContextualDatatable) => self.contextual_data_table()?,
            Kind::Keyword(Keyword::Externaldata | Keyword::ExternalData) => self.external_data()?,
            Kind::Keyword(Keyword::MaterializedViewCombine) => self.view_combine()?,
            Kind::Keyword(Keyword::Toscalar) => return self.scalar_subquery().map(Some),
            Kind::Keyword(Keyword::Typeof) if self.peek_at(1) == Kind::LeftParen => return self.type_of(),
            _ => match self.plain_literal()? {
                Some(literal) => ExprKind::Literal(literal),
                None => return self.name_or_call(),
            },
        };
        Ok(Some(Expr { kind, span: self.since(start) }))
    }

    fn name_or_call(&mut self) -> Parsed<Option<Expr>> {
        let start = self.here();
        if self.begins_call(0) {
            let call = self.call()?;
            return Ok(Some(Expr { kind: ExprKind::Call(call), span: self.since(start) }));
        }
        let Some(expr) = self.element()? else {
            return self.keyword_in_name_position();
        };
        if self.is(Keyword::Datascope) {
            let scope = self.expect_data_scope()?;
            let kind = ExprKind::Scoped { table: Box::new(expr), scope };
            return Ok(Some(Expr { kind, span: self.since(start) }));
        }
        Ok(Some(expr))
    }

    /// The first element of a path: a name, `[a*]`, `[expression]`, `@`.
    pub(super) fn element(&mut self) -> Parsed<Option<Expr>> {
        let start = self.here();
        let kind = if let Some(wildcard) = self.bracketed_wildcard()? {
            ExprKind::Wildcard(wildcard)
        } else if let Some(name) = self.bare_name()? {
            ExprKind::Name(name)
        } else if self.peek() == Kind::LeftBracket {
            self.bump();
            ExprKind::Bracket(Box::new(self.bracket_content()?))
        } else if self.eat(Kind::At).is_some() {
            ExprKind::At
        } else {
            return Ok(None);
        };
        Ok(Some(Expr { kind, span: self.since(start) }))
    }

    /// A reserved word before something that only follows names was meant as a name.
    fn keyword_in_name_position(&self) -> Parsed<Option<Expr>> {
        let Kind::Keyword(keyword) = self.peek() else { return Ok(None) };
        if follows_names(self.peek_at(1)) { Err(self.keyword_as_name(keyword)) } else { Ok(None) }
    }

    fn parenthesised(&mut self) -> Parsed<Expr> {
        let start = self.bump().span();
        let inner = self.expect_expr()?;
        self.close_list(Kind::RightParen, ")")?;
        Ok(Expr { kind: ExprKind::Paren(Box::new(inner)), span: self.since(start) })
    }
}

#[derive(Clone, Copy)]
enum Infix {
    Binary(BinaryOp),
    And,
    Or,
    In(InOp),
    Between(bool),
}

/// The operator between strings that a token is.
pub(super) fn string_operator(kind: Kind) -> Option<BinaryOp> {
    use BinaryOp as B;
    use Keyword as K;
    let keyword = match kind {
        Kind::EqualTilde => return Some(B::EqualTilde),
        Kind::BangTilde => return Some(B::NotEqualTilde),
        Kind::Colon => return Some(B::Search),
        Kind::Keyword(keyword) => keyword,
        _ => return None,
    };
    Some(match keyword {
        K::Has => B::Has,
        K::BangHas => B::NotHas,
        K::HasCs => B::HasCs,
        K::BangHasCs => B::NotHasCs,
        K::Hasprefix => B::HasPrefix,
        K::BangHasprefix => B::NotHasPrefix,
        K::HasprefixCs => B::HasPrefixCs,
        K::BangHasprefixCs => B::NotHasPrefixCs,
        K::Hassuffix => B::HasSuffix,
        K::BangHassuffix => B::NotHasSuffix,
        K::HassuffixCs => B::HasSuffixCs,
        K::BangHassuffixCs => B::NotHasSuffixCs,
        K::Contains => B::Contains,
        K::Notcontains | K::BangContains => B::NotContains,
        K::Containscs | K::ContainsCs => B::ContainsCs,
        K::Notcontainscs | K::BangContainsCs => B::NotContainsCs,
        K::Startswith => B::StartsWith,
        K::BangStartswith => B::NotStartsWith,
        K::StartswithCs => B::StartsWithCs,
        K::BangStartswithCs => B::NotStartsWithCs,
        K::Endswith => B::EndsWith,
        K::BangEndswith => B::NotEndsWith,
        K::EndswithCs => B::EndsWithCs,
        K::BangEndswithCs => B::NotEndsWithCs,
        K::Like => B::Like,
        K::Notlike => B::NotLike,
        K::Likecs => B::LikeCs,
        K::Notlikecs => B::NotLikeCs,
        K::MatchesRegex => B::MatchesRegex,
        _ => return None,
    })
}

/// Whether something of that kind comes after a name and not at the beginning of an expression.
fn follows_names(kind: Kind) -> bool {
    use Kind as K;
    match kind {
        K::EqualEqual | K::BangEqual | K::EqualTilde | K::BangTilde | K::Greater | K::GreaterEqual | K::Less => true,
        K::LessEqual | K::Star | K::Slash | K::Percent | K::RightParen | K::RightBracket | K::RightBrace => true,
        K::Dot | K::Comma | K::Colon | K::Bar => true,
        K::Keyword(Keyword::And | Keyword::Or | Keyword::In | Keyword::InTilde | Keyword::BangIn) => true,
        K::Keyword(Keyword::BangInTilde | Keyword::HasAny | Keyword::HasAll) => true,
        K::Keyword(Keyword::Between | Keyword::BangBetween) => true,
        kind => string_operator(kind).is_some(),
    }
}
