//! The tree of a query, for the whole language.
//!
//! Every node carries the [`Span`] of the text that it was read from. KQL does not say in its syntax whether an
//! expression is a scalar or a table (`let x = T` may be either), so both are an [`Expr`]; the planner decides by the
//! place. A pipeline is an expression too: [`ExprKind::Query`].
//!
//! What a literal says is decoded here (escapes, ticks, null), so that nobody reads literal text twice.
//! Chains of `and` and of `or` are flat lists: real detections have hundreds of alternatives, and a tree as deep as
//! that list would overflow the stack of whoever walks it.

mod expr;
mod literal;
mod operator;
mod parts;

pub use expr::{
    Argument, BinaryOp, Call, DataTable, Expr, ExprKind, ExternalData, InOp, MaterializedViewCombine, Naming, Query,
    Selector, TypeOfElement, UnaryOp,
};
pub use literal::{Json, Literal, ScalarType};
pub use operator::{Operator, OperatorKind, Option_, OptionValue, Options};
pub use parts::{
    EdgeDirection, EvaluateSchema, Expanded, FacetWith, Find, FindColumn, ForkBranch, GraphNode, GraphOutput,
    GraphPattern, Join, JoinCondition, MakeGraph, MakeSeries, MvApply, Order, Ordered, Parse, ParsePart, Partition,
    PartitionBody, Reorder, Scan, ScanStep, Search, SeriesRange, Sort, StepOutput, Summarize, TopNested,
};

use parallax_diagnostics::Span;

/// A whole text: statements separated by `;`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// Lines such as `#connect cluster(…)` before the first statement; they speak to editors and change no result.
    pub directives: Vec<Directive>,
    /// In written order. The result of the text is that of its query statements.
    pub statements: Vec<Statement>,
}

/// A `#…` line before the first statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The line with its `#`.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// A name as it is used or declared: `a`, `['a b']`, `["x"]`, `$left`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name itself, without brackets, quotes or escapes.
    pub text: String,
    /// Whether it is a dashboard's parameter, written `{name}`, to be replaced before the query runs.
    pub placeholder: bool,
    /// Where, brackets included.
    pub span: Span,
}

/// A name with `*` in it: `Device*`, `*`, `a*b`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wildcard {
    /// The pattern; `*` stands for any run of characters.
    pub pattern: String,
    /// Whether it was written in brackets, `[a*]`.
    pub bracketed: bool,
    /// Where.
    pub span: Span,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Which.
    pub kind: StatementKind,
    /// Where, without the `;`.
    pub span: Span,
}

/// The kinds of statements.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// `let name = …`
    Let(Let),
    /// `set name` or `set name = value`
    Set {
        /// The option.
        name: Name,
        /// Its value.
        value: Option<Expr>,
    },
    /// `declare query_parameters (a:string = "x", …)`
    QueryParameters(Vec<Parameter>),
    /// `declare pattern …`
    Pattern(Pattern),
    /// `alias database name = cluster("…").database("…")`
    Alias {
        /// The new name.
        name: Name,
        /// What it stands for.
        value: Expr,
    },
    /// `restrict access to (…)`
    Restrict {
        /// Names, wildcards and paths.
        entities: Vec<Expr>,
        /// `with (name = value, …)`
        with: Vec<Option_>,
    },
    /// A query: [`ExprKind::Query`], or a bare name, call or other expression.
    Query(Expr),
}

/// `let name = value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Let {
    /// What is declared.
    pub name: Name,
    /// What it means.
    pub value: LetValue,
}

/// What a `let` binds.
#[derive(Clone, Debug, PartialEq)]
pub enum LetValue {
    /// A scalar or a table; which of them the planner finds out. `materialize(…)` is a [`ExprKind::Call`] with a query
    /// as its argument.
    Expr(Expr),
    /// `(a:string, T:(x:long)) { … }`
    Function(Function),
    /// `entity_group [ … ]`
    EntityGroup(Vec<Expr>),
}

/// A function's declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Whether `view` stood before the parameters.
    pub view: bool,
    /// In declared order.
    pub parameters: Vec<Parameter>,
    /// What it computes.
    pub body: Body,
    /// Where.
    pub span: Span,
}

/// The part of a function between its braces.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// `let` and `declare query_parameters` statements before the value.
    pub statements: Vec<Statement>,
    /// The value; a body may lack it as far as syntax goes.
    pub value: Option<Box<Expr>>,
    /// Where, braces included.
    pub span: Span,
}

/// One parameter of a function, of `declare query_parameters` or of `scan declare`.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: ParameterType,
    /// `= literal`.
    pub default: Option<Expr>,
    /// Where.
    pub span: Span,
}

/// The type of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum ParameterType {
    /// `a:string`
    Scalar(ScalarType),
    /// `T:(x:long, y:string)`
    Table(Vec<ColumnDef>),
    /// `T:(*)`
    AnyTable,
}

/// A column's name and type, as in `datatable (a:string)`.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDef {
    /// Its name.
    pub name: Name,
    /// Its type. Syntax allows a table's type in such a list; no operator has a meaning for it.
    pub ty: ParameterType,
    /// Where.
    pub span: Span,
}

/// `declare pattern name = (a:string)[b:string] { (“x”).["y"] = { … }; }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// What is declared.
    pub name: Name,
    /// Absent in a forward declaration.
    pub definition: Option<PatternDefinition>,
}

/// What a pattern means.
#[derive(Clone, Debug, PartialEq)]
pub struct PatternDefinition {
    /// The arguments.
    pub parameters: Vec<ColumnDef>,
    /// The path argument in brackets.
    pub path: Option<ColumnDef>,
    /// A body for each combination of arguments.
    pub matches: Vec<PatternMatch>,
}

/// One line of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct PatternMatch {
    /// The arguments' values.
    pub arguments: Vec<Expr>,
    /// The path's value.
    pub path: Option<Expr>,
    /// What it stands for.
    pub body: Body,
    /// Where.
    pub span: Span,
}
