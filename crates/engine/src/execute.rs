//! Running a plan: limits, cancellation, and rows in an order that does not depend on the threads.

use crate::apart::bring_together_apart;
use crate::error::Error;
use crate::hint::hint;
use crate::in_order::{self, in_order};
use crate::late::read_late;
use crate::narrow::NarrowRows;
use crate::order;
use crate::scan::LeastPart;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::execution::TaskContext;
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream_partitioned};
use datafusion::prelude::SessionConfig;
use futures::StreamExt;
use futures::stream::BoxStream;
use parallax_catalog::{Output, Pivot};
use parallax_functions::grouping::{by_numbers, read_once};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::timeout_at;

pub(crate) use tokio::time::Instant;

/// What a query may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Threads that compute. Readers that block have their own.
    pub threads: usize,
    /// Bytes that sorts, joins and aggregates may hold before they spill to disk or fail.
    pub memory: Option<usize>,
    /// How long a query may take.
    pub timeout: Option<Duration>,
    /// The least bytes of a file for which it is worth to begin reading somewhere in it.
    pub least_part: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Limits { threads, memory: None, timeout: None, least_part: 4 << 20 }
    }
}

/// Into how many partitions rows are cut where sums are rounded. More would help machines with more threads, and cost
/// memory for each group.
const ROUNDING_PARTITIONS: usize = 16;

/// How the result of a plan depends on the order of rows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Needs {
    /// Which rows there are, or what they hold.
    pub(crate) order: bool,
    /// The last digits of numbers.
    pub(crate) rounding: bool,
    /// Nothing but their own order: joins that the optimiser makes must leave it.
    pub(crate) own: bool,
}

impl Needs {
    pub(crate) fn of(plan: &LogicalPlan) -> datafusion::common::Result<Self> {
        Ok(Needs { order: order::depends_on_order(plan)?, rounding: order::rounds(plan)?, own: order::looks_up(plan)? })
    }
}

/// Runs plans under limits.
pub(crate) struct Executor {
    state: SessionState,
    /// For plans that depend on the order of rows: nothing is shared out by the values of rows, so that partitions are
    /// runs of rows everywhere, and meet in their order.
    in_order: SessionState,
    /// For plans whose numbers depend, in their last digits, on which rows are added up first: as `in_order`, and
    /// rows are cut into the same partitions whatever the number of threads.
    rounding: SessionState,
    limits: Limits,
    /// Always there but while it is dropped.
    runtime: Option<Runtime>,
}

impl Executor {
    pub(crate) fn new(limits: Limits) -> Result<Self, Error> {
        let mut config = SessionConfig::new()
            .with_target_partitions(limits.threads.max(1))
            .with_extension(Arc::new(LeastPart(limits.least_part)));
        let options = config.options_mut();
        // Both move rows between partitions as threads happen to be free; the order of rows must not depend on that.
        options.optimizer.enable_round_robin_repartition = false;
        options.execution.enable_file_stream_work_stealing = false;
        // Parquet says how many rows it has: which side of a join is the smaller one. Other sources do not.
        options.execution.collect_statistics = true;
        // Reading the larger side of a join once more for every row that is moved costs more than a few such tables.
        options.optimizer.hash_join_single_partition_threshold = 64 << 20;
        options.optimizer.hash_join_single_partition_threshold_rows = 1 << 20;
        let mut env = RuntimeEnvBuilder::new().with_disk_manager_builder(DiskManagerBuilder::default());
        if let Some(bytes) = limits.memory {
            let top = const { NonZeroUsize::new(3).unwrap() };
            env = env.with_memory_pool(Arc::new(TrackConsumersPool::new(FairSpillPool::new(bytes), top)));
        }
        let env = env.build_arc().map_err(|e| Error::Setup(e.to_string()))?;
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(env)
            .with_default_features()
            .with_query_planner(parallax_functions::kql::planner())
            .with_optimizer_rule(Arc::new(NarrowRows))
            .build();
        let mut in_order = state.clone();
        let options = &mut in_order.config_mut().options_mut().optimizer;
        options.repartition_aggregations = false;
        options.repartition_windows = false;
        options.repartition_joins = false;
        let mut rounding = in_order.clone();
        rounding.config_mut().options_mut().execution.target_partitions = ROUNDING_PARTITIONS;
        let runtime = Builder::new_multi_thread()
            .worker_threads(limits.threads.max(1))
            .thread_name("parallax")
            .enable_time()
            .build()
            .map_err(|e| Error::Setup(format!("threads can't be started: {e}")))?;
        Ok(Executor { state, in_order, rounding, limits, runtime: Some(runtime) })
    }

