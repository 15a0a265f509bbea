//! Many columns, each computed from those before it, in one operator.
//!
//! A plan of projections upon projections lists every column in each of them, and DataFusion's rules look at each of
//! those: the planning of a chain grows with the third power of its length. Here a chain is one node.

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchema, DFSchemaRef, Result, internal_err};
use datafusion::execution::context::ExecutionProps;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, ExprSchemable, Extension, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr, create_physical_expr};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
};
use futures::StreamExt;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Columns beside those of a plan; each may read those before it.
#[derive(Clone, Debug)]
pub struct Computed {
    input: Arc<LogicalPlan>,
    columns: Vec<(String, Expr)>,
    schema: DFSchemaRef,
}

impl Computed {
    /// Nothing beside the plan yet.
    pub fn over(input: LogicalPlan) -> Self {
        Computed { schema: Arc::clone(input.schema()), input: Arc::new(input), columns: Vec::new() }
    }

    /// The node of a plan that is one.
    pub fn of(plan: &LogicalPlan) -> Option<&Self> {
        match plan {
            LogicalPlan::Extension(e) => e.node.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// What it is computed over.
    pub fn input(&self) -> &Arc<LogicalPlan> {
        &self.input
    }

    /// The columns beside its input's, each over that and those before it.
    pub fn columns(&self) -> &[(String, Expr)] {
        &self.columns
    }

    /// With more columns.
    ///
    /// # Errors
    /// They read what is not there, or their names are taken.
    pub fn with(mut self, new: Vec<(String, Expr)>) -> Result<Self> {
        let mut fields: Vec<_> = self.schema.iter().map(|(q, f)| (q.cloned(), Arc::clone(f))).collect();
        for (name, expr) in new {
            fields.push((None, field(&name, &expr, &self.schema)?));
            self.columns.push((name, expr));
        }
        self.schema = Arc::new(DFSchema::new_with_metadata(fields, self.schema.metadata().clone())?);
        Ok(self)
    }

    /// As a plan.
    pub fn into_plan(self) -> LogicalPlan {
        LogicalPlan::Extension(Extension { node: Arc::new(self) })
    }

    /// Its place in a physical plan.
    pub(super) fn exec(&self, input: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let mut steps = Vec::with_capacity(self.columns.len());
        // Types are settled column by column, against all that stand before it.
        let mut fields: Vec<FieldRef> = input.schema().fields().iter().cloned().collect();
        for (name, expr) in &self.columns {
            let schema = Arc::new(DFSchema::try_from(Schema::new(read(expr, &fields)))?);
            let simplifier = ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::clone(&schema)).build());
            let expr = simplifier.simplify(simplifier.coerce(expr.clone(), &schema)?)?;
            let physical =
                create_physical_expr(&expr, &schema, &ExecutionProps::new(), &PhysicalPlanningContext::default())?;
            let reads = schema.fields().iter().map(|f| place(f.name(), &fields)).collect();
            fields.push(Arc::new(Field::new(name, physical.data_type(schema.as_arrow())?, true)));
            steps.push(Step { expr: physical, reads, schema: Arc::clone(schema.inner()) });
        }
        Ok(Arc::new(ComputedExec::new(input, Arc::new(steps), Arc::new(Schema::new(fields)))))
    }
}

fn field(name: &str, expr: &Expr, schema: &DFSchema) -> Result<FieldRef> {
    let (_, field) = expr.to_field(schema)?;
    Ok(Arc::new(field.as_ref().clone().with_name(name).with_nullable(true)))
}

/// The fields that an expression reads.
fn read(expr: &Expr, fields: &[FieldRef]) -> Vec<FieldRef> {
    let names: HashSet<&str> = expr.column_refs().iter().map(|c| c.name.as_str()).collect();
    fields.iter().filter(|f| names.contains(f.name().as_str())).cloned().collect()
}

fn place(name: &str, fields: &[FieldRef]) -> usize {
    fields.iter().position(|f| f.name() == name).unwrap_or_default()
}

