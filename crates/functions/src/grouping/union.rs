//! The first step of an aggregation over a union whose branches read the same file, which is read once.

use super::exec::{Work, handed_on};
use arrow::array::{AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{BatchCoalescer, filter_record_batch};
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::projection::Projector;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::future::{BoxFuture, FutureExt, Shared};
use futures::{StreamExt, TryFutureExt, TryStreamExt, stream};
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

/// What one partition of the file gave each branch, until the branch takes it.
type Given = Arc<Vec<Mutex<Option<Work>>>>;
type Reading = Shared<BoxFuture<'static, std::result::Result<Given, Arc<DataFusionError>>>>;

/// Does what an [`AggregateExec`] in its partial mode does over a union of `branches`, and has its partitions: those of the
/// first branch, then those of the second. Its branches are read at the same time, from one reading of `read`.
pub(super) struct NumberedUnionExec {
    /// Over the union as it was.
    aggregate: AggregateExec,
    read: Arc<dyn ExecutionPlan>,
    branches: Arc<Vec<Steps>>,
    /// The readings that have begun, by partitions, with the branches that have their part of each.
    begun: Mutex<Vec<(Option<Reading>, Vec<bool>)>>,
}

/// What a branch does with rows, one step after the other.
pub(super) type Steps = Vec<Step>;

/// A step of a branch.
#[derive(Debug)]
pub(super) enum Step {
    /// The columns of the reading that are the branch's.
    Columns(Vec<usize>, SchemaRef),
    Filter(Arc<dyn PhysicalExpr>, Option<Vec<usize>>, SchemaRef),
    Project(ProjectionExec),
}

impl Step {
    /// The step of a plan; `None` where it is another kind of plan.
    pub(super) fn of(plan: &dyn ExecutionPlan) -> Option<Step> {
        if let Some(filter) = plan.downcast_ref::<FilterExec>() {
            let columns = filter.projection().as_ref().map(|p| p.to_vec());
            return filter
                .fetch()
                .is_none()
                .then(|| Step::Filter(Arc::clone(filter.predicate()), columns, filter.schema()));
        }
        plan.downcast_ref::<ProjectionExec>().map(|p| Step::Project(p.clone()))
    }
}

impl NumberedUnionExec {
    pub(super) fn new(aggregate: AggregateExec, read: Arc<dyn ExecutionPlan>, branches: Arc<Vec<Steps>>) -> Self {
        let partitions = read.output_partitioning().partition_count();
        let begun = (0..partitions).map(|_| (None, vec![false; branches.len()])).collect();
        NumberedUnionExec { aggregate, read, branches, begun: Mutex::new(begun) }
    }

    /// The reading of a partition from which a branch takes its part.
    fn reading(&self, partition: usize, branch: usize, context: &Arc<TaskContext>) -> Result<Reading> {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((reading, taken)) = begun.get_mut(partition) else { return internal_err!("no such partition") };
        // Whoever comes again runs the plan again.
        if let (Some(reading), false) = (&*reading, taken[branch]) {
            taken[branch] = true;
            return Ok(reading.clone());
        }
        let branches = self.branches.iter().map(|steps| Branch::new(steps, &self.aggregate, partition, context));
        let branches = branches.collect::<Result<Vec<_>>>()?;
        let rows = self.read.execute(partition, Arc::clone(context))?;
        let new = read(rows, branches).map_err(Arc::new).boxed().shared();
        (*reading, *taken) = (Some(new.clone()), vec![false; self.branches.len()]);
        taken[branch] = true;
        Ok(new)
    }
}

/// Reads a partition to its end.
async fn read(mut rows: SendableRecordBatchStream, mut branches: Vec<Branch>) -> Result<Given> {
    while let Some(batch) = rows.try_next().await? {
        branches.iter_mut().try_for_each(|branch| branch.take(&batch))?;
    }
    Ok(Arc::new(branches.into_iter().map(|branch| branch.done().map(|w| Mutex::new(Some(w)))).collect::<Result<_>>()?))
}

/// A branch at work.
struct Branch {
    steps: Vec<AtWork>,
    work: Work,
}

enum AtWork {
    Columns(Vec<usize>, SchemaRef),
    /// Few rows may be left of a batch: they are put together before more is done with them.
    Filter(Arc<dyn PhysicalExpr>, Option<Vec<usize>>, BatchCoalescer),
    Project(Projector),
}

impl Branch {
    fn new(steps: &[Step], aggregate: &AggregateExec, partition: usize, context: &TaskContext) -> Result<Self> {
        let rows = context.session_config().batch_size();
        let steps = steps.iter().map(|step| {
            Ok(match step {
                Step::Columns(columns, schema) => AtWork::Columns(columns.clone(), Arc::clone(schema)),
                Step::Filter(predicate, columns, schema) => {
                    let left =
                        BatchCoalescer::new(Arc::clone(schema), rows).with_biggest_coalesce_batch_size(Some(rows / 2));
                    AtWork::Filter(Arc::clone(predicate), columns.clone(), left)
                }
                Step::Project(p) => AtWork::Project(p.projection_expr().make_projector(&p.input().schema())?),
            })
        });
        Ok(Branch {
            steps: steps.collect::<Result<_>>()?,
            work: Work::new(aggregate, partition, context)?.keeping_all(),
        })
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<()> {
        push(&mut self.steps, &mut self.work, batch)
    }

    /// Takes the rows that still wait, and makes the groups ready.
    fn done(mut self) -> Result<Work> {
        let mut steps = self.steps.as_mut_slice();
        while let Some((step, rest)) = mem::take(&mut steps).split_first_mut() {
            if let AtWork::Filter(_, _, left) = step {
                left.finish_buffered_batch()?;
                while let Some(batch) = left.next_completed_batch() {
                    push(rest, &mut self.work, &batch)?;
                }
            }
            steps = rest;
        }
        self.work.finish()?;
        Ok(self.work)
    }
}

/// Rows through the steps that are left, and into the groups.
fn push(steps: &mut [AtWork], work: &mut Work, batch: &RecordBatch) -> Result<()> {
    match steps.split_first_mut() {
        None => work.take(batch),
        Some((AtWork::Columns(columns, schema), rest)) => {
            let own = columns.iter().map(|c| Arc::clone(batch.column(*c))).collect();
            let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            push(rest, work, &RecordBatch::try_new_with_options(Arc::clone(schema), own, &rows)?)
        }
        Some((AtWork::Project(projector), rest)) => push(rest, work, &projector.project_batch(batch)?),
        Some((AtWork::Filter(predicate, columns, left), rest)) => {
            let passes = predicate.evaluate(batch)?.into_array(batch.num_rows())?;
            let Some(passes) = passes.as_boolean_opt() else { return internal_err!("a filter that is no condition") };
            if passes.true_count() == 0 {
                return Ok(());
            }
            let batch = match columns {
                Some(columns) => &batch.project(columns)?,
                None => batch,
            };
            left.push_batch(filter_record_batch(batch, passes)?)?;
            while let Some(batch) = left.next_completed_batch() {
                push(rest, work, &batch)?;
            }
            Ok(())
        }
    }
}

impl fmt::Debug for NumberedUnionExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NumberedUnionExec").field("aggregate", &self.aggregate).finish_non_exhaustive()
    }
}