    fn handle(&self) -> Handle {
        self.runtime.as_ref().expect("there until dropped").handle().clone()
    }

    pub(crate) fn failure(&self, e: datafusion::error::DataFusionError) -> Error {
        Error::from_datafusion(e, self.limits.memory)
    }

    /// What plans are made with.
    pub(crate) fn state(&self) -> &SessionState {
        &self.state
    }

    /// The plan as the optimiser leaves it.
    pub(crate) fn optimised(&self, plan: &LogicalPlan) -> Result<LogicalPlan, Error> {
        self.state.optimize(plan).map_err(|e| self.failure(e))
    }

    /// The plan to run.
    pub(crate) fn physical(&self, plan: &LogicalPlan, needs: Needs) -> Result<Arc<dyn ExecutionPlan>, Error> {
        let state = match needs {
            Needs { rounding: true, .. } => &self.rounding,
            Needs { order: true, .. } | Needs { own: true, .. } => &self.in_order,
            _ => &self.state,
        };
        let planned = state.optimize(plan).and_then(hint);
        let plan =
            planned.and_then(|plan| self.handle().block_on(state.query_planner().create_physical_plan(&plan, state)));
        let in_order = needs.order || needs.rounding || needs.own;
        plan.and_then(|plan| if in_order { in_order::settle(plan) } else { Ok(plan) })
            .and_then(read_late)
            .and_then(by_numbers)
            .and_then(|plan| match self.limits.memory {
                // What these hold would have to be handed on.
                None => read_once(plan).and_then(|plan| bring_together_apart(plan, self.threads())),
                Some(_) => Ok(plan),
            })
            .map_err(|e| self.failure(e))
    }

    pub(crate) fn threads(&self) -> usize {
        self.limits.threads.max(1)
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.limits.timeout
    }

    /// Starts the plan of a query that was given at `began`: planning takes time too.
    pub(crate) fn start(&self, plan: Arc<dyn ExecutionPlan>, began: Instant) -> Result<Rows, Error> {
        let context = Arc::new(TaskContext::from(&self.state));
        let handle = self.handle();
        let _inside = handle.enter();
        let streams = execute_stream_partitioned(plan, context).map_err(|e| self.failure(e))?;
        Ok(Rows {
            stream: in_order(streams),
            deadline: self.limits.timeout.map(|t| (began + t, t)),
            memory: self.limits.memory,
            handle,
        })
    }
}

impl Drop for Executor {
    /// Readers may still be inside a file when a query was cancelled; nobody waits for them.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The rows of a running query. Dropping it cancels the query.
pub struct Rows {
    stream: BoxStream<'static, datafusion::common::Result<RecordBatch>>,
    deadline: Option<(Instant, Duration)>,
    memory: Option<usize>,
    handle: Handle,
}

impl Rows {
    /// Waits for all rows and makes columns of their values.
    pub(crate) fn pivoted(
        mut self,
        pivot: &Pivot,
        columns: &[Output],
        schema: SchemaRef,
    ) -> Result<(Vec<Output>, Self), Error> {
        let batches = self.by_ref().collect::<Result<Vec<_>, _>>()?;
        let (columns, batch) = pivot.apply(columns, schema, &batches).map_err(Error::Execution)?;
        self.stream = futures::stream::iter([Ok(batch)]).boxed();
        Ok((columns, self))
    }

    /// The next batch.
    pub async fn next_batch(&mut self) -> Option<Result<RecordBatch, Error>> {
        let next = match self.deadline {
            None => self.stream.next().await,
            Some((deadline, limit)) => match timeout_at(deadline, self.stream.next()).await {
                Ok(next) => next,
                Err(_) => return Some(Err(Error::Timeout(limit))),
            },
        };
        next.map(|batch| batch.map_err(|e| Error::from_datafusion(e, self.memory)))
    }
}

/// For callers that wait.
impl Iterator for Rows {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let handle = self.handle.clone();
        handle.block_on(self.next_batch())
    }
}
