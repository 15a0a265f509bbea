//! `top-nested`: level by level the best values within each of the level above, and the others together.
//!
//! Rows go through the levels with the values that stand for them. A row whose value is not among the best is dropped,
//! or, where the level asks for the others, goes on as one of them; below, it is one of that level's others too
//! (documented: "one record is added with the value that is the aggregation over all records that didn't make it").

use crate::plan::Binder;
use crate::plan::error::{At, Result};
use crate::plan::names::suggested;
use crate::plan::relation::{Column, OrderKey, Relation, id};
use crate::plan::scope::{Rows, Scope};
use crate::plan::value::{Value, convert};
use crate::syntax::tree::{Naming, Order, TopNested};
use datafusion::common::{Column as PlanColumn, JoinType, NullEquality};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder, lit, when};
use parallax_diagnostics::Span;
use std::cell::RefCell;

/// A level, bound: the value of a row, and how values are measured.
struct Level {
    key: Column,
    measure: Column,
    aggregates: Vec<(String, Plan)>,
    measured: Plan,
    ascending: bool,
    count: Option<usize>,
    others: Option<Value>,
}

/// What tells the groups of the levels above apart, and whether a row is one of the others.
struct Above {
    keys: Vec<String>,
    lost: Option<String>,
}

impl Binder<'_> {
    pub(super) fn top_nested(
        &self,
        input: Relation,
        levels: &[TopNested],
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let partition = input.partition.clone();
        let mut above = Above { keys: partition.clone(), lost: None };
        let mut rows = input;
        let mut shown: Vec<Column> = Vec::new();
        for level in levels {
            let (with_key, level) = self.level(rows, level, scope, span)?;
            let (next, key, measure) = self.sorted_out(with_key, level, &mut above, span)?;
            rows = next;
            shown.extend([key, measure]);
        }
        let mut unique: Vec<String> = Vec::new();
        for id in partition.iter().chain(shown.iter().map(|c| &c.id)) {
            if !unique.contains(id) {
                unique.push(id.clone());
            }
        }
        let group: Vec<Plan> = unique.iter().map(|c| id(c)).collect();
        let out = rows.then(span, |b| b.aggregate(group, Vec::<Plan>::new()))?;
        Ok(Relation { partition, ..Relation::new(out.plan, shown) })
    }

    /// Binds a level, and computes its value of every row.
    fn level(&self, rows: Relation, level: &TopNested, scope: &Scope, span: Span) -> Result<(Relation, Level)> {
        let of = &level.of;
        let value = self.scalar(&of.value, &Rows::of(scope, &rows))?;
        let name = match &of.naming {
            Naming::One(n) => n.text.clone(),
            _ => suggested(&of.value).unwrap_or_else(|| "Column1".to_string()),
        };
        let found = RefCell::new(Vec::new());
        let inner = Rows { aggregates: Some(&found), ..Rows::of(scope, &rows) };
        let by = &level.by;
        let measured = self.scalar(&by.value.value, &inner)?;
        let measure_name = match &by.value.naming {
            Naming::One(n) => n.text.clone(),
            _ => format!("aggregated_{name}"),
        };
        let key = Column { name, ty: value.ty, id: self.ids.fresh() };
        let others = match &level.others {
            None => None,
            Some(expr) => {
                let value = self.scalar(expr, &Rows::none(scope))?;
                Some(convert(value, key.ty, expr.span)?.folded())
            }
        };
        let bound = Level {
            measure: Column { name: measure_name, ty: measured.ty, id: self.ids.fresh() },
            aggregates: found.into_inner(),
            measured: measured.expr,
            ascending: matches!(by.order, Some(Order::Asc)),
            count: level.count.as_ref().map(|c| self.constant_count(c, scope)).transpose()?,
            others,
            key: key.clone(),
        };
        Ok((rows.compute(span, vec![(key.id, value.expr)])?, bound))
    }

    /// The rows with the value and the measure that stand for them at this level.
    fn sorted_out(
        &self,
        rows: Relation,
        level: Level,
        above: &mut Above,
        span: Span,
    ) -> Result<(Relation, Column, Column)> {
        let best = self.best(rows.clone(), &level, above, span)?;
        let keys: Vec<&String> = above.keys.iter().chain([&level.key.id]).collect();
        let (mut rows, best) = self.beside(rows, best, &keys, &level.measure.id, span)?;
        let lost = self.ids.fresh();
        let missed = id(&best.hit).is_null();
        let Some(others) = level.others else {
            // Who was lost above has no value here.
            rows = match &above.lost {
                None => rows.filter(span, id(&best.hit).is_not_null())?,
                Some(before) => rows.filter(span, id(&best.hit).is_not_null().or(id(before)))?,
            };
            let (key, measure) = (self.renamed(&level.key), self.renamed(&level.measure));
            let value = either(missed.clone(), Value::null(key.ty).expr, id(&level.key.id), span)?;
            let measured = either(missed.clone(), Value::null(measure.ty).expr, id(&best.measure), span)?;
            let new = vec![(key.id.clone(), value), (measure.id.clone(), measured), (lost.clone(), missed)];
            above.keys.push(key.id.clone());
            above.lost = Some(lost);
            return Ok((rows.compute(span, new)?, key, measure));
        };
        rows = rows.compute(span, vec![(lost.clone(), missed)])?;
        // All the others of a group together.
        let mut group = above.keys.clone();
        group.extend(above.lost.clone());
        let together = rows.clone().filter(span, id(&lost))?;
        let together = measured(together, &level.aggregates, &level.measured, &group, &level.measure.id, span)?;
        let (rows, rest) = self.beside(rows, together, &group.iter().collect::<Vec<_>>(), &level.measure.id, span)?;
        let (key, measure) = (self.renamed(&level.key), self.renamed(&level.measure));
        let value = either(id(&lost), others.expr, id(&level.key.id), span)?;
        let measured = either(id(&lost), id(&rest.measure), id(&best.measure), span)?;
        above.keys.push(key.id.clone());
        above.lost = Some(lost);
        let rows = rows.compute(span, vec![(key.id.clone(), value), (measure.id.clone(), measured)])?;
        Ok((rows, key, measure))
    }

    fn renamed(&self, column: &Column) -> Column {
        Column { id: self.ids.fresh(), ..column.clone() }
    }

    /// The best values of each group, with their measure.
    fn best(&self, rows: Relation, level: &Level, above: &Above, span: Span) -> Result<Relation> {
        let rows = match &above.lost {
            Some(lost) => rows.filter(span, Plan::Not(Box::new(id(lost))))?,
            None => rows,
        };
        let mut group = above.keys.clone();
        group.push(level.key.id.clone());
        let best = measured(rows, &level.aggregates, &level.measured, &group, &level.measure.id, span)?;
        let Some(count) = level.count else { return Ok(best) };
        let order = OrderKey { id: level.measure.id.clone(), ascending: level.ascending, nulls_first: level.ascending };
        let mut number = WindowFunction::new(row_number_udwf(), vec![]);
        number.params.partition_by = above.keys.iter().map(|k| id(k)).collect();
        // Values that measure the same come in their own order.
        number.params.order_by = vec![order.expr(), OrderKey::ascending(level.key.id.clone()).expr()];
        let at = self.ids.fresh();
        let numbered = Plan::WindowFunction(Box::new(number)).alias(at.as_str());
        best.then(span, |b| b.window([numbered])?.filter(id(&at).lt_eq(lit(count as u64))))
    }

    /// The rows with the measure of their group beside them, where there is one. Null is a value as others are.
    fn beside(
        &self,
        mut rows: Relation,
        groups: Relation,
        keys: &[&String],
        measure: &str,
        span: Span,
    ) -> Result<(Relation, Beside)> {
        let found = Beside { hit: self.ids.fresh(), measure: self.ids.fresh() };
        // They stand in the join under other names.
        let renamed: Vec<String> = keys.iter().map(|_| self.ids.fresh()).collect();
        let mut exprs: Vec<Plan> = keys.iter().zip(&renamed).map(|(old, new)| id(old).alias(new.as_str())).collect();
        exprs.push(id(measure).alias(found.measure.as_str()));
        exprs.push(lit(true).alias(found.hit.as_str()));
        let groups = groups.select(span, exprs)?;
        rows.plan = if keys.is_empty() {
            LogicalPlanBuilder::from(rows.plan)
                .join_on(groups.plan, JoinType::Left, [lit(true)])
                .and_then(LogicalPlanBuilder::build)
                .at(span)?
        } else {
            let left: Vec<PlanColumn> = keys.iter().map(|k| PlanColumn::from_name(k.as_str())).collect();
            let right: Vec<PlanColumn> = renamed.iter().map(PlanColumn::from_name).collect();
            LogicalPlanBuilder::from(rows.plan)
                .join_detailed(groups.plan, JoinType::Left, (left, right), None, NullEquality::NullEqualsNull)
                .and_then(LogicalPlanBuilder::build)
                .at(span)?
        };
        rows.order.clear();
        Ok((rows, found))
    }
}

/// What a join has put beside rows.
struct Beside {
    /// Null where there was no group.
    hit: String,
    measure: String,
}

/// The measure of each group.
fn measured(
    rows: Relation,
    aggregates: &[(String, Plan)],
    value: &Plan,
    group: &[String],
    measure: &str,
    span: Span,
) -> Result<Relation> {
    let group: Vec<Plan> = group.iter().map(|g| id(g)).collect();
    let calls: Vec<Plan> = aggregates.iter().map(|(i, e)| e.clone().alias(i)).collect();
    rows.then(span, |b| b.aggregate(group, calls))?.compute(span, vec![(measure.to_owned(), value.clone())])
}

fn either(test: Plan, then: Plan, or: Plan, span: Span) -> Result<Plan> {
    when(test, then).otherwise(or).at(span)
}
