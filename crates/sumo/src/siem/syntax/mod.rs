//! Text to tree. No Arrow, no DataFusion.

mod lexer;
mod parser;
mod tree;

pub use tree::*;

use parallax_diagnostics::{Diagnostic, Diagnostics, Span};

/// The longest expression that is read.
const MAX_BYTES: usize = 1 << 20;

/// The codes of the messages about text that is not a rule expression. Each is described in `docs/cloud-siem.md`.
pub mod codes {
    /// Something that cannot stand here.
    pub const UNEXPECTED: &str = "CSE0001";
    /// A string, regular expression or comment without its end.
    pub const UNTERMINATED: &str = "CSE0002";
    /// Longer, or nested deeper, than is read.
    pub const TOO_LARGE: &str = "CSE0003";
    /// A number that cannot be read.
    pub const BAD_NUMBER: &str = "CSE0004";
}

/// Turns text into a tree.
///
/// # Errors
/// One diagnostic that points at the first place that is not a rule expression.
pub fn parse(text: &str) -> Result<Expression, Diagnostics> {
    if text.len() > MAX_BYTES {
        let message = format!("the expression has {} bytes; at most {MAX_BYTES} are read", text.len());
        return Err(Diagnostic::error(codes::TOO_LARGE, Span::at(0), message).into());
    }
    parser::Parser::new(text).whole().map_err(Diagnostics::from)
}
