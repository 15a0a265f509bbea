//! `top-nested`, `sample-distinct`, `top-hitters`.

use super::aggregate::native;
use crate::plan::Binder;
use crate::plan::error::{self, Result, fail};
use crate::plan::names::suggested;
use crate::plan::relation::{Column, OrderKey, Relation, id};
use crate::plan::scope::{Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::Value;
use crate::syntax::tree::{Argument, Naming, Order, TopNested};
use datafusion::common::JoinType;
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder, lit};
use parallax_diagnostics::Span;
use std::cell::RefCell;

impl Binder<'_> {
    /// Level by level: the best values within each of the level above.
    pub(super) fn top_nested(
        &self,
        input: Relation,
        levels: &[TopNested],
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let mut rows = input;
        let mut above: Vec<Column> = Vec::new();
        let mut shown: Vec<Column> = Vec::new();
        for level in levels {
            if let Some(others) = &level.others {
                return fail(error::NO_FORM, others.span, "`with others` is not supported");
            }
            let (key, measure, kept) = self.level(&rows, level, &above, scope, span)?;
            // The rows of the values that were kept go on to the next level, with their measure.
            rows = self.of_kept(rows, &key, &above, kept, &measure, span)?;
            above.push(key.0.clone());
            shown.push(key.0);
            shown.push(measure);
        }
        let ids: Vec<Plan> = shown.iter().map(Column::expr).collect();
        let mut unique: Vec<Plan> = Vec::new();
        ids.into_iter().for_each(|e| {
            if !unique.contains(&e) {
                unique.push(e);
            }
        });
        let out = rows.then(span, |b| b.aggregate(unique, Vec::<Plan>::new()))?;
        Ok(Relation::new(out.plan, shown))
    }

    /// The best values of one level: the key's column and expression, its measure, and the values kept.
    fn level(
        &self,
        rows: &Relation,
        level: &TopNested,
        above: &[Column],
        scope: &Scope,
        span: Span,
    ) -> Result<((Column, Plan), Column, Relation)> {
        let of = &level.of;
        let value = self.scalar(&of.value, &Rows::of(scope, rows))?;
        let name = match &of.naming {
            Naming::One(n) => n.text.clone(),
            _ => suggested(&of.value).unwrap_or_else(|| "Column1".to_string()),
        };
        let key = Column { name: name.clone(), ty: value.ty, id: self.ids.fresh() };
        let with_key = rows.clone().compute(span, vec![(key.id.clone(), value.expr.clone())])?;
        let found = RefCell::new(Vec::new());
        let inner = Rows { aggregates: Some(&found), ..Rows::of(scope, &with_key) };
        let by = &level.by;
        let measured = self.scalar(&by.value.value, &inner)?;
        let measure_name = match &by.value.naming {
            Naming::One(n) => n.text.clone(),
            _ => format!("aggregated_{name}"),
        };
        let mut group: Vec<Plan> = above.iter().map(Column::expr).collect();
        group.push(key.expr());
        let calls: Vec<Plan> = found.into_inner().into_iter().map(|(i, e)| e.alias(i)).collect();
        let measure = Column { name: measure_name, ty: measured.ty, id: self.ids.fresh() };
        let mut kept = with_key
            .then(span, |b| b.aggregate(group, calls))?
            .compute(span, vec![(measure.id.clone(), measured.expr)])?;
        let ascending = matches!(by.order, Some(Order::Asc));
        kept.order = vec![OrderKey { id: measure.id.clone(), ascending, nulls_first: ascending }];
        if let Some(count) = &level.count {
            let n = self.constant_count(count, scope)?;
            let mut number = WindowFunction::new(row_number_udwf(), vec![]);
            number.params.partition_by = above.iter().map(Column::expr).collect();
            number.params.order_by = kept.order_exprs();
            let at = self.ids.fresh();
            let numbered = Plan::WindowFunction(Box::new(number)).alias(at.as_str());
            kept = kept.then(span, |b| b.window([numbered])?.filter(id(&at).lt_eq(lit(n as u64))))?;
        }
        Ok(((key, value.expr), measure, kept))
    }

    /// The rows whose keys were kept, with the key and its measure beside them.
    fn of_kept(
        &self,
        rows: Relation,
        (key, key_expr): &(Column, Plan),
        above: &[Column],
        kept: Relation,
        measure: &Column,
        span: Span,
    ) -> Result<Relation> {
        let mut rows = rows.compute(span, vec![(key.id.clone(), key_expr.clone())])?;
        // The values kept stand in the join under other names.
        let pairs: Vec<(String, String)> =
            above.iter().chain([key]).map(|c| (c.id.clone(), self.ids.fresh())).collect();
        let mut exprs: Vec<Plan> = pairs.iter().map(|(old, new)| id(old).alias(new.as_str())).collect();
        exprs.push(measure.expr());
        let kept = kept.select(span, exprs)?;
        let on: (Vec<Plan>, Vec<Plan>) = pairs.iter().map(|(old, new)| (id(old), id(new))).unzip();
        rows.plan = LogicalPlanBuilder::from(rows.plan)
            .join_with_expr_keys(kept.plan, JoinType::Inner, on, None)
            .and_then(LogicalPlanBuilder::build)
            .map_err(|e| error::error(error::INTERNAL, span, e.to_string()))?;
        rows.order.clear();
        Ok(rows)
    }

    pub(super) fn sample_distinct(
        &self,
        input: Relation,
        count: &Argument,
        of: &Argument,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let n = self.constant_count(count, scope)?;
        self.distinct(input, std::slice::from_ref(of), scope, span)?.apply_order(span, Some(n))
    }

    /// `top-hitters n of x by y`: exact here.
    pub(super) fn top_hitters(
        &self,
        input: Relation,
        count: &Argument,
        (of, by): (&Argument, Option<&Argument>),
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let n = self.constant_count(count, scope)?;
        let key = self.scalar(&of.value, &Rows::of(scope, &input))?;
        let key_name = suggested(&of.value).unwrap_or_else(|| "Column1".to_string());
        let (measure, name, ty) = match by {
            None => (native::count(None), format!("approximate_count_{key_name}"), Type::Long),
            Some(by) => {
                let value = self.scalar(&by.value, &Rows::of(scope, &input))?;
                if !value.ty.is_number() {
                    return fail(error::TYPE, by.span, format!("a {} is no weight", value.ty.name()));
                }
                let ty = if value.ty == Type::Int { Type::Long } else { value.ty };
                let value: Value = crate::plan::value::convert(value, ty, by.span)?;
                let Some(sum) = native::by_name("sum") else {
                    return fail(error::INTERNAL, span, "sum is there");
                };
                let of = suggested(&by.value).unwrap_or_default();
                (native::call(sum, vec![value.expr], None), format!("approximate_sum_{of}"), ty)
            }
        };
        let key_column = Column { name: key_name, ty: key.ty, id: self.ids.fresh() };
        let column = Column { name, ty, id: self.ids.fresh() };
        let grouped = input
            .compute(span, vec![(key_column.id.clone(), key.expr)])?
            .then(span, |b| b.aggregate(vec![key_column.expr()], vec![measure.alias(column.id.as_str())]))?;
        let mut out = Relation::new(grouped.plan, vec![key_column, column.clone()]);
        out.order = vec![OrderKey { id: column.id, ascending: false, nulls_first: false }];
        out.sorted = true;
        out.apply_order(span, Some(n))
    }
}
