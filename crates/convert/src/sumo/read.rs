//! A Sumo Logic search as a detection.

use crate::loss::{Losses, codes, refuse};
use crate::middle::Detection;
use parallax_diagnostics::{Diagnostics, Span};

/// Reads a search.
///
/// # Errors
/// What is no condition over single messages.
pub fn read(_text: &str) -> Result<(Detection, Losses), Diagnostics> {
    Err(refuse(codes::EXPRESSION, Span::at(0), "searches cannot be read yet").into())
}
