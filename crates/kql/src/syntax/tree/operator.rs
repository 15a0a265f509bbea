//! Tabular operators.

use super::expr::{Argument, Call, Expr, Naming, Query};
use super::parts::{
    EvaluateSchema, Expanded, FacetWith, Find, ForkBranch, GraphOutput, GraphPattern, Join, MakeGraph, MakeSeries,
    MvApply, Ordered, Parse, Partition, Reorder, Scan, Search, Sort, Summarize, TopNested,
};
use super::{ColumnDef, Name, Statement};
use parallax_diagnostics::Span;

/// One step of a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// Which.
    pub kind: OperatorKind,
    /// Where the keyword stands.
    pub keyword: Span,
    /// Where, from keyword to end.
    pub span: Span,
}

/// The kinds of operators. Synonyms (`filter`, `limit`, `order`, `mvexpand`) are one kind.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // the common operators are the large ones
pub enum OperatorKind {
    /// `as name`
    As {
        /// `hint.materialized=true`
        options: Options,
        /// The name.
        name: Name,
    },
    /// `assert-schema (…)`
    AssertSchema(Vec<ColumnDef>),
    /// `consume`
    Consume(Options),
    /// `count`, `count as n`
    Count(Option<Name>),
    /// `distinct a, b`, `distinct *`
    Distinct {
        /// Hints.
        options: Options,
        /// The columns; a [`super::ExprKind::Star`] for all.
        columns: Vec<Argument>,
    },
    /// `evaluate plugin(…) : (schema)`
    Evaluate {
        /// Hints.
        options: Options,
        /// The plugin.
        call: Call,
        /// The schema of its result, where it is given.
        schema: Option<EvaluateSchema>,
    },
    /// `__executeAndCache`
    ExecuteAndCache,
    /// `extend a = b, …`
    Extend(Vec<Argument>),
    /// `facet by a, b with (…)`
    Facet {
        /// The columns.
        by: Vec<Expr>,
        /// What else to compute.
        with: Option<FacetWith>,
    },
    /// `find … in (…) where … project …`
    Find(Box<Find>),
    /// `fork name=(…) (…)`
    Fork(Vec<ForkBranch>),
    /// `getschema`
    GetSchema(Options),
    /// `graph-mark-components`
    GraphMarkComponents(Options),
    /// `graph-match (a)-[e]->(b) where … project …`
    GraphMatch(GraphPattern),
    /// `graph-shortest-paths …`
    GraphShortestPaths(GraphPattern),
    /// `graph-to-table nodes as N, edges as E`
    GraphToTable(Vec<GraphOutput>),
    /// `graph-where-edges predicate`
    GraphWhereEdges(Expr),
    /// `graph-where-nodes predicate`
    GraphWhereNodes(Expr),
    /// `invoke f(…)`, also `invoke cluster(…).f(…)`
    Invoke(Expr),
    /// `join kind=inner (…) on …`
    Join(Join),
    /// `lookup kind=leftouter (…) on …`
    Lookup(Join),
    /// `macro-expand group as scope ( … )`
    MacroExpand {
        /// Hints.
        options: Options,
        /// The entity group: a call, a path, a name.
        group: Expr,
        /// The group's members where it is written out, `entity_group [ … ]`.
        members: Option<Vec<Expr>>,
        /// The name of one member.
        scope: Option<Name>,
        /// What to run for each.
        statements: Vec<Statement>,
    },
    /// `make-graph a --> b with …`
    MakeGraph(Box<MakeGraph>),
    /// `make-series …`
    MakeSeries(Box<MakeSeries>),
    /// `mv-apply … on (…)`
    MvApply(Box<MvApply>),
    /// `mv-expand …`
    MvExpand {
        /// `kind=array`, `bagexpansion=`, `with_itemindex=`
        options: Options,
        /// The columns.
        columns: Vec<Expanded>,
        /// `limit n`
        limit: Option<Expr>,
    },
    /// `parse kind=simple x with …`
    Parse(Parse),
    /// `parse-where …`
    ParseWhere(Parse),
    /// `parse-kv x as (…) with (…)`
    ParseKv {
        /// What is parsed.
        value: Expr,
        /// The columns.
        keys: Vec<ColumnDef>,
        /// `with (pair_delimiter = " ", …)`
        options: Options,
    },
    /// `partition by x (…)`
    Partition(Box<Partition>),
    /// `__partitionby x id … (…)`
    PartitionBy {
        /// Hints.
        options: Options,
        /// The column.
        by: Expr,
        /// `id literal`
        id: Option<Expr>,
        /// What to run for each.
        query: Box<Query>,
    },
    /// `print a = 1, …`
    Print(Vec<Argument>),
    /// `project …`
    Project(Vec<Argument>),
    /// `project-away a, b*`
    ProjectAway(Vec<Expr>),
    /// `project-by-names …`
    ProjectByNames(Vec<Expr>),
    /// `project-keep a, b*`
    ProjectKeep(Vec<Expr>),
    /// `project-rename a = b, …`
    ProjectRename(Vec<Argument>),
    /// `project-reorder a, b* asc`
    ProjectReorder(Vec<Reorder>),
    /// `range x from a to b step c`
    Range {
        /// The column.
        name: Name,
        /// Its first value.
        from: Expr,
        /// The bound, inclusive.
        to: Expr,
        /// The difference.
        step: Expr,
    },
    /// `reduce by x with …`
    Reduce {
        /// Options before `by`.
        options: Options,
        /// What is reduced.
        by: Argument,
        /// Options after `with`.
        with: Options,
    },
    /// `render timechart with (…)`
    Render {
        /// The visualisation.
        chart: Name,
        /// Options before `with`, or the deprecated spelling.
        options: Options,
        /// `with (title = "…", …)`; `None` where there is no such clause.
        with: Option<Options>,
    },
    /// `sample n`
    Sample {
        /// Hints.
        options: Options,
        /// How many.
        count: Argument,
    },
    /// `sample-distinct n of x`
    SampleDistinct {
        /// Hints.
        options: Options,
        /// How many.
        count: Argument,
        /// Of what.
        of: Argument,
    },
    /// `scan with ( step … )`
    Scan(Box<Scan>),
    /// `search "x"`
    Search(Box<Search>),
    /// `serialize a = …`
    Serialize {
        /// Hints.
        options: Options,
        /// New columns.
        columns: Vec<Argument>,
    },
    /// `sort by a desc, …`
    Sort(Sort),
    /// `summarize … by …`
    Summarize(Summarize),
    /// `take n`, `limit n`
    Take {
        /// Hints.
        options: Options,
        /// How many.
        count: Argument,
    },
    /// `top n by x desc`
    Top {
        /// Hints.
        options: Options,
        /// How many.
        count: Argument,
        /// In which order.
        by: Ordered,
    },
    /// `top-hitters n of x by y`
    TopHitters {
        /// How many.
        count: Argument,
        /// Of what.
        of: Argument,
        /// Weighed by what.
        by: Option<Argument>,
    },
    /// `top-nested … , top-nested …`
    TopNested(Vec<TopNested>),
    /// `union kind=outer withsource=S A, B*, (C | …)`
    Union {
        /// `kind=`, `withsource=`, `isfuzzy=`, hints.
        options: Options,
        /// Names, wildcards, paths, calls and parenthesised queries.
        tables: Vec<Expr>,
    },
    /// `where predicate`
    Where {
        /// Hints.
        options: Options,
        /// The name in `where name = predicate`, which is not the comparison that its writer meant: the language
        /// gives the predicate a name and forgets it, so `where IsAudit = true` keeps every row.
        naming: Naming,
        /// The predicate.
        predicate: Expr,
    },
}

