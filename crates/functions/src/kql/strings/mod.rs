//! Functions and operators over strings.

mod base64;
mod compress;
mod encode;
mod granny;
mod join;
mod operators;
mod patterns;
mod punycode;
mod text;

pub use granny::granny_key;
pub(crate) use join::parts;

use crate::compiled::Compiled;
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
    granny::register(f);
}

/// Compiles a regex as Kusto reads it: unanchored, case-sensitive, the syntax of the `regex` crate (documented).
///
/// Published rules were written when RE2 was the syntax, to which a `{` that begins no repetition is a character. So it is
/// read where the documented syntax has no meaning for it; [`is_older_regex`] tells.
///
/// # Errors
/// What is wrong with the pattern, in a line.
pub fn compile_regex(pattern: &str) -> std::result::Result<regex::Regex, String> {
    static COMPILED: Compiled = Compiled::new();
    COMPILED.get(pattern, || compile(pattern))
}

fn compile(pattern: &str) -> std::result::Result<regex::Regex, String> {
    let documented = match regex::Regex::new(pattern) {
        Ok(regex) => return Ok(regex),
        Err(e) => e,
    };
    let older = crate::braces::escaped(pattern);
    let older = (older != pattern).then(|| regex::Regex::new(&older).ok()).flatten();
    older.ok_or_else(|| why(&documented))
}

/// The same where a query is running.
pub fn regex(pattern: &str) -> Result<regex::Regex> {
    compile_regex(pattern)
        .map_err(|why| DataFusionError::Execution(format!("`{pattern}` is not a regular expression: {why}")))
}

/// What is wrong with a pattern, in a line. The crate draws the pattern and a mark above that; callers show the place in
/// the query.
fn why(e: &regex::Error) -> String {
    let text = e.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// Whether a pattern has a meaning in the older syntax alone.
pub fn is_older_regex(pattern: &str) -> bool {
    // What the documented syntax reads has been compiled by it: that is known without doing it again.
    crate::braces::escaped(pattern) != pattern && regex::Regex::new(pattern).is_err() && regex(pattern).is_ok()
}
