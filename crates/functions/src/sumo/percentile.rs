//! Percentiles of a list of numbers.

use arrow::array::{Array, ArrayRef, AsArray, Float64Builder};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// `sumo_percentile(list, percent)`: interpolated between neighbours; null of a list without numbers.
///
/// DataFusion's `percentile_cont` cuts the place between two neighbours down to millionths, which shows where they lie far
/// apart.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Percentile {
    signature: Signature,
}

impl Percentile {
    pub(super) fn new() -> Self {
        Percentile { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Percentile {
    fn name(&self) -> &str {
        "sumo_percentile"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let lists = arrays[0].as_list::<i32>();
        let percents = arrays[1].as_primitive::<Float64Type>();
        let mut out = Float64Builder::with_capacity(lists.len());
        for row in 0..lists.len() {
            if lists.is_null(row) {
                out.append_null();
                continue;
            }
            let list = lists.value(row);
            let mut numbers: Vec<f64> = list.as_primitive::<Float64Type>().iter().flatten().collect();
            out.append_option(percentile(&mut numbers, percents.value(row)));
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish()) as ArrayRef))
    }
}

/// In hundredths of a place, so that whole percents stay exact.
fn percentile(numbers: &mut [f64], percent: f64) -> Option<f64> {
    let place = percent * numbers.len().checked_sub(1)? as f64;
    let below = (place / 100.0).floor();
    let share = (place - below * 100.0) / 100.0;
    let (_, low, rest) = numbers.select_nth_unstable_by(below as usize, f64::total_cmp);
    let high = rest.iter().copied().min_by(f64::total_cmp);
    match high {
        Some(high) if share > 0.0 && high != *low => Some(*low + (high - *low) * share),
        _ => Some(*low),
    }
}
