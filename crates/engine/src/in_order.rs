//! Partitions one after the other.
//!
//! DataFusion brings partitions together as their batches happen to arrive. Where the order of rows matters and no sort
//! gives it, they are taken in the order of their sources: all run at once, each into a channel of its own.

use arrow::compute::BatchCoalescer;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinType, Result, exec_err, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryFutureExt, TryStreamExt};
use std::fmt;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The rows of all streams, one stream after the other. Must be called within a runtime.
pub(crate) fn in_order(streams: Vec<SendableRecordBatchStream>) -> BoxStream<'static, Result<RecordBatch>> {
    let partitions: Vec<Partition> = streams
        .into_iter()
        .map(|mut batches| {
            let (tx, rx) = mpsc::channel(2);
            let task = tokio::spawn(async move {
                while let Some(batch) = batches.next().await {
                    if tx.send(batch).await.is_err() {
                        break;
                    }
                }
            });
            (rx, AbortOnDrop(task))
        })
        .collect();
    stream::iter(partitions).flat_map(|partition| stream::unfold(Some(partition), next_of)).boxed()
}

type Partition = (mpsc::Receiver<Result<RecordBatch>>, AbortOnDrop);

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The next batch of a partition. A partition that ends in a panic must not look like one that is done.
async fn next_of(partition: Option<Partition>) -> Option<(Result<RecordBatch>, Option<Partition>)> {
    let (mut rx, mut task) = partition?;
    match rx.recv().await {
        Some(batch) => Some((batch, Some((rx, task)))),
        None => match (&mut task.0).await {
            Err(e) if e.is_panic() => Some((exec_err!("an internal error while rows were computed: {e}"), None)),
            _ => None,
        },
    }
}

/// The plan with partitions brought together in their order.
pub(crate) fn settle(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = plan.transform_up(|node| {
        if let Some(coalesce) = node.downcast_ref::<CoalescePartitionsExec>() {
            let all = Arc::new(InOrderExec::new(coalesce.input().clone(), None));
            return Ok(Transformed::yes(match coalesce.fetch() {
                Some(n) => Arc::new(GlobalLimitExec::new(all, 0, Some(n))),
                None => all,
            }));
        }
        if !shows_batches(&node) {
            return Ok(Transformed::no(node));
        }
        let mut sides: Vec<_> = node.children().into_iter().cloned().collect();
        if keeps_held(&node)
            && let Some(held) = sides.first_mut()
        {
            *held = Arc::new(InOrderExec { backwards: true, ..InOrderExec::new(held.clone(), None) });
        }
        if let Some(probe) = sides.pop() {
            sides.push(Arc::new(InOrderExec::new(probe, Some(JOINED_ROWS))));
        }
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        node.replace_children(sides, options).map(Transformed::yes)
    })?;
    Ok(plan.data)
}

/// The rows of a batch that a join is given where its result shows the batches.
const JOINED_ROWS: usize = 8192;

/// Whether it is a join whose rows come in an order that shows into which partitions and batches the side that is not
/// held in memory, the right one, is cut.
fn shows_batches(node: &Arc<dyn ExecutionPlan>) -> bool {
    if let Some(join) = node.downcast_ref::<HashJoinExec>() {
        // Others give a row's partners where the row stands. Rows without a partner come at the end of each batch
        // (`Right`, `Full`), or from the partition that happens to be done last.
        return !matches!(
            join.join_type(),
            JoinType::Inner | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark
        );
    }
    let left = match (node.downcast_ref::<CrossJoinExec>(), node.downcast_ref::<NestedLoopJoinExec>()) {
        (Some(cross), _) => cross.left(),
        (_, Some(join)) if *join.join_type() == JoinType::Inner => join.left(),
        (_, Some(_)) => return true,
        _ => return false,
    };
    // Of a side with several rows, each in turn is put beside all rows of a batch.
    !is_one_row(left)
}

/// Whether it is a join of which rows of the side that is held in memory, the left one, come out by themselves, and all of
/// them in the end. DataFusion puts that side's batches together from the last to the first.
fn keeps_held(node: &Arc<dyn ExecutionPlan>) -> bool {
    let kept = [JoinType::LeftSemi, JoinType::LeftAnti, JoinType::LeftMark];
    node.downcast_ref::<HashJoinExec>().is_some_and(|join| kept.contains(join.join_type()))
}

/// Whether there is one row at most, as of a scalar that a query computes for itself.
fn is_one_row(plan: &Arc<dyn ExecutionPlan>) -> bool {
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        return aggregate.group_expr().is_empty();
    }
    plan.downcast_ref::<ProjectionExec>().is_some_and(|p| is_one_row(p.input()))
}

/// A [`CoalescePartitionsExec`] that keeps the order of partitions.
#[derive(Debug)]
pub(crate) struct InOrderExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    /// How many rows each batch has, so that batches do not tell partitions apart; as they come without.
    rows: Option<usize>,
    /// From the last batch to the first, for somebody who turns them around.
    backwards: bool,
}

impl InOrderExec {
    fn new(input: Arc<dyn ExecutionPlan>, rows: Option<usize>) -> Self {
        let properties = CoalescePartitionsExec::new(input.clone()).properties().clone();
        InOrderExec { input, properties, rows, backwards: false }
    }

    /// What it brings together, batches as they come.
    pub(crate) fn input(&self) -> Option<&Arc<dyn ExecutionPlan>> {
        (self.rows.is_none() && !self.backwards).then_some(&self.input)
    }
}

/// The same rows in batches of `size` rows, the last one excepted.
fn rebatched(
    rows: BoxStream<'static, Result<RecordBatch>>,
    schema: SchemaRef,
    size: usize,
) -> BoxStream<'static, Result<RecordBatch>> {
    let batches = BatchCoalescer::new(schema, size);
    stream::try_unfold((rows, batches, false), |(mut rows, mut batches, mut done)| async move {
        loop {
            if let Some(batch) = batches.next_completed_batch() {
                return Ok(Some((batch, (rows, batches, done))));
            }
            if done {
                return Ok(None);
            }
            match rows.try_next().await? {
                Some(batch) => batches.push_batch(batch)?,
                None => {
                    batches.finish_buffered_batch()?;
                    done = true;
                }
            }
        }
    })
    .boxed()
}

/// The batches from the last to the first.
fn turned(rows: BoxStream<'static, Result<RecordBatch>>) -> BoxStream<'static, Result<RecordBatch>> {
    let all = rows.try_collect::<Vec<_>>().map_ok(|all| stream::iter(all.into_iter().rev().map(Ok)));
    stream::once(all).try_flatten().boxed()
}

impl DisplayAs for InOrderExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InOrderExec")
    }
}

impl ExecutionPlan for InOrderExec {
    fn name(&self) -> &'static str {
        "InOrderExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => {
                Ok(Arc::new(InOrderExec { backwards: self.backwards, ..InOrderExec::new(input, self.rows) }))
            }
            _ => internal_err!("InOrderExec has one child"),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("InOrderExec has one partition");
        }
        let (schema, all) = (self.schema(), self.schema());
        let (input, size, backwards) = (self.input.clone(), self.rows, self.backwards);
        // Streams begin when the first row is asked for, inside the runtime.
        let rows = stream::once(async move {
            let partitions = input.output_partitioning().partition_count();
            let streams: Result<Vec<_>> = (0..partitions).map(|i| input.execute(i, context.clone())).collect();
            streams.map(in_order).map(|rows| match size {
                Some(size) => rebatched(rows, all, size),
                None if backwards => turned(rows),
                None => rows,
            })
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows.try_flatten())))
    }
}
