//! `parse_version`: a version as a number that sorts as versions do.
//!
//! It has up to 32 digits, more than a decimal here has before its point: it is a whole number, `Decimal128(38, 0)`.

use crate::udf::Functions;
use arrow::array::{Array, ArrayRef, AsArray, Decimal128Builder};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// How many digits a part has at most (documented).
const DIGITS: usize = 8;
const TYPE: DataType = DataType::Decimal128(38, 0);

pub(super) fn register(f: &mut Functions) {
    f.udf(ScalarUDF::from(ParseVersion { signature: Signature::any(1, Volatility::Immutable) }));
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ParseVersion {
    signature: Signature,
}

impl ScalarUDFImpl for ParseVersion {
    fn name(&self) -> &str {
        "kql_parse_version"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(TYPE)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(texts) = arrays[0].as_string_view_opt() else { return exec_err!("parse_version takes text") };
        let mut out = Decimal128Builder::with_capacity(texts.len()).with_data_type(TYPE);
        texts.iter().for_each(|t| out.append_option(t.and_then(number)));
        Ok(ColumnarValue::Array(Arc::new(out.finish()) as ArrayRef))
    }
}

/// One to four parts of up to eight digits; those that are missing are zero (documented).
fn number(version: &str) -> Option<i128> {
    let mut parts = version.trim().split('.');
    let mut all: i128 = 0;
    for _ in 0..4 {
        let part: i128 = match parts.next() {
            Some(p) if !p.is_empty() && p.len() <= DIGITS && p.bytes().all(|b| b.is_ascii_digit()) => p.parse().ok()?,
            Some(_) => return None,
            None => 0,
        };
        all = all * 10i128.pow(DIGITS as u32) + part;
    }
    parts.next().is_none().then_some(all)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn parts_are_eight_digits_wide() {
        assert_eq!(number("0.0.0.7"), Some(7));
        assert_eq!(number("1"), Some(10i128.pow(24)));
        assert_eq!(number("99999999.99999999.99999999.99999999"), Some(10i128.pow(32) - 1));
        assert_eq!(number(" 2.10 "), Some(2 * 10i128.pow(24) + 10 * 10i128.pow(16)));
        for wrong in ["", "1..2", "1.2.3.4.5", "1.a", "100000000", "-1"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }
}
