//! `dcount`, exactly.
//!
//! Each value is kept once for all groups, under a number; what a group has seen is a set of pairs of numbers. A partial
//! state travels as a list of values a group.

use super::adapter::passes;
use crate::grouping::numbers::Pairs;
use crate::grouping::texts::{Seen, Texts};
use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewBuilder, BooleanArray, Int64Array, ListArray, StringViewArray, UInt32Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute;
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Float64Type, Int32Type, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, TypeSignature, Volatility,
};
use std::mem;
use std::sync::Arc;

/// The aggregate.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Distinct {
    signature: Signature,
}

impl Distinct {
    pub(super) const NAME: &str = "kql_dcount";

    pub(super) fn new() -> Self {
        Distinct { signature: Signature::new(TypeSignature::VariadicAny, Volatility::Immutable) }
    }
}

fn item() -> FieldRef {
    Arc::new(Field::new("item", DataType::BinaryView, true))
}

impl AggregateUDFImpl for Distinct {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "values"), DataType::List(item()), true))])
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(One(Groups::default())))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::<Groups>::default())
    }
}

/// What all groups have seen.
#[derive(Default)]
struct Groups {
    values: Texts,
    seen: Seen,
    /// A group's number and a value's.
    pairs: Pairs,
    counts: Vec<i64>,
}

impl std::fmt::Debug for Groups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Distinct").field("groups", &self.counts.len()).finish()
    }
}

impl Groups {
    fn note(&mut self, group: usize, value: u32) {
        if self.pairs.insert(group, value) {
            self.counts[group] += 1;
        }
    }

    /// Takes a column in; `group_of` says of each row whose it is, if anyone's.
    fn take(&mut self, column: &ArrayRef, group_of: impl Fn(usize) -> Option<usize>) -> Result<()> {
        let rows = (0..column.len()).filter(|i| column.is_valid(*i)).filter_map(|i| group_of(i).map(|g| (i, g)));
        if let Some(texts) = column.as_string_view_opt() {
            self.texts(texts, rows);
            return Ok(());
        }
        each(column, |i, value| {
            if let Some(group) = group_of(i) {
                let id = self.values.number(value);
                self.note(group, id);
            }
        })
    }

    fn texts(&mut self, texts: &StringViewArray, rows: impl Iterator<Item = (usize, usize)>) {
        self.seen.enter(texts.data_buffers());
        for (i, group) in rows {
            let id = self.seen.number(texts.views()[i], || self.values.number(texts.value(i).as_bytes()));
            self.note(group, id);
        }
    }

    fn merge(&mut self, state: &ArrayRef, group_of: impl Fn(usize) -> usize) {
        let lists = state.as_list::<i32>();
        let values = lists.values().as_binary_view();
        self.seen.enter(values.data_buffers());
        for i in (0..lists.len()).filter(|i| lists.is_valid(*i)) {
            let group = group_of(i);
            for at in lists.value_offsets()[i]..lists.value_offsets()[i + 1] {
                let at = at as usize;
                let id = self.seen.number(values.views()[at], || self.values.number(values.value(at)));
                self.note(group, id);
            }
        }
    }

    /// Takes the first groups away: their counts, and their pairs in order.
    fn emit(&mut self, emit: EmitTo) -> (Vec<i64>, Vec<u64>) {
        let counts = emit.take_needed(&mut self.counts);
        let mut gone = self.pairs.split(counts.len());
        gone.sort_unstable();
        (counts, gone)
    }

    fn states(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let (counts, pairs) = self.emit(emit);
        let numbers: UInt32Array = pairs.iter().map(|pair| *pair as u32).collect::<Vec<_>>().into();
        let values = match self.counts.is_empty() {
            true => {
                self.seen = Seen::default();
                mem::take(&mut self.values).into_bytes()?
            }
            false => self.values.to_bytes()?,
        };
        let values = compute::take(&values, &numbers, None)?;
        let offsets = OffsetBuffer::from_lengths(counts.iter().map(|n| *n as usize));
        Ok(Arc::new(ListArray::try_new(item(), offsets, values, None)?))
    }

    fn memory(&self) -> usize {
        self.values.size() + self.seen.size() + self.pairs.size() + self.counts.capacity() * 8
    }
}

