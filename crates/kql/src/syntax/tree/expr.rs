//! Expressions.

use super::operator::{Operator, Options};
use super::{ColumnDef, Literal, Name, Option_, Wildcard};
use parallax_diagnostics::Span;

/// An expression: a scalar, a table, or a whole pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Which.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A literal.
    Literal(Literal),
    /// A column, a table, a `let` name, `$left`.
    Name(Name),
    /// `Device*`, where names with wildcards are allowed (`union`, `project-away`, …).
    Wildcard(Wildcard),
    /// `*`, as in `count(*)`, `* has "x"`, `distinct *`.
    Star,
    /// `@`
    At,
    /// `name(…)`; also `materialize(…)`, whose argument may be a [`ExprKind::Query`].
    Call(Call),
    /// `toscalar(…)`
    ToScalar {
        /// Whether `kind=nooptimization` was given.
        no_optimization: bool,
        /// The query.
        query: Box<Expr>,
    },
    /// `totable(…)`
    ToTable {
        /// Whether `kind=nooptimization` was given.
        no_optimization: bool,
        /// The query.
        query: Box<Expr>,
    },
    /// `base.selector`
    Path {
        /// What stands before the dot.
        base: Box<Expr>,
        /// What stands after it.
        selector: Selector,
    },
    /// `base[index]`
    Index {
        /// What stands before the bracket.
        base: Box<Expr>,
        /// What stands within.
        index: Box<Expr>,
    },
    /// `[ … ]` where an expression begins and no name stands within.
    Bracket(Box<Expr>),
    /// `( … )`
    Paren(Box<Expr>),
    /// `-x`, `+x`
    Unary {
        /// Which.
        op: UnaryOp,
        /// Of what.
        operand: Box<Expr>,
    },
    /// `a + b`, `a has b`, …
    Binary {
        /// Which.
        op: BinaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// Its left side; [`ExprKind::Star`] in `* has "x"`.
        left: Box<Expr>,
        /// Its right side.
        right: Box<Expr>,
    },
    /// `a and b and c`, flat; at least two.
    And(Vec<Expr>),
    /// `a or b or c`, flat; at least two.
    Or(Vec<Expr>),
    /// `x in (…)`, `x has_any (…)`
    In {
        /// Which.
        op: InOp,
        /// Where the operator stands.
        op_span: Span,
        /// What is looked for.
        left: Box<Expr>,
        /// The items; one item may be a [`ExprKind::Query`], a list (`dynamic([…])`) or a table's name.
        list: Vec<Expr>,
    },
    /// `x between (low .. high)`
    Between {
        /// Whether it is `!between`.
        negated: bool,
        /// What is tested.
        operand: Box<Expr>,
        /// The lower bound, inclusive.
        low: Box<Expr>,
        /// The upper bound, inclusive.
        high: Box<Expr>,
    },
    /// `typeof(long)` or a schema, `typeof(a:string, *)`; each element as it was written.
    TypeOf(Vec<TypeOfElement>),
    /// `datatable (…) [ … ]`
    DataTable(Box<DataTable>),
    /// `externaldata (…) [ … ] with (…)`
    ExternalData(Box<ExternalData>),
    /// `__contextual_datatable id (schema)`
    ContextualDataTable {
        /// Which.
        id: Box<Expr>,
        /// Its columns.
        schema: Vec<ColumnDef>,
    },
    /// `materialized-view-combine …`
    MaterializedViewCombine(Box<MaterializedViewCombine>),
    /// `T datascope = hotcache`
    Scoped {
        /// The table.
        table: Box<Expr>,
        /// `all` or `hotcache`.
        scope: String,
    },
    /// `source | operator | …`, or a pipeline that begins with an operator.
    Query(Box<Query>),
}

/// An element of `typeof(…)`.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeOfElement {
    /// `typeof(long)`
    Type(super::ScalarType),
    /// A type that KQL does not compute with, such as `typeof(uint16)`, or a word that is no type.
    Other(Name),
    /// `*`
    Star,
    /// `a:string`
    Column(ColumnDef),
}

/// A pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What flows in. Absent where the pipeline begins with an operator: one that makes rows (`print`, `range`,
    /// `union`, `search`, `find`, `evaluate`, …), or any operator where the rows come from around it (the subquery of
    /// `mv-apply`, `partition`, `fork`, `facet`).
    pub source: Option<Expr>,
    /// In written order; never empty where there is no source.
    pub operators: Vec<Operator>,
    /// Where.
    pub span: Span,
}

