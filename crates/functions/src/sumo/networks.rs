//! What a list of networks says about an address, as a function over that list.

use arrow::array::{Array, ArrayRef, AsArray, StringViewBuilder};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

type Find = dyn Fn(IpAddr) -> Option<String> + Send + Sync;

/// The function that answers an address with the text that `find` has for it; null where there is none, or where the
/// text is no address.
pub fn networks(find: impl Fn(IpAddr) -> Option<String> + Send + Sync + 'static) -> Arc<ScalarUDF> {
    let signature = Signature::exact(vec![DataType::Utf8View], Volatility::Immutable);
    Arc::new(ScalarUDF::new_from_impl(Networks { find: Arc::new(find), signature }))
}

struct Networks {
    find: Arc<Find>,
    signature: Signature,
}

impl fmt::Debug for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Networks")
    }
}

/// Two are the same where they ask the same list.
impl PartialEq for Networks {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.find, &other.find)
    }
}

impl Eq for Networks {}

impl Hash for Networks {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.find).cast::<()>().hash(state);
    }
}

impl ScalarUDFImpl for Networks {
    fn name(&self) -> &str {
        "sumo_networks"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let texts = arrays[0].as_string_view();
        let mut out = StringViewBuilder::with_capacity(texts.len());
        for row in 0..texts.len() {
            let text = texts.is_valid(row).then(|| texts.value(row));
            out.append_option(text.and_then(|t| (self.find)(t.trim().parse().ok()?)));
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish()) as ArrayRef))
    }
}
