//! The contract between a language and the engine.
//!
//! A language turns text into a tree and a tree into a [`Planned`] query. For the second step it asks a [`Catalog`] for
//! tables and takes everything that is not in the text (the time, the switches) from a [`Context`]. The engine
//! implements the catalog and executes the plan. Neither knows the other.
//!
//! ## Physical types
//! Tables deliver [`ColumnType::arrow`]. A language may represent a type otherwise inside its plans (KQL computes with
//! ticks); what it delivers at the top is described by [`Output`].
//!
//! ## Provenance
//! With [`Context::provenance`] a language carries the hidden columns [`PROVENANCE`] of a table through every operator
//! that keeps rows (filter, projection, sort, limit, union, the left side of a join), so that a finding can say which
//! recorded event it stands for even where the query projects that away. An aggregate ends it.

pub mod external;
mod pivot;
mod save;
pub mod trace;

pub use external::Externals;
pub use pivot::Pivot;
pub use save::Save;

use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::logical_expr::{LogicalPlan, TableSource};
use parallax_diagnostics::Diagnostics;
pub use parallax_telemetry::ColumnType;
use parallax_telemetry::LogSource;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A hidden column of every table over telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Its name in the table's Arrow schema; no user's name begins with `$`.
    pub name: &'static str,
    /// Its type.
    pub ty: ColumnType,
}

/// The hidden columns, in the order in which a plan with provenance appends them to its visible ones.
pub const PROVENANCE: [Provenance; 10] = [
    Provenance { name: "$source", ty: ColumnType::String },
    Provenance { name: "$record", ty: ColumnType::Long },
    Provenance { name: "$time", ty: ColumnType::DateTime },
    Provenance { name: "$host", ty: ColumnType::String },
    Provenance { name: "$user", ty: ColumnType::String },
    Provenance { name: "$process_id", ty: ColumnType::Long },
    Provenance { name: "$image", ty: ColumnType::String },
    Provenance { name: "$command_line", ty: ColumnType::String },
    Provenance { name: "$parent_image", ty: ColumnType::String },
    Provenance { name: "$parent_command_line", ty: ColumnType::String },
];

/// One column of a table, as a user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name; also the name of the field in the table's Arrow schema.
    pub name: String,
    /// Its type.
    pub ty: ColumnType,
}

/// A table that a query may name.
#[derive(Clone)]
pub struct Table {
    /// Its name, spelled as declared.
    pub name: String,
    /// The visible columns, in declared order.
    pub columns: Vec<Column>,
    /// What a plan scans. Its Arrow schema holds the visible columns and, where `provenance`, the hidden ones.
    pub source: Arc<dyn TableSource>,
    /// Whether the hidden columns are there.
    pub provenance: bool,
    /// Whether any of the session's inputs can feed the table. Where not, the query runs and returns nothing.
    pub fed: bool,
    /// Columns of text of which a row may have none. A language whose text is never null makes something of it.
    pub nulls: Vec<String>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table")
            .field("name", &self.name)
            .field("columns", &self.columns)
            .field("fed", &self.fed)
            .finish()
    }
}

impl Table {
    /// The Arrow schema that a scan delivers.
    pub fn schema(&self) -> SchemaRef {
        self.source.schema()
    }
}

/// What tables there are.
pub trait Catalog: Send + Sync {
    /// The table of that name, matched exactly.
    fn table(&self, name: &str) -> Option<Table>;

    /// All names, for wildcards and "did you mean".
    fn table_names(&self) -> Vec<String>;

    /// Sumo's messages with the given fields as columns: each [`ColumnType::String`] and null where the message has no
    /// such field, except `_messagetime`, `_receipttime` and `_size`, which are [`ColumnType::Long`].
    ///
    /// Names are matched without regard to case, against the metadata, the source's own (dotted) names and their short
    /// leaves. `raw_audit` asks for audit records one by one instead of joined events.
    fn messages(&self, fields: &[String], raw_audit: bool) -> Table;

