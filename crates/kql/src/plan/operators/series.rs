//! `make-series`: an array of values for each group, one for each step of an axis.
//!
//! Rows are grouped by key and step, then each group's values are put in their places; where a step has no row the
//! default stands.

use super::aggregate::aggregate_call;
use super::columns::duplicate;
use crate::plan::Binder;
use crate::plan::error::{self, At, Result, fail};
use crate::plan::names::{Names, suggested};
use crate::plan::relation::{Column, Relation, id};
use crate::plan::scope::{Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::{Value, binary, convert, raw_call};
use crate::syntax::tree::{Argument, ExprKind, MakeSeries, Naming, SeriesRange};
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder, Operator, expr_fn};
use parallax_diagnostics::Span;
use std::sync::Arc;

/// The axis: its values' type, its bounds, its step.
struct Axis {
    value: Value,
    from: Value,
    to: Value,
    step: Value,
    inclusive: bool,
}

impl Binder<'_> {
    pub(super) fn make_series(&self, input: Relation, m: &MakeSeries, scope: &Scope, span: Span) -> Result<Relation> {
        let axis = self.axis(&input, m, scope, span)?;
        let axis_name = match &m.on.naming {
            Naming::One(n) => n.text.clone(),
            _ => suggested(&m.on.value).unwrap_or_else(|| "Column1".to_string()),
        };
        // The steps, as an array and as the places of rows in it.
        let last = if axis.inclusive {
            axis.to.clone()
        } else {
            Value::new(binary(axis.to.expr.clone(), Operator::Minus, least(axis.to.ty)), axis.to.ty).folded()
        };
        let range = format!("kql_range_{}", axis.value.ty.name());
        let steps = raw_call(&range, vec![axis.from.expr.clone(), last.expr, axis.step.expr.clone()], span)?;
        let steps = Value::new(steps, Type::Dynamic).folded();
        let place = self.place(&axis, span)?;
        let inside = axis.value.expr.clone().gt_eq(axis.from.expr.clone()).and(if axis.inclusive {
            axis.value.expr.lt_eq(axis.to.expr)
        } else {
            axis.value.expr.lt(axis.to.expr)
        });
        let rows = input.filter(span, inside)?;
        let place_id = self.ids.fresh();
        let mut rows = rows.compute(span, vec![(place_id.clone(), place)])?;
        let place_name = format!("${place_id}");
        rows.columns.push(Column { name: place_name.clone(), ty: Type::Long, id: place_id });

        // First by key and step.
        let by = m.by.clone().unwrap_or_default();
        let mut keys = by.clone();
        keys.push(Argument {
            naming: Naming::None,
            value: crate::syntax::tree::Expr {
                kind: ExprKind::Name(crate::syntax::tree::Name { text: place_name, placeholder: false, span }),
                span,
            },
            span,
        });
        let aggregates: Vec<Argument> = m.aggregates.iter().map(|(a, _)| a.clone()).collect();
        let grouped = self.grouped(rows, &aggregates, &keys, scope, span)?;
        let key_columns: Vec<Column> = grouped.columns[..by.len()].to_vec();
        let place = grouped.columns[by.len()].clone();
        let values: Vec<Column> = grouped.columns[by.len() + 1..].to_vec();

        // Then by key alone.
        let mut calls = Vec::new();
        let mut series = Vec::new();
        for (value, (argument, default)) in values.iter().zip(&m.aggregates) {
            let default = match default {
                Some(d) => self.scalar(&d.value, &Rows::none(scope))?,
                None => Value::long(0),
            };
            let default = convert(convert(default, value.ty, argument.span)?, Type::Dynamic, span)?;
            let number = convert(Value::new(place.expr(), Type::Long), Type::Dynamic, span)?;
            let element = convert(Value::new(value.expr(), value.ty), Type::Dynamic, span)?;
            let pair = raw_call("kql_pack_array", vec![number.expr, element.expr], span)?;
            let list = self.ids.fresh();
            calls.push(aggregate_call("make_list", vec![pair], span)?.alias(list.as_str()));
            series.push((value.clone(), list, default));
        }
        let group: Vec<Plan> = key_columns.iter().map(Column::expr).collect();
        let nonempty = m.options.word("kind").is_some_and(|(w, _)| w == "nonempty");
        let first = series.first().map(|(_, list, _)| list.clone());
        let without_keys = group.is_empty();
        let mut all = grouped.then(span, |b| b.aggregate(group, calls))?;
        // No row at all gives no series, unless one is asked for (measured).
        if let (true, false, Some(list)) = (without_keys, nonempty, first) {
            all = all.filter(span, binary(id(&list), Operator::NotEq, Value::dynamic("[]").expr))?;
        }
        let plan = all.plan;
        let mut columns = key_columns;
        let mut taken = Names::of(columns.iter().map(|c| c.name.as_str()));
        let mut new = Vec::new();
        for (value, list, default) in series {
            let at = self.ids.fresh();
            let filled = raw_call("kql_series_places", vec![id(&list), steps.expr.clone(), default.expr], span)?;
            new.push((at.clone(), filled));
            if !taken.take(&value.name) {
                return duplicate(&value.name, span);
            }
            columns.push(Column { name: value.name, ty: Type::Dynamic, id: at });
        }
        let at = self.ids.fresh();
        new.push((at.clone(), steps.expr));
        columns.push(Column { name: taken.unique(&axis_name), ty: Type::Dynamic, id: at });
        let out = Relation::new(plan, columns.clone()).compute(span, new)?;
        Ok(Relation::new(out.plan, columns))
    }

    fn axis(&self, input: &Relation, m: &MakeSeries, scope: &Scope, span: Span) -> Result<Axis> {
        let value = self.scalar(&m.on.value, &Rows::of(scope, input))?;
        let none = Rows::none(scope);
        let (from, to, step, inclusive) = match &m.range {
            SeriesRange::Step { from, to, step } => {
                let bind =
                    |e: &Option<Box<crate::syntax::tree::Expr>>| e.as_ref().map(|e| self.scalar(e, &none)).transpose();
                (bind(from)?, bind(to)?, self.scalar(step, &none)?, to.is_none())
            }
            SeriesRange::InRange(all) => {
                let [from, to, step] = all.as_slice() else {
                    return fail(error::ARGUMENTS, span, "`in range` takes from, to and step");
                };
                let bind = |a: &Argument| self.scalar(&a.value, &none);
                (Some(bind(from)?), Some(bind(to)?), bind(step)?, true)
            }
        };
        let ty = match value.ty {
            Type::Int => Type::Long,
            Type::Long | Type::Real | Type::DateTime | Type::TimeSpan => value.ty,
            other => return fail(error::TYPE, m.on.span, format!("a {} is no axis of a series", other.name())),
        };
        let value = convert(value, ty, span)?;
        let step_ty = if ty == Type::DateTime { Type::TimeSpan } else { ty };
        let step = convert(step, step_ty, span)?.folded();
        let from = match from {
            Some(v) => convert(v, ty, span)?.folded(),
            None => self.axis_bound(input, &value, Some(&step), "min", span)?,
        };
        let to = match to {
            Some(v) => convert(v, ty, span)?.folded(),
            None => self.axis_bound(input, &value, None, "max", span)?,
        };
        Ok(Axis { value, from, to, step, inclusive })
    }

    /// The least or the largest value of the axis, of all rows.
    fn axis_bound(
        &self,
        input: &Relation,
        value: &Value,
        step: Option<&Value>,
        which: &str,
        span: Span,
    ) -> Result<Value> {
        let Some(function) = super::aggregate::native::by_name(which) else {
            return fail(error::INTERNAL, span, "min and max are there");
        };
        let call = super::aggregate::native::call(function, vec![value.expr.clone()], None);
        let name = self.ids.fresh();
        let plan = LogicalPlanBuilder::from(input.plan.clone())
            .aggregate(Vec::<Plan>::new(), vec![call.alias(name.as_str())])
            .and_then(LogicalPlanBuilder::build)
            .at(span)?;
        let found = Value::new(expr_fn::scalar_subquery(Arc::new(plan)), value.ty);
        match step {
            Some(step) => {
                let args = vec![found.expr, step.expr.clone()];
                Ok(Value::new(raw_call(&format!("kql_bin_{}", value.ty.name()), args, span)?, value.ty))
            }
            None => Ok(found),
        }
    }

    /// The number of the step that a row falls into.
    fn place(&self, axis: &Axis, span: Span) -> Result<Plan> {
        let distance = binary(axis.value.expr.clone(), Operator::Minus, axis.from.expr.clone());
        if axis.value.ty == Type::Real {
            let quotient = raw_call("kql_divide_real", vec![distance, axis.step.expr.clone()], span)?;
            let floor = raw_call("kql_bin_real", vec![quotient, Plan::Literal(1.0f64.into(), None)], span)?;
            return Ok(expr_fn::try_cast(floor, Type::Long.arrow()));
        }
        raw_call("kql_divide_long", vec![distance, axis.step.expr.clone()], span)
    }
}

/// The least difference of a type: what makes an exclusive bound an inclusive one.
fn least(ty: Type) -> Plan {
    match ty {
        Type::Real => Plan::Literal(1e-9f64.into(), None),
        _ => Value::long(1).expr,
    }
}
