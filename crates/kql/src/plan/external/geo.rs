//! `geo_info_from_ip_address`: where a network is, from a list that the user gives.

use super::unreached;
use crate::plan::Binder;
use crate::plan::error::{self, Result};
use crate::plan::types::Type;
use crate::plan::value::Value;
use arrow::array::{Array, ArrayRef, AsArray, StringViewBuilder};
use arrow::datatypes::DataType;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr as Plan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use parallax_catalog::external::Networks;
use parallax_diagnostics::{Diagnostic, Span};
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

impl Binder<'_> {
    pub(crate) fn geo_info(&self, address: Value, span: Span) -> Result<Value> {
        match self.catalog.externals().networks() {
            Ok(Some(networks)) => {
                let function = Arc::new(ScalarUDF::new_from_impl(GeoInfo::new(networks)));
                let call = Plan::ScalarFunction(ScalarFunction::new_udf(function, vec![address.expr]));
                Ok(Value::new(call, Type::Dynamic))
            }
            Ok(None) => {
                self.note_once(
                    Diagnostic::note(
                        error::NOT_GIVEN,
                        span,
                        "no list of networks is given: `geo_info_from_ip_address` is null",
                    )
                    .help("give one in the configuration: `[kql.geo]`"),
                );
                Ok(Value::null(Type::Dynamic))
            }
            Err(why) => {
                // A value has no rows to stand in for it: the query needs it wherever it stands.
                let diagnostic = unreached(&why, "the list of networks", span);
                self.missing_always(diagnostic);
                Ok(Value::null(Type::Dynamic))
            }
        }
    }
}

/// The function over one list.
#[derive(Debug)]
struct GeoInfo {
    networks: Arc<Networks>,
    signature: Signature,
}

impl GeoInfo {
    fn new(networks: Arc<Networks>) -> Self {
        GeoInfo { networks, signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable) }
    }
}

/// Two are the same where their lists are.
impl PartialEq for GeoInfo {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.networks, &other.networks)
    }
}

impl Eq for GeoInfo {}

impl Hash for GeoInfo {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.networks).hash(state);
    }
}

impl ScalarUDFImpl for GeoInfo {
    fn name(&self) -> &str {
        "kql_geo_info_from_ip_address"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> datafusion::common::Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> datafusion::common::Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let addresses = arrays[0].as_string_view();
        let mut out = StringViewBuilder::with_capacity(addresses.len());
        for text in addresses {
            let address = text.and_then(|t| t.trim().parse::<IpAddr>().ok());
            out.append_option(address.and_then(|a| self.networks.find(a)));
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish()) as ArrayRef))
    }
}
