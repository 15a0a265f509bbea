//! The first step of an aggregation, by numbers, in a physical plan.

use super::table::Table;
use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{Stream, StreamExt, stream};
use std::fmt;
use std::mem;
use std::sync::Arc;

/// Does what an [`AggregateExec`] in its partial mode does.
#[derive(Debug)]
pub(super) struct NumberedGroupsExec {
    aggregate: AggregateExec,
}

impl NumberedGroupsExec {
    pub(super) fn new(aggregate: AggregateExec) -> Self {
        NumberedGroupsExec { aggregate }
    }

    pub(super) fn aggregate(&self) -> &AggregateExec {
        &self.aggregate
    }
}

impl DisplayAs for NumberedGroupsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.aggregate, "NumberedGroupsExec", f)
    }
}

pub(super) fn show(aggregate: &AggregateExec, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let groups = aggregate.group_expr().expr().iter();
    let groups: Vec<String> = groups.map(|(e, name)| format!("{e} as {name}")).collect();
    let aggregates: Vec<&str> = aggregate.aggr_expr().iter().map(|e| e.name()).collect();
    write!(f, "{name}: gby=[{}], aggr=[{}]", groups.join(", "), aggregates.join(", "))
}

impl ExecutionPlan for NumberedGroupsExec {
    fn name(&self) -> &'static str {
        "NumberedGroupsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.aggregate.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![self.aggregate.input()]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.aggregate.apply_expressions(f)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let aggregate = Arc::new(self.aggregate.clone()).replace_children(children, options)?;
        match aggregate.downcast_ref::<AggregateExec>() {
            Some(aggregate) => Ok(Arc::new(NumberedGroupsExec::new(aggregate.clone()))),
            None => internal_err!("an aggregation became something else"),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.aggregate.input().execute(partition, Arc::clone(&context))?;
        let work = Work::new(&self.aggregate, partition, &context)?;
        let rows = stream::unfold(Some((input, work)), |state| async {
            let (mut input, mut work) = state?;
            match work.next(&mut input).await {
                Ok(Some(batch)) => Some((Ok(batch), Some((input, work)))),
                Ok(None) => None,
                Err(e) => Some((Err(e), None)),
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

/// What work that is finished hands on.
pub(super) fn handed_on(work: Work) -> impl Stream<Item = Result<RecordBatch>> {
    stream::unfold(work, |mut work| async { work.hand_on().map(|batch| (Ok(batch), work)) })
}

/// An aggregate function with what it reads.
struct Function {
    expr: Arc<datafusion::physical_expr::aggregate::AggregateFunctionExpr>,
    args: Vec<Arc<dyn PhysicalExpr>>,
    filter: Option<Arc<dyn PhysicalExpr>>,
    states: Box<dyn GroupsAccumulator>,
}

impl Function {
    fn read(&self, batch: &RecordBatch) -> Result<(Vec<ArrayRef>, Option<BooleanArray>)> {
        let filter = match &self.filter {
            None => None,
            Some(filter) => Some(filter.evaluate(batch)?.into_array(batch.num_rows())?.as_boolean().clone()),
        };
        Ok((evaluate(self.args.iter(), batch)?, filter))
    }
}

fn evaluate<'e>(exprs: impl Iterator<Item = &'e Arc<dyn PhysicalExpr>>, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
    exprs.map(|e| e.evaluate(batch)?.into_array(batch.num_rows())).collect()
}

/// When rows are handed on one by one, as the partial states that they are.
struct Skip {
    /// After so many rows …
    rows: usize,
    /// … where this part of them or more are groups of their own.
    ratio: f64,
}

/// The work of one partition.
pub(super) struct Work {
    schema: SchemaRef,
    keys: Vec<Arc<dyn PhysicalExpr>>,
    table: Table,
    functions: Vec<Function>,
    reservation: MemoryReservation,
    batch_rows: usize,
    skip: Skip,
    /// Rows taken in.
    rows: usize,
    skipping: bool,
    done: bool,
    /// What is to be handed on, and how much of it was.
    ready: Option<(RecordBatch, usize)>,
    groups: Vec<usize>,
}

impl Work {
    pub(super) fn new(aggregate: &AggregateExec, partition: usize, context: &TaskContext) -> Result<Self> {
        let functions = aggregate.aggr_expr().iter().zip(aggregate.filter_expr()).map(|(expr, filter)| {
            Ok(Function {
                expr: Arc::clone(expr),
                args: expr.expressions(),
                filter: filter.clone(),
                states: expr.create_groups_accumulator()?,
            })
        });
        let options = &context.session_config().options().execution;
        let skip = Skip {
            rows: options.skip_partial_aggregation_probe_rows_threshold,
            ratio: options.skip_partial_aggregation_probe_ratio_threshold,
        };
        // What is known of the groups so far can be handed on at any time.
        let consumer = MemoryConsumer::new(format!("NumberedGroups[{partition}]")).with_can_spill(true);
        let keys = aggregate.group_expr().input_exprs();
        let mut work = Work {
            schema: aggregate.schema(),
            keys,
            table: Table::new(std::iter::empty()),
            functions: functions.collect::<Result<_>>()?,
            reservation: consumer.register(context.memory_pool()),
            batch_rows: context.session_config().batch_size(),
            skip,
            rows: 0,
            skipping: false,
            done: false,
            ready: None,
            groups: Vec::new(),
        };
        work.table = work.empty();
        Ok(work)
    }

    /// The same, but nothing is handed on before the end.
    pub(super) fn keeping_all(mut self) -> Self {
        self.skip.rows = usize::MAX;
        self
    }

    /// Everything has been taken in.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.done = true;
        self.give_up_groups()
    }

    fn empty(&self) -> Table {
        let types = self.schema.fields().iter().take(self.keys.len()).map(|f| f.data_type().clone());
        Table::new(types)
    }

    async fn next(&mut self, input: &mut SendableRecordBatchStream) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.hand_on() {
                return Ok(Some(batch));
            }
            if self.done {
                return Ok(None);
            }
            match input.next().await.transpose()? {
                None => self.finish()?,
                Some(batch) if batch.num_rows() == 0 => {}
                Some(batch) if self.skipping => return self.pass(&batch).map(Some),
                Some(batch) => self.take(&batch)?,
            }
        }
    }

    /// Part of what is ready.
    fn hand_on(&mut self) -> Option<RecordBatch> {
        let (batch, from) = self.ready.take()?;
        let rows = self.batch_rows.min(batch.num_rows() - from);
        let part = batch.slice(from, rows);
        if from + rows < batch.num_rows() {
            self.ready = Some((batch, from + rows));
        }
        Some(part)
    }

    /// Takes rows in.
    pub(super) fn take(&mut self, batch: &RecordBatch) -> Result<()> {
        let keys = evaluate(self.keys.iter(), batch)?;
        self.table.number(&keys, &mut self.groups)?;
        let total = self.table.len();
        for function in &mut self.functions {
            let (args, filter) = function.read(batch)?;
            function.states.update_batch(&args, &self.groups, filter.as_ref(), total)?;
        }
        self.rows += batch.num_rows();
        if self.rows >= self.skip.rows && total as f64 / self.rows as f64 > self.skip.ratio {
            self.skipping = true;
            return self.give_up_groups();
        }
        match self.reservation.try_resize(self.size()) {
            Err(DataFusionError::ResourcesExhausted(_)) if total > 1 => self.give_up_groups(),
            other => other,
        }
    }

    fn size(&self) -> usize {
        self.table.size() + self.functions.iter().map(|f| f.states.size()).sum::<usize>() + 8 * self.groups.capacity()
    }

    /// Makes all groups ready to be handed on, and begins anew.
    fn give_up_groups(&mut self) -> Result<()> {
        let table = self.empty();
        let table = mem::replace(&mut self.table, table);
        if table.len() > 0 {
            let mut columns = table.into_columns()?;
            for function in &mut self.functions {
                columns.extend(function.states.state(EmitTo::All)?);
                function.states = function.expr.create_groups_accumulator()?;
            }
            self.ready = Some((RecordBatch::try_new(Arc::clone(&self.schema), columns)?, 0));
        }
        self.reservation.free();
        Ok(())
    }

    /// Rows as the partial states that they are.
    fn pass(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut columns = evaluate(self.keys.iter(), batch)?;
        for function in &self.functions {
            let (args, filter) = function.read(batch)?;
            columns.extend(function.states.convert_to_state(&args, filter.as_ref())?);
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}
