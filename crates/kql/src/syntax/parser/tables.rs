//! Tables: inline data, entities, unions, and operators with queries of their own.

use super::super::codes;
use super::super::keyword::Keyword;
use super::super::lexer::Kind;
use super::super::tree::{
    DataTable, Expr, ExprKind, ExternalData, FacetWith, Find, FindColumn, ForkBranch, MaterializedViewCombine,
    Operator, OperatorKind, Options, Partition, PartitionBody, Query, Search, Selector,
};
use super::lists::ListRule;
use super::names::Names;
use super::options::{self, Place};
use super::{Parsed, Parser};

const SOME: ListRule<'static> = ListRule { some: true, trailing: false, ends: &[] };
const TRAILING: ListRule<'static> = ListRule { some: false, trailing: true, ends: &[] };

/// What `render` draws.
pub(super) const CHARTS: &[&str] = &[
    "table",
    "list",
    "barchart",
    "piechart",
    "ladderchart",
    "timechart",
    "linechart",
    "anomalychart",
    "pivotchart",
    "areachart",
    "stackedareachart",
    "scatterchart",
    "timepivot",
    "columnchart",
    "timeline",
    "3Dchart",
    "card",
    "treemap",
    "plotly",
    "graph",
    "sankey",
];

impl Parser<'_> {
    pub(super) fn data_table(&mut self) -> Parsed<ExprKind> {
        self.bump();
        let options = self.options(Place::word(options::NONE))?;
        let schema = self.expect_schema()?;
        self.expect(Kind::LeftBracket, "[")?;
        self.eat(Kind::Comma);
        let values = self.list(TRAILING, Self::literal, |p| p.missing_value())?;
        if self.peek() != Kind::RightBracket && matches!(self.peek(), Kind::Identifier | Kind::LeftParen) {
            let diagnostic = self.missing_value();
            return Err(Box::new(
                diagnostic.help("the values of a datatable are literals; to compute one, use print or extend"),
            ));
        }
        self.close_list(Kind::RightBracket, "]")?;
        Ok(ExprKind::DataTable(Box::new(DataTable { options, schema, values })))
    }

    pub(super) fn contextual_data_table(&mut self) -> Parsed<ExprKind> {
        self.bump();
        let id = match self.literal()? {
            Some(id) => id,
            None => self.expect_scalar()?,
        };
        let schema = self.expect_schema()?;
        Ok(ExprKind::ContextualDataTable { id: Box::new(id), schema })
    }

    pub(super) fn external_data(&mut self) -> Parsed<ExprKind> {
        self.bump();
        let options = self.options(Place::word(options::NONE))?;
        let schema = self.expect_schema()?;
        self.expect(Kind::LeftBracket, "[")?;
        let storage = self.list(TRAILING, Self::expr, |p| p.missing_value())?;
        self.close_list(Kind::RightBracket, "]")?;
        let with = self.with_clause()?;
        Ok(ExprKind::ExternalData(Box::new(ExternalData { options, schema, storage, with })))
    }

    pub(super) fn view_combine(&mut self) -> Parsed<ExprKind> {
        self.bump();
        let name = self.parenthesised_expr()?;
        self.expect_word("base")?;
        let base = self.parenthesised_expr()?;
        self.expect_word("delta")?;
        let delta = self.parenthesised_expr()?;
        self.expect_word("aggregations")?;
        self.expect(Kind::LeftParen, "(")?;
        let keyword = self.expect_keyword(Keyword::Summarize)?.span();
        let kind = OperatorKind::Summarize(self.nested(Self::summarize)?);
        let aggregations = Operator { kind, keyword, span: self.since(keyword) };
        self.close_list(Kind::RightParen, ")")?;
        Ok(ExprKind::MaterializedViewCombine(Box::new(MaterializedViewCombine { name, base, delta, aggregations })))
    }

    fn expect_word(&mut self, word: &str) -> Parsed<()> {
        match self.eat_spelled(word) {
            Some(_) => Ok(()),
            None => Err(self.expected(&format!("`{word}`"))),
        }
    }

    fn parenthesised_expr(&mut self) -> Parsed<Expr> {
        self.expect(Kind::LeftParen, "(")?;
        let expr = self.nested(Self::expect_expr)?;
        self.close_list(Kind::RightParen, ")")?;
        Ok(expr)
    }

    pub(super) fn scalar_subquery(&mut self) -> Parsed<Expr> {
        let (start, no_optimization, query) = self.converted_subquery()?;
        Ok(Expr { kind: ExprKind::ToScalar { no_optimization, query }, span: self.since(start) })
    }

    pub(super) fn table_subquery(&mut self) -> Parsed<Expr> {
        let (start, no_optimization, query) = self.converted_subquery()?;
        Ok(Expr { kind: ExprKind::ToTable { no_optimization, query }, span: self.since(start) })
    }

    fn converted_subquery(&mut self) -> Parsed<(parallax_diagnostics::Span, bool, Box<Expr>)> {
        let start = self.bump().span();
        let no_optimization = self.no_optimization()?;
        let query = Box::new(self.parenthesised_expr()?);
        Ok((start, no_optimization, query))
    }

    /// A table by name, wildcard, path or call: what `union` and `find … in` take.
    pub(super) fn wildcarded_entity(&mut self) -> Parsed<Option<Expr>> {
        let start = self.here();
        if let Some(wildcard) = self.wildcard() {
            return Ok(Some(Expr { span: wildcard.span, kind: ExprKind::Wildcard(wildcard) }));
        }
        let (first, mut height) = self.measured(Self::element_or_call)?;
        height += 1;
        let Some(mut expr) = first else { return Ok(None) };
        while matches!(self.peek(), Kind::Dot | Kind::LeftBracket) {
            let (kind, taller) = self.measured(|p| p.entity_step(expr))?;
            let wildcard = matches!(&kind, ExprKind::Path { selector: Selector::Wildcard(w), .. } if !w.bracketed);
            expr = Expr { kind, span: self.since(start) };
            height = height.max(taller) + 1;
            self.grown(height, expr.span)?;
            if wildcard {
                break; // nothing follows a wildcard
            }
        }
        self.grown(height, expr.span)?;
        Ok(Some(expr))
    }

    /// `.name`, `.V*`, `.call(…)` or `[index]` behind an entity.
    fn entity_step(&mut self, base: Expr) -> Parsed<ExprKind> {
        if self.peek() == Kind::LeftBracket {
            return self.entity_index(base);
        }
        self.bump();
        let selector = match self.wildcard() {
            Some(wildcard) => Selector::Wildcard(wildcard),
            None => self.selector()?,
        };
        Ok(ExprKind::Path { base: Box::new(base), selector })
    }

    fn element_or_call(&mut self) -> Parsed<Option<Expr>> {
        if self.begins_call(0) {
            let call = self.nested(Self::call)?;
            return Ok(Some(Expr { span: call.span, kind: ExprKind::Call(call) }));
        }
        self.element()
    }

    fn entity_index(&mut self, base: Expr) -> Parsed<ExprKind> {
        if let Some(wildcard) = self.bracketed_wildcard()? {
            return Ok(ExprKind::Path { base: Box::new(base), selector: Selector::Wildcard(wildcard) });
        }
        self.bump();
        let index = self.expect_scalar()?;
        self.expect(Kind::RightBracket, "]")?;
        Ok(ExprKind::Index { base: Box::new(base), index: Box::new(index) })
    }

    /// `a.b['c']`: names alone.
    fn simple_path(&mut self) -> Parsed<Option<Expr>> {
        let start = self.here();
        let (first, mut height) = self.measured(Self::element)?;
        height += 1;
        let Some(mut expr) = first else { return Ok(None) };
        while matches!(self.peek(), Kind::Dot | Kind::LeftBracket) {
            let (kind, taller) = self.measured(|p| p.simple_step(expr))?;
            expr = Expr { kind, span: self.since(start) };
            height = height.max(taller) + 1;
            self.grown(height, expr.span)?;
        }
        self.grown(height, expr.span)?;
        Ok(Some(expr))
    }

    /// `.name` or `[index]` behind a column.
    fn simple_step(&mut self, base: Expr) -> Parsed<ExprKind> {
        if self.peek() == Kind::LeftBracket {
            return self.entity_index(base);
        }
        self.bump();
        if self.begins_call(0) {
            let name = self.expect_name()?;
            let message = format!("`{}` cannot be called here; a column is expected", name.text);
            return Err(Box::new(parallax_diagnostics::Diagnostic::error(codes::UNEXPECTED, name.span, message)));
        }
        Ok(ExprKind::Path { base: Box::new(base), selector: self.selector()? })
    }

    pub(super) fn expect_simple_path(&mut self) -> Parsed<Expr> {
        match self.simple_path()? {
            Some(path) => Ok(path),
            None => Err(self.missing_name()),
        }
    }

    pub(super) fn facet(&mut self) -> Parsed<OperatorKind> {
        self.expect_keyword(Keyword::By)?;
        let rule = ListRule { ends: &[Keyword::With], ..SOME };
        let by = self.list(rule, Self::simple_path, |p| p.missing_name())?;
        if self.eat_keyword(Keyword::With).is_none() {
            return Ok(OperatorKind::Facet { by, with: None });
        }
        let with = if self.eat(Kind::LeftParen).is_some() {
            let query = match self.operator_query()? {
                Some(query) => query,
                None => return Err(self.expected("an operator")),
            };
            self.close_list(Kind::RightParen, ")")?;
            FacetWith::Query(query)
        } else {
            FacetWith::Operator(Box::new(self.expect_operator()?))
        };
        Ok(OperatorKind::Facet { by, with: Some(with) })
    }

    pub(super) fn find(&mut self) -> Parsed<OperatorKind> {
        let scope = if self.is(Keyword::Datascope) { Some(self.expect_data_scope()?) } else { None };
        let options = self.options(Place::word(options::NONE))?;
        let tables = self.in_clause()?;
        if !options.0.is_empty() || tables.is_some() {
            self.expect_keyword(Keyword::Where)?;
        } else {
            self.eat_keyword(Keyword::Where);
        }
        let predicate = self.expect_scalar()?;
        let smart = self.is(Keyword::ProjectSmart);
        let project = if self.eat_keyword(Keyword::ProjectSmart).is_some() {
            None
        } else if self.eat_keyword(Keyword::Project).is_some() {
            Some(self.find_columns()?)
        } else {
            None
        };
        let away =
            if self.eat_keyword(Keyword::InternalProjectAway).is_some() { Some(self.find_columns()?) } else { None };
        Ok(OperatorKind::Find(Box::new(Find { scope, options, tables, predicate, project, smart, away })))
    }

    fn find_columns(&mut self) -> Parsed<Vec<FindColumn>> {
        self.list(SOME, Self::find_column, |p| p.missing_name())
    }

    fn find_column(&mut self) -> Parsed<Option<FindColumn>> {
        let start = self.here();
        if self.eat_keyword(Keyword::Pack).is_some() {
            self.expect(Kind::LeftParen, "(")?;
            self.expect(Kind::Star, "*")?;
            self.expect(Kind::RightParen, ")")?;
            return Ok(Some(FindColumn::Pack(self.since(start))));
        }
        if self.eat(Kind::Star).is_some() {
            return Ok(Some(FindColumn::Star(start)));
        }
        let Some(name) = self.name()? else { return Ok(None) };
        let ty = if self.eat(Kind::Colon).is_some() { Some(self.expect_scalar_type()?) } else { None };
        Ok(Some(FindColumn::Column { name, ty }))
    }

    /// `in (T, U*, database("d").V)`
    fn in_clause(&mut self) -> Parsed<Option<Vec<Expr>>> {
        if self.eat_keyword(Keyword::In).is_none() {
            return Ok(None);
        }
        self.expect(Kind::LeftParen, "(")?;
        let tables = self.list(SOME, Self::find_operand, |p| p.missing_name())?;
        self.close_list(Kind::RightParen, ")")?;
        Ok(Some(tables))
    }

    fn find_operand(&mut self) -> Parsed<Option<Expr>> {
        let start = self.here();
        let at = self.at;
        // `T | as Name` is the one pipeline that may stand here.
        let element = if self.wildcard_length(0).is_some() { None } else { self.named_element()? };
        if let Some(source) = element
            && self.eat(Kind::Bar).is_some()
        {
            if !self.is(Keyword::As) {
                return Err(self.expected("`as`"));
            }
            let operators = vec![self.expect_operator()?];
            let span = self.since(start);
            let query = Query { source: Some(source), operators, span };
            return Ok(Some(Expr { kind: ExprKind::Query(Box::new(query)), span }));
        }
        self.at = at;
        self.wildcarded_entity()
    }

    fn named_element(&mut self) -> Parsed<Option<Expr>> {
        let is_name = self.peek() != Kind::LeftBracket || self.name_length(0, Names::Used).is_some();
        if is_name || self.wildcard_length(1).is_some() { self.element() } else { Ok(None) }
    }

    pub(super) fn search(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(Place::before_equal(options::NONE))?;
        let scope = if self.is(Keyword::Datascope) { Some(self.expect_data_scope()?) } else { None };
        let tables = self.in_clause()?;
        let predicate = self.search_predicate()?;
        Ok(OperatorKind::Search(Box::new(Search { options, scope, tables, predicate })))
    }

    /// An expression; `*` alone, or before the first `and`, means everything.
    fn search_predicate(&mut self) -> Parsed<Expr> {
        if let Some(predicate) = self.scalar()? {
            return Ok(predicate);
        }
        let start = self.here();
        if self.eat(Kind::Star).is_none() {
            return Err(self.missing_expression());
        }
        let star = Expr { kind: ExprKind::Star, span: start };
        if self.eat_keyword(Keyword::And).is_none() {
            return Ok(star);
        }
        let rest = self.expect_scalar()?;
        Ok(Expr { kind: ExprKind::And(vec![star, rest]), span: self.since(start) })
    }

    pub(super) fn fork(&mut self) -> Parsed<OperatorKind> {
        let mut branches = vec![match self.fork_branch()? {
            Some(branch) => branch,
            None => return Err(self.expected("`(`")),
        }];
        while let Some(branch) = self.fork_branch()? {
            branches.push(branch);
        }
        Ok(OperatorKind::Fork(branches))
    }

    fn fork_branch(&mut self) -> Parsed<Option<ForkBranch>> {
        let named = self.name_length(0, Names::Used).is_some_and(|n| self.peek_at(n) == Kind::Equal);
        let name = if named {
            let name = self.expect_name()?;
            self.bump();
            Some(name)
        } else {
            None
        };
        if self.peek() != Kind::LeftParen {
            return if named { Err(self.expected("`(`")) } else { Ok(None) };
        }
        self.bump();
        let query = self.subquery_expr()?;
        self.close_list(Kind::RightParen, ")")?;
        Ok(Some(ForkBranch { name, query }))
    }

    /// A pipeline that begins with an operator, else any expression.
    fn subquery_expr(&mut self) -> Parsed<Expr> {
        match self.operator_query()? {
            Some(query) => Ok(Expr { span: query.span, kind: ExprKind::Query(Box::new(query)) }),
            None => self.nested(Self::expect_expr),
        }
    }

    pub(super) fn partition(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(Place::word(options::PARTITION))?;
        self.expect_keyword(Keyword::By)?;
        let by = self.expect_simple_path()?;
        let scope = if self.eat_keyword(Keyword::In).is_some() { Some(self.partition_scope()?) } else { None };
        let body = if self.eat(Kind::LeftBrace).is_some() {
            let query = self.nested(Self::expect_expr)?;
            self.expect(Kind::RightBrace, "}")?;
            PartitionBody::Query(query)
        } else {
            self.expect(Kind::LeftParen, "(")?;
            let query = self.expect_subquery()?;
            self.close_list(Kind::RightParen, ")")?;
            PartitionBody::Subquery(query)
        };
        Ok(OperatorKind::Partition(Box::new(Partition { options, by, scope, body })))
    }

    fn partition_scope(&mut self) -> Parsed<Expr> {
        let start = self.here();
        if self.begins_call(0) {
            let call = self.call()?;
            return Ok(Expr { span: call.span, kind: ExprKind::Call(call) });
        }
        match self.plain_literal()? {
            Some(literal @ super::super::tree::Literal::Dynamic(_)) => {
                Ok(Expr { kind: ExprKind::Literal(literal), span: self.since(start) })
            }
            _ => Err(self.missing_expression()),
        }
    }

    pub(super) fn partition_by(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(Place::word(options::PARTITION))?;
        let by = self.expect_simple_path()?;
        let id = if self.eat_keyword(Keyword::Id).is_some() {
            Some(self.literal()?.ok_or_else(|| self.missing_value())?)
        } else {
            None
        };
        self.expect(Kind::LeftParen, "(")?;
        let query = Box::new(self.expect_subquery()?);
        self.close_list(Kind::RightParen, ")")?;
        Ok(OperatorKind::PartitionBy { options, by, id, query })
    }

    pub(super) fn union(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(Place::before_equal(options::UNION))?;
        let table =
            |p: &mut Self| if p.peek() == Kind::LeftParen { p.scalar_parenthesised() } else { p.wildcarded_entity() };
        let tables = self.list(SOME, table, |p| p.missing_expression())?;
        Ok(OperatorKind::Union { options, tables })
    }

    fn scalar_parenthesised(&mut self) -> Parsed<Option<Expr>> {
        let start = self.here();
        let inner = self.parenthesised_expr()?;
        Ok(Some(Expr { kind: ExprKind::Paren(Box::new(inner)), span: self.since(start) }))
    }

    pub(super) fn macro_expand(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(Place::before_equal(options::UNION))?;
        let start = self.here();
        let mut members = None;
        let group = if self.is(Keyword::EntityGroup) && !self.begins_call(0) {
            let name = self.word();
            members = Some(self.entity_group_members()?);
            options::name_expr(name)
        } else if self.is(Keyword::EntityGroup) {
            let call = self.call()?;
            Expr { kind: ExprKind::Call(call), span: self.since(start) }
        } else if self.begins_call(0) && matches!(self.text_of(self.token(0)), "database" | "cluster") {
            self.wildcarded_entity()?.ok_or_else(|| self.missing_name())?
        } else {
            options::name_expr(self.expect_name()?)
        };
        let scope = if self.eat_keyword(Keyword::As).is_some() { Some(self.expect_name()?) } else { None };
        self.expect(Kind::LeftParen, "(")?;
        let statements = self.statements()?;
        self.close_list(Kind::RightParen, ")")?;
        Ok(OperatorKind::MacroExpand { options, group, members, scope, statements })
    }

    pub(super) fn render(&mut self) -> Parsed<OperatorKind> {
        let chart = match self.one_of(CHARTS) {
            Some(Expr { kind: ExprKind::Name(chart), .. }) => chart,
            _ if self.peek() == Kind::Identifier => self.word(),
            _ => return Err(self.expected_one_of(CHARTS)),
        };
        let mut deprecated = Vec::new();
        while let Some(option) = self.deprecated_render_option()? {
            deprecated.push(option);
        }
        let with = if self.eat_keyword(Keyword::With).is_some() {
            self.expect(Kind::LeftParen, "(")?;
            self.eat(Kind::Comma);
            let options = self.option_list(Place::declared(options::RENDER))?;
            self.close_list(Kind::RightParen, ")")?;
            Some(options)
        } else {
            None
        };
        Ok(OperatorKind::Render { chart, options: Options(deprecated), with })
    }
}
