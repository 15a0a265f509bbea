//! Where rows come from: tables, `let` names, functions, `datatable`, pipelines.

use super::error::{self, At, Result, error, fail};
use super::external::is_database;
use super::layers;
use super::relation::{Column, OrderKey, Relation};
use super::scope::{Binding, Closure, Rows, Scope};
use super::types::Type;
use super::value::{Value, convert};
use super::{Binder, Shapes};
use crate::schema;
use crate::syntax::tree::{self, Argument, Expr, ExprKind, Naming, ParameterType, Selector};
use datafusion::common::Column as PlanColumn;
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder, lit};
use parallax_diagnostics::{Diagnostic, Span};
use std::rc::Rc;

/// What a call of a declared function gives.
pub(crate) enum Bound {
    Scalar(Value),
    Table(Relation),
}

impl Binder<'_> {
    /// The rows that an expression stands for. `as` adds to the scope.
    pub(crate) fn relation(&self, expr: &Expr, scope: &mut Scope) -> Result<Relation> {
        self.deeper(expr.span, || match &expr.kind {
            ExprKind::Query(query) => self.pipeline(query, None, scope),
            ExprKind::Paren(inner) => self.relation(inner, scope),
            ExprKind::Name(name) => self.named(&name.text, name.span, scope),
            ExprKind::Call(call) => self.call_for_rows(call, scope),
            ExprKind::DataTable(table) => self.datatable(table, expr.span, scope),
            ExprKind::Scoped { table, .. } => self.relation(table, scope),
            ExprKind::ToTable { query, .. } => self.relation(query, scope),
            ExprKind::Path { selector: Selector::Name(name), base } if is_database(base) => {
                self.scoped(base, &name.text)?;
                self.named(&name.text, name.span, scope)
            }
            ExprKind::Path { selector, base } if called_pattern(base, scope).is_some() => {
                match called_pattern(base, scope) {
                    Some((pattern, call)) => {
                        self.pattern_rows(&pattern, &call.arguments, Some(selector), scope, expr.span)
                    }
                    None => fail(error::SHAPE, expr.span, "rows are expected here"),
                }
            }
            ExprKind::ExternalData(external) => self.external_data(external, expr.span, scope),
            ExprKind::Wildcard(_) => {
                fail(error::SHAPE, expr.span, "a wildcard stands for several tables; use it in `union`")
            }
            _ => fail(error::SHAPE, expr.span, "rows are expected here, and this is a scalar"),
        })
    }

    /// A pipeline; `piped` are the rows of a pipeline that begins with an operator.
    pub(crate) fn pipeline(&self, query: &tree::Query, piped: Option<Relation>, scope: &mut Scope) -> Result<Relation> {
        let mut rows = match &query.source {
            Some(source) => Some(self.relation(source, scope)?),
            None => piped,
        };
        for (at, operator) in query.operators.iter().enumerate() {
            // What `union withsource` shows for the rows before it.
            let named = at.checked_sub(1).and_then(|before| match &query.operators[before].kind {
                tree::OperatorKind::As { name, .. } => Some(name.text.clone()),
                _ => None,
            });
            let plain = || query.source.as_ref().filter(|_| at == 0).and_then(table_name);
            *self.piped.borrow_mut() = named.or_else(plain);
            let trimmed = self.pipe(operator, rows, scope)?.trimmed(operator.span)?;
            if layers::height(&trimmed.plan) > layers::HIGHEST {
                let message = format!("more than {} operators build on each other here", layers::HIGHEST);
                return fail(error::NO_FORM, operator.span, message);
            }
            rows = Some(trimmed);
        }
        rows.ok_or_else(|| error(error::SHAPE, query.span, "there are no rows here to work on"))
    }

    fn call_for_rows(&self, call: &tree::Call, scope: &mut Scope) -> Result<Relation> {
        let name = call.name.text.as_str();
        let closure = match scope.get(name) {
            Some(Binding::Function(closure)) => Some(Rc::clone(closure)),
            Some(Binding::Pattern(pattern)) => {
                return self.pattern_rows(&Rc::clone(pattern), &call.arguments, None, scope, call.span);
            }
            _ => self.stored(name, call.name.span)?,
        };
        if let Some(closure) = closure {
            self.seen(name, call.name.span, scope)?;
            return self.rows_of_call(&closure, &call.arguments, &Rows::none(scope), None, call.span);
        }
        match (name, call.arguments.as_slice()) {
            ("materialize" | "view", [argument]) => self.relation(&argument.value, scope),
            ("table", [argument, ..]) => match self.scalar(&argument.value, &Rows::none(scope))?.folded().text() {
                Some(text) => self.named(text, argument.span, scope),
                None => fail(error::CONSTANT, argument.span, "`table` needs a constant name"),
            },
            ("_GetWatchlist", _) => self.watchlist(call, scope),
            ("FileProfile", _) => fail(error::SHAPE, call.span, "`FileProfile` adds to rows that there are")
                .map_err(|d| Box::new((*d).help("write `… | invoke FileProfile(SHA1)`"))),
            ("_GetWatchlistAlias", []) => self.watchlist_aliases(call.span),
            (name, arguments) if self.is_parser(name) => {
                for argument in arguments {
                    self.scalar(&argument.value, &Rows::none(scope))?;
                }
                self.named(name, call.name.span, scope)
            }
            _ => {
                let message = format!("there is no function `{name}` that gives rows");
                let unknown = Diagnostic::error(error::UNKNOWN_FUNCTION, call.name.span, message);
                Err(Box::new(self.or_configured(unknown, name, &scope.names().collect::<Vec<_>>())))
            }
        }
    }

    /// The rows that a declared function gives.
    pub(crate) fn rows_of_call(
        &self,
        closure: &Closure,
        arguments: &[Argument],
        rows: &Rows<'_>,
        piped: Option<Relation>,
        span: Span,
    ) -> Result<Relation> {
        match self.call_closure(closure, arguments, rows, piped, span)? {
            Bound::Table(relation) => Ok(relation),
            Bound::Scalar(_) => fail(error::SHAPE, span, format!("`{}` gives a scalar, not rows", closure.name)),
        }
    }

    /// Calls a declared function; `piped` is the first argument that `invoke` adds.
    pub(crate) fn call_closure(
        &self,
        closure: &Closure,
        arguments: &[Argument],
        rows: &Rows<'_>,
        piped: Option<Relation>,
        span: Span,
    ) -> Result<Bound> {
        let mut inner = closure.scope.clone();
        let parameters = &closure.function.parameters;
        let mut piped = piped;
        let mut positional = arguments.iter().filter(|a| matches!(a.naming, Naming::None));
        for parameter in parameters {
            if let (Some(_), ParameterType::Table(_) | ParameterType::AnyTable) = (&piped, &parameter.ty) {
                let given = piped.take().map(Binding::Table);
                given.into_iter().for_each(|b| inner.declare(&parameter.name.text, b));
                continue;
            }
            let by_name =
                arguments.iter().find(|a| matches!(&a.naming, Naming::One(n) if n.text == parameter.name.text));
            let given = by_name.or_else(|| positional.next());
            let binding = self.argument(closure, parameter, given, rows, span)?;
            inner.declare(&parameter.name.text, binding);
        }
        if let Some(extra) = positional.next() {
            return fail(
                error::ARGUMENTS,
                extra.span,
                format!("`{}` takes {} arguments", closure.name, parameters.len()),
            );
        }
        let body = || {
            for statement in &closure.function.body.statements {
                self.statement(statement, &mut inner)?;
            }
            let Some(value) = &closure.function.body.value else {
                return fail(error::SHAPE, closure.function.body.span, "this function has no value");
            };
            if self.is_tabular(value, &inner) {
                self.relation(value, &mut inner).map(Bound::Table)
            } else {
                self.scalar(value, &Rows::none(&inner)).map(Bound::Scalar)
            }
        };
        self.calling(closure, span, || self.deeper(span, body))
    }

    fn argument(
        &self,
        closure: &Closure,
        parameter: &tree::Parameter,
        given: Option<&Argument>,
        rows: &Rows<'_>,
        span: Span,
    ) -> Result<Binding> {
        match (&parameter.ty, given) {
            (ParameterType::Scalar(ty), Some(a)) => {
                let ty = Type::from_name(ty.name()).unwrap_or(Type::String);
                let value = self.scalar(&a.value, rows)?;
                Ok(Binding::Scalar(convert(value, ty, a.span)?.folded()))
            }
            (ParameterType::Scalar(ty), None) => match &parameter.default {
                Some(default) => {
                    let ty = Type::from_name(ty.name()).unwrap_or(Type::String);
                    let value = self.scalar(default, &Rows::none(&closure.scope))?;
                    Ok(Binding::Scalar(convert(value, ty, default.span)?.folded()))
                }
                None => fail(
                    error::ARGUMENTS,
                    span,
                    format!("`{}` needs a value for `{}`", closure.name, parameter.name.text),
                ),
            },
            (_, Some(a)) => {
                let mut scope = rows.scope.clone();
                self.relation(&a.value, &mut scope).map(Binding::Table)
            }
            (_, None) => {
                fail(error::ARGUMENTS, span, format!("`{}` needs a table for `{}`", closure.name, parameter.name.text))
            }
        }
    }

    fn datatable(&self, table: &tree::DataTable, span: Span, scope: &Scope) -> Result<Relation> {
        let schema = self.schema(&table.schema)?;
        let width = schema.len();
        if width == 0 || !table.values.len().is_multiple_of(width) {
            return fail(
                error::ARGUMENTS,
                span,
                format!("{} values do not fill rows of {width} columns", table.values.len()),
            );
        }
        if table.values.is_empty() {
            return self.no_rows(schema, span);
        }
        let rows = Rows::none(scope);
        let mut values = Vec::new();
        for (n, row) in table.values.chunks(width).enumerate() {
            let mut cells = Vec::with_capacity(width + 1);
            for (cell, (_, ty)) in row.iter().zip(&schema) {
                let value = self.scalar(cell, &rows)?;
                cells.push(convert(value, *ty, cell.span)?.folded().expr);
            }
            cells.push(lit(n as i64));
            values.push(cells);
        }
        self.literal_rows(schema, values, span)
    }

    /// Rows that are written down; the last cell of each is its number.
    pub(crate) fn literal_rows(
        &self,
        schema: Vec<(String, Type)>,
        values: Vec<Vec<Plan>>,
        span: Span,
    ) -> Result<Relation> {
        let columns: Vec<Column> =
            schema.into_iter().map(|(name, ty)| Column { name, ty, id: self.ids.fresh() }).collect();
        let number = self.ids.fresh();
        let exprs: Vec<Plan> = columns
            .iter()
            .map(|c| c.id.as_str())
            .chain([number.as_str()])
            .enumerate()
            .map(|(i, id)| Plan::Column(PlanColumn::from_name(format!("column{}", i + 1))).alias(id))
            .collect();
        let plan = LogicalPlanBuilder::values(values)
            .and_then(|b| b.project(exprs))
            .and_then(LogicalPlanBuilder::build)
            .at(span)?;
        Ok(Relation { order: vec![OrderKey::ascending(number)], ..Relation::new(plan, columns) })
    }

    /// Declared columns.
    pub(crate) fn schema(&self, columns: &[tree::ColumnDef]) -> Result<Vec<(String, Type)>> {
        columns
            .iter()
            .map(|c| match &c.ty {
                ParameterType::Scalar(ty) => {
                    Ok((c.name.text.clone(), Type::from_name(ty.name()).unwrap_or(Type::String)))
                }
                _ => fail(error::TYPE, c.span, "a column has a scalar type"),
            })
            .collect()
    }

    /// Whether an expression stands for rows.
    pub(crate) fn is_tabular(&self, expr: &Expr, scope: &Scope) -> bool {
        self.is_tabular_in(expr, scope, &Shapes::new())
    }

    fn is_tabular_in(&self, expr: &Expr, scope: &Scope, local: &Shapes) -> bool {
        match &expr.kind {
            ExprKind::Query(query) => match &query.source {
                Some(source) if query.operators.is_empty() => self.is_tabular_in(source, scope, local),
                _ => true,
            },
            ExprKind::DataTable(_) | ExprKind::ExternalData(_) | ExprKind::ToTable { .. } | ExprKind::Scoped { .. } => {
                true
            }
            ExprKind::Paren(inner) => self.is_tabular_in(inner, scope, local),
            ExprKind::Path { base, .. } => is_database(base) || called_pattern(base, scope).is_some(),
            ExprKind::Name(name) => match (local.get(&name.text), scope.get(&name.text)) {
                (Some(tabular), _) => *tabular,
                (None, Some(Binding::Table(_))) => true,
                (None, Some(Binding::Scalar(_) | Binding::Entities(_))) => false,
                (None, Some(Binding::Pattern(_))) => true,
                (None, Some(Binding::Function(f))) => self.gives_rows(f),
                (None, None) => {
                    name.text == "_GetWatchlistAlias"
                        || self.catalog.table(&name.text).is_some()
                        || self.catalog.externals().has_table(&name.text)
                        || schema::known(&name.text).is_some()
                        || schema::is_custom(&name.text)
                        || self.stored_gives_rows(&name.text).unwrap_or(false)
                }
            },
            ExprKind::Call(call) => match (call.name.text.as_str(), scope.get(&call.name.text)) {
                (_, Some(Binding::Function(f))) => self.gives_rows(f),
                (_, Some(Binding::Pattern(_))) => true,
                ("materialize", None) => call.arguments.iter().any(|a| self.is_tabular_in(&a.value, scope, local)),
                ("table" | "_GetWatchlist" | "_GetWatchlistAlias", None) => true,
                (name, None) => self.stored_gives_rows(name).unwrap_or_else(|| self.is_parser(name)),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether a name is that of a function of which only the columns are known, or given.
    pub(crate) fn is_parser(&self, name: &str) -> bool {
        schema::known(name).is_some_and(|t| t.kind == schema::Kind::Parser) || self.catalog.externals().has_table(name)
    }

    /// Whether a declared function gives rows, by the look of its body.
    pub(crate) fn gives_rows(&self, closure: &Closure) -> bool {
        let mut local = Shapes::new();
        for p in &closure.function.parameters {
            local.insert(p.name.text.clone(), !matches!(p.ty, ParameterType::Scalar(_)));
        }
        for s in &closure.function.body.statements {
            if let tree::StatementKind::Let(l) = &s.kind {
                let tabular = match &l.value {
                    tree::LetValue::Expr(e) => self.is_tabular_in(e, &closure.scope, &local),
                    _ => false,
                };
                local.insert(l.name.text.clone(), tabular);
            }
        }
        closure.function.body.value.as_ref().is_some_and(|v| self.is_tabular_in(v, &closure.scope, &local))
    }
}

/// The pattern that an expression calls.
fn called_pattern<'e>(expr: &'e Expr, scope: &Scope) -> Option<(Rc<super::model::PatternClosure>, &'e tree::Call)> {
    let ExprKind::Call(call) = &expr.kind else { return None };
    match scope.get(&call.name.text) {
        Some(Binding::Pattern(pattern)) => Some((Rc::clone(pattern), call)),
        _ => None,
    }
}

/// The name of the table that an expression is, or ends in being called by `as`.
pub(crate) fn table_name(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.text.clone()),
        ExprKind::Paren(inner) => table_name(inner),
        ExprKind::Query(q) => match q.operators.last() {
            Some(tree::Operator { kind: tree::OperatorKind::As { name, .. }, .. }) => Some(name.text.clone()),
            Some(_) => None,
            None => table_name(q.source.as_ref()?),
        },
        ExprKind::Path { selector: Selector::Name(name), .. } => Some(name.text.clone()),
        _ => None,
    }
}
