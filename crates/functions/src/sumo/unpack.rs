//! Functions over lists: packed texts as one, for the rows that `multi` makes; one as text, for `values`.

use super::capture;
use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringViewBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

pub(super) const NAME: &str = "sumo_unpack";
pub(super) const VALUES: &str = "sumo_values";

/// At most that many distinct values are shown (documented).
const MAX_VALUES: usize = 100;

/// `sumo_values(list)`: the distinct values, sorted as text, a line each.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Values {
    signature: Signature,
}

impl Values {
    pub(super) fn new() -> Self {
        Values { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Values {
    fn name(&self) -> &str {
        VALUES
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let lists = arrays[0].as_list::<i32>();
        let mut out = StringViewBuilder::with_capacity(lists.len());
        for list in lists.iter() {
            let Some(list) = list else {
                out.append_null();
                continue;
            };
            let mut texts: Vec<&str> = list.as_string_view().iter().flatten().collect();
            texts.sort_unstable();
            texts.dedup();
            texts.truncate(MAX_VALUES);
            out.append_value(texts.join("\n"));
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish()) as ArrayRef))
    }
}

/// `sumo_joined(list, separator)`: the texts of a list in their order, with a text between them.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Joined {
    signature: Signature,
}

impl Joined {
    pub(super) fn new() -> Self {
        Joined { signature: Signature::any(3, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Joined {
    fn name(&self) -> &str {
        "sumo_joined"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    /// With a third argument that is true, each text once, where it stands first.
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let lists = arrays[0].as_list::<i32>();
        let (separators, distinct) = (arrays[1].as_string_view(), arrays[2].as_boolean());
        let mut out = StringViewBuilder::with_capacity(lists.len());
        for row in 0..lists.len() {
            if lists.is_null(row) {
                out.append_null();
                continue;
            }
            let list = lists.value(row);
            let mut texts: Vec<&str> = list.as_string_view().iter().flatten().collect();
            if distinct.value(row) {
                let mut seen = std::collections::HashSet::new();
                texts.retain(|t| seen.insert(*t));
            }
            if texts.is_empty() { out.append_null() } else { out.append_value(texts.join(separators.value(row))) }
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish()) as ArrayRef))
    }
}

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