    /// Cloud SIEM's normalised records with the given attributes as columns, null where a record has no such attribute:
    /// an attribute's name, `fields['key']` for a field of the source's own, `_index`, or the metadata of a message.
    /// None where there are no records.
    fn records(&self, fields: &[String]) -> Option<Table> {
        let _ = fields;
        None
    }

    /// The events of a log source with the given Sigma fields as columns: each [`ColumnType::String`] and null where the
    /// event has no such field. None where there are no events to read.
    fn logs(&self, source: &LogSource, fields: &[String]) -> Option<Table> {
        let _ = (source, fields);
        None
    }

    /// The rows of a plan, for a query whose columns depend on its data (KQL's `bag_unpack` and `pivot`). None where
    /// nothing can be run: the query is then refused.
    ///
    /// # Errors
    /// The plan fails; the sentence says why.
    fn rows(&self, plan: &LogicalPlan) -> Option<Result<Vec<RecordBatch>, String>> {
        let _ = plan;
        None
    }

    /// What is neither in a query nor in the inputs: files, reference lists, stored functions.
    fn externals(&self) -> &dyn Externals {
        &external::NoExternals
    }
}

/// What a query depends on and its text does not say.
#[derive(Clone, Debug)]
pub struct Context {
    /// The reference time, in nanoseconds since the Unix epoch, UTC: what `now()` is.
    pub now: i64,
    /// Earlier events are not read, in nanoseconds since the Unix epoch.
    pub earliest: Option<i64>,
    /// Carry the hidden columns.
    pub provenance: bool,
    /// Refuse forms that the real product does not document.
    pub strict: bool,
    /// Values of `{{name}}` and of declared query parameters.
    pub parameters: BTreeMap<String, String>,
    /// Named switches for points that the documentation leaves open, e.g. `sumo.parse-anchor-case = insensitive`.
    pub switches: BTreeMap<String, String>,
}

impl Context {
    /// A context at `now` (nanoseconds since the Unix epoch) with everything else at its default.
    pub fn at(now: i64) -> Self {
        Context {
            now,
            earliest: None,
            provenance: false,
            strict: false,
            parameters: BTreeMap::new(),
            switches: BTreeMap::new(),
        }
    }
}

/// One column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The name that the user sees; names may repeat.
    pub name: String,
    /// The dialect's own name of the type: `datetime`, `string`, …
    pub type_name: &'static str,
    /// How the Arrow column is to be read, where the Arrow type alone does not say.
    pub encoding: Encoding,
}

/// How a result column's Arrow values are to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As Arrow has it.
    Plain,
    /// `Int64` ticks of 100 ns since 0001-01-01T00:00:00Z: an instant.
    TicksDateTime,
    /// `Int64` ticks of 100 ns: a length of time.
    TicksTimeSpan,
    /// `Utf8View` holding JSON.
    Json,
    /// `Float64` of which whole values are shown without a fraction.
    Number,
    /// `Int64` milliseconds since the Unix epoch: an instant that Sumo delivers as a number.
    EpochMillis,
}

/// A planned query.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its Arrow fields are opaque ids: first one for each of `columns`, then, where `provenance`, [`PROVENANCE`].
    pub plan: LogicalPlan,
    /// What the user sees; with a pivot, what it is applied to.
    pub columns: Vec<Output>,
    /// The last step, where columns are values of the data.
    pub pivot: Option<Pivot>,
    /// What is written of the result, by whoever runs the query for that.
    pub save: Option<Save>,
    /// Whether the hidden columns survive to the top.
    pub provenance: bool,
    /// Whether the plan's row order is part of its meaning (it ends in a sort, top or the like).
    pub ordered: bool,
    /// Names of the tables that the query reads; `messages` or `records` for Sumo.
    pub tables: Vec<String>,
    /// Warnings and notes. Never errors.
    pub diagnostics: Diagnostics,
    /// Errors that keep the plan from running although the query is right: it needs data that is not here. A plan with
    /// any of them must not be executed; its tables of that data are empty.
    pub unreached: Diagnostics,
}

/// The Arrow fields of [`PROVENANCE`].
pub fn provenance_types() -> impl Iterator<Item = (&'static str, DataType)> {
    PROVENANCE.iter().map(|p| (p.name, p.ty.arrow()))
}
