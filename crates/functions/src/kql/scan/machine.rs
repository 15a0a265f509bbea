//! The states of the steps, and what a row does to them.

use super::Output;
use super::compiled::{Assigned, Compiled, CompiledStep, Source};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::{concat, interleave};
use arrow::datatypes::SchemaRef;
use datafusion::common::{Result, ScalarValue};
use std::sync::Arc;

/// A match that is under way: the state of the step that it has reached.
#[derive(Debug)]
struct Sequence {
    id: i64,
    /// What is remembered of each step up to the one reached.
    steps: Vec<Vec<ArrayRef>>,
    /// The last row of the series, where it is to come out at the series' end.
    last: Option<Held>,
}

/// A row that may come out later.
#[derive(Debug)]
struct Held {
    /// One row.
    row: RecordBatch,
    variables: Vec<ArrayRef>,
}

/// A row that comes out.
struct Emitted {
    /// Among the batch at hand and the rows that were held.
    from: (usize, usize),
    variables: Vec<ArrayRef>,
    id: i64,
}

/// What came out while a batch was read.
#[derive(Default)]
struct Found {
    rows: Vec<Emitted>,
    held: Vec<RecordBatch>,
}

impl Found {
    fn release(&mut self, held: Held, id: i64) {
        self.held.push(held.row);
        // 0 is the batch at hand.
        self.rows.push(Emitted { from: (self.held.len(), 0), variables: held.variables, id });
    }
}

/// A scan that runs.
#[derive(Debug)]
pub(super) struct Machine {
    compiled: Arc<Compiled>,
    /// The state of each step.
    states: Vec<Option<Sequence>>,
    matches: i64,
    emitted: i64,
    partition: Vec<usize>,
    /// The partition that is being read.
    current: Option<Vec<ScalarValue>>,
    with_id: bool,
    schema: SchemaRef,
}

impl Machine {
    pub(super) fn new(compiled: Arc<Compiled>, partition: Vec<usize>, with_id: bool, schema: SchemaRef) -> Self {
        let states = compiled.steps.iter().map(|_| None).collect();
        Machine { compiled, states, matches: 0, emitted: 0, partition, current: None, with_id, schema }
    }

    /// The rows that come out while a batch is read.
    pub(super) fn read(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut found = Found::default();
        let mut start = 0;
        for end in self.partition_ends(batch)? {
            if !self.partition.is_empty() {
                let key = self.partition.iter().map(|c| ScalarValue::try_from_array(batch.column(*c), start));
                let key = Some(key.collect::<Result<Vec<_>>>()?);
                if self.current != key {
                    self.end_partition(&mut found);
                    self.current = key;
                }
            }
            self.rows(batch, start..end, &mut found)?;
            start = end;
        }
        self.assemble(batch, found)
    }

    /// What comes out when there are no more rows.
    pub(super) fn end(&mut self, nothing: &RecordBatch) -> Result<RecordBatch> {
        let mut found = Found::default();
        self.end_partition(&mut found);
        self.assemble(nothing, found)
    }

    fn partition_ends(&self, batch: &RecordBatch) -> Result<Vec<usize>> {
        if self.partition.is_empty() || batch.num_rows() == 0 {
            return Ok(vec![batch.num_rows()]);
        }
        let keys: Vec<ArrayRef> = self.partition.iter().map(|c| Arc::clone(batch.column(*c))).collect();
        Ok(arrow::compute::partition(&keys)?.ranges().into_iter().map(|r| r.end).collect())
    }

    /// Series that are not at their end are now. The first step's match is the latest to have begun, so the last step's
    /// comes first.
    fn end_partition(&mut self, found: &mut Found) {
        for state in self.states.iter_mut().rev() {
            if let Some(Sequence { id, last: Some(held), .. }) = state.take() {
                found.release(held, id);
            }
        }
        self.matches = 0;
    }

