//! Telling a Parquet scan in its own terms what a query asks of times.
//!
//! A language compares ticks that it computes from a timestamp, and the statistics of row groups and pages are of the
//! timestamp itself. So a comparison with a constant is handed to the scan as one of timestamps, a tick wider on each
//! side: the scan leaves out what cannot match, and the plan's own filter, which stays, decides on the rest.

use super::window::EPOCH_TICKS;
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, Operator, binary_expr};

/// A comparison of ticks with a constant as one of timestamps that is true at least where it is.
pub(super) fn on_timestamp(filter: &Expr, schema: &SchemaRef) -> Option<Expr> {
    let (name, from, to) = time_bounds(filter, schema)?;
    let DataType::Timestamp(TimeUnit::Nanosecond, zone) = schema.field_with_name(&name).ok()?.data_type() else {
        return None;
    };
    let bound = |op, nanos| {
        let literal = ScalarValue::TimestampNanosecond(Some(nanos), zone.clone());
        let column = Expr::Column(datafusion::common::Column::from_name(&name));
        binary_expr(column, op, Expr::Literal(literal, None))
    };
    let (from, to) = (from.map(|n| bound(Operator::GtEq, n)), to.map(|n| bound(Operator::LtEq, n)));
    match (from, to) {
        (Some(from), Some(to)) => Some(from.and(to)),
        (from, to) => from.or(to),
    }
}

/// The bounds, in nanoseconds, that a comparison of ticks with a constant puts on a timestamp, a tick wider than it says:
/// the column, the first instant and the last one.
pub(super) fn time_bounds(filter: &Expr, schema: &SchemaRef) -> Option<(String, Option<i64>, Option<i64>)> {
    let Expr::BinaryExpr(comparison) = filter else { return None };
    let (side, ticks, op) = match (comparison.left.as_ref(), comparison.right.as_ref()) {
        (side, Expr::Literal(ScalarValue::Int64(Some(ticks)), _)) => (side, *ticks, comparison.op),
        (Expr::Literal(ScalarValue::Int64(Some(ticks)), _), side) => (side, *ticks, comparison.op.swap()?),
        _ => return None,
    };
    let column = ticks_of(side, schema)?;
    let nanos = ticks.checked_sub(EPOCH_TICKS)?.checked_mul(100)?;
    let (from, to) = (nanos.checked_sub(100)?, nanos.checked_add(100)?);
    match op {
        Operator::Gt | Operator::GtEq => Some((column, Some(from), None)),
        Operator::Lt | Operator::LtEq => Some((column, None, Some(to))),
        Operator::Eq => Some((column, Some(from), Some(to))),
        _ => None,
    }
}

/// The timestamp of which `e` is the ticks, `CAST(timestamp AS long) / 100 + epoch`.
fn ticks_of(e: &Expr, schema: &SchemaRef) -> Option<String> {
    let with = |e: &Expr, op: Operator, literal: i64| match e {
        Expr::BinaryExpr(b)
            if b.op == op && matches!(*b.right, Expr::Literal(ScalarValue::Int64(Some(n)), _) if n == literal) =>
        {
            Some(b.left.as_ref().clone())
        }
        _ => None,
    };
    let Expr::Cast(cast) = with(&with(e, Operator::Plus, EPOCH_TICKS)?, Operator::Divide, 100)? else { return None };
    let Expr::Column(column) = cast.expr.as_ref() else { return None };
    let field = schema.field_with_name(&column.name).ok()?;
    matches!(field.data_type(), DataType::Timestamp(TimeUnit::Nanosecond, _)).then(|| column.name.clone())
}
