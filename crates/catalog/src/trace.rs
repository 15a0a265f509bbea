//! A query planned so that it can be watched: every predicate and every computed value is a column of its own, and no
//! step drops a row.
//!
//! The columns are made by the planner that plans the query, from the same tree by the same rules, so what they say of
//! an event is what the query's own expressions say.

use crate::Output;
use datafusion::logical_expr::LogicalPlan;
use parallax_diagnostics::Span;

/// A pipeline to be watched.
#[derive(Clone, Debug)]
pub struct Traced {
    /// Its Arrow fields are one for each of `columns`, then [`PROVENANCE`](crate::PROVENANCE).
    pub plan: LogicalPlan,
    /// How each watched column is to be shown.
    pub columns: Vec<Output>,
    /// The steps that were followed, in order.
    pub steps: Vec<Step>,
    /// Where the following ended before the query did.
    pub beyond: Option<Beyond>,
    /// The column that says whether the event is one that is looked for.
    pub found: Option<usize>,
}

/// One step of the pipeline.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it stands in the query's text.
    pub span: Span,
    /// The columns that must all be true for an event to go on.
    pub keeps: Vec<usize>,
    /// What its conditions are made of.
    pub probes: Vec<Probe>,
    /// What it computes: a name and a column.
    pub values: Vec<(String, usize)>,
}

/// A part of an expression, with the column that holds its value.
#[derive(Clone, Debug)]
pub struct Probe {
    /// What it is in the expression around it.
    pub role: Role,
    /// Where it stands in the query's text.
    pub span: Span,
    /// Its value; nothing where it is the same for every event and says nothing new.
    pub column: Option<usize>,
    /// Its parts.
    pub parts: Vec<Probe>,
}

impl Probe {
    /// A part of that role, without parts of its own.
    pub fn new(role: Role, span: Span, column: Option<usize>) -> Self {
        Probe { role, span, column, parts: Vec::new() }
    }
}

/// What a part is in the expression around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// `and`
    All,
    /// `or`
    Any,
    /// `not`
    Not,
    /// What stands under a name, by that name: all of its parts.
    Named(String),
    /// A condition.
    Test,
    /// What a condition looks at.
    Operand,
    /// A value that is sought in an operand, one of several or the only one; true where it is there.
    Needle(Sought),
    /// The text that a regular expression matches; empty where there is none.
    Matched,
}

/// A text that is sought in an operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// The text.
    pub text: String,
    /// The column of the operand that it is sought in.
    pub operand: Option<usize>,
    /// Where in it.
    pub place: Place,
    /// Whether letters match only themselves.
    pub case_sensitive: bool,
}

/// Where in an operand a needle stands when it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is all of it.
    Whole,
    /// Anywhere.
    Anywhere,
    /// Where it begins.
    Start,
    /// Where it ends.
    End,
    /// Where it matches: the text is a regular expression of Sumo's.
    Pattern,
    /// As a term.
    Term,
    /// With a boundary before it.
    TermStart,
    /// With a boundary behind it.
    TermEnd,
}

/// Where the following ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beyond {
    /// The step that is not followed.
    pub span: Span,
    /// Why.
    pub why: String,
}
