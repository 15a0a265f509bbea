//! Pipelines and the everyday operators.

use super::super::codes;
use super::super::keyword::Keyword;
use super::super::lexer::Kind;
use super::super::tree::{
    Argument, EvaluateSchema, Expr, ExprKind, Join, JoinCondition, Operator, OperatorKind, Options, Order, Ordered,
    Query, Reorder, Selector, Sort, Summarize,
};
use super::dispatch::OPERATORS;
use super::lists::{ANY, ListRule, SOME};
use super::names::Names;
use super::options::{self, Place};
use super::{Parsed, Parser};
use parallax_diagnostics::Diagnostic;

/// The place of settings before an expression.
const HINTS: Place = Place::before_equal(options::NONE);

impl Parser<'_> {
    /// An expression with pipes, or one that begins with an operator.
    pub(super) fn expr(&mut self) -> Parsed<Option<Expr>> {
        let (expr, height) = self.measured(Self::pipeline)?;
        if let Some(expr) = &expr {
            let own = usize::from(matches!(expr.kind, ExprKind::Query(_)));
            self.grown(height + own, expr.span)?;
        }
        Ok(expr)
    }

    pub(super) fn expect_expr(&mut self) -> Parsed<Expr> {
        match self.expr()? {
            Some(expr) => Ok(expr),
            None => Err(self.missing_expression()),
        }
    }

    pub(super) fn pipeline(&mut self) -> Parsed<Option<Expr>> {
        let start = self.here();
        let mut source = None;
        let mut operators = Vec::new();
        if self.begins_operator() {
            operators.extend(self.operator()?);
        }
        if operators.is_empty() {
            source = self.scalar()?;
        }
        if operators.is_empty() && source.is_none() {
            operators.extend(self.operator()?);
        }
        if operators.is_empty() && source.is_none() {
            return Ok(None);
        }
        self.piped(&mut operators)?;
        match source {
            Some(source) if operators.is_empty() => Ok(Some(source)),
            source => {
                let span = self.since(start);
                let query = Query { source, operators, span };
                Ok(Some(Expr { kind: ExprKind::Query(Box::new(query)), span }))
            }
        }
    }

    /// `| operator | operator …`
    pub(super) fn piped(&mut self, operators: &mut Vec<Operator>) -> Parsed<()> {
        while self.eat(Kind::Bar).is_some() {
            operators.push(self.expect_operator()?);
        }
        Ok(())
    }

    /// A pipeline over rows that come from around it, `where … | summarize …`.
    pub(super) fn expect_subquery(&mut self) -> Parsed<Query> {
        let start = self.here();
        let mut source = None;
        let mut operators = Vec::new();
        if self.is(Keyword::InternalContextualDatatable) {
            source = self.contextual_data_table().map(|kind| Some(Expr { kind, span: self.since(start) }))?;
        } else {
            operators.push(self.expect_operator()?);
        }
        self.piped(&mut operators)?;
        Ok(Query { source, operators, span: self.since(start) })
    }

    /// A pipeline that begins with an operator, if one does.
    pub(super) fn operator_query(&mut self) -> Parsed<Option<Query>> {
        let start = self.here();
        let Some(first) = self.operator()? else { return Ok(None) };
        let mut operators = vec![first];
        self.piped(&mut operators)?;
        Ok(Some(Query { source: None, operators, span: self.since(start) }))
    }

    pub(super) fn expect_operator(&mut self) -> Parsed<Operator> {
        match self.operator()? {
            Some(operator) => Ok(operator),
            None => Err(self.missing_operator()),
        }
    }

    pub(super) fn missing_operator(&self) -> Box<Diagnostic> {
        let found = self.found();
        let diagnostic = self.error(codes::EXPECTED_OPERATOR, format!("expected an operator, found {found}"));
        let word = self.text_of(self.token(0));
        let known = OPERATORS.iter().map(|k| k.text());
        let help = match (self.peek(), parallax_diagnostics::did_you_mean(word, known)) {
            (Kind::Keyword(Keyword::Count), _) => {
                "to count rows write `count`; to count in groups, `summarize count()`".to_owned()
            }
            (Kind::Identifier, Some(near)) => format!("did you mean `{near}`?"),
            (Kind::Bar, _) => "two pipes stand in a row; remove one".to_owned(),
            (Kind::End | Kind::Semicolon | Kind::RightParen, _) => {
                "remove the last `|`, or write the operator that should follow it".to_owned()
            }
            _ => "after `|` stands an operator such as where, extend, project, summarize".to_owned(),
        };
        Box::new(diagnostic.label("expected an operator").help(help))
    }

    /// An operator, settings and all.
    pub(super) fn operator(&mut self) -> Parsed<Option<Operator>> {
        let Kind::Keyword(keyword) = self.peek() else { return Ok(None) };
        let is_function = self.peek_at(1) == Kind::LeftParen && matches!(keyword, Keyword::Count | Keyword::Range);
        if is_function || !OPERATORS.contains(&keyword) {
            return Ok(None);
        }
        if keyword == Keyword::InlineExternalTable {
            return if self.begins_operator() { Err(self.unsupported_table()) } else { Ok(None) };
        }
        self.nested(|p| {
            let place = p.here();
            if keyword != Keyword::TopNested {
                p.bump();
            }
            let (kind, height) = p.measured(Self::operator_reader(keyword))?;
            p.grown(height + 1, place)?;
            Ok(Some(Operator { kind, keyword: place, span: p.since(place) }))
        })
    }

    pub(super) fn unsupported_table(&self) -> Box<Diagnostic> {
        let diagnostic = self.error(codes::UNSUPPORTED, "`inline_external_table` is not supported");
        Box::new(diagnostic.help("give the files as inputs, or use externaldata"))
    }

    pub(super) fn graph_mark_components(&mut self) -> Parsed<OperatorKind> {
        self.options(Place::before_equal(options::MARK_COMPONENTS)).map(OperatorKind::GraphMarkComponents)
    }

    pub(super) fn project_by_names(&mut self) -> Parsed<OperatorKind> {
        self.list(ANY, Self::scalar, |p| p.missing_expression()).map(OperatorKind::ProjectByNames)
    }

    pub(super) fn project_reorder(&mut self) -> Parsed<OperatorKind> {
        self.list(ANY, Self::reorder, |p| p.missing_name()).map(OperatorKind::ProjectReorder)
    }

    pub(super) fn sample(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(HINTS)?;
        Ok(OperatorKind::Sample { options, count: self.expect_named()? })
    }

    pub(super) fn serialize(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(HINTS)?;
        Ok(OperatorKind::Serialize { options, columns: self.named_list(ANY)? })
    }

    pub(super) fn take(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(HINTS)?;
        Ok(OperatorKind::Take { options, count: self.expect_named()? })
    }

    pub(super) fn as_operator(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(HINTS)?;
        Ok(OperatorKind::As { options, name: self.expect_name()? })
    }

    pub(super) fn count(&mut self) -> Parsed<OperatorKind> {
        if self.eat_keyword(Keyword::As).is_none() {
            return Ok(OperatorKind::Count(None));
        }
        if self.peek() != Kind::Identifier {
            return Err(self.missing_name());
        }
        Ok(OperatorKind::Count(Some(self.word())))
    }

    pub(super) fn distinct(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(HINTS)?;
        let column = |p: &mut Self| if p.peek() == Kind::Star { Ok(Some(p.star_argument())) } else { p.named() };
        let columns = self.list(SOME, column, |p| p.missing_expression())?;
        Ok(OperatorKind::Distinct { options, columns })
    }

    pub(super) fn evaluate(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(Place::word(options::NONE))?;
        if self.name_length(0, Names::Used).is_none() {
            return Err(self.expected("a plugin, such as `bag_unpack(…)`"));
        }
        let call = self.call()?;
        let schema = if self.eat(Kind::Colon).is_some() { Some(self.evaluate_schema()?) } else { None };
        Ok(OperatorKind::Evaluate { options, call, schema })
    }

    pub(super) fn evaluate_schema(&mut self) -> Parsed<EvaluateSchema> {
        if self.peek() != Kind::LeftParen {
            return Err(self.expected("a schema, such as `(*, Name: string)`"));
        }
        self.bump();
        self.eat(Kind::Comma);
        let star = self.eat(Kind::Star).is_some();
        self.eat(Kind::Comma);
        let columns = self.column_defs(false)?;
        self.close_list(Kind::RightParen, ")")?;
        Ok(EvaluateSchema { star, columns })
    }

    pub(super) fn filter(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(HINTS)?;
        let predicate = self.expect_named()?;
        Ok(OperatorKind::Where { options, naming: predicate.naming, predicate: predicate.value })
    }

    pub(super) fn get_schema(&mut self) -> Parsed<OperatorKind> {
        let kind = self.is(Keyword::Kind) && self.peek_at(1) == Kind::Equal;
        let options = if kind { self.options(Place::word(options::NONE))? } else { Options::default() };
        Ok(OperatorKind::GetSchema(options))
    }

    pub(super) fn invoked(&mut self) -> Parsed<Expr> {
        if !self.begins_call(0) {
            return Err(self.expected("a function, such as `f(…)`"));
        }
        let start = self.here();
        let (call, mut height) = self.measured(Self::call)?;
        height += 1;
        let mut expr = Expr { span: call.span, kind: ExprKind::Call(call) };
        while self.peek() == Kind::Dot && self.begins_call(1) {
            self.bump();
            let (call, taller) = self.measured(Self::call)?;
            let kind = ExprKind::Path { base: Box::new(expr), selector: Selector::Call(call) };
            expr = Expr { kind, span: self.since(start) };
            height = height.max(taller) + 1;
            self.grown(height, expr.span)?;
        }
        self.grown(height, expr.span)?;
        Ok(expr)
    }

    pub(super) fn join(&mut self) -> Parsed<Join> {
        let options = self.options(HINTS)?;
        let right = self.expect_scalar()?;
        let condition = if self.eat_keyword(Keyword::On).is_some() {
            Some(JoinCondition::On(self.list(SOME, Self::scalar, |p| p.missing_expression())?))
        } else if self.eat_keyword(Keyword::Where).is_some() {
            Some(JoinCondition::Where(self.expect_scalar()?))
        } else {
            None
        };
        Ok(Join { options, right, condition })
    }

    pub(super) fn lookup(&mut self) -> Parsed<Join> {
        let options = self.options(HINTS)?;
        let right = self.expect_scalar()?;
        self.expect_keyword(Keyword::On)?;
        let keys = self.list(SOME, Self::scalar, |p| p.missing_expression())?;
        Ok(Join { options, right, condition: Some(JoinCondition::On(keys)) })
    }

    /// Names and wildcards.
    pub(super) fn name_patterns(&mut self) -> Parsed<Vec<Expr>> {
        self.list(ANY, Self::name_pattern, |p| p.missing_name())
    }

    pub(super) fn name_pattern(&mut self) -> Parsed<Option<Expr>> {
        if let Some(wildcard) = self.wildcard() {
            let span = wildcard.span;
            return Ok(Some(Expr { kind: ExprKind::Wildcard(wildcard), span }));
        }
        Ok(self.name()?.map(options::name_expr))
    }

    pub(super) fn reorder(&mut self) -> Parsed<Option<Reorder>> {
        let Some(column) = self.name_pattern()? else { return Ok(None) };
        Ok(Some(Reorder { column, order: self.order() }))
    }

    pub(super) fn order(&mut self) -> Option<Order> {
        let order = match self.peek() {
            Kind::Keyword(Keyword::Asc) => Order::Asc,
            Kind::Keyword(Keyword::Desc) => Order::Desc,
            Kind::Keyword(Keyword::GrannyAsc) => Order::GrannyAsc,
            Kind::Keyword(Keyword::GrannyDesc) => Order::GrannyDesc,
            _ => return None,
        };
        self.bump();
        Some(order)
    }

    pub(super) fn ordered(&mut self) -> Parsed<Option<Ordered>> {
        let Some(value) = self.named()? else { return Ok(None) };
        let order = self.order();
        let nulls_first = if self.eat_keyword(Keyword::Nulls).is_none() {
            None
        } else if self.eat_keyword(Keyword::First).is_some() {
            Some(true)
        } else if self.eat_keyword(Keyword::Last).is_some() {
            Some(false)
        } else {
            return Err(self.expected("`first` or `last`"));
        };
        Ok(Some(Ordered { value, order, nulls_first }))
    }

    pub(super) fn expect_ordered(&mut self) -> Parsed<Ordered> {
        match self.ordered()? {
            Some(ordered) => Ok(ordered),
            None => Err(self.missing_expression()),
        }
    }

    pub(super) fn range(&mut self) -> Parsed<OperatorKind> {
        let name = self.expect_name()?;
        self.expect_keyword(Keyword::From)?;
        let from = self.expect_scalar()?;
        self.expect_keyword(Keyword::To)?;
        let to = self.expect_scalar()?;
        self.expect_keyword(Keyword::Step)?;
        let step = self.expect_scalar()?;
        Ok(OperatorKind::Range { name, from, to, step })
    }

    pub(super) fn reduce(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(Place::word(options::REDUCE))?;
        self.expect_keyword(Keyword::By)?;
        let by = self.expect_named()?;
        let with = if self.eat_keyword(Keyword::With).is_some() {
            self.option_list(Place::word(options::REDUCE))?
        } else {
            Options::default()
        };
        Ok(OperatorKind::Reduce { options, by, with })
    }

    pub(super) fn sample_distinct(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(HINTS)?;
        let count = self.expect_named()?;
        self.expect_keyword(Keyword::Of)?;
        Ok(OperatorKind::SampleDistinct { options, count, of: self.expect_named()? })
    }

    pub(super) fn sort(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(Place::word(options::NONE))?;
        self.expect_keyword(Keyword::By)?;
        let by = self.list(SOME, Self::ordered, |p| p.missing_expression())?;
        Ok(OperatorKind::Sort(Sort { options, by }))
    }

    pub(super) fn summarize(&mut self) -> Parsed<Summarize> {
        let options = self.options(HINTS)?;
        let aggregates = self.named_list(ListRule { ends: &[Keyword::By], ..ANY })?;
        if self.eat_keyword(Keyword::By).is_none() {
            return Ok(Summarize { options, aggregates, by: None, bin: None });
        }
        let end = |p: &Self| p.at_common_end() || p.legacy_bin_ahead();
        let by = self.list_until(end, SOME, Self::named, |p| p.missing_expression())?;
        let bin = if self.legacy_bin_ahead() {
            self.bump();
            self.bump();
            Some(self.expect_scalar()?)
        } else {
            None
        };
        Ok(Summarize { options, aggregates, by: Some(by), bin })
    }

    /// `bin = literal`
    pub(super) fn legacy_bin_ahead(&self) -> bool {
        let literal = matches!(
            self.peek_at(2),
            Kind::String | Kind::Bool | Kind::Long | Kind::Real | Kind::Timespan | Kind::Typed(_) | Kind::RawGuid
        );
        self.is(Keyword::Bin) && self.peek_at(1) == Kind::Equal && literal
    }

    pub(super) fn top(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(HINTS)?;
        let count = self.expect_named()?;
        self.expect_keyword(Keyword::By)?;
        Ok(OperatorKind::Top { options, count, by: self.expect_ordered()? })
    }

    pub(super) fn top_hitters(&mut self) -> Parsed<OperatorKind> {
        let count = self.expect_named()?;
        self.expect_keyword(Keyword::Of)?;
        let of = self.expect_named()?;
        let by: Option<Argument> =
            if self.eat_keyword(Keyword::By).is_some() { Some(self.expect_named()?) } else { None };
        Ok(OperatorKind::TopHitters { count, of, by })
    }
}
