//! Expressions.

use super::super::numbers::Number;
use super::{At, Subquery};

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Which.
    pub kind: ExprKind,
    /// Where.
    pub at: At,
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A field.
    Field(String),
    /// A string.
    Text(String),
    /// A number.
    Number(Number),
    /// `true`, `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// `/re/`.
    Regex(String),
    /// `{{name}}`, filled in before planning.
    Parameter(String),
    /// `!x`, `not x`.
    Not(Box<Expr>),
    /// `-x`.
    Negate(Box<Expr>),
    /// All of them.
    And(Vec<Expr>),
    /// Any of them.
    Or(Vec<Expr>),
    /// `a op b`.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `x in (…)`.
    In {
        /// What.
        value: Box<Expr>,
        /// In which.
        list: Vec<Expr>,
        /// `not in`.
        negated: bool,
    },
    /// `c ? a : b`.
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `f(a, b)`. The name as it was spelled.
    Call(String, Vec<Expr>),
    /// `[subquery: …]` as a condition.
    Subquery(Box<Subquery>),
}

/// An operator between two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `=`, `==`
    Eq,
    /// `!=`, `<>`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `matches`
    Matches,
    /// `not matches`
    NotMatches,
    /// `contains`
    Contains,
    /// `=~`: an extension.
    RegexMatches,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}

impl BinaryOp {
    /// As it is printed.
    pub fn text(self) -> &'static str {
        match self {
            BinaryOp::Eq => "=",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::Matches => "matches",
            BinaryOp::NotMatches => "not matches",
            BinaryOp::Contains => "contains",
            BinaryOp::RegexMatches => "=~",
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
            BinaryOp::Modulo => "%",
        }
    }

    /// How tightly it binds; all of them associate to the left.
    pub fn precedence(self) -> u8 {
        match self {
            BinaryOp::Add | BinaryOp::Subtract => 5,
            BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo => 6,
            _ => 4,
        }
    }
}
