//! A query that writes its result as a table.

use parallax_diagnostics::{Diagnostic, Span};

/// What is to be written of a query's result, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Save {
    /// The place of the table, as lookups name it: [`external::lookup_place`](crate::external::lookup_place).
    pub place: String,
    /// Whether rows are added to those that are there.
    pub append: bool,
    /// Whether it is a table of the library: one with columns of its own, and rows that a key tells apart.
    pub library: bool,
    /// Where the query says so.
    pub span: Span,
    /// Why nothing can be written. The query is right, and can be run where nothing is to be written.
    pub refused: Option<Diagnostic>,
}
