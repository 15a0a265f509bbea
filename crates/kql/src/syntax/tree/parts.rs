//! What tabular operators are made of.

use super::expr::{Argument, Expr, Query};
use super::literal::ScalarType;
use super::operator::{Operator, Options};
use super::{ColumnDef, Name, Parameter};
use parallax_diagnostics::Span;

/// The schema after `evaluate plugin(…) :`.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluateSchema {
    /// Whether it begins with `*`: the input's columns stay.
    pub star: bool,
    /// The columns.
    pub columns: Vec<ColumnDef>,
}

/// An expression and its direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordered {
    /// What to sort by.
    pub value: Argument,
    /// The direction; `None` means descending.
    pub order: Option<Order>,
    /// `nulls first` is true, `nulls last` false.
    pub nulls_first: Option<bool>,
}

/// Directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `asc`
    Asc,
    /// `desc`
    Desc,
    /// `granny-asc`: numbers within text by value.
    GrannyAsc,
    /// `granny-desc`
    GrannyDesc,
}

/// `sort by …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    /// Hints.
    pub options: Options,
    /// The keys.
    pub by: Vec<Ordered>,
}

/// `summarize … by …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Summarize {
    /// Hints.
    pub options: Options,
    /// The aggregates; may be empty.
    pub aggregates: Vec<Argument>,
    /// The keys; `None` where there is no `by`.
    pub by: Option<Vec<Argument>>,
    /// The legacy `bin=1h` after the keys.
    pub bin: Option<Expr>,
}

/// `join` and `lookup`.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// `kind=`, hints.
    pub options: Options,
    /// The right side.
    pub right: Expr,
    /// How rows match; `join` may lack it.
    pub condition: Option<JoinCondition>,
}

/// How rows of a join match.
#[derive(Clone, Debug, PartialEq)]
pub enum JoinCondition {
    /// `on a, $left.b == $right.c`
    On(Vec<Expr>),
    /// `where predicate`
    Where(Expr),
}

/// `mv-expand`'s columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Expanded {
    /// What is expanded. Absent only in `mv-apply to typeof(…) on …`.
    pub value: Option<Argument>,
    /// `to typeof(…)`
    pub to: Option<Expr>,
    /// Where.
    pub span: Span,
}

/// `mv-apply … limit n id x on ( … )`.
#[derive(Clone, Debug, PartialEq)]
pub struct MvApply {
    /// `with_itemindex=`
    pub options: Options,
    /// The columns.
    pub columns: Vec<Expanded>,
    /// `limit n`
    pub limit: Option<Expr>,
    /// `id guid`
    pub id: Option<Expr>,
    /// What runs for every row; it begins with an operator.
    pub query: Query,
}

/// `make-series … on … from … to … step … by …`.
#[derive(Clone, Debug, PartialEq)]
pub struct MakeSeries {
    /// `kind=nonempty`, hints.
    pub options: Options,
    /// The aggregates with their `default=`.
    pub aggregates: Vec<(Argument, Option<Argument>)>,
    /// The axis.
    pub on: Argument,
    /// Its bounds.
    pub range: SeriesRange,
    /// The keys; `None` where there is no `by`.
    pub by: Option<Vec<Argument>>,
}

/// The bounds of `make-series`.
#[derive(Clone, Debug, PartialEq)]
pub enum SeriesRange {
    /// `from a to b step c`
    Step {
        /// The first value.
        from: Option<Box<Expr>>,
        /// The end, exclusive.
        to: Option<Box<Expr>>,
        /// The width.
        step: Box<Expr>,
    },
    /// `in range(a, b, c)`
    InRange(Vec<Argument>),
}

/// `parse` and `parse-where`.
#[derive(Clone, Debug, PartialEq)]
pub struct Parse {
    /// `kind=`, `flags=`
    pub options: Options,
    /// What is parsed.
    pub value: Expr,
    /// The pattern.
    pub parts: Vec<ParsePart>,
}

/// One part of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub enum ParsePart {
    /// `*`
    Star(Span),
    /// `"text"`
    Text {
        /// Decoded.
        value: String,
        /// Whether it was written `h"…"`.
        hidden: bool,
        /// Where.
        span: Span,
    },
    /// `name` or `name:type`
    Column {
        /// The name.
        name: Name,
        /// The type; `None` means string.
        ty: Option<ScalarType>,
    },
}

/// `partition`.
#[derive(Clone, Debug, PartialEq)]
pub struct Partition {
    /// Hints.
    pub options: Options,
    /// The column.
    pub by: Expr,
    /// `in (scope)`
    pub scope: Option<Expr>,
    /// What to run for each.
    pub body: PartitionBody,
}

/// What `partition` runs.
#[derive(Clone, Debug, PartialEq)]
pub enum PartitionBody {
    /// `( operator | … )`: over the partition's rows.
    Subquery(Query),
    /// `{ query }`: a whole query.
    Query(Expr),
}

