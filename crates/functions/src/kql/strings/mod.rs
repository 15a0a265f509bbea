//! Functions and operators over strings.

mod base64;
mod compress;
mod encode;
mod join;
mod operators;
mod patterns;
mod punycode;
mod text;

use crate::udf::Functions;
use datafusion::common::{DataFusionError, Result};

pub(super) fn register(f: &mut Functions) {
    operators::register(f);
    text::register(f);
    join::register(f);
    patterns::register(f);
    encode::register(f);
    compress::register(f);
    punycode::register(f);
}

/// Compiles a regex as Kusto reads it: unanchored, case-sensitive, the syntax of the `regex` crate (documented).
pub fn regex(pattern: &str) -> Result<regex::Regex> {
    regex::Regex::new(pattern).map_err(|e| DataFusionError::External(Box::new(e)))
}
