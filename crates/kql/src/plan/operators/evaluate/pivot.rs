//! `pivot`: the values of a column as columns.
//!
//! The columns are those that the query declares, `evaluate pivot(x) : (a:long, b:long)`, or else those that the data
//! has, which is looked at first.

use crate::plan::Binder;
use crate::plan::error::{self, Result, fail};
use crate::plan::names::Names;
use crate::plan::operators::aggregate::native;
use crate::plan::relation::{Column, Relation, id};
use crate::plan::scope::{Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::{Value, binary, to_string};
use crate::syntax::tree::{Call, EvaluateSchema, ExprKind};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Expr as Plan, Operator};
use parallax_diagnostics::Span;
use std::cell::RefCell;

impl Binder<'_> {
    pub(super) fn pivot(
        &self,
        input: Relation,
        call: &Call,
        schema: Option<&EvaluateSchema>,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let Some(over) = call.arguments.first() else {
            return fail(error::ARGUMENTS, call.span, "`pivot` takes a column");
        };
        let rows = Rows::of(scope, &input);
        let key = self.scalar(&over.value, &rows)?;
        let key_column = key.expr.clone();
        let key = to_string(key, over.span)?;
        let declared = schema.map(|s| self.schema(&s.columns)).transpose()?;
        // What is aggregated, for each value of the pivot column: by default the number of rows.
        let found = RefCell::new(Vec::new());
        let inner = Rows { aggregates: Some(&found), ..rows };
        let (measure, template) = match call.arguments.get(1) {
            Some(a) => {
                let value = self.scalar(&a.value, &inner)?;
                let mut found = found.into_inner();
                match (found.pop(), found.is_empty()) {
                    (Some(measure), true) => (measure, value),
                    _ => return fail(error::NO_FORM, a.span, "`pivot` takes one aggregate"),
                }
            }
            None => {
                let id_of = self.ids.fresh();
                ((id_of.clone(), native::count(None)), Value::new(id(&id_of), Type::Long))
            }
        };
        let used = measure.1.column_refs();
        let mut only: Vec<&str> = Vec::new();
        for a in call.arguments.iter().skip(2) {
            let ExprKind::Name(n) = &a.value.kind else {
                return fail(error::SHAPE, a.span, "a column's name is expected here");
            };
            self.scalar(&a.value, &rows)?;
            only.push(n.text.as_str());
        }
        let star = schema.is_some_and(|s| s.star);
        let mut group: Vec<Column> = Vec::new();
        for c in &input.columns {
            let listed = match &declared {
                _ if !only.is_empty() => only.contains(&c.name.as_str()),
                Some(declared) => star || declared.iter().any(|(n, _)| *n == c.name),
                // All that neither the pivot nor the aggregate reads (documented).
                None => c.expr() != key_column && !used.iter().any(|u| u.name == c.id),
            };
            if listed {
                group.push(c.clone());
            }
        }
        if declared.is_none() && !only.is_empty() {
            group.sort_by_key(|c| only.iter().position(|n| *n == c.name));
        }
        let mut open = false;
        let cells = match declared {
            Some(declared) => declared.into_iter().filter(|(n, _)| !group.iter().any(|g| g.name == *n)).collect(),
            None => {
                let values = self.values_in_data(&input, &key, call)?.unwrap_or_default();
                open = values.is_empty();
                values.into_iter().map(|value| (value, template.ty)).collect::<Vec<_>>()
            }
        };
        let mut names = Names::of(group.iter().map(|c| c.name.as_str()));
        let mut columns = group.clone();
        let mut calls = Vec::new();
        let mut new = Vec::new();
        for (name, ty) in cells {
            if ty != template.ty {
                return fail(
                    error::TYPE,
                    span,
                    format!("`{name}` is a {} here, not a {}", template.ty.name(), ty.name()),
                );
            }
            let (raw, cell) = (self.ids.fresh(), self.ids.fresh());
            let test = binary(key.expr.clone(), Operator::Eq, Value::string(name.clone()).expr);
            calls.push(filtered(measure.1.clone(), test).alias(raw.as_str()));
            // A group without rows of that key has what the aggregate gives for no rows.
            new.push((cell.clone(), with_column(template.expr.clone(), &measure.0, &raw)));
            columns.push(Column { name: names.unique(&name), ty, id: cell });
        }
        if calls.is_empty() {
            calls.push(native::count(None).alias(self.ids.fresh()));
        }
        let group: Vec<Plan> = group.iter().map(Column::expr).collect();
        let out = input.then(span, |b| b.aggregate(group, calls))?;
        let out = Relation::new(out.plan, Vec::new()).compute(span, new)?;
        Ok(Relation { open, ..Relation::new(out.plan, columns) })
    }
}

/// The expression with one column for another.
fn with_column(expr: Plan, from: &str, to: &str) -> Plan {
    let replaced = expr.clone().transform(|e| {
        Ok(match e {
            Plan::Column(c) if c.name == from => Transformed::yes(id(to)),
            other => Transformed::no(other),
        })
    });
    replaced.map_or(expr, |t| t.data)
}

/// The aggregate over the rows where the test holds.
fn filtered(mut call: Plan, test: Plan) -> Plan {
    if let Plan::AggregateFunction(function) = &mut call {
        let filter = function.params.filter.take().map(|f| *f);
        function.params.filter = Some(Box::new(match filter {
            Some(old) => old.and(test),
            None => test,
        }));
    }
    call
}
