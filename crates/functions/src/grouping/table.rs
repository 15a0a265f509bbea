//! Which group a row belongs to.

use super::numbers::Numbers;
use super::texts::{Seen, Texts, number_all};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, UInt32Array};
use arrow::compute;
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion::common::{Result, internal_err};
use std::sync::Arc;

/// Groups by one or several columns, numbered from 0 in order of appearance.
pub(super) struct Table {
    keys: Vec<Key>,
    /// Of each column but the first: pairs of the number of what stands before it, and its own.
    pairs: Vec<Numbers>,
    /// Buffers.
    numbers: Vec<u32>,
    more: Vec<u32>,
}

impl Table {
    /// Whether rows can be grouped by a column of that type.
    pub(super) fn groups_by(ty: &DataType) -> bool {
        matches!(ty, DataType::Utf8View | DataType::Int64 | DataType::Int32 | DataType::Boolean)
    }

    pub(super) fn new(types: impl Iterator<Item = DataType>) -> Self {
        let keys: Vec<Key> = types.map(Key::new).collect();
        let pairs = keys.iter().skip(1).map(|_| Numbers::new()).collect();
        Table { keys, pairs, numbers: Vec::new(), more: Vec::new() }
    }

    /// For each row the number of its group.
    pub(super) fn number(&mut self, columns: &[ArrayRef], out: &mut Vec<usize>) -> Result<()> {
        out.clear();
        self.numbers.clear();
        let Some((first, others)) = columns.split_first() else { return internal_err!("groups without columns") };
        self.keys[0].number(first, &mut self.numbers)?;
        for (i, column) in others.iter().enumerate() {
            self.more.clear();
            self.keys[i + 1].number(column, &mut self.more)?;
            let pairs = &mut self.pairs[i];
            for (before, own) in self.numbers.iter_mut().zip(&self.more) {
                *before = pairs.number(u64::from(*before) << 32 | u64::from(*own));
            }
        }
        out.extend(self.numbers.iter().map(|n| *n as usize));
        Ok(())
    }

    /// How many groups there are.
    pub(super) fn len(&self) -> usize {
        self.pairs.last().map_or_else(|| self.keys.first().map_or(0, Key::len), Numbers::len)
    }

    /// The columns of all groups in the order of their numbers.
    pub(super) fn into_columns(mut self) -> Result<Vec<ArrayRef>> {
        let mut columns = Vec::new();
        // The numbers of what stands before the column; of the last one all.
        let mut before: Option<Vec<u32>> = None;
        while let Some(key) = self.keys.pop() {
            let own = match self.pairs.pop() {
                None => before.take(),
                Some(pairs) => {
                    let pair = |n: u32| pairs.all()[n as usize];
                    let all: Vec<u64> = match &before {
                        None => pairs.all().to_vec(),
                        Some(wanted) => wanted.iter().map(|n| pair(*n)).collect(),
                    };
                    before = Some(all.iter().map(|p| (p >> 32) as u32).collect());
                    Some(all.iter().map(|p| *p as u32).collect())
                }
            };
            let values = key.into_array()?;
            columns.push(match own {
                None => values,
                Some(own) => compute::take(&values, &UInt32Array::from(own), None)?,
            });
        }
        columns.reverse();
        Ok(columns)
    }

    /// How much memory they hold.
    pub(super) fn size(&self) -> usize {
        let keys: usize = self.keys.iter().map(Key::size).sum();
        keys + self.pairs.iter().map(Numbers::size).sum::<usize>()
            + 4 * (self.numbers.capacity() + self.more.capacity())
    }
}

/// The values of one column, under numbers.
enum Key {
    Text(Texts, Seen),
    Number(Numbers, DataType),
}

impl Key {
    fn new(ty: DataType) -> Self {
        match ty {
            DataType::Utf8View => Key::Text(Texts::default(), Seen::default()),
            ty => Key::Number(Numbers::new(), ty),
        }
    }

    fn number(&mut self, column: &ArrayRef, out: &mut Vec<u32>) -> Result<()> {
        match (self, column.data_type()) {
            (Key::Text(texts, seen), DataType::Utf8View) => number_all(texts, seen, column.as_string_view(), out),
            (Key::Number(all, _), DataType::Int64) => {
                let values = column.as_primitive::<Int64Type>().values();
                each(all, column, |i| values[i] as u64, out);
            }
            (Key::Number(all, _), DataType::Int32) => {
                let values = column.as_primitive::<Int32Type>().values();
                each(all, column, |i| values[i] as u64, out);
            }
            (Key::Number(all, _), DataType::Boolean) => {
                let values = column.as_boolean().values();
                each(all, column, |i| u64::from(values.value(i)), out);
            }
            (_, ty) => return internal_err!("groups by a {ty}"),
        }
        Ok(())
    }

    fn len(&self) -> usize {
        match self {
            Key::Text(texts, _) => texts.len(),
            Key::Number(all, _) => all.len(),
        }
    }

    fn size(&self) -> usize {
        match self {
            Key::Text(texts, seen) => texts.size() + seen.size(),
            Key::Number(all, _) => all.size(),
        }
    }

    fn into_array(self) -> Result<ArrayRef> {
        let (all, ty) = match self {
            Key::Text(texts, _) => return Ok(Arc::new(texts.into_array()?)),
            Key::Number(all, ty) => (all, ty),
        };
        let values = (0u32..).zip(all.all()).map(|(i, value)| (!all.is_null(i)).then_some(*value));
        Ok(match ty {
            DataType::Int64 => Arc::new(values.map(|v| v.map(|v| v as i64)).collect::<Int64Array>()),
            DataType::Int32 => Arc::new(values.map(|v| v.map(|v| v as i32)).collect::<Int32Array>()),
            DataType::Boolean => Arc::new(values.map(|v| v.map(|v| v != 0)).collect::<BooleanArray>()),
            ty => return internal_err!("groups by a {ty}"),
        })
    }
}

/// Numbers the values of a column.
fn each(all: &mut Numbers, column: &ArrayRef, value: impl Fn(usize) -> u64, out: &mut Vec<u32>) {
    match column.nulls().filter(|n| n.null_count() > 0) {
        None => out.extend((0..column.len()).map(|i| all.number(value(i)))),
        Some(nulls) => out.extend((0..column.len()).map(|i| match nulls.is_valid(i) {
            true => all.number(value(i)),
            false => all.null(),
        })),
    }
}
