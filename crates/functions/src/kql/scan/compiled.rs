//! Conditions and assignments of the steps, over a row and a state.

use super::{Spec, Step, is_remembered};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::{Column, DFSchema, Result, internal_datafusion_err};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use std::sync::Arc;

/// Where a value of a step's state comes from when the step matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The column of the row.
    Column(usize),
    /// The variable.
    Variable(usize),
}

/// Where an expression's input comes from.
#[derive(Clone, Copy, Debug)]
enum Slot {
    Column(usize),
    /// The step, and the place in what is remembered of it.
    State(usize, usize),
}

/// What the states look like.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// For each step what is remembered of the row that it matched.
    pub(super) sources: Vec<Vec<Source>>,
    /// What stands there before it has matched any.
    pub(super) empty: Vec<Vec<ArrayRef>>,
}

/// The steps of a scan, ready to run.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) steps: Vec<CompiledStep>,
    pub(super) memory: Memory,
    /// The values of the variables where no step assigns them.
    pub(super) defaults: Vec<ArrayRef>,
}

#[derive(Debug)]
pub(super) struct CompiledStep {
    pub(super) output: super::Output,
    /// Boolean columns of the row.
    pub(super) gates: Vec<usize>,
    pub(super) test: Option<Formula>,
    pub(super) assign: Vec<(usize, Assigned)>,
}

/// A variable's new value.
#[derive(Debug)]
pub(super) enum Assigned {
    /// A column of the row, as it is.
    Column(usize),
    Computed(Formula),
}

/// An expression over a row and a state.
#[derive(Debug)]
pub(super) struct Formula {
    expr: Arc<dyn PhysicalExpr>,
    slots: Vec<Slot>,
    schema: SchemaRef,
}

impl Compiled {
    pub(super) fn new(spec: &Spec, input: &SchemaRef) -> Result<Self> {
        let mut compiler = Compiler { spec, input, memory: Memory::default() };
        compiler.memory.sources = vec![Vec::new(); spec.steps.len()];
        compiler.memory.empty = vec![Vec::new(); spec.steps.len()];
        let steps = spec.steps.iter().map(|s| compiler.step(s)).collect::<Result<_>>()?;
        let memory = compiler.memory;
        let defaults = spec.variables.iter().map(|(_, v)| v.to_array()).collect::<Result<_>>()?;
        Ok(Compiled { steps, memory, defaults })
    }
}

struct Compiler<'s> {
    spec: &'s Spec,
    input: &'s SchemaRef,
    memory: Memory,
}

impl Compiler<'_> {
    fn step(&mut self, step: &Step) -> Result<CompiledStep> {
        let gates = step.gates.iter().map(|name| Ok(self.input.index_of(name)?)).collect::<Result<_>>()?;
        let test = step.test.as_ref().map(|e| self.formula(e)).transpose()?;
        let assign = step.assign.iter().map(|(at, e)| Ok((*at, self.assigned(e)?))).collect::<Result<_>>()?;
        Ok(CompiledStep { output: step.output, gates, test, assign })
    }

    fn assigned(&mut self, expr: &Expr) -> Result<Assigned> {
        Ok(match expr {
            Expr::Column(c) if is_remembered(&c.name).is_none() => Assigned::Column(self.input.index_of(&c.name)?),
            _ => Assigned::Computed(self.formula(expr)?),
        })
    }

    fn formula(&mut self, expr: &Expr) -> Result<Formula> {
        let mut names: Vec<&str> = expr.column_refs().into_iter().map(|c| c.name.as_str()).collect();
        names.sort_unstable();
        let (mut slots, mut fields) = (Vec::new(), Vec::new());
        for name in names {
            let (slot, ty) = match is_remembered(name) {
                None => {
                    let at = self.input.index_of(name)?;
                    (Slot::Column(at), self.input.field(at).data_type().clone())
                }
                Some((step, column)) => {
                    let at = self.remember(step, column)?;
                    (Slot::State(step, at), self.memory.empty[step][at].data_type().clone())
                }
            };
            slots.push(slot);
            fields.push(Field::new(name, ty, true));
        }
        let schema = Arc::new(Schema::new(fields));
        let scope = DFSchema::try_from(Arc::clone(&schema))?;
        let simplifier = ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::new(scope.clone())).build());
        let expr = simplifier.simplify(simplifier.coerce(expr.clone(), &scope)?)?;
        let expr = create_physical_expr(&expr, &scope, &ExecutionProps::new(), &PhysicalPlanningContext::default())?;
        Ok(Formula { expr, slots, schema })
    }

    /// The place of a column or a variable in what is remembered of a step.
    fn remember(&mut self, step: usize, name: &str) -> Result<usize> {
        let source = match self.spec.variables.iter().position(|(v, _)| v == name) {
            Some(at) => Source::Variable(at),
            None => Source::Column(self.input.index_of(name)?),
        };
        let Some(sources) = self.memory.sources.get_mut(step) else {
            return Err(internal_datafusion_err!("there is no step {step}"));
        };
        if let Some(at) = sources.iter().position(|s| *s == source) {
            return Ok(at);
        }
        let empty = match source {
            Source::Variable(at) => &self.spec.variables[at].1,
            Source::Column(_) => match self.spec.empty.iter().find(|(c, _)| c == name) {
                Some((_, value)) => value,
                None => return Err(internal_datafusion_err!("nothing is known of {}", Column::from_name(name))),
            },
        };
        sources.push(source);
        self.memory.empty[step].push(empty.to_array()?);
        Ok(sources.len() - 1)
    }
}

impl Formula {
    /// Its value for a row. The state has rows for some of the first steps; the others are as if they had matched none.
    pub(super) fn evaluate(
        &self,
        batch: &RecordBatch,
        row: usize,
        state: &[Vec<ArrayRef>],
        memory: &Memory,
    ) -> Result<ArrayRef> {
        let arrays = self.slots.iter().map(|slot| match *slot {
            Slot::Column(at) => batch.column(at).slice(row, 1),
            Slot::State(step, at) => Arc::clone(&state.get(step).unwrap_or(&memory.empty[step])[at]),
        });
        let one = RecordBatchOptions::new().with_row_count(Some(1));
        let row = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays.collect(), &one)?;
        self.expr.evaluate(&row)?.into_array(1)
    }

    /// As a condition: null is false.
    pub(super) fn holds(
        &self,
        batch: &RecordBatch,
        row: usize,
        state: &[Vec<ArrayRef>],
        memory: &Memory,
    ) -> Result<bool> {
        let value = self.evaluate(batch, row, state, memory)?;
        Ok(value.as_boolean_opt().is_some_and(|b| b.is_valid(0) && b.value(0)))
    }
}
