//! What the plugins over users and a timeline have in common: rows with `Id`, `Time` and `K`, which tells one
//! combination of the slicing columns from the next; and a result for each bin and combination.

use super::Plugin;
use super::arguments::Arguments;
use super::template::Given;
use super::timeline::{Timeline, counted, ticks};
use crate::plan::error::{At, Result};
use crate::plan::relation::{Column, Relation, id};
use crate::plan::types::Type;
use crate::plan::value::{Value, convert, raw_call};
use crate::syntax::tree::Argument;
use datafusion::common::JoinType;
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder};

/// Users on a timeline.
pub(super) struct Activity {
    /// `Id`, `Time`, `K`.
    pub(super) rows: Relation,
    /// The timeline's column.
    pub(super) time: Column,
    /// The slicing columns, and `K`, each once.
    slices: Option<(Vec<Column>, Relation)>,
}

impl Plugin<'_, '_> {
    /// Rows of a column of ids, a timeline, and slicing columns.
    pub(super) fn activity(&self, input: Relation, ids: &Column, time: Column, by: &[Column]) -> Result<Activity> {
        let mut new = Vec::new();
        let key = self.binder.ids.fresh();
        let mut parts = Vec::new();
        for c in by {
            parts.push(convert(Value::new(c.expr(), c.ty), Type::Dynamic, self.span)?.expr);
        }
        let packed = match parts.is_empty() {
            true => Value::string("").expr,
            false => raw_call("kql_pack_array", parts, self.span)?,
        };
        new.push((key.clone(), packed));
        let ticks = self.binder.ids.fresh();
        let on = convert(Value::new(time.expr(), time.ty), counted(time.ty), self.span)?;
        new.push((ticks.clone(), on.expr));
        let column = |name: &str, ty: Type, id: &str| Column { name: name.to_owned(), ty, id: id.to_owned() };
        let key = column("K", Type::String, &key);
        // A row without a time is nowhere on the timeline.
        let mut rows = input.compute(self.span, new)?.filter(self.span, id(&ticks).is_not_null())?;
        rows.columns = vec![column("Id", ids.ty, &ids.id), column("Time", counted(time.ty), &ticks), key.clone()];
        rows.provenance = None;
        rows.order.clear();
        let slices = match by.is_empty() {
            true => None,
            false => Some((by.to_vec(), self.slices(&rows, &key, by)?)),
        };
        Ok(Activity { rows, time, slices })
    }

    /// Each combination of the slicing columns once.
    fn slices(&self, rows: &Relation, key: &Column, by: &[Column]) -> Result<Relation> {
        let mut all = rows.clone();
        all.columns = by.iter().cloned().chain([key.clone()]).collect();
        let all = all.renewed(&self.binder.ids, self.span)?;
        let mut group: Vec<Plan> = Vec::new();
        for c in &all.columns {
            if !group.contains(&c.expr()) {
                group.push(c.expr());
            }
        }
        let columns = all.columns.clone();
        let all = all.then(self.span, |b| b.aggregate(group, Vec::<Plan>::new()))?;
        Ok(Relation::new(all.plan, columns))
    }

    /// The columns `Id` and `Time` at the head of the arguments.
    pub(super) fn ids_and_time(&self, arguments: &Arguments<'_>, input: &Relation) -> Result<(Column, Column)> {
        Ok((self.column(&arguments[0], input)?, self.column(&arguments[1], input)?))
    }

    /// Runs a template whose result has `B` (where the bin begins), `K` and what is measured, and gives the result its
    /// columns: the timeline, the slicing columns, the measures.
    pub(super) fn measured(
        &self,
        activity: Activity,
        timeline: &Timeline,
        template: &str,
        given: Given,
    ) -> Result<Relation> {
        let given = timeline.given(given.table("T", activity.rows.clone()));
        let rows = self.template(&timeline.fill(template), given)?;
        self.sliced(rows, &activity, 1)
    }

    /// The bounds of the analysis.
    pub(super) fn bounds(&self, start: &Argument, end: &Argument, time: &Column) -> Result<Given> {
        let ty = counted(time.ty);
        let start = self.scalar_as(start, ty)?;
        let given = Given::default().scalar("StartTicks", ticks(&start)).scalar("Start", start);
        Ok(given.scalar("End", self.scalar_as(end, ty)?))
    }

    /// As [`Plugin::bounds`], where a call may leave them out: then all rows count, in bins that count from zero.
    pub(super) fn optional_bounds(&self, given: Option<(&Argument, &Argument)>, time: &Column) -> Result<Given> {
        if let Some((start, end)) = given {
            return Ok(self.bounds(start, end, time)?.scalar("All", Value::bool(false)));
        }
        self.inferred(super::inferred::FROM_ZERO);
        let zero = convert(Value::long(0), if time.ty == Type::Real { Type::Real } else { Type::Long }, self.span)?;
        let zero = Value::new(zero.expr, counted(time.ty));
        let given = Given::default().scalar("StartTicks", ticks(&zero)).scalar("Start", zero.clone());
        Ok(given.scalar("End", zero).scalar("All", Value::bool(true)))
    }

    /// The rows with the slicing columns in place of `K`, which stands behind the first `bins` columns. Those are of
    /// the timeline.
    pub(super) fn sliced(&self, rows: Relation, activity: &Activity, bins: usize) -> Result<Relation> {
        let span = self.span;
        let mut rows = rows;
        let mut columns = rows.columns.clone();
        let key = columns.remove(bins);
        let mut new = Vec::new();
        for bin in columns.iter_mut().take(bins) {
            // Ticks are times as they stand.
            let counted_in_ticks = bin.ty == Type::Long && activity.time.ty.arrow() == Type::Long.arrow();
            let ty = if counted_in_ticks { activity.time.ty } else { bin.ty };
            let value = convert(Value::new(bin.expr(), ty), activity.time.ty, span)?;
            let at = self.binder.ids.fresh();
            new.push((at.clone(), value.expr));
            bin.name = bin.name.replace('B', &activity.time.name);
            (bin.ty, bin.id) = (activity.time.ty, at);
        }
        rows = rows.compute(span, new)?;
        if let Some((by, slices)) = &activity.slices {
            let slice_key = slices.columns.last().map(|c| c.id.clone()).unwrap_or_default();
            let on = (vec![key.expr()], vec![id(&slice_key)]);
            rows.plan = LogicalPlanBuilder::from(rows.plan)
                .join_with_expr_keys(slices.plan.clone(), JoinType::Inner, on, None)
                .and_then(LogicalPlanBuilder::build)
                .at(span)?;
            let by = by.iter().zip(&slices.columns).map(|(c, found)| Column { name: c.name.clone(), ..found.clone() });
            columns.splice(bins..bins, by);
        }
        rows.columns = columns;
        Ok(rows)
    }
}
