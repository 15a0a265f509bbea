//! `session_count(Id, Time, Start, End, Bin, Lookback [, slice, …])`: how many sessions begin in each bin.
//!
//! A row begins a session where its id has no other within `Lookback` before it. Bins are those of `bin`, and a row at
//! `Start` itself begins none: so the documentation's chart shows it.

use super::Plugin;
use super::timeline::length;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::{Column, Relation};
use datafusion::functions_window::lead_lag::lag_udwf;
use datafusion::logical_expr::expr::WindowFunction;

const TEMPLATE: &str = "
T
| where isnull(Before) or Time - Before > Lookback
| where Time > Start and Time <= End
| summarize count_sessions = count() by B = bin(Time, Step), K
| sort by K asc, B asc";

impl Plugin<'_, '_> {
    pub(super) fn session_count(&self, input: Relation) -> Result<Relation> {
        let arguments = self.arguments(6, usize::MAX)?;
        let (ids, time) = self.ids_and_time(&arguments, &input)?;
        let given = self.bounds(&arguments[2], &arguments[3], &time)?;
        let step = self.scalar_as(&arguments[4], length(time.ty))?;
        self.positive(&step, &arguments[4])?;
        let lookback = self.scalar_as(&arguments[5], length(time.ty))?;
        let by = self.columns(arguments.from(6), &input)?;
        let activity = self.activity(input, &ids, time, &by)?;
        let [id, on, key] = activity.rows.columns.as_slice() else {
            return fail(error::INTERNAL, self.span, "the rows of an activity have three columns");
        };
        let mut before = WindowFunction::new(lag_udwf(), vec![on.expr()]);
        before.params.partition_by = vec![id.expr(), key.expr()];
        before.params.order_by = vec![on.expr().sort(true, true)];
        let ty = on.ty;
        let (mut rows, before) = self.window(activity.rows.clone(), before)?;
        rows.columns.push(Column { name: "Before".to_owned(), ty, id: before });
        let given = given.table("T", rows).scalar("Step", step).scalar("Lookback", lookback);
        let rows = self.template(TEMPLATE, given)?;
        self.sliced(rows, &activity, 1)
    }
}
