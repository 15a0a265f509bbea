//! `rolling_percentile(Value, Percentile, Index, BinSize, BinsPerWindow [, slice, …])`: a percentile of the bins that end
//! with each bin. No bin lies behind the last one that has rows (documented by example).

use super::Plugin;
use super::template::Given;
use super::timeline::length;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::Relation;
use crate::plan::types::Type;
use crate::plan::value::Value;
use datafusion::common::ScalarValue;

const TEMPLATE: &str = "
let Binned = T | extend B = bin(Time, Step);
let Last = toscalar(Binned | summarize max(B));
Binned
| mv-expand N = range(0, Bins - 1) to typeof(long)
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
        if bins < 1 {
            return fail(error::OPTION, arguments[4].span, "a window has at least one bin");
        }
        let by = self.columns(arguments.from(5), &input)?;
        let name = format!("rolling_{bins}_percentile_{}_{percent}", value.name);
        let activity = self.activity(input, &value, time, &by)?;
        let given = Given::default()
            .table("T", activity.rows.clone())
            .scalar("Step", step)
            .scalar("Bins", Value::long(bins))
            .scalar("Percentile", percentile);
        let rows = self.template(TEMPLATE, given)?;
        let mut rows = self.sliced(rows, &activity, 1)?;
        if let Some(last) = rows.columns.last_mut() {
            last.name = name;
        }
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
