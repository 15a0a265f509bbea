//! The `scan` operator: rows in their order, matched against steps that remember what they matched before.
//!
//! What it does follows the documentation of the operator ("Scan logic"): each row is put to the steps from the last to
//! the first. A step matches, first, what the state of the step before it lets it match: then that state moves on to
//! this step. Else it matches again what its own state lets it match; the first step always may.
//!
//! | file | |
//! |---|---|
//! | here | what is to be done: [`Spec`] |
//! | `node` | its place in a logical plan: [`ScanNode`] |
//! | `exec` | its place in a physical plan |
//! | `compiled` | conditions and assignments over a row and a state |
//! | `machine` | states, and what a row does to them |
//!
//! It holds the open states only (one a step), and the batch at hand.

mod compiled;
mod exec;
mod machine;
mod node;

pub use node::ScanNode;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use std::sync::Arc;

/// What a `scan` does. Columns are named as in the plan that it stands on.
#[derive(Clone, Debug, PartialEq, PartialOrd, Eq, Hash)]
pub struct Spec {
    /// What tells one partition from the next; each is scanned apart.
    pub partition: Vec<String>,
    /// The order of the rows: column, ascending, nulls first. The rows come in it.
    pub order: Vec<(String, bool, bool)>,
    /// The columns that it adds, with the value that they have where no step assigns one.
    pub variables: Vec<(String, ScalarValue)>,
    /// The steps.
    pub steps: Vec<Step>,
    /// The column for the number of the match.
    pub match_id: Option<String>,
    /// The column that numbers the rows that come out.
    pub number: String,
    /// What a column has in the state of a step that has matched nothing.
    pub empty: Vec<(String, ScalarValue)>,
}

impl Spec {
    /// The columns that it adds to those of its input.
    fn added(&self) -> Vec<Field> {
        let variables = self.variables.iter().map(|(name, empty)| Field::new(name, empty.data_type(), true));
        let numbers = self.match_id.iter().chain([&self.number]).map(|name| Field::new(name, DataType::Int64, true));
        variables.chain(numbers).collect()
    }

    /// The schema of what comes out.
    fn output(&self, input: &Schema) -> Schema {
        let fields = input.fields().iter().cloned().chain(self.added().into_iter().map(Arc::new));
        Schema::new(fields.collect::<Vec<_>>())
    }
}

/// A step. Expressions read columns of the row by their names, and those of a state by [`remembered`].
#[derive(Clone, Debug, PartialEq, PartialOrd, Eq, Hash)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// What it gives.
    pub output: Output,
    /// Columns of the row that must all be true.
    pub gates: Vec<String>,
    /// What else must be true; it reads a state.
    pub test: Option<Expr>,
    /// Variables by their place, and their new values.
    pub assign: Vec<(usize, Expr)>,
}

/// Which of the rows that match a step come out.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Eq, Hash)]
pub enum Output {
    /// Each.
    All,
    /// The last of a series of matches: when the match moves on to the next step, is given up, or the rows end.
    Last,
    /// None.
    None,
}

/// The name by which an expression reads a column or a variable in the state of a step.
pub fn remembered(step: usize, column: &str) -> String {
    format!("{step}.{column}")
}

/// The step and the column that a name of [`remembered`] stands for.
pub fn is_remembered(name: &str) -> Option<(usize, &str)> {
    let (step, column) = name.split_once('.')?;
    Some((step.parse().ok()?, column))
}
