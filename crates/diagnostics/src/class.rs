//! The pieces of a text by what they are, for those who colour it.

use crate::Span;

/// What a piece of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// For readers alone.
    Comment,
    /// A word of the language.
    Keyword,
    /// What is called.
    Function,
    /// A name of a table, a column, a variable.
    Name,
    /// A text in quotes, or a search word.
    String,
    /// A number, a time, a length of time, a truth value.
    Number,
    /// A sign.
    Sign,
}

/// A piece of a text. What no piece covers is white space, or cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub class: Class,
}