impl UserDefinedLogicalNodeCore for Computed {
    fn name(&self) -> &'static str {
        "Computed"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    /// None that the optimiser may rewrite: they read each other.
    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Computed:")?;
        for (at, (name, expr)) in self.columns.iter().enumerate() {
            write!(f, "{} {expr} AS {name}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }

    /// Over an input that has lost columns, what read them is lost too: nobody asks for it.
    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let (Some(input), true) = (inputs.pop(), inputs.is_empty()) else {
            return internal_err!("computed columns have one input");
        };
        let mut there: HashSet<String> = input.schema().fields().iter().map(|f| f.name().clone()).collect();
        let mut kept = Vec::with_capacity(self.columns.len());
        for (name, expr) in &self.columns {
            if expr.column_refs().iter().all(|c| there.contains(&c.name)) {
                there.insert(name.clone());
                kept.push((name.clone(), expr.clone()));
            }
        }
        // The types are known.
        let types = &self.schema;
        let mut fields: Vec<_> = input.schema().iter().map(|(q, f)| (q.cloned(), Arc::clone(f))).collect();
        for (at, (name, _)) in self.columns.iter().enumerate() {
            if there.contains(name) {
                let own = types.fields().len() - self.columns.len() + at;
                fields.push((None, Arc::clone(&types.fields()[own])));
            }
        }
        let schema = Arc::new(DFSchema::new_with_metadata(fields, input.schema().metadata().clone())?);
        Ok(Computed { input: Arc::new(input), columns: kept, schema })
    }

    fn necessary_children_exprs(&self, output: &[usize]) -> Option<Vec<Vec<usize>>> {
        let of_input = self.input.schema();
        let name = |at: &usize| self.schema.field(*at).name().as_str();
        let mut needed: HashSet<&str> = output.iter().map(name).collect();
        for (name, expr) in self.columns.iter().rev() {
            if needed.contains(name.as_str()) {
                needed.extend(expr.column_refs().into_iter().map(|c| c.name.as_str()));
            }
        }
        Some(vec![
            (0..of_input.fields().len()).filter(|at| needed.contains(of_input.field(*at).name().as_str())).collect(),
        ])
    }
}

impl PartialEq for Computed {
    fn eq(&self, other: &Self) -> bool {
        self.columns == other.columns && self.input == other.input
    }
}

impl Eq for Computed {}

impl Hash for Computed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.columns.hash(state);
        self.input.hash(state);
    }
}

impl PartialOrd for Computed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match self.columns.partial_cmp(&other.columns) {
            Some(Ordering::Equal) => self.input.partial_cmp(&other.input),
            order => order,
        }
    }
}

#[derive(Debug)]
struct Step {
    expr: Arc<dyn PhysicalExpr>,
    reads: Vec<usize>,
    schema: SchemaRef,
}

#[derive(Debug)]
struct ComputedExec {
    input: Arc<dyn ExecutionPlan>,
    steps: Arc<Vec<Step>>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl ComputedExec {
    fn new(input: Arc<dyn ExecutionPlan>, steps: Arc<Vec<Step>>, schema: SchemaRef) -> Self {
        // Columns of the input keep their places, and so what is known of their order.
        let orderings = input.equivalence_properties().oeq_class().iter().cloned();
        let known = EquivalenceProperties::new_with_orderings(Arc::clone(&schema), orderings);
        let partitions = Partitioning::UnknownPartitioning(input.output_partitioning().partition_count());
        let properties = PlanProperties::new(known, partitions, input.pipeline_behavior(), input.boundedness());
        ComputedExec { input, steps, schema, properties: Arc::new(properties) }
    }
}

fn computed(batch: &RecordBatch, steps: &[Step], schema: &SchemaRef) -> Result<RecordBatch> {
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let mut columns = batch.columns().to_vec();
    for step in steps {
        let read = step.reads.iter().map(|at| Arc::clone(&columns[*at])).collect();
        let read = RecordBatch::try_new_with_options(Arc::clone(&step.schema), read, &rows)?;
        columns.push(step.expr.evaluate(&read)?.into_array(batch.num_rows())?);
    }
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows)?)
}

impl DisplayAs for ComputedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ComputedExec: {} columns", self.steps.len())
    }
}

impl ExecutionPlan for ComputedExec {
    fn name(&self) -> &'static str {
        "ComputedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
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
            (Some(input), true) => {
                Ok(Arc::new(ComputedExec::new(input, Arc::clone(&self.steps), Arc::clone(&self.schema))))
            }
            _ => internal_err!("computed columns have one input"),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (steps, schema) = (Arc::clone(&self.steps), Arc::clone(&self.schema));
        let rows = self.input.execute(partition, context)?;
        let rows = rows.map(move |batch| computed(&batch?, &steps, &schema));
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows)))
    }
}