/// `facet … with`.
#[derive(Clone, Debug, PartialEq)]
pub enum FacetWith {
    /// `with (operator | …)`
    Query(Query),
    /// `with operator`
    Operator(Box<Operator>),
}

/// One branch of `fork`.
#[derive(Clone, Debug, PartialEq)]
pub struct ForkBranch {
    /// `name = (…)`
    pub name: Option<Name>,
    /// What to run: a [`super::ExprKind::Query`].
    pub query: Expr,
}

/// `find`.
#[derive(Clone, Debug, PartialEq)]
pub struct Find {
    /// `datascope=`
    pub scope: Option<String>,
    /// `withsource=`
    pub options: Options,
    /// `in (…)`
    pub tables: Option<Vec<Expr>>,
    /// The predicate.
    pub predicate: Expr,
    /// `project …`
    pub project: Option<Vec<FindColumn>>,
    /// Whether `project-smart` stands in place of `project`.
    pub smart: bool,
    /// `__projectAway …`
    pub away: Option<Vec<FindColumn>>,
}

/// A column of `find … project`.
#[derive(Clone, Debug, PartialEq)]
pub enum FindColumn {
    /// `pack(*)`
    Pack(Span),
    /// `*`
    Star(Span),
    /// `a`, `a:string`
    Column {
        /// Its name.
        name: Name,
        /// Its type.
        ty: Option<ScalarType>,
    },
}

/// `search`.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// `kind=`
    pub options: Options,
    /// `datascope=`
    pub scope: Option<String>,
    /// `in (…)`
    pub tables: Option<Vec<Expr>>,
    /// The predicate; a bare string is a term to look for everywhere.
    pub predicate: Expr,
}

/// `top-nested`.
#[derive(Clone, Debug, PartialEq)]
pub struct TopNested {
    /// How many; all, where absent.
    pub count: Option<Argument>,
    /// Of what.
    pub of: Argument,
    /// `with others = value`
    pub others: Option<Expr>,
    /// In which order.
    pub by: Ordered,
}

/// A column of `project-reorder`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reorder {
    /// A name or a wildcard.
    pub column: Expr,
    /// How the names that a wildcard matches are sorted.
    pub order: Option<Order>,
}

/// `scan`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// `with_match_id=`, `kind=`
    pub options: Options,
    /// `order by …`
    pub order: Option<Vec<Ordered>>,
    /// `partition by …`
    pub partition: Option<Vec<Expr>>,
    /// `declare (…)`
    pub declare: Option<Vec<Parameter>>,
    /// The steps.
    pub steps: Vec<ScanStep>,
}

/// One step of `scan`.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanStep {
    /// Its name.
    pub name: Name,
    /// `optional`
    pub optional: bool,
    /// `output = …`
    pub output: Option<StepOutput>,
    /// When a row matches.
    pub condition: Expr,
    /// `=> a = b, …`
    pub assignments: Vec<(Name, Expr)>,
    /// Where.
    pub span: Span,
}

/// Which rows a step gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepOutput {
    /// `all`
    All,
    /// `last`
    Last,
    /// `none`
    None,
}

/// `make-graph`.
#[derive(Clone, Debug, PartialEq)]
pub struct MakeGraph {
    /// Hints.
    pub options: Options,
    /// The column of an edge's source.
    pub source: Name,
    /// Whether edges are directed, `-->`; else `--`.
    pub directed: bool,
    /// The column of an edge's target.
    pub target: Name,
    /// `with T on Key, …`
    pub nodes: Vec<(Expr, Name)>,
    /// `with_node_id = name`
    pub node_id: Option<Name>,
    /// `partitioned-by column ( … )`
    pub partitioned: Option<(Expr, Query)>,
}

/// `graph-match` and `graph-shortest-paths`.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphPattern {
    /// `cycles=`, `output=`
    pub options: Options,
    /// Comma-separated patterns, each a row of nodes and edges.
    pub patterns: Vec<Vec<GraphNode>>,
    /// `where …`
    pub predicate: Option<Expr>,
    /// `project …`
    pub project: Option<Vec<Argument>>,
}

/// A node or an edge of a graph's pattern.
#[derive(Clone, Debug, PartialEq)]
pub enum GraphNode {
    /// `(name)`
    Node(Option<Name>),
    /// `-->`, `-[name*1..3]->`
    Edge {
        /// Its name.
        name: Option<Name>,
        /// Its direction.
        direction: EdgeDirection,
        /// `*from..to`
        range: Option<Box<(Expr, Expr)>>,
        /// Whether it was written with brackets.
        bracketed: bool,
    },
}

/// The direction of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeDirection {
    /// `-->`
    Forward,
    /// `<--`
    Backward,
    /// `--`
    Any,
    /// `<-[…]->`, which syntax allows.
    Both,
}

/// An output of `graph-to-table`.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphOutput {
    /// Whether it is `edges`; else `nodes`.
    pub edges: bool,
    /// `as name`
    pub name: Option<Name>,
    /// `with_node_id=`, …
    pub options: Options,
}
