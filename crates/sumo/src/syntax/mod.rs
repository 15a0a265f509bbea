//! Text to tree and back: the search language's lexer, parser, tree and printer. No Arrow, no DataFusion.
//!
//! The language has two lexical worlds. Before the first pipe stands the **scope**: words, wildcards and `field=value`
//! terms in which almost every character is part of a word. After it stand **operators** with ordinary tokens. Regular
//! expressions (`/…/`), anchor patterns and lookup paths have rules of their own. So the parser drives the lexer: it
//! says which world the next characters belong to.

mod aggregates;
mod cursor;
mod expressions;
mod extraction;
mod numbers;
mod operators;
mod pieces;
mod print;
mod scope;
mod text;
pub(crate) mod transactions;
mod tree;
mod words;

pub use numbers::{Number, Unit};
pub use pieces::pieces;
pub use print::print;
pub(crate) use print::print_expr;
pub use tree::*;

use parallax_diagnostics::{Diagnostic, Diagnostics};

/// Turns text into a tree.
///
/// # Errors
/// One diagnostic that points at the first place that is not Sumo Logic search.
pub fn parse(text: &str) -> Result<Tree, Diagnostics> {
    if text.len() > MAX_BYTES {
        return Err(Diagnostic::error(
            codes::TOO_LARGE,
            parallax_diagnostics::Span::at(0),
            format!("the query has {} bytes; at most {MAX_BYTES} are read", text.len()),
        )
        .into());
    }
    let query = cursor::Cursor::new(text).whole()?;
    Ok(Tree { text: text.to_owned(), query })
}

/// The words that make a stage an operator or an aggregate.
pub fn operators() -> impl Iterator<Item = &'static str> {
    [words::OPERATORS, words::VERBATIM, words::AGGREGATES].into_iter().flatten().copied()
}

/// The longest text that is parsed. The real product's limit is 15,000 characters; generated queries are longer.
const MAX_BYTES: usize = 1 << 20;

/// The codes of the messages about text that is not a query.
pub mod codes {
    /// A character or word that cannot stand here.
    pub const UNEXPECTED: &str = "SUMO0001";
    /// A string, regular expression, comment, `%"…"` or `{{…}}` without its end.
    pub const UNTERMINATED: &str = "SUMO0002";
    /// An operator that the language does not have.
    pub const UNKNOWN_OPERATOR: &str = "SUMO0003";
    /// Nested deeper, or longer, than is read.
    pub const TOO_LARGE: &str = "SUMO0004";
    /// A number that cannot be read or is out of range.
    pub const BAD_NUMBER: &str = "SUMO0005";
    /// A pattern and its list of fields do not fit.
    pub const CAPTURES: &str = "SUMO0006";
    /// A regular expression that does not compile.
    pub const BAD_REGEX: &str = "SUMO0007";
    /// Text after the end of the query.
    pub const TRAILING: &str = "SUMO0008";
}
