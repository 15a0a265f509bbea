//! Packed texts as a list, for the rows that `multi` makes.

use super::capture;
use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringViewBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

pub(super) const NAME: &str = "sumo_unpack";

/// `sumo_unpack(packed)`: a list of texts; null stays null.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Unpack {
    signature: Signature,
}

impl Unpack {
    pub(super) fn new() -> Self {
        Unpack { signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Unpack {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Utf8View, true))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let texts = arrays[0].as_string_view();
        let mut lists = ListBuilder::new(StringViewBuilder::new());
        for row in 0..texts.len() {
            if texts.is_valid(row) {
                capture::unpack(texts.value(row)).for_each(|text| lists.values().append_value(text));
            }
            lists.append(texts.is_valid(row));
        }
        Ok(ColumnarValue::Array(Arc::new(lists.finish()) as ArrayRef))
    }
}
