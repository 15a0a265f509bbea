//! Partitions one after the other.
//!
//! DataFusion brings partitions together as their batches happen to arrive. Where the order of rows matters and no sort
//! gives it, they are taken in the order of their sources: all run at once, each into a channel of its own.

use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, exec_err, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
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
        let Some(coalesce) = node.downcast_ref::<CoalescePartitionsExec>() else { return Ok(Transformed::no(node)) };
        let all = Arc::new(InOrderExec { properties: coalesce.properties().clone(), input: coalesce.input().clone() });
        Ok(Transformed::yes(match coalesce.fetch() {
            Some(n) => Arc::new(GlobalLimitExec::new(all, 0, Some(n))),
            None => all,
        }))
    })?;
    Ok(plan.data)
}

/// A [`CoalescePartitionsExec`] that keeps the order of partitions.
#[derive(Debug)]
struct InOrderExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
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
                let properties = CoalescePartitionsExec::new(input.clone()).properties().clone();
                Ok(Arc::new(InOrderExec { input, properties }))
            }
            _ => internal_err!("InOrderExec has one child"),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        use datafusion::physical_plan::execution_plan::ChildrenPropertiesMode;
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("InOrderExec has one partition");
        }
        let schema = self.schema();
        let input = self.input.clone();
        // Streams begin when the first row is asked for, inside the runtime.
        let rows = stream::once(async move {
            let partitions = input.output_partitioning().partition_count();
            let streams: Result<Vec<_>> = (0..partitions).map(|i| input.execute(i, context.clone())).collect();
            streams.map(in_order)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows.try_flatten())))
    }
}
