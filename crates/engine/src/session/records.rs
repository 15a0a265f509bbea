//! Many conditions over Cloud SIEM's records, in one reading of the sources.

use super::Session;
use super::conditions::Conditions;
use crate::error::Error;
use crate::execute::{Instant, Needs, Rows};
use arrow::datatypes::{DataType, Field};
use datafusion::common::Column;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ScalarUDF, cast};
use parallax_catalog::{Catalog, Context};
use parallax_diagnostics::{Diagnostic, Span};
use parallax_telemetry::Report;
use std::collections::HashSet;
use std::sync::Arc;

/// How plans name the table.
const TABLE: &str = "records";

/// What is asked of the records. Expressions are over columns of the table `records`, called as in `reads`.
#[derive(Clone, Debug, Default)]
pub struct RecordsAsked {
    /// The attributes that the expressions read.
    pub reads: Vec<String>,
    /// More attributes, computed of those that are read; conditions and texts may name them.
    pub derived: Vec<(String, Expr)>,
    /// The conditions; a record of which none holds is left out.
    pub conditions: Vec<Expr>,
    /// Texts that are wanted of each record.
    pub texts: Vec<Expr>,
}

/// The records for which a condition holds, by their time, then by where they stand.
pub struct Records {
    /// Batches of: the time (Int64, nanoseconds since the Unix epoch), the source, the place in it, the conditions that
    /// hold (Binary, a bit each, the first lowest), then the texts (Utf8View).
    pub rows: Rows,
    /// What was read and what could not be. Complete when the rows are.
    pub report: Arc<Report>,
    /// Whether an input can hold records.
    pub fed: bool,
}

impl Session {
    /// Reads all sources once for many conditions.
    ///
    /// # Errors
    /// The plan cannot be made.
    pub fn records(&self, asked: RecordsAsked) -> Result<Records, Error> {
        let began = Instant::now();
        let (catalog, _) = self.asked(&Context::at(0), None);
        let Some(table) = catalog.records(&asked.reads) else {
            let none = Diagnostic::error("CSE0199", Span::at(0), "there are no records");
            return Err(Error::Query(none.into()));
        };
        let fed = table.fed;
        let plan = plan(table.source, asked, self.executor.state()).map_err(|e| self.executor.failure(e))?;
        let physical = self.executor.physical(&plan, Needs::default())?;
        let rows = self.executor.start(physical, began)?;
        Ok(Records { rows, report: catalog.report, fed })
    }
}

fn plan(
    source: Arc<dyn datafusion::logical_expr::TableSource>,
    asked: RecordsAsked,
    state: &SessionState,
) -> datafusion::common::Result<LogicalPlan> {
    let hidden = |name: &str| Expr::Column(Column::new(Some(TABLE), name));
    let column = |name: &str| Expr::Column(Column::from_name(name));
    let mut scan = LogicalPlanBuilder::scan(TABLE, source, None)?;
    if !asked.derived.is_empty() {
        let read = scan.schema().columns().into_iter().map(Expr::Column);
        let derived = asked.derived.into_iter().map(|(name, e)| e.alias_qualified(Some(TABLE), name));
        scan = scan.project(read.chain(derived).collect::<Vec<_>>())?;
    }
    let fields: Vec<Field> = scan.schema().fields().iter().map(|f| f.as_ref().clone()).collect();
    let read = asked.conditions.iter().flat_map(Expr::column_refs).map(|c| c.name.as_str());
    // A function without arguments would not know its rows.
    let read: HashSet<&str> = read.chain(["$record"]).collect();
    let fields: Vec<Field> = fields.into_iter().filter(|f| read.contains(f.name().as_str())).collect();
    let arguments = fields.iter().map(|f| hidden(f.name())).collect();
    let conditions = Conditions::new(TABLE, &fields, asked.conditions, state)?;
    let hits = Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::from(conditions)), arguments));
    let mut columns = vec![
        cast(hidden("$time"), DataType::Int64).alias("time"),
        hidden("$source").alias("source"),
        hidden("$record").alias("record"),
        hits.alias("hits"),
    ];
    columns.extend(asked.texts.into_iter().enumerate().map(|(i, text)| text.alias(format!("t{i}"))));
    let order = ["time", "source", "record"].map(|name| column(name).sort(true, true));
    scan.project(columns)?.filter(column("hits").is_not_null())?.sort(order)?.build()
}
