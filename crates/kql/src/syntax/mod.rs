//! Text to tree: the lexer, the parser, the tree and the printer. Knows no Arrow and no DataFusion.

mod codes;
mod keyword;
mod lexer;
mod parser;
mod pieces;
mod printer;
pub mod tree;
mod values;

pub use pieces::pieces;

use parallax_diagnostics::Diagnostics;
use tree::Tree;

/// Reads a query text. It stops at the first thing that is wrong, so an error holds one diagnostic.
///
/// # Errors
/// When the text is not KQL as the language's reference parser knows it, when a literal is no value of its type, or
/// when the text nests deeper than [this](MAX_DEPTH).
pub fn parse(text: &str) -> Result<Tree, Diagnostics> {
    parser::parse(text)
}

/// How deeply brackets, calls and subqueries may nest.
pub const MAX_DEPTH: usize = parser::MAX_DEPTH;
