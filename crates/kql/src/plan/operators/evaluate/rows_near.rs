//! `rows_near(Condition, NumRows [, RowsAfter])`: rows that are near to one for which the condition holds.

use super::Plugin;
use crate::plan::error::{At, Result};
use crate::plan::relation::{Relation, id};
use crate::plan::scope::Rows;
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::min_max::max_udaf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Expr as Plan, WindowFrame, WindowFrameBound, WindowFrameUnits, lit, when};

impl Plugin<'_, '_> {
    pub(super) fn rows_near(&self, input: Relation) -> Result<Relation> {
        let arguments = self.arguments(2, 3)?;
        let condition = self.binder.scalar(&arguments[0].value, &Rows::of(self.scope, &input))?;
        let condition = self.binder.as_bool(condition, arguments[0].span)?;
        let before = self.count(&arguments[1])?;
        let after = arguments.get(2).map(|a| self.count(a)).transpose()?.unwrap_or(before);
        // A row is near where one that the condition holds for is at most `after` before it or `before` behind it.
        let flag = self.binder.ids.fresh();
        let one = when(condition.expr, lit(1i64)).otherwise(lit(0i64)).at(self.span)?;
        let rows = input.compute(self.span, vec![(flag.clone(), one)])?;
        let mut near = WindowFunction::new(max_udaf(), vec![id(&flag)]);
        near.params.order_by = rows.order_exprs();
        near.params.partition_by = rows.partition.iter().take(1).map(|p| id(p)).collect();
        let bound = |n: usize| ScalarValue::UInt64(Some(n as u64));
        near.params.window_frame = WindowFrame::new_bounds(
            WindowFrameUnits::Rows,
            WindowFrameBound::Preceding(bound(after)),
            WindowFrameBound::Following(bound(before)),
        );
        let (rows, near) = self.window(rows, near)?;
        rows.filter(self.span, id(&near).eq(lit(1i64)))
    }

    /// Adds a window function's result to the plan.
    pub(super) fn window(&self, rows: Relation, function: WindowFunction) -> Result<(Relation, String)> {
        let name = self.binder.ids.fresh();
        let function = Plan::WindowFunction(Box::new(function)).alias(name.as_str());
        Ok((rows.then(self.span, |b| b.window([function]))?, name))
    }
}
