//! What one scan of a query wants of a reading that it shares, and rows in place of a table.

use super::Session;
use super::alone::{Alone, only_scan};
use crate::error::Error;
use crate::execute::Needs;
use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int64Type, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::datasource::provider_as_source;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan, TableScanBuilder, TableSource, lit};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use parallax_catalog::PROVENANCE;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The rows in the order of their events in what was read, those of one event in the order of the queries: how rows are
/// cut into batches depends on the threads.
pub(super) fn by_place<'o>(
    read: &RecordBatch,
    out: &'o [(usize, RecordBatch)],
) -> Vec<(usize, &'o RecordBatch, usize)> {
    let columns = |batch: &RecordBatch, names: [usize; 2]| {
        let sources = batch.columns().get(names[0])?.as_string_view_opt().cloned()?;
        Some((sources, batch.columns().get(names[1])?.as_primitive_opt::<Int64Type>().cloned()?))
    };
    let named = ["$source", "$record"].map(|n| read.schema().index_of(n).unwrap_or(usize::MAX));
    let mut places: HashMap<(String, i64), usize> = HashMap::new();
    if let Some((sources, records)) = columns(read, named) {
        for row in (0..read.num_rows()).rev().filter(|r| sources.is_valid(*r) && records.is_valid(*r)) {
            places.insert((sources.value(row).to_owned(), records.value(row)), row);
        }
    }
    let mut all = Vec::new();
    for (query, rows) in out {
        let first = rows.num_columns().saturating_sub(PROVENANCE.len());
        let hidden = columns(rows, [first, first + 1]);
        for row in 0..rows.num_rows() {
            let key = hidden.as_ref().map(|(s, r)| (s.value(row).to_owned(), r.value(row)));
            let place = key.and_then(|key| places.get(&key).copied()).unwrap_or(usize::MAX);
            all.push((place, *query, rows, row));
        }
    }
    all.sort_by_key(|(place, query, ..)| (*place, *query));
    all.into_iter().map(|(_, query, rows, row)| (query, rows, row)).collect()
}

/// What one scan of a query wants of a reading.
pub(super) struct Part {
    pub(super) schema: SchemaRef,
    pub(super) condition: Expr,
    pub(super) what: What,
}

/// What is done with its rows.
pub(super) enum What {
    /// They go through the query's own plan at once.
    Runs { query: usize, physical: Arc<dyn ExecutionPlan>, slot: Slot },
    /// They are kept.
    Keeps { query: usize, scan: usize },
}

impl Part {
    pub(super) fn runs(query: usize, alone: &Alone, session: &Session) -> Result<Self, Error> {
        let failure = |e| session.executor.failure(e);
        let gone = || Error::Execution("a plan without its scan".to_owned());
        let scan = only_scan(&alone.plan).map_err(failure)?.ok_or_else(gone)?;
        let schema: SchemaRef = Arc::clone(scan.projected_schema.inner());
        let condition = conjunction(asked_of(&alone.plan, &scan).map_err(failure)?).unwrap_or_else(|| lit(true));
        let slot = Slot::default();
        let source = given(schema.clone(), slot.clone()).map_err(failure)?;
        let plan = alone.plan.clone().transform_up(|node| {
            Ok(match node {
                LogicalPlan::TableScan(scan) => {
                    let scan = TableScanBuilder::new(scan.table_name, source.clone()).build()?;
                    Transformed::yes(LogicalPlan::TableScan(scan))
                }
                // Rows come in the order of their places, some at a time.
                LogicalPlan::Sort(sort) => Transformed::yes(Arc::unwrap_or_clone(sort.input)),
                node => Transformed::no(node),
            })
        });
        let plan = plan.map_err(failure)?.data;
        let physical = session.executor.physical(&plan, Needs { order: true, ..Needs::default() })?;
        Ok(Part { schema, condition, what: What::Runs { query, physical, slot } })
    }

    /// The rows that fulfil the condition, with the columns that the plan reads.
    pub(super) fn take(&self, batch: &RecordBatch, keep: &BooleanArray) -> datafusion::common::Result<RecordBatch> {
        let wanted = self.schema.fields().iter().map(|f| batch.schema().index_of(f.name()));
        let batch = filter_record_batch(&batch.project(&wanted.collect::<Result<Vec<_>, _>>()?)?, keep)?;
        Ok(batch.with_schema(self.schema.clone())?)
    }
}

/// What the plan asks of the rows of a scan first: the parts of the filter right above it.
pub(super) fn asked_of(plan: &LogicalPlan, scan: &TableScan) -> datafusion::common::Result<Vec<Expr>> {
    // The filter stays above a scan that is told of it.
    let mut above = None;
    plan.apply(|node| {
        if let LogicalPlan::Filter(filter) = node
            && let LogicalPlan::TableScan(below) = filter.input.as_ref()
            && below == scan
        {
            above = Some(filter.predicate.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(match above {
        Some(predicate) => split_conjunction_owned(predicate),
        None => scan.filters.iter().cloned().flat_map(split_conjunction_owned).collect(),
    })
}

/// Rows that are put before a plan.
pub(super) type Slot = Arc<Mutex<Option<Vec<RecordBatch>>>>;

/// A table of those rows.
pub(super) fn given(schema: SchemaRef, slot: Slot) -> datafusion::common::Result<Arc<dyn TableSource>> {
    let table = StreamingTable::try_new(schema.clone(), vec![Arc::new(Given { schema, slot })])?;
    Ok(provider_as_source(Arc::new(table)))
}

/// What a plan finds in place of its table.
#[derive(Debug)]
struct Given {
    schema: SchemaRef,
    slot: Slot,
}

impl PartitionStream for Given {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let given = self.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        let stream = futures::stream::iter(given.unwrap_or_default().into_iter().map(Ok));
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), stream))
    }
}
