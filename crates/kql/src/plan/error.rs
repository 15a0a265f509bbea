//! The codes of what planning has to say, and the shapes of the sentences.
//!
//! | code | meaning |
//! |---|---|
//! | `KQL0201` | unknown table, function or variable where rows are expected |
//! | `KQL0202` | unknown column or variable |
//! | `KQL0203` | unknown function |
//! | `KQL0204` | a value of the wrong type |
//! | `KQL0205` | wrong number of arguments, or an unknown one |
//! | `KQL0206` | a constant is needed |
//! | `KQL0207` | a name that is declared twice, or stands for two columns |
//! | `KQL0208` | a value that an option cannot have |
//! | `KQL0209` | an aggregate outside of `summarize` and the like, or a column inside without one |
//! | `KQL0210` | a scalar where rows are expected, or the reverse |
//! | `KQL0301` | operator not supported |
//! | `KQL0302` | function not supported |
//! | `KQL0303` | plugin not supported |
//! | `KQL0304` | form or option not supported |
//! | `KQL0305` | external data is not reachable |
//! | `KQL0401` | note: a known table that no input feeds |
//! | `KQL0402` | note: part of the query does not change its rows |
//! | `KQL0403` | warning: a guess was made |
//! | `KQL0404` | note: what the query takes from outside is not given, and is null |
//! | `KQL0405` | note: what a name stands for here |
//! | `KQL0999` | the planner's own fault |

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use parallax_diagnostics::{Diagnostic, Span};

/// What binding and planning return; boxed, because a diagnostic is large and rare.
pub(crate) type Result<T> = std::result::Result<T, Box<Diagnostic>>;

pub(crate) const UNKNOWN_TABLE: &str = "KQL0201";
pub(crate) const UNKNOWN_NAME: &str = "KQL0202";
pub(crate) const UNKNOWN_FUNCTION: &str = "KQL0203";
pub(crate) const TYPE: &str = "KQL0204";
pub(crate) const ARGUMENTS: &str = "KQL0205";
pub(crate) const CONSTANT: &str = "KQL0206";
pub(crate) const DUPLICATE: &str = "KQL0207";
pub(crate) const OPTION: &str = "KQL0208";
pub(crate) const AGGREGATE: &str = "KQL0209";
pub(crate) const SHAPE: &str = "KQL0210";
pub(crate) const NO_OPERATOR: &str = "KQL0301";
pub(crate) const NO_FUNCTION: &str = "KQL0302";
pub(crate) const NO_PLUGIN: &str = "KQL0303";
pub(crate) const NO_FORM: &str = "KQL0304";
pub(crate) const EXTERNAL: &str = "KQL0305";
pub(crate) const EMPTY_TABLE: &str = "KQL0401";
pub(crate) const NO_EFFECT: &str = "KQL0402";
pub(crate) const GUESS: &str = "KQL0403";
pub(crate) const NOT_GIVEN: &str = "KQL0404";
pub(crate) const RESOLVED: &str = "KQL0405";
pub(crate) const INTERNAL: &str = "KQL0999";

/// An error, boxed.
pub(crate) fn error(code: &'static str, span: Span, message: impl Into<String>) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(code, span, message))
}

/// An error, as a result.
pub(crate) fn fail<T>(code: &'static str, span: Span, message: impl Into<String>) -> Result<T> {
    Err(error(code, span, message))
}

/// Says where a failure inside DataFusion came from.
pub(crate) trait At<T> {
    /// The result with the failure as a diagnostic at `span`.
    fn at(self, span: Span) -> Result<T>;
}

impl<T> At<T> for std::result::Result<T, DataFusionError> {
    fn at(self, span: Span) -> Result<T> {
        self.map_err(|e| {
            if matches!(&e, DataFusionError::SchemaError(reason, _) if matches!(**reason, SchemaError::FieldNotFound { .. }))
            {
                return Box::new(
                    Diagnostic::error(NO_FORM, span, "rows within an expression cannot read the columns of the rows around them")
                        .help("`join` or `lookup` brings both together"),
                );
            }
            Box::new(
                Diagnostic::error(INTERNAL, span, format!("this could not be planned: {}", e.strip_backtrace()))
                    .help("this is a fault of the planner, not of the query; please report it"),
            )
        })
    }
}
