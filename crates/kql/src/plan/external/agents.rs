//! `parse_user_agent`: what an agent is, by the patterns that the user gives.

use super::unreached;
use crate::plan::Binder;
use crate::plan::error::{self, Result, fail};
use crate::plan::scalar::json_items;
use crate::plan::types::Type;
use crate::plan::value::Value;
use arrow::array::{Array, ArrayRef, AsArray, StringViewBuilder};
use arrow::datatypes::DataType;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr as Plan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use parallax_diagnostics::{Diagnostic, Span};
use parallax_functions::kql::{Part, UserAgents};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

impl Binder<'_> {
    pub(crate) fn user_agent(&self, agent: Value, wanted: &Value, span: Span) -> Result<Value> {
        let words: Vec<String> = match (wanted.ty, wanted.text().map(|t| (t, json_items(t)))) {
            (Type::Dynamic, Some((_, Some(items)))) => {
                items.iter().map(|i| i.text().unwrap_or_default().to_owned()).collect()
            }
            (Type::String, Some((text, _))) => vec![text.to_owned()],
            _ => return fail(error::CONSTANT, span, "what is looked for must be a constant"),
        };
        let mut parts = Vec::new();
        for word in &words {
            let Some(part) = Part::named(word) else {
                let known = "'browser', 'os' and 'device'";
                return fail(error::OPTION, span, format!("`parse_user_agent` looks for {known}, not for '{word}'"));
            };
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        let refusal = match self.catalog.externals().user_agents() {
            Ok(Some(text)) => match UserAgents::read(&text) {
                Ok(agents) => {
                    let function = ParseUserAgent {
                        agents: Arc::new(agents),
                        parts,
                        signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable),
                    };
                    let function = Arc::new(ScalarUDF::new_from_impl(function));
                    let call = Plan::ScalarFunction(ScalarFunction::new_udf(function, vec![agent.expr]));
                    return Ok(Value::new(call, Type::Dynamic));
                }
                Err(why) => Diagnostic::error(error::EXTERNAL, span, format!("the patterns of user agents: {why}")),
            },
            Ok(None) => Diagnostic::error(
                error::EXTERNAL,
                span,
                "`parse_user_agent` needs patterns of user agents, and none are given",
            )
            .help("give a `regexes.yaml` of uap-core in the configuration: `[kql.user_agents]`"),
            Err(why) => unreached(&why, "the patterns of user agents", span),
        };
        self.missing_always(refusal);
        Ok(Value::null(Type::Dynamic))
    }
}

/// The function over one list of patterns.
#[derive(Debug)]
struct ParseUserAgent {
    agents: Arc<UserAgents>,
    parts: Vec<Part>,
    signature: Signature,
}

/// Two are the same where their lists are, and they look for the same.
impl PartialEq for ParseUserAgent {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.agents, &other.agents) && self.parts == other.parts
    }
}

impl Eq for ParseUserAgent {}

impl Hash for ParseUserAgent {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.agents).hash(state);
        self.parts.hash(state);
    }
}

impl ScalarUDFImpl for ParseUserAgent {
    fn name(&self) -> &str {
        "kql_parse_user_agent"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> datafusion::common::Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> datafusion::common::Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let agents = arrays[0].as_string_view();
        let mut out = StringViewBuilder::with_capacity(agents.len());
        for agent in agents {
            out.append_value(self.agents.describe(agent.unwrap_or_default(), &self.parts)?);
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish()) as ArrayRef))
    }
}
