//! `kql_elements`: a dynamic as a list of its elements, for what makes rows of them (`mv-expand`, `range`).

use super::{Value, json};
use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringViewBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::common::cast::as_string_view_array;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// An array's elements, a bag's properties as bags of one, anything else as itself; null of null. JSON's null within is
/// a null element.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Elements {
    signature: Signature,
}

impl Elements {
    pub(super) fn new() -> Self {
        Elements { signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Elements {
    fn name(&self) -> &str {
        "kql_elements"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Utf8View, true))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match &args.args[0] {
            ColumnarValue::Array(a) => Ok(ColumnarValue::Array(elements(a)?)),
            ColumnarValue::Scalar(s) => {
                let list = elements(&s.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::List(Arc::new(list.as_list::<i32>().clone()))))
            }
        }
    }
}

fn elements(column: &ArrayRef) -> Result<ArrayRef> {
    let column = as_string_view_array(column)?;
    let mut out = ListBuilder::with_capacity(StringViewBuilder::new(), column.len());
    let mut text = String::new();
    for v in column {
        let Some(value) = v.and_then(json::value) else {
            out.append(false);
            continue;
        };
        let mut push = |v: &Value| {
            text.clear();
            match v {
                Value::Null => out.values().append_null(),
                v => {
                    json::write_value(&mut text, v);
                    out.values().append_value(&text);
                }
            }
        };
        match value {
            Value::Array(items) => items.iter().for_each(&mut push),
            Value::Object(map) => {
                map.into_iter().for_each(|(k, v)| push(&Value::from(serde_json::Map::from_iter([(k, v)]))));
            }
            scalar => push(&scalar),
        }
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}
