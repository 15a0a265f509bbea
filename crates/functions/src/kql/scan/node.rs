//! `scan` in a logical plan.

use super::exec::ScanExec;
use super::{Spec, is_remembered};
use datafusion::common::{DFSchema, DFSchemaRef, Result, internal_err};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_plan::ExecutionPlan;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A `scan` over a plan, whose rows come in the order that the [`Spec`] says.
#[derive(Clone, Debug)]
pub struct ScanNode {
    input: LogicalPlan,
    spec: Arc<Spec>,
    schema: DFSchemaRef,
}

impl ScanNode {
    /// The columns of the plan, the variables, the number of the match where it is asked for, and the rows' number.
    ///
    /// # Errors
    /// Two columns have the same name.
    pub fn try_new(input: LogicalPlan, spec: Arc<Spec>) -> Result<Self> {
        let mut fields: Vec<_> = input.schema().iter().map(|(q, f)| (q.cloned(), Arc::clone(f))).collect();
        fields.extend(spec.added().into_iter().map(|f| (None, Arc::new(f))));
        let schema = Arc::new(DFSchema::new_with_metadata(fields, Default::default())?);
        Ok(ScanNode { input, spec, schema })
    }

    /// As a plan.
    pub fn into_plan(self) -> LogicalPlan {
        LogicalPlan::Extension(Extension { node: Arc::new(self) })
    }

    /// Its place in a physical plan.
    pub(in crate::kql) fn exec(&self, input: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(ScanExec::try_new(input, Arc::clone(&self.spec))?))
    }
}

/// The columns of the input that a scan reads itself.
fn read(spec: &Spec) -> BTreeSet<&str> {
    let mut names: BTreeSet<&str> = spec.partition.iter().map(String::as_str).collect();
    names.extend(spec.order.iter().map(|(name, ..)| name.as_str()));
    for step in &spec.steps {
        names.extend(step.gates.iter().map(String::as_str));
        for expr in step.test.iter().chain(step.assign.iter().map(|(_, e)| e)) {
            let columns = expr.column_refs();
            names.extend(columns.iter().map(|c| is_remembered(&c.name).map_or(c.name.as_str(), |(_, name)| name)));
        }
    }
    names
}

impl UserDefinedLogicalNodeCore for ScanNode {
    fn name(&self) -> &'static str {
        "Scan"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    /// None that the optimiser may rewrite: they read states, which no plan has as columns.
    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scan:")?;
        if !self.spec.partition.is_empty() {
            write!(f, " partition=[{}]", self.spec.partition.join(", "))?;
        }
        for step in &self.spec.steps {
            let tests = step.gates.iter().cloned().chain(step.test.iter().map(ToString::to_string));
            write!(f, " step {}: {}", step.name, tests.collect::<Vec<_>>().join(" AND "))?;
            for (at, value) in &step.assign {
                write!(f, ", {} = {value}", self.spec.variables[*at].0)?;
            }
            f.write_str(";")?;
        }
        Ok(())
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        match (inputs.pop(), inputs.is_empty()) {
            (Some(input), true) => ScanNode::try_new(input, Arc::clone(&self.spec)),
            _ => internal_err!("a scan has one input"),
        }
    }

    fn necessary_children_exprs(&self, output: &[usize]) -> Option<Vec<Vec<usize>>> {
        let schema = self.input.schema();
        let read = read(&self.spec);
        let needed = |at: &usize| output.contains(at) || read.contains(schema.field(*at).name().as_str());
        Some(vec![(0..schema.fields().len()).filter(needed).collect()])
    }
}

impl PartialEq for ScanNode {
    fn eq(&self, other: &Self) -> bool {
        self.spec == other.spec && self.input == other.input
    }
}

impl Eq for ScanNode {}

impl Hash for ScanNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.spec.hash(state);
        self.input.hash(state);
    }
}

impl PartialOrd for ScanNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match self.spec.partial_cmp(&other.spec) {
            Some(Ordering::Equal) => self.input.partial_cmp(&other.input),
            order => order,
        }
    }
}
