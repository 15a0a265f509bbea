//! Functions and operators over strings.

mod operators;

use crate::udf::Functions;

pub(super) fn register(f: &mut Functions) {
    operators::register(f);
}

/// Compiles a regex as Kusto reads it: unanchored, case-sensitive, the syntax of the `regex` crate (documented).
///
/// # Errors
/// A message for the person who wrote it.
pub(in crate::kql) fn regex(pattern: &str) -> datafusion::common::Result<regex::Regex> {
    regex::Regex::new(pattern).map_err(|e| datafusion::common::DataFusionError::External(Box::new(e)))
}