impl DisplayAs for NumberedUnionExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::exec::show(&self.aggregate, "NumberedUnionExec", f)?;
        for steps in self.branches.iter() {
            f.write_str(", branch=[")?;
            for (i, step) in steps.iter().enumerate() {
                let before = if i > 0 { ", " } else { "" };
                match step {
                    Step::Columns(_, schema) => {
                        let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
                        write!(f, "{before}{}", names.join(", "))?;
                    }
                    Step::Filter(predicate, ..) => write!(f, "{before}{predicate}")?,
                    Step::Project(projection) => write!(f, "{before}{}", projection.projection_expr())?,
                }
            }
            f.write_str("]")?;
        }
        Ok(())
    }
}

impl ExecutionPlan for NumberedUnionExec {
    fn name(&self) -> &'static str {
        "NumberedUnionExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.aggregate.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.read]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.aggregate.apply_expressions(f)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(read), true)
                if read.output_partitioning().partition_count()
                    == self.read.output_partitioning().partition_count() =>
            {
                let new = NumberedUnionExec::new(self.aggregate.clone(), read, Arc::clone(&self.branches));
                Ok(Arc::new(new))
            }
            _ => internal_err!("NumberedUnionExec has one child, with as many partitions as before"),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let partitions = self.begun.lock().unwrap_or_else(PoisonError::into_inner).len();
        let branch = partition / partitions;
        let reading = self.reading(partition % partitions, branch, &context)?;
        let rows = stream::once(async move {
            let given = reading.await.map_err(DataFusionError::Shared)?;
            match given.get(branch).and_then(|w| w.lock().unwrap_or_else(PoisonError::into_inner).take()) {
                Some(work) => Ok(handed_on(work)),
                None => internal_err!("a branch took its groups twice"),
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows.try_flatten().boxed())))
    }
}
