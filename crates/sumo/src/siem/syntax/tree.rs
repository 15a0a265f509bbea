//! The tree.

use parallax_diagnostics::Span;

/// A whole rule expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// `json field=fields "path" as alias`, in order, before the condition.
    pub aliases: Vec<Alias>,
    /// The condition or value.
    pub root: Node,
}

/// A name for an unmapped field, given by a `json` clause.
#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    /// The map that holds the field: `fields`.
    pub map: String,
    /// The path in it.
    pub path: String,
    /// The name.
    pub name: String,
    /// Where the path stands.
    pub span: Span,
}

/// A part of the tree and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Where.
    pub span: Span,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number, its suffix applied.
    Number(f64),
    /// `'text'` or `"text"`
    Text(String),
    /// `/regex/`
    Regex(String),
    /// A field of the record, or another name in scope.
    Field(String),
    /// `map['key']`, `map.key`
    Entry(String, String),
    /// `[a, b]`
    Array(Vec<Node>),
    /// `not a`, `!a`
    Not(Box<Node>),
    /// `-a`
    Negative(Box<Node>),
    /// `a and b and …`
    All(Vec<Node>),
    /// `a or b or …`
    Any(Vec<Node>),
    /// `a = b`, `a < b`, …
    Compare(Box<Node>, Comparison, Box<Node>),
    /// `a + b`, …
    Arithmetic(Box<Node>, Arithmetic, Box<Node>),
    /// `a like b`, `a rlike b`, `a matches b`
    Like(Box<Node>, Pattern, Box<Node>),
    /// `a in (b, c)`
    In(Box<Node>, Vec<Node>),
    /// `a between b and c`
    Between(Box<Node>, Box<Node>, Box<Node>),
    /// `a is null`
    IsNull(Box<Node>),
    /// `f(a, b)`
    Call(String, Vec<Node>),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`, `==`
    Equal,
    /// `!=`, `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// An operation on numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

/// What a text is compared with a pattern by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// `like`, with the character of `escape`.
    Like(Option<String>),
    /// `rlike`
    Rlike,
    /// `matches`: a glob, or a regular expression between slashes.
    Matches,
}
