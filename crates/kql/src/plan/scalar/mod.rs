//! Scalars: an expression of the tree over given columns, as a [`Value`].

mod arithmetic;
mod call;
mod compare;
mod inferred;
mod list;
mod literal;
mod path;
mod service;
mod several;
mod special;
mod window;

pub(crate) use call::{mismatch, type_literal};
pub(crate) use compare::equal_keys;
pub(crate) use literal::json_items;

use super::Binder;
use super::error::{self, Result, error, fail};
use super::relation::{Relation, id};
use super::scope::{Binding, Rows};
use super::source::Bound;
use super::types::Type;
use super::value::{Value, coalesce, convert};
use crate::syntax::tree::{BinaryOp, Expr, ExprKind, Literal, Name, Selector, UnaryOp};
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder, expr_fn, lit};
use parallax_diagnostics::{Diagnostic, Span};
use std::sync::Arc;

/// What the place of a truth value asks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// True, false and null are told apart.
    Exact,
    /// False and null may be taken for each other.
    Filter,
    /// The same, and the value is one of the conditions that a filter's rows must all meet: a place for a semi join.
    Conjunct,
}

impl Want {
    fn loose(self) -> bool {
        self != Want::Exact
    }

    fn within_or(self) -> Self {
        if self == Want::Conjunct { Want::Filter } else { self }
    }
}