/// Calls `f` with each value that is not null, as bytes that differ where values do.
fn each(column: &ArrayRef, mut f: impl FnMut(usize, &[u8])) -> Result<()> {
    let valid = (0..column.len()).filter(|i| column.is_valid(*i));
    match column.data_type() {
        DataType::Null => {}
        DataType::Utf8View => valid.for_each(|i| f(i, column.as_string_view().value(i).as_bytes())),
        DataType::Boolean => valid.for_each(|i| f(i, &[u8::from(column.as_boolean().value(i))])),
        DataType::Int32 => {
            valid.for_each(|i| f(i, &i64::from(column.as_primitive::<Int32Type>().value(i)).to_le_bytes()));
        }
        DataType::Int64 => valid.for_each(|i| f(i, &column.as_primitive::<Int64Type>().value(i).to_le_bytes())),
        DataType::Decimal128(_, _) => {
            valid.for_each(|i| f(i, &column.as_primitive::<Decimal128Type>().value(i).to_le_bytes()));
        }
        DataType::Float64 => {
            // Both zeros are one value.
            let bits = |i| (column.as_primitive::<Float64Type>().value(i) + 0.0).to_bits();
            valid.for_each(|i| f(i, &bits(i).to_le_bytes()));
        }
        t => return exec_err!("dcount was called with a {t}"),
    }
    Ok(())
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.counts.resize(total.max(self.counts.len()), 0);
        self.take(&values[0], |i| passes(filter, i).then(|| group_indices[i]))
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let counts = match emit {
            EmitTo::All => mem::take(self).counts,
            EmitTo::First(_) => self.emit(emit).0,
        };
        Ok(Arc::new(Int64Array::from(counts)))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.states(emit)?])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total: usize) -> Result<()> {
        self.counts.resize(total.max(self.counts.len()), 0);
        self.merge(&values[0], |i| group_indices[i]);
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let mut all = BinaryViewBuilder::with_capacity(values[0].len());
        let mut lengths = vec![0usize; values[0].len()];
        each(&values[0], |i, value| {
            if passes(filter, i) {
                all.append_value(value);
                lengths[i] = 1;
            }
        })?;
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(vec![Arc::new(ListArray::try_new(item(), offsets, Arc::new(all.finish()), None)?)])
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.memory()
    }
}

/// All rows as one group.
#[derive(Debug)]
struct One(Groups);

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.counts.resize(1, 0);
        self.0.take(&values[0], |_| Some(0))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(self.0.counts.first().copied().unwrap_or(0))))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.0.memory()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.counts.resize(1, 0);
        Ok(vec![ScalarValue::try_from_array(&self.0.states(EmitTo::All)?, 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.counts.resize(1, 0);
        self.0.merge(&states[0], |_| 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Partial states, in one or several steps, give what one pass gives.
    #[test]
    fn states_are_merged() {
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![
            Some("a"),
            Some("a value of more than twelve bytes"),
            None,
            Some("a"),
            Some("b"),
        ]));
        let groups = [0, 1, 1, 1, 0];
        let filter = BooleanArray::from(vec![true, true, true, true, false]);
        let mut first = Groups::default();
        GroupsAccumulator::update_batch(&mut first, std::slice::from_ref(&texts), &groups, Some(&filter), 2).unwrap();
        let mut all = Groups::default();
        let one = GroupsAccumulator::state(&mut first, EmitTo::First(1)).unwrap();
        let rest = GroupsAccumulator::state(&mut first, EmitTo::All).unwrap();
        GroupsAccumulator::merge_batch(&mut all, &one, &[0], 2).unwrap();
        GroupsAccumulator::merge_batch(&mut all, &rest, &[1], 2).unwrap();
        let rows = all.convert_to_state(&[texts], None).unwrap();
        GroupsAccumulator::merge_batch(&mut all, &rows, &[1, 1, 1, 0, 0], 2).unwrap();
        let counts = GroupsAccumulator::evaluate(&mut all, EmitTo::All).unwrap();
        assert_eq!(counts.as_primitive::<Int64Type>().values(), &[2, 2]);
    }
}
