//! Columns that depend on the data: the data is looked at while the query is planned.
//!
//! The rows before the plugin are run once for the names, and the whole query once more for its result.

use crate::plan::Binder;
use crate::plan::error::{self, At, Result, error};
use crate::plan::relation::Relation;
use crate::plan::types::Type;
use crate::plan::value::Value;
use crate::syntax::tree::Call;
use arrow::array::AsArray;
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder};
use serde_json::Value as Json;
use std::collections::BTreeMap;

impl Binder<'_> {
    /// The members of the bags in the data by name, each with its type: the one that all its values have, else dynamic
    /// (documented). None where there is nothing to look at.
    pub(crate) fn members_in_data(
        &self,
        input: &Relation,
        bag: &Value,
        call: &Call,
    ) -> Result<Option<Vec<(String, Type)>>> {
        let mut members: BTreeMap<String, Option<Type>> = BTreeMap::new();
        let looked = self.distinct_texts(input, bag, call, |text| {
            let Ok(Json::Object(bag)) = serde_json::from_str(text) else { return };
            for (key, value) in bag {
                let seen = members.entry(key).or_default();
                *seen = match (*seen, type_of(&value)) {
                    (None, ty) | (ty, None) => ty,
                    (Some(a), Some(b)) if a == b => Some(a),
                    _ => Some(Type::Dynamic),
                };
            }
        })?;
        let found = members.into_iter().map(|(key, ty)| (key, ty.unwrap_or(Type::Dynamic))).collect();
        Ok(looked.then_some(found))
    }

    /// The values of a text in the data, in order. An empty one gives no column a name. None where there is
    /// nothing to look at.
    pub(crate) fn values_in_data(&self, input: &Relation, key: &Value, call: &Call) -> Result<Option<Vec<String>>> {
        let mut values = std::collections::BTreeSet::new();
        let looked = self.distinct_texts(input, key, call, |text| {
            if !text.is_empty() {
                values.insert(text.to_owned());
            }
        })?;
        Ok(looked.then(|| values.into_iter().collect()))
    }

    /// Whether the data could be looked at: not where a table is known to have none, and not where nothing is run.
    fn distinct_texts(&self, input: &Relation, value: &Value, call: &Call, mut each: impl FnMut(&str)) -> Result<bool> {
        if input.empty {
            return Ok(false);
        }
        let name = &call.name.text;
        let plan = LogicalPlanBuilder::from(input.plan.clone())
            .aggregate(vec![value.expr.clone().alias("value")], Vec::<Plan>::new())
            .and_then(LogicalPlanBuilder::build)
            .at(call.span)?;
        let batches = match self.catalog.rows(&plan) {
            Some(Ok(batches)) => batches,
            Some(Err(why)) => {
                let message = format!("the data could not be looked at for the columns of `{name}`: {why}");
                return Err(error(error::NO_PLUGIN, call.span, message));
            }
            None => {
                let message =
                    format!("the columns of `{name}` depend on the data, and are not known when the query is planned");
                let unknown = (*error(error::NO_PLUGIN, call.span, message))
                    .help(format!("say what they are: `evaluate {name}(…) : (Column:string, Other:long)`"));
                self.missing_always(unknown);
                return Ok(false);
            }
        };
        for batch in batches {
            let Some(texts) = batch.column(0).as_string_view_opt() else { continue };
            texts.iter().flatten().for_each(&mut each);
        }
        Ok(true)
    }
}

/// The type of a member's column; none for null, which any column can hold.
fn type_of(value: &Json) -> Option<Type> {
    match value {
        Json::Null => None,
        Json::Bool(_) => Some(Type::Bool),
        Json::Number(n) if n.is_i64() => Some(Type::Long),
        Json::Number(_) => Some(Type::Real),
        Json::String(_) => Some(Type::String),
        Json::Array(_) | Json::Object(_) => Some(Type::Dynamic),
    }
}
