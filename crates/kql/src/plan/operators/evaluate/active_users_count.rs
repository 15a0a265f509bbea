//! `active_users_count(Id, Time, Start, End, Lookback, Period, Least, Bin [, slice, …])`: ids that were active in each
//! bin.
//!
//! A row makes its id active where at least `Least` periods have rows of that id, within the lookback that ends with
//! the row and does not hold the instant at which it begins (documented by example). Rows before `Start` count for the
//! lookback only.

use super::Plugin;
use super::timeline::length;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::{Column, Relation, id};
use crate::plan::types::Type;
use crate::plan::value::Value;
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::min_max::min_udaf;
use datafusion::functions_window::rank::dense_rank_udwf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{WindowFrame, WindowFrameBound, WindowFrameUnits};

const TEMPLATE: &str = "
T
| where Time >= Start and Rank - Oldest + 1 >= Least
| extend B = {bin:Time}
| summarize dcount = dcount(Id) by B, K
| sort by K asc, B asc
| extend B = {at:B}";

impl Plugin<'_, '_> {
    pub(super) fn active_users_count(&self, input: Relation) -> Result<Relation> {
        let arguments = self.arguments(8, usize::MAX)?;
        let (ids, time) = self.ids_and_time(&arguments, &input)?;
        let bounds = || self.bounds(&arguments[2], &arguments[3], &time);
        let lookback = self.scalar_as(&arguments[4], length(time.ty))?;
        self.positive(&lookback, &arguments[4])?;
        let Some(lookback) = before(&lookback) else {
            return fail(error::CONSTANT, arguments[4].span, "a constant is needed here");
        };
        let periods = self.timeline(&arguments[5], time.ty)?;
        let least = self.scalar_as(&arguments[6], Type::Real)?;
        let timeline = self.timeline(&arguments[7], time.ty)?;
        let by = self.columns(arguments.from(8), &input)?;
        let start_to_end = (bounds()?, bounds()?);
        let activity = self.activity(input, &ids, time, &by)?;

        let given = periods.given(start_to_end.0.table("T", activity.rows.clone()));
        let rows = self.template(&periods.fill("T | where Time <= End | extend P = {bin:Time}"), given)?;
        let columns = rows.columns.clone();
        let [ids, on, key, period] = columns.as_slice() else {
            return fail(error::INTERNAL, self.span, "the rows of an activity have four columns here");
        };
        let mut rank = WindowFunction::new(dense_rank_udwf(), vec![]);
        rank.params.partition_by = vec![ids.expr(), key.expr()];
        rank.params.order_by = vec![period.expr().sort(true, true)];
        let (rows, rank) = self.window(rows, rank)?;
        let mut oldest = WindowFunction::new(min_udaf(), vec![id(&rank)]);
        oldest.params.partition_by = vec![ids.expr(), key.expr()];
        oldest.params.order_by = vec![on.expr().sort(true, true)];
        oldest.params.window_frame = WindowFrame::new_bounds(
            WindowFrameUnits::Range,
            WindowFrameBound::Preceding(lookback),
            WindowFrameBound::CurrentRow,
        );
        let (rows, oldest) = self.window(rows, oldest)?;
        let numbers = [rank, oldest].map(|n| (self.binder.ids.fresh(), crate::plan::value::cast(id(&n), Type::Long)));
        let [rank, oldest] = [numbers[0].0.clone(), numbers[1].0.clone()];
        let mut rows = rows.compute(self.span, numbers.into())?;
        rows.columns.push(Column { name: "Rank".to_owned(), ty: Type::Long, id: rank });
        rows.columns.push(Column { name: "Oldest".to_owned(), ty: Type::Long, id: oldest });

        let given = timeline.given(start_to_end.1.table("T", rows)).scalar("Least", least);
        let rows = self.template(&timeline.fill(TEMPLATE), given)?;
        self.sliced(rows, &activity, 1)
    }
}

/// The largest distance that is less than that length.
fn before(length: &Value) -> Option<ScalarValue> {
    match length.constant()? {
        ScalarValue::Int64(Some(n)) => Some(ScalarValue::Int64(Some(n - 1))),
        ScalarValue::Float64(Some(n)) => Some(ScalarValue::Float64(Some(n.next_down()))),
        _ => None,
    }
}
