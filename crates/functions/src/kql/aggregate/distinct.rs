//! `dcount`, exactly.
//!
//! Each value is kept once for all groups, under a number; what a group has seen is a set of pairs of numbers. A partial
//! state travels as a list of values a group.

use super::shared::{Shared, SharedAggregate};
use crate::grouping::numbers::Pairs;
use crate::grouping::texts::{Seen, Texts};
use arrow::array::{Array, ArrayRef, AsArray, BinaryViewBuilder, Int64Array, ListArray, StringViewArray, UInt32Array};
use arrow::buffer::OffsetBuffer;
use arrow::compute;
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Float64Type, Int32Type, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::EmitTo;
use std::mem;
use std::sync::Arc;

/// The aggregate.
pub(super) type Distinct = SharedAggregate<Counts>;

fn item() -> FieldRef {
    Arc::new(Field::new("item", DataType::BinaryView, true))
}

/// What all groups have seen.
#[derive(Default)]
pub(super) struct Counts {
    values: Texts,
    seen: Seen,
    /// A group's number and a value's.
    pairs: Pairs,
    counts: Vec<i64>,
}

impl Counts {
    fn note(&mut self, group: usize, value: u32) {
        if self.pairs.insert(group, value) {
            self.counts[group] += 1;
        }
    }

    fn texts(&mut self, texts: &StringViewArray, rows: impl Iterator<Item = (usize, usize)>) {
        self.seen.enter(texts.data_buffers());
        for (i, group) in rows {
            let id = self.seen.number(texts.views()[i], || self.values.number(texts.value(i).as_bytes()));
            self.note(group, id);
        }
    }

    /// Takes the first groups away: their counts, and their pairs in order.
    fn emit(&mut self, emit: EmitTo) -> (Vec<i64>, Vec<u64>) {
        let counts = emit.take_needed(&mut self.counts);
        let mut gone = self.pairs.split(counts.len());
        gone.sort_unstable();
        (counts, gone)
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

impl Shared for Counts {
    const NAME: &'static str = "kql_dcount";
    const RETURNS: DataType = DataType::Int64;

    fn columns() -> Vec<(&'static str, DataType)> {
        vec![("values", DataType::List(item()))]
    }

    fn grow(&mut self, total: usize) {
        self.counts.resize(total.max(self.counts.len()), 0);
    }

    fn take(&mut self, values: &[ArrayRef], group_of: impl Fn(usize) -> Option<usize>) -> Result<()> {
        let [column, ..] = values else { return exec_err!("dcount is of values") };
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

    fn merge(&mut self, states: &[ArrayRef], group_of: impl Fn(usize) -> usize) -> Result<()> {
        let [lists] = states else { return exec_err!("dcount: a state has one column") };
        let lists = lists.as_list::<i32>();
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
        Ok(())
    }

    fn states(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
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
        Ok(vec![Arc::new(ListArray::try_new(item(), offsets, values, None)?)])
    }

    fn apart(values: &[ArrayRef], passes: impl Fn(usize) -> bool) -> Result<Vec<ArrayRef>> {
        let [column, ..] = values else { return exec_err!("dcount is of values") };
        let mut all = BinaryViewBuilder::with_capacity(column.len());
        let mut lengths = vec![0usize; column.len()];
        each(column, |i, value| {
            if passes(i) {
                all.append_value(value);
                lengths[i] = 1;
            }
        })?;
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(vec![Arc::new(ListArray::try_new(item(), offsets, Arc::new(all.finish()), None)?)])
    }

    fn results(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let counts = match emit {
            EmitTo::All => mem::take(self).counts,
            EmitTo::First(_) => self.emit(emit).0,
        };
        Ok(Arc::new(Int64Array::from(counts)))
    }

    fn groups(&self) -> usize {
        self.counts.len()
    }

    fn memory(&self) -> usize {
        self.values.size() + self.seen.size() + self.pairs.size() + self.counts.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::super::shared::Groups;
    use super::*;
    use arrow::array::BooleanArray;
    use datafusion::logical_expr::GroupsAccumulator;

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
        let mut first = Groups(Counts::default());
        GroupsAccumulator::update_batch(&mut first, std::slice::from_ref(&texts), &groups, Some(&filter), 2).unwrap();
        let mut all = Groups(Counts::default());
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
