//! `predict` by linear regression.

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{Float64Type, Int64Type};
use datafusion::common::{Result, exec_err};
use std::sync::Arc;

/// At most that many points are looked at, those between which there is none among them (documented).
const MOST: i64 = 20_000;

/// The line of least squares through the points, whose missing ones are zero (documented), at each point.
pub(super) fn predict(args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let [times, values, step] = args else { return exec_err!("`predict` was called with other arguments") };
    let (times, values, step) =
        (times.as_primitive::<Int64Type>(), values.as_primitive::<Float64Type>(), step.as_primitive::<Int64Type>());
    let there = || (0..rows).filter(|row| times.is_valid(*row)).map(|row| times.value(row));
    let (Some(first), Some(last)) = (there().min(), there().max()) else {
        return Ok(Arc::new(Float64Array::new_null(rows)));
    };
    let step = step.value(0).max(1);
    let points = (last - first) / step + 1;
    if points > MOST {
        return exec_err!("`predict` would look at {points} points; at most {MOST} are");
    }
    let place = |row: usize| (times.value(row) - first) as f64 / step as f64;
    let (mut y, mut xy) = (0.0, 0.0);
    for row in (0..rows).filter(|row| times.is_valid(*row) && values.is_valid(*row)) {
        y += values.value(row);
        xy += values.value(row) * place(row);
    }
    let n = points as f64;
    let x = n * (n - 1.0) / 2.0;
    let xx = (n - 1.0) * n * (2.0 * n - 1.0) / 6.0;
    let spread = n * xx - x * x;
    let slope = if spread == 0.0 { 0.0 } else { (n * xy - x * y) / spread };
    let start = (y - slope * x) / n;
    let line = |row: usize| times.is_valid(row).then(|| start + slope * place(row));
    Ok(Arc::new(Float64Array::from_iter((0..rows).map(line))))
}
