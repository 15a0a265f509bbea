//! Groups brought together on all threads, each in the order of its rows.
//!
//! Where a result depends on the order of rows (a set has its values in it), partitions meet in their order before the
//! second step of an aggregation, on one thread. But no group sees another's rows: where the groups are sorted afterwards,
//! they can be shared out by their keys, as long as what partitions found of a group arrives in the partitions' order.

use crate::in_order::InOrderExec;
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result, exec_err, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::metrics::Time;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::BatchPartitioner;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinSet;

/// The plan with groups that are sorted afterwards brought together in so many partitions.
pub(crate) fn bring_together_apart(plan: Arc<dyn ExecutionPlan>, partitions: usize) -> Result<Arc<dyn ExecutionPlan>> {
    if partitions < 2 {
        return Ok(plan);
    }
    let plan = plan.transform_up(|node| {
        let Some(sort) = node.downcast_ref::<SortExec>() else { return Ok(Transformed::no(node)) };
        let input = sort.input();
        let one = input.output_partitioning().partition_count() == 1 && !sort.preserve_partitioning();
        if !one || !tells_all_apart(sort) {
            return Ok(Transformed::no(node));
        }
        let Some(apart) = apart(input, partitions)? else { return Ok(Transformed::no(node)) };
        let (by, fetch) = (sort.expr().clone(), sort.fetch());
        let sorted = SortExec::new(by.clone(), apart).with_preserve_partitioning(true).with_fetch(fetch);
        Ok(Transformed::yes(Arc::new(SortPreservingMergeExec::new(by, Arc::new(sorted)).with_fetch(fetch))))
    })?;
    Ok(plan.data)
}

/// Whether rows that the sort leaves as they come are alike in everything.
fn tells_all_apart(sort: &SortExec) -> bool {
    let by = |i: usize| sort.expr().iter().any(|e| e.expr.downcast_ref::<Column>().is_some_and(|c| c.index() == i));
    (0..sort.input().schema().fields().len()).all(by) || keys(sort.input()).is_some_and(|k| k.into_iter().all(by))
}

/// Where the keys of the aggregation below stand among the columns of a plan; no two of its rows have the same.
fn keys(plan: &Arc<dyn ExecutionPlan>) -> Option<Vec<usize>> {
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        return Some((0..aggregate.group_expr().expr().len()).collect());
    }
    let below = keys(plan.children().first()?)?;
    let now = |from: &dyn Fn(usize) -> Option<usize>| below.iter().map(|key| from(*key)).collect::<Option<Vec<_>>>();
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        return match filter.projection() {
            Some(columns) => now(&|key| columns.iter().position(|c| *c == key)),
            None => Some(below),
        };
    }
    let projection = plan.downcast_ref::<ProjectionExec>()?;
    let is = |e: &Arc<dyn PhysicalExpr>, key| e.downcast_ref::<Column>().is_some_and(|c| c.index() == key);
    now(&|key| projection.expr().iter().position(|p| is(&p.expr, key)))
}

/// What stands below a sort, in several partitions.
fn apart(plan: &Arc<dyn ExecutionPlan>, partitions: usize) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if plan.is::<FilterExec>() || plan.is::<ProjectionExec>() {
        let children = plan.children();
        let limited = plan.downcast_ref::<FilterExec>().is_some_and(|f| f.fetch().is_some());
        let Some(child) = children.first().filter(|_| !limited) else { return Ok(None) };
        let Some(child) = apart(child, partitions)? else { return Ok(None) };
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        return Arc::clone(plan).replace_children(vec![child], options).map(Some);
    }
    let Some(aggregate) = plan.downcast_ref::<AggregateExec>() else { return Ok(None) };
    let groups = aggregate.group_expr();
    let plain = *aggregate.mode() == AggregateMode::Final
        && groups.is_single()
        && !groups.is_empty()
        && aggregate.limit_options().is_none();
    let all = aggregate.input().downcast_ref::<InOrderExec>().filter(|_| plain);
    let Some(all) = all.and_then(InOrderExec::input) else { return Ok(None) };
    let keys = groups.output_exprs();
    let shared = Arc::new(ByKeyExec::new(Arc::clone(all), keys, partitions));
    let apart = AggregateExec::try_new(
        AggregateMode::FinalPartitioned,
        groups.clone(),
        aggregate.aggr_expr().to_vec(),
        aggregate.filter_expr().to_vec(),
        shared,
        aggregate.input_schema(),
    )?;
    Ok(Some(Arc::new(apart)))
}

/// Rows shared out by their keys: of each key those of the first partition, then those of the second.
#[derive(Debug)]
struct ByKeyExec {
    input: Arc<dyn ExecutionPlan>,
    keys: Vec<Arc<dyn PhysicalExpr>>,
    properties: Arc<PlanProperties>,
    begun: Arc<Mutex<Begun>>,
}

