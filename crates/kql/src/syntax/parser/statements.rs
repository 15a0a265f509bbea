//! Statements, functions and patterns.

use super::super::codes;
use super::super::keyword::Keyword;
use super::super::lexer::Kind;
use super::super::tree::{
    Argument, Body, Call, Expr, ExprKind, Function, Let, LetValue, Naming, Parameter, Pattern, PatternDefinition,
    PatternMatch, Statement, StatementKind,
};
use super::lists::ListRule;
use super::names::Names;
use super::options::name_expr;
use super::{Parsed, Parser};
use parallax_diagnostics::Diagnostic;

impl Parser<'_> {
    /// Statements separated by `;`, up to something that begins none.
    pub(super) fn statements(&mut self) -> Parsed<Vec<Statement>> {
        let mut statements = Vec::new();
        while let Some(statement) = self.statement()? {
            statements.push(statement);
            if self.eat(Kind::Semicolon).is_none() {
                break;
            }
        }
        if self.begins_statement() && !statements.is_empty() {
            return Err(self.missing_semicolon());
        }
        Ok(statements)
    }

    /// Whether another statement stands where the last one should have ended.
    fn begins_statement(&self) -> bool {
        if self.at > 0 && self.tokens[self.at - 1].kind == Kind::Semicolon {
            return false;
        }
        self.is_statement()
            || matches!(self.peek(), Kind::Identifier | Kind::String | Kind::Long | Kind::Real | Kind::Bool)
            || matches!(self.peek(), Kind::Timespan | Kind::Typed(_) | Kind::LeftBracket | Kind::LeftParen)
            || matches!(self.peek(), Kind::Keyword(k) if k.is_name())
            || self.begins_operator()
    }

    fn missing_semicolon(&self) -> Box<Diagnostic> {
        let found = self.found();
        let message = format!("expected an operator, `,`, `|` or `;` before {found}");
        let diagnostic = Diagnostic::error(codes::MISSING_SEPARATOR, self.here(), message).label("not expected here");
        Box::new(match self.separator_help() {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        })
    }

    fn separator_help(&self) -> Option<String> {
        let word = self.text_of(self.token(0));
        let before = self.at.checked_sub(1).map_or("", |i| self.text_of(self.tokens[i]));
        if self.is(Keyword::Let) {
            return Some("end the statement before `let` with `;`".to_owned());
        }
        if self.begins_operator() {
            return Some(format!("put `|` before `{word}`, or `;` if a new statement begins"));
        }
        if before == "not" {
            return Some("negation is a function: not(…)".to_owned());
        }
        if matches!(before, "kind" | "withsource" | "isfuzzy" | "flags") || before.starts_with("hint.") {
            return Some(format!("a setting is written with `=`: {before}={word}"));
        }
        if word == "matches" {
            return Some("the operator is `matches regex`, with one space".to_owned());
        }
        if word == "not" {
            return Some("negated operators are written with `!`, as in `!in`, `!has`, `!contains`".to_owned());
        }
        let lower = word.to_ascii_lowercase();
        let negated = lower.strip_prefix("not").map(|rest| format!("!{}", rest.trim_start_matches('_')));
        if let Some(known) = negated.as_deref().and_then(Keyword::exact) {
            return Some(format!("did you mean `{}`?", known.text()));
        }
        let operators = Keyword::ALL.iter().map(|k| k.text()).filter(|t| is_infix_word(t));
        parallax_diagnostics::did_you_mean(word, operators).map(|near| format!("did you mean `{near}`?"))
    }

    /// Whether a statement other than a query stands here; its first word alone may be a name.
    fn is_statement(&self) -> bool {
        let next = self.peek_at(1);
        match self.peek() {
            Kind::Keyword(Keyword::Alias) => next == Kind::Keyword(Keyword::Database),
            Kind::Keyword(Keyword::Let) => self.name_length(1, Names::Used).is_some(),
            Kind::Keyword(Keyword::Declare) => {
                matches!(next, Kind::Keyword(Keyword::Pattern | Keyword::QueryParameters))
            }
            Kind::Keyword(Keyword::Restrict) => next == Kind::Keyword(Keyword::Access),
            Kind::Keyword(Keyword::Set) => true,
            _ => false,
        }
    }

    fn statement(&mut self) -> Parsed<Option<Statement>> {
        let start = self.here();
        let kind = if self.is_statement() {
            match self.peek() {
                Kind::Keyword(Keyword::Alias) => self.alias()?,
                Kind::Keyword(Keyword::Let) => StatementKind::Let(self.let_statement()?),
                Kind::Keyword(Keyword::Set) => self.set()?,
                Kind::Keyword(Keyword::Restrict) => self.restrict()?,
                _ if self.peek_at(1) == Kind::Keyword(Keyword::Pattern) => self.pattern()?,
                _ => self.query_parameters()?,
            }
        } else {
            if self.is(Keyword::Let) && self.peek_at(1) == Kind::Equal {
                self.bump();
                return Err(self.missing_name());
            }
            if self.is(Keyword::Let) && matches!(self.peek_at(1), Kind::Keyword(_)) && self.peek_at(2) == Kind::Equal {
                self.bump();
                return Err(self.missing_name());
            }
            match self.expr()? {
                Some(expr) => StatementKind::Query(expr),
                None => return Ok(None),
            }
        };
        Ok(Some(Statement { kind, span: self.since(start) }))
    }

    fn alias(&mut self) -> Parsed<StatementKind> {
        self.bump();
        self.expect_keyword(Keyword::Database)?;
        let name = self.expect_name()?;
        self.expect(Kind::Equal, "=")?;
        let value = self.expect_scalar()?;
        Ok(StatementKind::Alias { name, value })
    }

    fn set(&mut self) -> Parsed<StatementKind> {
        self.bump();
        let name = self.expect_name()?;
        let value = if self.eat(Kind::Equal).is_some() { Some(self.expect_scalar()?) } else { None };
        Ok(StatementKind::Set { name, value })
    }

    fn restrict(&mut self) -> Parsed<StatementKind> {
        self.bump();
        self.expect_keyword(Keyword::Access)?;
        self.expect_keyword(Keyword::To)?;
        self.expect(Kind::LeftParen, "(")?;
        let rule = ListRule { some: true, ..ListRule::default() };
        let entities = self.list(rule, Self::wildcarded_entity, |p| p.missing_name())?;
        self.close_list(Kind::RightParen, ")")?;
        let with = self.with_clause()?;
        Ok(StatementKind::Restrict { entities, with })
    }

    fn let_statement(&mut self) -> Parsed<Let> {
        self.bump();
        let name = self.expect_name()?;
        self.expect(Kind::Equal, "=")?;
        let value = if self.is(Keyword::Materialize) {
            LetValue::Expr(self.materialize()?)
        } else if self.is(Keyword::EntityGroup) {
            self.entity_group_value()?
        } else if self.begins_function() {
            LetValue::Function(self.function()?)
        } else {
            LetValue::Expr(self.expect_expr()?)
        };
        Ok(Let { name, value })
    }

    fn materialize(&mut self) -> Parsed<Expr> {
        let start = self.here();
        let name = self.word();
        self.expect(Kind::LeftParen, "(")?;
        let (value, height) = self.measured(Self::expect_expr)?;
        self.close_list(Kind::RightParen, ")")?;
        let span = self.since(start);
        self.grown(height + 1, span)?;
        let argument = Argument { naming: Naming::None, span: value.span, value };
        Ok(Expr { kind: ExprKind::Call(Call { name, arguments: vec![argument], span }), span })
    }

    fn entity_group_value(&mut self) -> Parsed<LetValue> {
        if self.begins_call(0) {
            let call = self.call()?;
            let span = call.span;
            return Ok(LetValue::Expr(Expr { kind: ExprKind::Call(call), span }));
        }
        self.bump();
        self.entity_group_members().map(LetValue::EntityGroup)
    }

    /// `[ … ]` after `entity_group`.
    pub(super) fn entity_group_members(&mut self) -> Parsed<Vec<Expr>> {
        self.expect(Kind::LeftBracket, "[")?;
        let rule = ListRule { some: true, ..ListRule::default() };
        let members = self.list(rule, Self::scalar, |p| p.missing_expression())?;
        self.close_list(Kind::RightBracket, "]")?;
        Ok(members)
    }

    /// Whether `(name:` or `()` or `(*` makes what follows a function's declaration.
    fn begins_function(&self) -> bool {
        let ahead = usize::from(self.is(Keyword::View));
        if self.peek_at(ahead) != Kind::LeftParen {
            return false;
        }
        if matches!(self.peek_at(ahead + 1), Kind::RightParen | Kind::Star) {
            return true;
        }
        let name = self.name_length(ahead + 1, Names::Declared);
        name.is_some_and(|n| self.peek_at(ahead + 1 + n) == Kind::Colon)
    }

    fn function(&mut self) -> Parsed<Function> {
        let start = self.here();
        let view = self.eat_keyword(Keyword::View).is_some();
        self.expect(Kind::LeftParen, "(")?;
        let parameters = self.parameters(false)?;
        self.close_list(Kind::RightParen, ")")?;
        let body = self.body(true)?;
        Ok(Function { view, parameters, body, span: self.since(start) })
    }

    /// `name:type = default, …`
    pub(super) fn parameters(&mut self, some: bool) -> Parsed<Vec<Parameter>> {
        let rule = ListRule { some, ..ListRule::default() };
        self.list(rule, Self::parameter, |p| p.expected("a parameter, `name: type`"))
    }

    fn parameter(&mut self) -> Parsed<Option<Parameter>> {
        let start = self.here();
        let Some(column) = self.column_def()? else { return Ok(None) };
        let default = if self.eat(Kind::Equal).is_some() { Some(self.default_value()?) } else { None };
        Ok(Some(Parameter { name: column.name, ty: column.ty, default, span: self.since(start) }))
    }

    fn default_value(&mut self) -> Parsed<Expr> {
        if let Some(literal) = self.literal()? {
            return Ok(literal);
        }
        if self.is_word(0, Names::Used) {
            let word = self.word();
            return Ok(name_expr(word));
        }
        Err(self.missing_value())
    }

    /// `{ let …; value }`
    fn body(&mut self, parameters: bool) -> Parsed<Body> {
        let start = self.here();
        self.expect(Kind::LeftBrace, "{")?;
        self.nested(|p| {
            let mut statements = Vec::new();
            loop {
                let at = p.here();
                let kind = match p.peek() {
                    Kind::Keyword(Keyword::Let) => StatementKind::Let(p.let_statement()?),
                    Kind::Keyword(Keyword::Declare) if parameters => p.query_parameters()?,
                    _ => break,
                };
                statements.push(Statement { kind, span: p.since(at) });
                p.expect(Kind::Semicolon, ";")?;
            }
            let value = p.expr()?.map(Box::new);
            p.eat(Kind::Semicolon);
            p.expect(Kind::RightBrace, "}")?;
            Ok(Body { statements, value, span: p.since(start) })
        })
    }

    fn query_parameters(&mut self) -> Parsed<StatementKind> {
        self.bump();
        self.expect_keyword(Keyword::QueryParameters)?;
        self.expect(Kind::LeftParen, "(")?;
        let parameters = self.parameters(true)?;
        self.close_list(Kind::RightParen, ")")?;
        Ok(StatementKind::QueryParameters(parameters))
    }

    fn pattern(&mut self) -> Parsed<StatementKind> {
        self.bump();
        self.bump();
        let name = self.expect_name()?;
        let definition = if self.eat(Kind::Equal).is_some() { Some(self.pattern_definition()?) } else { None };
        Ok(StatementKind::Pattern(Pattern { name, definition }))
    }

    fn pattern_definition(&mut self) -> Parsed<PatternDefinition> {
        self.expect(Kind::LeftParen, "(")?;
        let parameters = self.list(ListRule::default(), Self::column_def, |p| p.expected("`name: type`"))?;
        self.close_list(Kind::RightParen, ")")?;
        let path = if self.eat(Kind::LeftBracket).is_some() {
            let column = self.column_def()?.ok_or_else(|| self.missing_name())?;
            self.expect(Kind::RightBracket, "]")?;
            Some(column)
        } else {
            None
        };
        self.expect(Kind::LeftBrace, "{")?;
        let mut matches = vec![self.pattern_match()?];
        while !self.at_common_end() {
            matches.push(self.pattern_match()?);
        }
        self.expect(Kind::RightBrace, "}")?;
        Ok(PatternDefinition { parameters, path, matches })
    }

    fn pattern_match(&mut self) -> Parsed<PatternMatch> {
        let start = self.here();
        self.expect(Kind::LeftParen, "(")?;
        let rule = ListRule { some: true, ..ListRule::default() };
        let arguments = self.list(rule, Self::scalar, |p| p.missing_value())?;
        self.close_list(Kind::RightParen, ")")?;
        let path = if self.eat(Kind::Dot).is_some() {
            self.expect(Kind::LeftBracket, "[")?;
            let value = self.literal()?.ok_or_else(|| self.missing_value())?;
            self.expect(Kind::RightBracket, "]")?;
            Some(value)
        } else {
            None
        };
        self.expect(Kind::Equal, "=")?;
        let body = self.body(false)?;
        self.expect(Kind::Semicolon, ";")?;
        Ok(PatternMatch { arguments, path, body, span: self.since(start) })
    }
}

/// Whether a word stands between two operands.
fn is_infix_word(text: &str) -> bool {
    let plain = text.trim_start_matches('!');
    let families = ["has", "contains", "startswith", "endswith", "in", "between", "and", "or", "matches", "like"];
    families.iter().any(|f| plain.starts_with(f)) && !plain.starts_with("int") && !plain.starts_with("inv")
}