/// `name=value` settings of an operator, in written order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options(pub Vec<Option_>);

impl Options {
    /// The setting of that name.
    pub fn get(&self, name: &str) -> Option<&Option_> {
        self.0.iter().find(|o| o.name.text == name)
    }

    /// The setting's value where that is a word, as in `kind=inner`, or a string.
    pub fn word(&self, name: &str) -> Option<(&str, Span)> {
        self.get(name).and_then(Option_::word)
    }
}

/// One `name=value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Option_ {
    /// Its name, `hint.` included.
    pub name: Name,
    /// Its value.
    pub value: OptionValue,
    /// Where.
    pub span: Span,
}

impl Option_ {
    /// The value where it is a word or a string.
    pub fn word(&self) -> Option<(&str, Span)> {
        use super::{ExprKind, Literal};
        match &self.value {
            OptionValue::Expr(Expr { kind: ExprKind::Name(n), span }) => Some((&n.text, *span)),
            OptionValue::Expr(Expr { kind: ExprKind::Literal(Literal::String { value, .. }), span }) => {
                Some((value, *span))
            }
            _ => None,
        }
    }
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq)]
pub enum OptionValue {
    /// A literal, or a word: then a [`super::ExprKind::Name`].
    Expr(Expr),
    /// A list of columns, as in `render … with (ycolumns = a, b)`.
    Names(Vec<Name>),
}
