//! The tree. Every node says where it stands in the text; two trees are equal when they say the same, wherever.

mod expression;
mod operator;

pub use expression::*;
pub use operator::*;

use parallax_diagnostics::Span;

/// A place in the text. All places are equal, so that trees compare by what they say.
#[derive(Clone, Copy, Debug, Default)]
pub struct At(pub Span);

impl PartialEq for At {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A parsed query with the text that it was parsed from.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The text, verbatim.
    pub text: String,
    /// What it says.
    pub query: Query,
}

/// A scope and the operators after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What stands before the first pipe; absent in the child pipelines of `join`, `filter` and the like.
    pub scope: Option<Scope>,
    /// The stages, in order.
    pub operators: Vec<Operator>,
    /// All of it.
    pub at: At,
}

/// A name as the user spelled it; names are compared without regard to case.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The spelling, without `%"…"`.
    pub text: String,
    /// Where.
    pub at: At,
}

/// A string with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// What it says, escapes resolved.
    pub text: String,
    /// Where, quotes included.
    pub at: At,
}

/// A term of the scope.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// Which.
    pub kind: ScopeKind,
    /// Where.
    pub at: At,
}

/// The kinds of scope terms.
#[derive(Clone, Debug, PartialEq)]
pub enum ScopeKind {
    /// All of them; nothing in it means every message.
    All(Vec<Scope>),
    /// Any of them.
    Any(Vec<Scope>),
    /// Not it.
    Not(Box<Scope>),
    /// A word, perhaps with `*` and `?`. `*` alone is every message.
    Keyword(String),
    /// Words in quotes.
    Phrase(String),
    /// `field=value` and its kin.
    Field {
        /// The field.
        name: Name,
        /// How it is compared.
        op: ScopeOp,
        /// With what.
        value: Text,
        /// Whether the value stood in quotes (then `*` is documented to be no wildcard).
        quoted: bool,
    },
    /// `field in (a, b)`.
    In {
        /// The field.
        name: Name,
        /// The values.
        values: Vec<Text>,
    },
    /// `{{name}}`, filled in before planning.
    Parameter(String),
    /// `[subquery: … | compose …]`.
    Subquery(Box<Subquery>),
}

/// How a scope term compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeOp {
    /// `=`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// `[subquery: …]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Subquery {
    /// Options before the colon, verbatim: `from=(-24h)`.
    pub options: String,
    /// The child; its last operator is `compose`.
    pub query: Query,
    /// Where, brackets included.
    pub at: At,
}
