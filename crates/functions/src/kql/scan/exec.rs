//! `scan` in a physical plan.

use super::Spec;
use super::compiled::Compiled;
use super::machine::Machine;
use arrow::array::RecordBatch;
use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    Distribution, EquivalenceProperties, LexOrdering, OrderingRequirements, PhysicalExpr, PhysicalSortExpr,
};
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::{StreamExt, stream};
use std::fmt;
use std::sync::Arc;

/// Runs a [`Machine`] over the rows of one partition, which come in the order that is asked for.
#[derive(Debug)]
pub(super) struct ScanExec {
    input: Arc<dyn ExecutionPlan>,
    spec: Arc<Spec>,
    compiled: Arc<Compiled>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl ScanExec {
    pub(super) fn try_new(input: Arc<dyn ExecutionPlan>, spec: Arc<Spec>) -> Result<Self> {
        let compiled = Arc::new(Compiled::new(&spec, &input.schema())?);
        let schema = Arc::new(spec.output(&input.schema()));
        let number = schema.fields().len() - 1;
        let numbered = PhysicalSortExpr::new_default(Arc::new(Column::new(&spec.number, number)));
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(Arc::clone(&schema), [[numbered]]),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(ScanExec { input, spec, compiled, schema, properties: Arc::new(properties) })
    }

    /// The order in which the rows must come.
    fn ordering(&self) -> Option<LexOrdering> {
        let input = self.input.schema();
        let partition = self.spec.partition.iter().map(|name| (name, true, true));
        let order = self.spec.order.iter().map(|(name, ascending, nulls)| (name, *ascending, *nulls));
        LexOrdering::new(partition.chain(order).filter_map(|(name, ascending, nulls_first)| {
            let column = Column::new(name, input.index_of(name).ok()?);
            Some(PhysicalSortExpr::new(Arc::new(column), SortOptions { descending: !ascending, nulls_first }))
        }))
    }

    fn machine(&self) -> Result<Machine> {
        let input = self.input.schema();
        let partition = self.spec.partition.iter().map(|name| Ok(input.index_of(name)?)).collect::<Result<_>>()?;
        let with_id = self.spec.match_id.is_some();
        Ok(Machine::new(Arc::clone(&self.compiled), partition, with_id, Arc::clone(&self.schema)))
    }
}

impl DisplayAs for ScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<&str> = self.spec.steps.iter().map(|s| s.name.as_str()).collect();
        write!(f, "ScanExec: steps=[{}], partition=[{}]", steps.join(", "), self.spec.partition.join(", "))
    }
}

impl ExecutionPlan for ScanExec {
    fn name(&self) -> &'static str {
        "ScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition]
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        vec![self.ordering().map(OrderingRequirements::from)]
    }

    /// Which rows come out, and when, depends on all columns' order: it is not the input's.
    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
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
            (Some(input), true) => Ok(Arc::new(ScanExec::try_new(input, Arc::clone(&self.spec))?)),
            _ => internal_err!("a scan has one input"),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("a scan has one partition");
        }
        let nothing = RecordBatch::new_empty(self.input.schema());
        let machine = self.machine()?;
        let input = self.input.execute(0, context)?;
        let rows = stream::unfold((input, Some(machine)), move |(mut input, machine)| {
            let nothing = nothing.clone();
            async move {
                let mut machine = machine?;
                Some(match input.next().await {
                    Some(Ok(batch)) => (machine.read(&batch), (input, Some(machine))),
                    Some(Err(e)) => (Err(e), (input, None)),
                    None => (machine.end(&nothing), (input, None)),
                })
            }
        });
        // A batch in which nothing matched is nothing to hand on.
        let rows = rows.filter(|batch| futures::future::ready(!matches!(batch, Ok(b) if b.num_rows() == 0)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows)))
    }
}
