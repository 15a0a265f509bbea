//! A detection as a Sigma rule.

use crate::loss::{Losses, codes, refuse};
use crate::middle::Detection;
use parallax_diagnostics::{Diagnostics, Span};

/// Writes a rule.
///
/// # Errors
/// What Sigma has no form for.
pub fn write(_detection: &Detection) -> Result<(String, Losses), Diagnostics> {
    Err(refuse(codes::NO_FORM, Span::at(0), "rules cannot be written yet").into())
}