impl Binder<'_> {
    /// A scalar over the given rows.
    pub(crate) fn scalar(&self, expr: &Expr, rows: &Rows<'_>) -> Result<Value> {
        self.scalar_in(expr, rows, Want::Exact)
    }

    /// A predicate that keeps a row only where it is true, so that false and null need not be told apart.
    pub(crate) fn predicate(&self, expr: &Expr, rows: &Rows<'_>) -> Result<Plan> {
        let value = self.scalar_in(expr, rows, Want::Conjunct)?;
        Ok(self.as_bool(value, expr.span)?.expr)
    }

    /// A value that is to be a truth value.
    pub(crate) fn as_bool(&self, value: Value, span: Span) -> Result<Value> {
        match value.ty {
            Type::Bool => Ok(value),
            Type::Dynamic | Type::Int | Type::Long => convert(value, Type::Bool, span),
            other => fail(error::TYPE, span, format!("a bool is expected here, not a {}", other.name())),
        }
    }

    fn scalar_in(&self, expr: &Expr, rows: &Rows<'_>, want: Want) -> Result<Value> {
        self.deeper(expr.span, || match &expr.kind {
            ExprKind::Literal(Literal::TimeOfDay(ticks)) => Ok(self.today_at(*ticks)),
            ExprKind::Literal(literal) => literal::value(literal, expr.span),
            ExprKind::Name(name) => self.name(name, rows),
            ExprKind::Paren(inner) => self.scalar_in(inner, rows, want),
            ExprKind::And(all) => self.connect(all, rows, want, true),
            ExprKind::Or(any) => self.connect(any, rows, want.within_or(), false),
            ExprKind::Unary { op, operand } => {
                let value = self.scalar(operand, rows)?;
                match op {
                    UnaryOp::Minus => arithmetic::negate(value, expr.span),
                    UnaryOp::Plus => Ok(value),
                }
            }
            ExprKind::Binary { op, op_span, left, right } => {
                self.binary(*op, *op_span, left, right, rows, want.loose())
            }
            ExprKind::In { op, left, list, .. } => self.in_list(*op, left, list, rows, want, expr.span),
            ExprKind::Between { negated, operand, low, high } => {
                self.between(*negated, [operand, low, high], rows, expr.span)
            }
            ExprKind::Call(call) => self.call(call, rows, want),
            ExprKind::ToScalar { query, .. } => self.toscalar(query, rows, expr.span),
            ExprKind::Path { base, selector } => self.path(base, selector, rows, expr.span),
            ExprKind::Index { base, index } => self.index(base, index, rows, expr.span),
            ExprKind::Bracket(_) => fail(error::NO_FORM, expr.span, "an array is written `dynamic([…])`"),
            ExprKind::TypeOf(_) => fail(error::SHAPE, expr.span, "`typeof` is not a value"),
            ExprKind::Star => fail(error::SHAPE, expr.span, "`*` is not allowed here"),
            ExprKind::Wildcard(_) => fail(error::SHAPE, expr.span, "a wildcard is not allowed here"),
            ExprKind::Query(query) => match &query.source {
                Some(source) if query.operators.is_empty() => self.scalar_in(source, rows, want),
                _ => fail(error::SHAPE, expr.span, "a scalar is expected here, and these are rows")
                    .map_err(|d| Box::new((*d).help("use `toscalar(…)` for the first value"))),
            },
            ExprKind::At
            | ExprKind::ToTable { .. }
            | ExprKind::DataTable(_)
            | ExprKind::ExternalData(_)
            | ExprKind::ContextualDataTable { .. }
            | ExprKind::MaterializedViewCombine(_)
            | ExprKind::Scoped { .. } => fail(error::SHAPE, expr.span, "a scalar is expected here"),
        })
    }

    /// `and` and `or`, as a balanced tree: a rule may list hundreds of alternatives.
    fn connect(&self, items: &[Expr], rows: &Rows<'_>, want: Want, and: bool) -> Result<Value> {
        let mut exprs = Vec::with_capacity(items.len());
        for item in items {
            let value = self.scalar_in(item, rows, want)?;
            exprs.push(self.as_bool(value, item.span)?.expr);
        }
        let whole = balanced(exprs, &|a, b| if and { a.and(b) } else { a.or(b) });
        Ok(Value::new(whole.unwrap_or_else(|| lit(and)), Type::Bool))
    }

    /// A name: a column, else a scalar in scope.
    fn name(&self, name: &Name, rows: &Rows<'_>) -> Result<Value> {
        if let Some(column) = rows.column(&name.text) {
            return Ok(Value::new(column.expr(), column.ty));
        }
        match rows.scope.get(&name.text) {
            Some(Binding::Scalar(value)) => Ok(value.clone()),
            Some(Binding::Function(closure)) if closure.function.parameters.is_empty() => {
                match self.call_closure(closure, &[], rows, None, name.span)? {
                    Bound::Scalar(value) => Ok(value),
                    Bound::Table(_) => {
                        fail(error::SHAPE, name.span, format!("`{}` gives rows, not a scalar", name.text))
                    }
                }
            }
            Some(_) => fail(error::SHAPE, name.span, format!("`{}` is not a scalar", name.text))
                .map_err(|d| Box::new((*d).help("use `toscalar(…)` for the first value of a table"))),
            None if name.placeholder => {
                fail(error::NO_FORM, name.span, format!("`{{{}}}` is a dashboard's parameter", name.text))
            }
            None if rows.states.is_some_and(|s| s.declared.iter().any(|c| c.name == name.text)) => {
                let step = rows.states.map_or("", |s| s.steps[s.at]);
                fail(error::NO_FORM, name.span, format!("`{}` is a column of the steps' states", name.text))
                    .map_err(|d| Box::new((*d).help(format!("say of which step: `{step}.{}`", name.text))))
            }
            None => {
                let known = rows.columns.iter().map(|c| c.name.as_str()).chain(rows.scope.names());
                let message = format!("there is no column or variable `{}`", name.text);
                Err(self.unknown_name(&name.text, name.span, message, known))
            }
        }
    }

    fn binary(
        &self,
        op: BinaryOp,
        op_span: Span,
        left: &Expr,
        right: &Expr,
        rows: &Rows<'_>,
        filter: bool,
    ) -> Result<Value> {
        if matches!(left.kind, ExprKind::Star) {
            return self.any_column(op, op_span, right, rows);
        }
        let l = self.scalar(left, rows)?;
        let r = self.scalar(right, rows)?;
        self.apply(op, op_span, (l, left.span), (r, right.span), filter)
    }

    /// One operator over two values.
    pub(crate) fn apply(
        &self,
        op: BinaryOp,
        op_span: Span,
        left: (Value, Span),
        right: (Value, Span),
        filter: bool,
    ) -> Result<Value> {
        use BinaryOp as B;
        match op {
            B::Add | B::Subtract | B::Multiply | B::Divide | B::Modulo => {
                arithmetic::compute(op, left.0, right.0, left.1.to(right.1))
            }
            B::Equal | B::NotEqual => {
                self.note_text_as(left.0.ty, right.0.ty, op_span);
                compare::compare(op, left.0, right.0, op_span, filter)
            }
            B::Less | B::LessOrEqual | B::Greater | B::GreaterOrEqual => {
                compare::compare(op, left.0, right.0, op_span, filter)
            }
            _ => {
                if op == B::MatchesRegex {
                    self.note_older_regex(&right.0, right.1);
                }
                compare::string_operator(op, left, right, op_span)
            }
        }
    }

    /// Says that text is read as a value of another type, which the language's documents leave open.
    pub(crate) fn note_text_as(&self, left: Type, right: Type, span: Span) {
        let other = match (left, right) {
            (Type::String, other) | (other, Type::String) => other,
            _ => return,
        };
        if !matches!(other, Type::String | Type::Dynamic | Type::Guid) {
            self.note(
                Diagnostic::warning(
                    "KQL0403",
                    span,
                    format!(
                        "text is compared with a {0}: it is read as a {0}, and text that reads as none equals nothing",
                        other.name()
                    ),
                )
                .help(format!("convert one side: `tostring(…)`, or `to{}(…)`", other.name())),
            );
        }
    }

    /// `* has "x"`: any of the columns.
    fn any_column(&self, op: BinaryOp, op_span: Span, right: &Expr, rows: &Rows<'_>) -> Result<Value> {
        let r = self.scalar(right, rows)?;
        let mut tests = Vec::new();
        for column in rows.columns {
            let l = Value::new(column.expr(), column.ty);
            let l = if column.ty == r.ty { l } else { super::value::to_string(l, op_span)? };
            tests.push(self.apply(op, op_span, (l, op_span), (r.clone(), right.span), true)?.expr);
        }
        Ok(Value::new(balanced(tests, &Plan::or).unwrap_or_else(|| lit(false)), Type::Bool))
    }

    /// The first value of a query's first row.
    fn toscalar(&self, query: &Expr, rows: &Rows<'_>, span: Span) -> Result<Value> {
        let mut scope = rows.scope.clone();
        if !self.is_tabular(query, &scope) {
            return self.scalar(query, rows);
        }
        let relation = self.relation(query, &mut scope)?;
        let relation = relation.apply_order(span, Some(1))?;
        self.first_value(relation, span)
    }

    /// The value of the first column, of rows that are at most one.
    pub(crate) fn first_value(&self, relation: Relation, span: Span) -> Result<Value> {
        let Some(column) = relation.columns.first().cloned() else {
            return fail(error::SHAPE, span, "this query has no columns");
        };
        let plan = relation.select(span, vec![id(&column.id)])?.plan;
        let subquery = expr_fn::scalar_subquery(Arc::new(plan));
        // No row at all is null, which a string cannot be.
        let expr = if column.ty == Type::String { coalesce(vec![subquery, Value::string("").expr]) } else { subquery };
        Ok(Value::new(expr, column.ty))
    }

    /// The rows of one column gathered in a dynamic array, without doubles.
    pub(crate) fn gathered(&self, relation: Relation, span: Span) -> Result<Value> {
        let Some(column) = relation.columns.first().cloned() else {
            return fail(error::SHAPE, span, "this query has no columns");
        };
        let element = convert(Value::new(column.expr(), column.ty), Type::Dynamic, span)?;
        let set = super::operators::aggregate_call("make_set", vec![element.expr], span)?;
        let name = self.ids.fresh();
        let plan = LogicalPlanBuilder::from(relation.plan)
            .aggregate(Vec::<Plan>::new(), vec![set.alias(name.as_str())])
            .and_then(LogicalPlanBuilder::build)
            .map_err(|e| error(error::INTERNAL, span, e.to_string()))?;
        Ok(Value::new(expr_fn::scalar_subquery(Arc::new(plan)), Type::Dynamic))
    }
}

/// Joins expressions pairwise, so that the result is as shallow as can be.
pub(crate) fn balanced(mut exprs: Vec<Plan>, join: &dyn Fn(Plan, Plan) -> Plan) -> Option<Plan> {
    while exprs.len() > 1 {
        let mut next = Vec::with_capacity(exprs.len().div_ceil(2));
        let mut pairs = exprs.into_iter();
        while let Some(a) = pairs.next() {
            next.push(match pairs.next() {
                Some(b) => join(a, b),
                None => a,
            });
        }
        exprs = next;
    }
    exprs.pop()
}

/// The name after a dot, for the callers that need it.
pub(crate) fn selector_name(selector: &Selector) -> Option<&Name> {
    match selector {
        Selector::Name(name) => Some(name),
        _ => None,
    }
}