    fn rows(&mut self, batch: &RecordBatch, rows: std::ops::Range<usize>, found: &mut Found) -> Result<()> {
        let compiled = Arc::clone(&self.compiled);
        let gates: Vec<Vec<&BooleanArray>> =
            compiled.steps.iter().map(|s| s.gates.iter().map(|g| batch.column(*g).as_boolean()).collect()).collect();
        for row in rows {
            for (k, step) in compiled.steps.iter().enumerate().rev() {
                if gates[k].iter().all(|g| g.is_valid(row) && g.value(row)) {
                    self.step(k, step, batch, row, found)?;
                }
            }
        }
        Ok(())
    }

    /// Puts a row to a step.
    fn step(
        &mut self,
        k: usize,
        step: &CompiledStep,
        batch: &RecordBatch,
        row: usize,
        found: &mut Found,
    ) -> Result<()> {
        let memory = &self.compiled.memory;
        let holds = |state: &[Vec<ArrayRef>]| match &step.test {
            Some(test) => test.holds(batch, row, state, memory),
            None => Ok(true),
        };
        // First: does the match that has reached the step before move on?
        if k > 0
            && let Some(before) = &self.states[k - 1]
            && holds(&before.steps)?
        {
            // A match that had come as far is given up.
            if let Some(Sequence { id, last: Some(held), .. }) = self.states[k].take() {
                found.release(held, id);
            }
            if let Some(mut moved) = self.states[k - 1].take() {
                if let Some(held) = moved.last.take() {
                    found.release(held, moved.id);
                }
                self.states[k] = Some(moved);
            }
            return self.matched(k, step, batch, row, found);
        }
        // Then: does the step match again?
        let matches = match &self.states[k] {
            Some(own) => holds(&own.steps)?,
            None => k == 0 && holds(&[])?,
        };
        if !matches {
            return Ok(());
        }
        if self.states[k].is_none() {
            self.states[k] = Some(Sequence { id: self.matches, steps: Vec::new(), last: None });
            self.matches += 1;
        }
        self.matched(k, step, batch, row, found)
    }

    /// The row matches the step: its variables are assigned, it is remembered, and it comes out.
    fn matched(
        &mut self,
        k: usize,
        step: &CompiledStep,
        batch: &RecordBatch,
        row: usize,
        found: &mut Found,
    ) -> Result<()> {
        let compiled = &self.compiled;
        let Some(state) = &mut self.states[k] else { return Ok(()) };
        let mut variables = compiled.defaults.clone();
        for (at, value) in &step.assign {
            variables[*at] = match value {
                Assigned::Column(column) => batch.column(*column).slice(row, 1),
                Assigned::Computed(formula) => formula.evaluate(batch, row, &state.steps, &compiled.memory)?,
            };
        }
        let remembered = compiled.memory.sources[k].iter().map(|source| match source {
            Source::Column(at) => batch.column(*at).slice(row, 1),
            Source::Variable(at) => Arc::clone(&variables[*at]),
        });
        let remembered = remembered.collect();
        state.steps.truncate(k);
        state.steps.push(remembered);
        match step.output {
            Output::All => found.rows.push(Emitted { from: (0, row), variables, id: state.id }),
            Output::Last => state.last = Some(Held { row: batch.slice(row, 1), variables }),
            Output::None => {}
        }
        Ok(())
    }

    /// The rows that came out, as a batch.
    fn assemble(&mut self, batch: &RecordBatch, found: Found) -> Result<RecordBatch> {
        let Found { rows, held } = found;
        if rows.is_empty() {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.schema)));
        }
        let from: Vec<(usize, usize)> = rows.iter().map(|r| r.from).collect();
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for at in 0..batch.num_columns() {
            let sources: Vec<&dyn Array> = std::iter::once(batch).chain(&held).map(|b| b.column(at).as_ref()).collect();
            columns.push(interleave(&sources, &from)?);
        }
        for at in 0..self.compiled.defaults.len() {
            let values: Vec<&dyn Array> = rows.iter().map(|r| r.variables[at].as_ref()).collect();
            columns.push(concat(&values)?);
        }
        if self.with_id {
            columns.push(Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.id))));
        }
        let end = self.emitted + rows.len() as i64;
        columns.push(Arc::new(Int64Array::from_iter_values(self.emitted..end)));
        self.emitted = end;
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}