/// What has begun: for each partition that is still to be taken the rows of each of the input's.
#[derive(Debug, Default)]
struct Begun {
    rows: Vec<Option<Vec<Receiver<Sent>>>>,
    tasks: Arc<JoinSet<()>>,
}

/// Rows; nothing at the end.
type Sent = Result<Option<RecordBatch>>;

impl ByKeyExec {
    fn new(input: Arc<dyn ExecutionPlan>, keys: Vec<Arc<dyn PhysicalExpr>>, partitions: usize) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            Partitioning::Hash(keys.clone(), partitions),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        ByKeyExec { input, keys, properties: Arc::new(properties), begun: Arc::default() }
    }

    fn partitions(&self) -> usize {
        self.properties.partitioning.partition_count()
    }
}

/// Starts to share out the rows of all partitions. Must be called within a runtime.
fn begin(rows: Vec<SendableRecordBatchStream>, keys: &[Arc<dyn PhysicalExpr>], partitions: usize) -> Result<Begun> {
    let mut tasks = JoinSet::new();
    let mut receivers: Vec<Vec<_>> = (0..partitions).map(|_| Vec::new()).collect();
    for rows in rows {
        let (senders, new): (Vec<_>, Vec<_>) = (0..partitions).map(|_| mpsc::channel(2)).unzip();
        receivers.iter_mut().zip(new).for_each(|(all, one)| all.push(one));
        let share = BatchPartitioner::new_hash_partitioner(keys.to_vec(), partitions, Time::default())?;
        tasks.spawn(share_out(rows, share, senders));
    }
    Ok(Begun { rows: receivers.into_iter().map(Some).collect(), tasks: Arc::new(tasks) })
}

async fn share_out(mut rows: SendableRecordBatchStream, mut share: BatchPartitioner, to: Vec<Sender<Sent>>) {
    loop {
        let parts = match rows.next().await {
            None => break,
            Some(batch) => batch.and_then(|batch| share.partition_iter(batch)?.collect::<Result<Vec<_>>>()),
        };
        match parts {
            Ok(parts) => {
                for (partition, batch) in parts {
                    // Nobody reads any more: the query is over.
                    if to[partition].send(Ok(Some(batch))).await.is_err() {
                        return;
                    }
                }
            }
            Err(e) => {
                let e = Arc::new(e);
                for to in &to {
                    let _ = to.send(Err(DataFusionError::Shared(Arc::clone(&e)))).await;
                }
                return;
            }
        }
    }
    for to in to {
        let _ = to.send(Ok(None)).await;
    }
}

/// The rows that one partition was given of another. One that breaks off must not look like one that is done.
fn received(from: Receiver<Sent>) -> BoxStream<'static, Result<RecordBatch>> {
    stream::unfold(Some(from), |from| async {
        let mut from = from?;
        match from.recv().await {
            Some(Ok(Some(batch))) => Some((Ok(batch), Some(from))),
            Some(Ok(None)) => None,
            Some(Err(e)) => Some((Err(e), None)),
            None => Some((exec_err!("an internal error while rows were computed"), None)),
        }
    })
    .boxed()
}

impl DisplayAs for ByKeyExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
        write!(f, "ByKeyExec: keys=[{}], partitions={}", keys.join(", "), self.partitions())
    }
}

impl ExecutionPlan for ByKeyExec {
    fn name(&self) -> &'static str {
        "ByKeyExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for key in &self.keys {
            if let TreeNodeRecursion::Stop = f(key)? {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(ByKeyExec::new(input, self.keys.clone(), self.partitions()))),
            _ => internal_err!("ByKeyExec has one child"),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (begun, input, keys, partitions) =
            (Arc::clone(&self.begun), Arc::clone(&self.input), self.keys.clone(), self.partitions());
        // Streams begin when the first row is asked for, inside the runtime.
        let rows = stream::once(async move {
            let mut begun = begun.lock().unwrap_or_else(PoisonError::into_inner);
            let again = begun.rows.get(partition).is_none_or(Option::is_none);
            if again {
                let all = 0..input.output_partitioning().partition_count();
                let all = all.map(|i| input.execute(i, Arc::clone(&context))).collect::<Result<Vec<_>>>()?;
                *begun = begin(all, &keys, partitions)?;
            }
            let Some(rows) = begun.rows[partition].take() else { return internal_err!("no such partition") };
            // The tasks end with the last stream that reads.
            let tasks = Arc::clone(&begun.tasks);
            let rows = stream::iter(rows).flat_map(received);
            Ok(rows.map(move |batch| {
                let _ = &tasks;
                batch
            }))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows.try_flatten())))
    }
}
