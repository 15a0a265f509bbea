//! `rolling_percentile(Value, Percentile, Index, BinSize, BinsPerWindow [, slice, …])`: a percentile of the bins that end
//! with each bin. No bin lies behind the last one that has rows (documented by example).

use super::Plugin;
use super::template::Given;
use super::timeline::length;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::{Column, Relation};
use crate::plan::types::Type;
use crate::plan::value::Value;
use arrow::array::{Int64Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use datafusion::common::{Column as PlanColumn, ScalarValue};
use datafusion::logical_expr::Expr as Plan;
use std::sync::Arc;

/// Each row stands in so many windows.
const MOST: i64 = 100_000;

const BINNED: &str = "T | extend B = bin(Time, Step)";

const TEMPLATE: &str = "
let Last = toscalar(T | summarize max(Time) | project bin(max_Time, Step));
Repeated
| extend B = B + N * Step
| where B <= Last
| summarize P = percentile(Id, Percentile) by B, K
| sort by K asc, B asc";

impl Plugin<'_, '_> {
    pub(super) fn rolling_percentile(&self, input: Relation) -> Result<Relation> {
        let arguments = self.arguments(5, usize::MAX)?;
        let value = self.column(&arguments[0], &input)?;
        let percentile = self.scalar(&arguments[1])?;
        let Some(percent) = spelled(&percentile) else {
            return fail(error::CONSTANT, arguments[1].span, "a constant number is needed here");
        };
        let time = self.column(&arguments[2], &input)?;
        // The same checks as for a timeline, though its bins count from zero.
        self.timeline(&arguments[3], time.ty)?;
        let step = self.scalar_as(&arguments[3], length(time.ty))?;
        let bins = self.whole(&arguments[4])?;
        if !(1..=MOST).contains(&bins) {
            return fail(error::OPTION, arguments[4].span, format!("a window has 1 to {MOST} bins"));
        }
        let by = self.columns(arguments.from(5), &input)?;
        let name = format!("rolling_{bins}_percentile_{}_{percent}", value.name);
        let activity = self.activity(input, &value, time, &by)?;
        let given = || Given::default().table("T", activity.rows.clone()).scalar("Step", step.clone());
        let repeated = self.repeated(self.template(BINNED, given())?, bins)?;
        let given = given().table("Repeated", repeated).scalar("Percentile", percentile);
        let rows = self.template(TEMPLATE, given)?;
        let mut rows = self.sliced(rows, &activity, 1)?;
        if let Some(last) = rows.columns.last_mut() {
            last.name = name;
        }
        Ok(rows)
    }
}

impl Plugin<'_, '_> {
    /// Each row so many times, with the numbers 0, 1, … in a column `N`.
    fn repeated(&self, rows: Relation, times: i64) -> Result<Relation> {
        let numbers = Int64Array::from_iter_values(0..times);
        let item = Arc::new(Field::new("item", DataType::Int64, true));
        let list = ListArray::new(item, OffsetBuffer::from_lengths([numbers.len()]), Arc::new(numbers), None);
        let all = Plan::Literal(ScalarValue::List(Arc::new(list)), None);
        let number = self.binder.ids.fresh();
        let rows = rows.compute(self.span, vec![(number.clone(), all)])?;
        let mut rows = rows.then(self.span, |b| b.unnest_column(PlanColumn::from_name(&number)))?;
        rows.columns.push(Column { name: "N".to_owned(), ty: Type::Long, id: number });
        Ok(rows)
    }
}

/// A number as it stands in a column's name.
fn spelled(value: &Value) -> Option<String> {
    match (value.ty, value.constant()?) {
        (Type::Real, ScalarValue::Float64(Some(n))) => Some(n.to_string()),
        _ => value.integer().map(|n| n.to_string()),
    }
}
