//! Which of many conditions hold, as one value.

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// `sumo_hits(condition, …)`: a bit for each condition that holds, the first one lowest; null where none does.
///
/// Volatile, so that a filter over the result is not pushed below it: the conditions would be computed twice.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Hits {
    signature: Signature,
}

impl Hits {
    pub(super) fn new() -> Self {
        Hits { signature: Signature::variadic_any(Volatility::Volatile) }
    }
}

impl ScalarUDFImpl for Hits {
    fn name(&self) -> &str {
        "sumo_hits"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let bytes = args.args.len().div_ceil(8);
        let arrays = args.args.iter().map(|a| a.to_array(args.number_rows)).collect::<Result<Vec<_>>>()?;
        let mut bits = vec![0u8; bytes * args.number_rows];
        for (place, array) in arrays.iter().enumerate() {
            let Some(holds) = array.as_boolean_opt() else {
                return exec_err!("a condition is a {}", array.data_type());
            };
            mark(holds, place, bytes, &mut bits);
        }
        let mut out = BinaryBuilder::with_capacity(args.number_rows, 0);
        for row in 0..args.number_rows {
            let row = &bits[row * bytes..(row + 1) * bytes];
            if row.iter().any(|b| *b != 0) {
                out.append_value(row);
            } else {
                out.append_null();
            }
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish()) as ArrayRef))
    }
}

fn mark(holds: &BooleanArray, place: usize, bytes: usize, bits: &mut [u8]) {
    if holds.true_count() == 0 {
        return;
    }
    for row in 0..holds.len() {
        if holds.is_valid(row) && holds.value(row) {
            bits[row * bytes + place / 8] |= 1 << (place % 8);
        }
    }
}
