//! A KQL query as a detection.

use crate::loss::{Losses, codes, refuse};
use crate::middle::Detection;
use parallax_diagnostics::{Diagnostics, Span};

/// Reads a query.
///
/// # Errors
/// What is no condition over single rows.
pub fn read(_text: &str) -> Result<(Detection, Losses), Diagnostics> {
    Err(refuse(codes::EXPRESSION, Span::at(0), "queries cannot be read yet").into())
}
