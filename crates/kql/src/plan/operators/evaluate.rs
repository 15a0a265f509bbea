//! `evaluate`: plugins.
//!
//! The columns of `pivot` and `bag_unpack` depend on the data, and a plan's columns do not: they run where the query
//! says what they are, `evaluate bag_unpack(d) : (a:string, b:long)`. Others are refused by name.

use super::aggregate::native;
use super::columns::duplicate;
use crate::plan::Binder;
use crate::plan::error::{self, Result, error, fail};
use crate::plan::names::Names;
use crate::plan::relation::{Column, Relation};
use crate::plan::scope::{Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::{Value, binary, convert, raw_call, to_string};
use crate::syntax::tree::{Call, EvaluateSchema, ExprKind};
use datafusion::logical_expr::{Expr as Plan, Operator};
use parallax_diagnostics::Span;
use std::cell::RefCell;

impl Binder<'_> {
    pub(super) fn evaluate(
        &self,
        input: Relation,
        call: &Call,
        schema: Option<&EvaluateSchema>,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        match (call.name.text.as_str(), schema) {
            ("bag_unpack", Some(schema)) => self.bag_unpack(input, call, schema, scope, span),
            ("pivot", Some(schema)) => self.pivot(input, call, schema, scope, span),
            (name @ ("bag_unpack" | "pivot"), None) => Err(Box::new(
                (*error(
                    error::NO_PLUGIN,
                    call.span,
                    format!("the columns of `{name}` depend on the data, and are not known when the query is planned"),
                ))
                .help(format!("say what they are: `evaluate {name}(…) : (Column:string, Other:long)`")),
            )),
            (name, _) => fail(error::NO_PLUGIN, call.name.span, format!("the plugin `{name}` is not supported")),
        }
    }

    fn bag_unpack(
        &self,
        input: Relation,
        call: &Call,
        schema: &EvaluateSchema,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let Some(bag) = call.arguments.first() else {
            return fail(error::ARGUMENTS, call.span, "`bag_unpack` takes a column");
        };
        let ExprKind::Name(name) = &bag.value.kind else {
            return fail(error::SHAPE, bag.span, "`bag_unpack` takes a column's name");
        };
        let value = self.scalar(&bag.value, &Rows::of(scope, &input))?;
        if value.ty != Type::Dynamic {
            return fail(
                error::TYPE,
                bag.span,
                format!("a dynamic value is unpacked, and this is a {}", value.ty.name()),
            );
        }
        let prefix = match call.arguments.get(1) {
            Some(a) => match self.scalar(&a.value, &Rows::none(scope))?.folded().text() {
                Some(text) => text.to_string(),
                None => return fail(error::CONSTANT, a.span, "the prefix must be a constant"),
            },
            None => String::new(),
        };
        if let Some(other) = call.arguments.get(2) {
            return fail(error::NO_FORM, other.span, "this option of `bag_unpack` is not supported");
        }
        let mut kept: Vec<Column> = input.columns.iter().filter(|c| c.name != name.text).cloned().collect();
        let declared = self.schema(&schema.columns)?;
        let mut columns: Vec<Column> = if schema.star { std::mem::take(&mut kept) } else { Vec::new() };
        let mut new = Vec::new();
        for (name, ty) in declared {
            // A declared column is one of the input, or a member of the bag.
            if let Some(own) = kept.iter().find(|c| c.name == name && c.ty == ty) {
                columns.push(own.clone());
                continue;
            }
            if columns.iter().any(|c| c.name == name) {
                return duplicate(&name, span);
            }
            let key = name.strip_prefix(&prefix).unwrap_or(&name).to_string();
            let member = raw_call("kql_member", vec![value.expr.clone(), Value::string(key).expr], span)?;
            let id = self.ids.fresh();
            new.push((id.clone(), convert(Value::new(member, Type::Dynamic), ty, span)?.expr));
            columns.push(Column { name, ty, id });
        }
        let mut out = input.compute(span, new)?;
        out.columns = columns;
        Ok(out)
    }

    fn pivot(
        &self,
        input: Relation,
        call: &Call,
        schema: &EvaluateSchema,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let Some(over) = call.arguments.first() else {
            return fail(error::ARGUMENTS, call.span, "`pivot` takes a column");
        };
        let rows = Rows::of(scope, &input);
        let key = to_string(self.scalar(&over.value, &rows)?, over.span)?;
        let declared = self.schema(&schema.columns)?;
        // What is aggregated, for each value of the pivot column: by default the number of rows.
        let found = RefCell::new(Vec::new());
        let inner = Rows { aggregates: Some(&found), ..rows };
        let (measure, ty) = match call.arguments.get(1) {
            Some(a) => {
                let value = self.scalar(&a.value, &inner)?;
                let mut found = found.into_inner();
                match (found.pop(), found.is_empty(), &value.expr) {
                    (Some((_, expr)), true, _) => (expr, value.ty),
                    _ => return fail(error::NO_FORM, a.span, "`pivot` takes one aggregate"),
                }
            }
            None => (native::count(None), Type::Long),
        };
        let mut group: Vec<Column> = Vec::new();
        let mut names = Names::default();
        let mut calls = Vec::new();
        let mut columns = Vec::new();
        let only: Vec<&str> = call
            .arguments
            .iter()
            .skip(2)
            .filter_map(|a| match &a.value.kind {
                ExprKind::Name(n) => Some(n.text.as_str()),
                _ => None,
            })
            .collect();
        for c in &input.columns {
            let listed = if only.is_empty() {
                declared.iter().any(|(n, _)| *n == c.name)
            } else {
                only.contains(&c.name.as_str())
            };
            if listed || (schema.star && only.is_empty()) {
                names.take(&c.name);
                group.push(c.clone());
                columns.push(c.clone());
            }
        }
        for (name, declared_ty) in declared {
            if group.iter().any(|g| g.name == name) {
                continue;
            }
            let id = self.ids.fresh();
            let test = binary(key.expr.clone(), Operator::Eq, Value::string(name.clone()).expr);
            calls.push(filtered(measure.clone(), test).alias(id.as_str()));
            if declared_ty != ty {
                return fail(
                    error::TYPE,
                    span,
                    format!("`{name}` is a {} here, not a {}", ty.name(), declared_ty.name()),
                );
            }
            columns.push(Column { name: names.unique(&name), ty, id });
        }
        let group: Vec<Plan> = group.iter().map(Column::expr).collect();
        let out = input.then(span, |b| b.aggregate(group, calls))?;
        Ok(Relation::new(out.plan, columns))
    }
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