/// `name(arguments)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The function.
    pub name: Name,
    /// The arguments.
    pub arguments: Vec<Argument>,
    /// Where.
    pub span: Span,
}

/// An expression that may be given a name: an argument, a column of `extend`, `project`, `summarize`.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// Its name or names.
    pub naming: Naming,
    /// Its value.
    pub value: Expr,
    /// Where, name included.
    pub span: Span,
}

/// How an expression is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Not at all: the language makes up a column's name from the expression.
    None,
    /// `a = …`
    One(Name),
    /// `(a, b) = …`
    Many(Vec<Name>),
}

/// What may stand after a dot.
#[derive(Clone, Debug, PartialEq)]
pub enum Selector {
    /// `a.b`, `a.['b c']`
    Name(Name),
    /// `database('d').Device*`
    Wildcard(Wildcard),
    /// `cluster('c').database('d')`
    Call(Call),
    /// `a.[0]`
    Index(Box<Expr>),
    /// `a.@`
    At(Span),
}

/// Signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-x`
    Minus,
    /// `+x`
    Plus,
}

macro_rules! operators {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $(#[$vmeta])* $variant,)*
        }
        impl $name {
            /// As it is written.
            pub const fn text(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }
    };
}

operators! {
    /// The operators between two operands, `and` and `or` aside.
    BinaryOp {
        Add = "+",
        Subtract = "-",
        Multiply = "*",
        Divide = "/",
        Modulo = "%",
        Less = "<",
        LessOrEqual = "<=",
        Greater = ">",
        GreaterOrEqual = ">=",
        Equal = "==",
        /// Also written `<>`.
        NotEqual = "!=",
        EqualTilde = "=~",
        NotEqualTilde = "!~",
        /// In a `search` predicate.
        Search = ":",
        Has = "has",
        NotHas = "!has",
        HasCs = "has_cs",
        NotHasCs = "!has_cs",
        HasPrefix = "hasprefix",
        NotHasPrefix = "!hasprefix",
        HasPrefixCs = "hasprefix_cs",
        NotHasPrefixCs = "!hasprefix_cs",
        HasSuffix = "hassuffix",
        NotHasSuffix = "!hassuffix",
        HasSuffixCs = "hassuffix_cs",
        NotHasSuffixCs = "!hassuffix_cs",
        Contains = "contains",
        /// Also written `notcontains`.
        NotContains = "!contains",
        /// Also written `containscs`.
        ContainsCs = "contains_cs",
        /// Also written `notcontainscs`.
        NotContainsCs = "!contains_cs",
        StartsWith = "startswith",
        NotStartsWith = "!startswith",
        StartsWithCs = "startswith_cs",
        NotStartsWithCs = "!startswith_cs",
        EndsWith = "endswith",
        NotEndsWith = "!endswith",
        EndsWithCs = "endswith_cs",
        NotEndsWithCs = "!endswith_cs",
        Like = "like",
        NotLike = "notlike",
        LikeCs = "likecs",
        NotLikeCs = "notlikecs",
        MatchesRegex = "matches regex",
    }
}

operators! {
    /// The operators with a list on their right.
    InOp {
        In = "in",
        NotIn = "!in",
        /// Case-insensitive.
        InTilde = "in~",
        /// Case-insensitive.
        NotInTilde = "!in~",
        HasAny = "has_any",
        HasAll = "has_all",
    }
}

/// `datatable (schema) [ values ]`.
#[derive(Clone, Debug, PartialEq)]
pub struct DataTable {
    /// Options between the keyword and the schema.
    pub options: Options,
    /// The columns.
    pub schema: Vec<ColumnDef>,
    /// The values, row by row; each a literal, or a placeholder.
    pub values: Vec<Expr>,
}

/// `externaldata (schema) [ storage ] with (options)`.
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalData {
    /// Options between the keyword and the schema.
    pub options: Options,
    /// The columns.
    pub schema: Vec<ColumnDef>,
    /// The places that it is read from.
    pub storage: Vec<Expr>,
    /// `with (format = "csv", …)`
    pub with: Vec<Option_>,
}

/// `materialized-view-combine (name) base (…) delta (…) aggregations (…)`.
#[derive(Clone, Debug, PartialEq)]
pub struct MaterializedViewCombine {
    /// The view.
    pub name: Expr,
    /// What it holds.
    pub base: Expr,
    /// What came since.
    pub delta: Expr,
    /// How both are summarised.
    pub aggregations: Operator,
}
