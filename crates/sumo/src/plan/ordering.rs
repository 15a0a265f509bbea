//! `sort`, `limit`, `top`, `topk`, `dedup`.
//!
//! A sort is remembered and made real where it matters. Messages are newest first until a query says otherwise. Text
//! sorts as text, missing fields as `""`: last when descending, first when ascending.

use super::rows::{Rows, column};
use super::values::{Ty, Value, coalesce};
use super::{Planner, Planning, RAW, built};
use crate::syntax::{At, Expr as Tree, ExprKind, Name, SortKey};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlanBuilder, SortExpr, lit};

/// `limit` and `top` take at most that many (documented).
const MAX_ROWS: i64 = 10_000;

impl Planner<'_> {
    /// The keys as columns, computed where they are more than fields.
    fn keys(&mut self, rows: &mut Rows, keys: &[SortKey], at: At) -> Planning<Vec<SortExpr>> {
        let mut order = Vec::new();
        for key in keys {
            let mut value = self.expression(rows, &key.value)?;
            if !matches!(key.value.kind, ExprKind::Field(_)) {
                let id = self.id();
                built(rows.extend(vec![(id.clone(), value.expr.clone())]), at)?;
                // Kept alive by standing in the order already.
                rows.order.push(column(&id).sort(key.ascending, key.ascending));
                value = Value::new(column(&id), value.ty);
            }
            order.push(value.expr.sort(key.ascending, key.ascending));
        }
        Ok(order)
    }

    pub(super) fn sort(&mut self, rows: &mut Rows, keys: &[SortKey], at: At) -> Planning<()> {
        rows.order = self.keys(rows, keys, at)?;
        rows.sorted = true;
        Ok(())
    }

    pub(super) fn limit(&mut self, rows: &mut Rows, count: &Tree, at: At) -> Planning<()> {
        let count = self.number(count, 1, MAX_ROWS)?;
        self.first_rows(rows, count, at)
    }

    pub(super) fn first_rows(&mut self, rows: &mut Rows, count: usize, at: At) -> Planning<()> {
        built(rows.sort(Some(count)), at)?;
        rows.plan = built(rows.builder().limit(0, Some(count)).and_then(LogicalPlanBuilder::build), at)?;
        rows.sorted = rows.sorted || rows.raw;
        Ok(())
    }

    /// `top n f` counts and keeps the most frequent; `top n f by x` keeps the rows with the highest x.
    pub(super) fn top(&mut self, rows: &mut Rows, n: &Tree, fields: &[Name], by: &[SortKey], at: At) -> Planning<()> {
        let n = self.number(n, 1, MAX_ROWS)?;
        if by.is_empty() {
            let groups = self.group_by(rows, fields)?;
            let id = self.id();
            self.aggregate_into(rows, groups, vec![("_count".into(), id.clone(), count(lit(1i64)), Ty::Long)], at)?;
            rows.order = vec![column(&id).sort(false, false)];
        } else {
            rows.order = self.keys(rows, by, at)?;
            for field in fields {
                self.field(rows, &field.text, field.at)?;
            }
        }
        rows.sorted = true;
        self.first_rows(rows, n, at)
    }

    /// `topk(n, f) by g`: the n highest f of each g, ranked in `_rank`.
    pub(super) fn topk(&mut self, rows: &mut Rows, n: &Tree, fields: &[Name], by: &[Name], at: At) -> Planning<()> {
        let n = self.number(n, 1, MAX_ROWS)?;
        let mut order = Vec::new();
        for field in fields {
            order.push(self.field(rows, &field.text, field.at)?.expr.sort(false, false));
        }
        let mut partition = Vec::new();
        for name in by {
            partition.push(self.field(rows, &name.text, name.at)?.expr);
        }
        let id = self.rank(rows, partition, order, at)?;
        built(rows.filter(column(&id).lt_eq(lit(n as u64))), at)?;
        let rank = Value::new(datafusion::logical_expr::cast(column(&id), Ty::Long.arrow()), Ty::Long);
        rows.chain.push(id);
        self.assign(rows, "_rank", &rank, at)?;
        rows.chain.clear();
        Ok(())
    }

    /// A column that numbers the rows of each partition from 1.
    pub(super) fn rank(
        &mut self,
        rows: &mut Rows,
        partition: Vec<Expr>,
        order: Vec<SortExpr>,
        at: At,
    ) -> Planning<String> {
        let id = self.id();
        let number = built(row_number().partition_by(partition).order_by(order).build(), at)?;
        let plan = rows.builder().window(vec![number.alias(&id)]);
        rows.plan = built(plan.and_then(LogicalPlanBuilder::build), at)?;
        Ok(id)
    }

    /// The first n rows of each combination, in the current order.
    pub(super) fn dedup(
        &mut self,
        rows: &mut Rows,
        consecutive: bool,
        n: Option<&Tree>,
        fields: &[Name],
        at: At,
    ) -> Planning<()> {
        let n = match n {
            Some(n) => self.number(n, 1, MAX_ROWS)?,
            None => 1,
        };
        let raw = Name { text: RAW.to_owned(), at };
        let fields = if fields.is_empty() { std::slice::from_ref(&raw) } else { fields };
        let mut keys = Vec::new();
        for field in fields {
            // Missing and empty count as the same.
            let value = self.field(rows, &field.text, field.at)?;
            keys.push(coalesce(value.to_text(), super::operators::text("")));
        }
        let order = rows.order.clone();
        let mut scratch = Vec::new();
        if consecutive {
            // Rows with the same key belong together while their place among all and their place among their own kind
            // keep the same distance.
            let all = self.rank(rows, Vec::new(), order, at)?;
            let own = self.rank(rows, keys.clone(), vec![column(&all).sort(true, false)], at)?;
            let difference = datafusion::logical_expr::cast(column(&all), Ty::Long.arrow())
                - datafusion::logical_expr::cast(column(&own), Ty::Long.arrow());
            let run = self.id();
            let mut every = rows.live();
            every.extend([column(&all), difference.alias(&run)]);
            rows.plan = built(rows.builder().project(every).and_then(LogicalPlanBuilder::build), at)?;
            keys.push(column(&run));
            let id = self.rank(rows, keys, vec![column(&all).sort(true, false)], at)?;
            built(rows.filter(column(&id).lt_eq(lit(n as u64))), at)?;
            scratch.push(id);
        } else {
            let id = self.rank(rows, keys, order, at)?;
            built(rows.filter(column(&id).lt_eq(lit(n as u64))), at)?;
            scratch.push(id);
        }
        let every = rows.live();
        rows.plan = built(rows.builder().project(every).and_then(LogicalPlanBuilder::build), at)?;
        Ok(())
    }
}
