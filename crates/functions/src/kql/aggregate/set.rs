//! `make_set`: the distinct values of dynamics, in order of first appearance.
//!
//! An array gives its elements (measured); nulls are left out. Each text is kept once for all groups, under a number; a
//! group has the numbers of its elements. A partial state travels as a list of texts a group.

use super::collect::most;
use super::shared::{Shared, SharedAggregate};
use crate::grouping::numbers::Pairs;
use crate::grouping::texts::{Seen, Texts};
use crate::kql::json;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, StringViewArray, StringViewBuilder, UInt32Array};
use arrow::buffer::OffsetBuffer;
use arrow::compute;
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::EmitTo;
use serde_json::Value;
use std::mem;
use std::sync::Arc;

/// The aggregate.
pub(super) type Set = SharedAggregate<Sets>;

fn item() -> FieldRef {
    Arc::new(Field::new("item", DataType::Utf8View, true))
}

/// Whether a value could stand in other JSON text too: `"a\/b"` is `"a/b"`.
fn may_be_spelt_otherwise(v: &str) -> bool {
    v.starts_with(['[', '{', ' ', '\n', '\t', '\r']) || v.contains("\\/") || v.contains("\\u")
}

/// What a text adds to a set.
enum Adds {
    Itself,
    /// Texts of these numbers: its elements, the way it is written otherwise; nothing where it is null.
    Others(Box<[u32]>),
}

/// The sets of all groups.
#[derive(Default)]
pub(super) struct Sets {
    texts: Texts,
    seen: Seen,
    /// Of the texts that were asked for.
    adds: Vec<Option<Adds>>,
    pairs: Pairs,
    groups: Vec<Vec<u32>>,
    elements: usize,
    /// How many elements a set can have.
    most: u64,
}

impl Sets {
    fn push(&mut self, group: usize, number: u32) {
        if (self.groups[group].len() as u64) < self.most && self.pairs.insert(group, number) {
            self.groups[group].push(number);
            self.elements += 1;
        }
    }

    fn what(&mut self, text: &str) -> Adds {
        if text == "null" {
            return Adds::Others(Box::default());
        }
        let mut numbers = |values: &[Value]| {
            let values = values.iter().map(json::compact).filter(|v| v != "null");
            Adds::Others(values.map(|v| self.texts.number(v.as_bytes())).collect())
        };
        match may_be_spelt_otherwise(text).then(|| json::value(text)).flatten() {
            Some(Value::Array(items)) => numbers(&items),
            Some(v) => numbers(&[v]),
            None => Adds::Itself,
        }
    }

    fn add<'t>(&mut self, group: usize, number: u32, text: impl FnOnce() -> &'t str) {
        let at = number as usize;
        if self.adds.len() <= at {
            self.adds.resize_with(at + 1, || None);
        }
        if self.adds[at].is_none() {
            self.adds[at] = Some(self.what(text()));
        }
        match mem::take(&mut self.adds[at]) {
            None => {}
            Some(Adds::Itself) => {
                self.push(group, number);
                self.adds[at] = Some(Adds::Itself);
            }
            Some(Adds::Others(others)) => {
                others.iter().for_each(|n| self.push(group, *n));
                self.adds[at] = Some(Adds::Others(others));
            }
        }
    }

    /// Takes the first groups away.
    fn emit(&mut self, emit: EmitTo) -> Vec<Vec<u32>> {
        let groups = emit.take_needed(&mut self.groups);
        self.elements -= groups.iter().map(Vec::len).sum::<usize>();
        if self.groups.is_empty() {
            self.pairs = Pairs::default();
        } else {
            self.pairs.split(groups.len());
        }
        groups
    }

    /// All texts by their numbers.
    fn all(&mut self) -> Result<StringViewArray> {
        if !self.groups.is_empty() {
            return self.texts.to_array();
        }
        // Nobody needs them any more.
        (self.seen, self.adds) = (Seen::default(), Vec::new());
        mem::take(&mut self.texts).into_array()
    }
}

impl Shared for Sets {
    const NAME: &'static str = "kql_make_set";
    const RETURNS: DataType = DataType::Utf8View;

    fn columns() -> Vec<(&'static str, DataType)> {
        vec![("elements", DataType::List(item())), ("most", DataType::Int64)]
    }

    fn grow(&mut self, total: usize) {
        if total > self.groups.len() {
            self.groups.resize_with(total, Vec::new);
        }
    }

    fn take(&mut self, values: &[ArrayRef], group_of: impl Fn(usize) -> Option<usize>) -> Result<()> {
        let column = match values.first().map(|v| (v, v.data_type())) {
            Some((column, DataType::Utf8View)) => column.as_string_view(),
            Some((_, DataType::Null)) => return Ok(()),
            _ => return exec_err!("make_set is of dynamics"),
        };
        let limits = values.get(1).and_then(|l| l.as_primitive_opt::<Int64Type>());
        self.seen.enter(column.data_buffers());
        for (i, view) in column.views().iter().enumerate() {
            let Some(group) = group_of(i).filter(|_| column.is_valid(i)) else { continue };
            self.most = most(limits.filter(|l| l.is_valid(i)).map(|l| l.value(i)));
            let number = self.seen.number(*view, || self.texts.number(column.value(i).as_bytes()));
            self.add(group, number, || column.value(i));
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: impl Fn(usize) -> usize) -> Result<()> {
        let [lists, mosts] = states else { return exec_err!("make_set: a state has two columns") };
        let (lists, mosts) = (lists.as_list::<i32>(), mosts.as_primitive::<Int64Type>());
        let texts = lists.values().as_string_view();
        self.seen.enter(texts.data_buffers());
        for i in (0..lists.len()).filter(|i| lists.is_valid(*i)) {
            self.most = self.most.max(mosts.value(i) as u64);
            let group = group_of(i);
            for at in lists.value_offsets()[i]..lists.value_offsets()[i + 1] {
                let at = at as usize;
                let view = texts.views()[at];
                let number = self.seen.number(view, || self.texts.number(texts.value(at).as_bytes()));
                self.push(group, number);
            }
        }
        Ok(())
    }

    fn states(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = self.emit(emit);
        let most = Int64Array::from(vec![self.most as i64; groups.len()]);
        let numbers: UInt32Array = groups.iter().flatten().copied().collect::<Vec<_>>().into();
        let texts = compute::take(&self.all()?, &numbers, None)?;
        let offsets = OffsetBuffer::from_lengths(groups.iter().map(Vec::len));
        Ok(vec![Arc::new(ListArray::try_new(item(), offsets, texts, None)?), Arc::new(most)])
    }

    fn results(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let groups = self.emit(emit);
        let all = self.all()?;
        let (mut out, mut text) = (StringViewBuilder::with_capacity(groups.len()), String::new());
        for group in groups {
            text.clear();
            text.push('[');
            for (i, number) in group.iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                text.push_str(all.value(*number as usize));
            }
            text.push(']');
            out.append_value(&text);
        }
        Ok(Arc::new(out.finish()))
    }

    fn groups(&self) -> usize {
        self.groups.len()
    }

    fn memory(&self) -> usize {
        let groups = size_of::<Vec<u32>>() * self.groups.capacity() + 6 * self.elements;
        let adds = size_of::<Option<Adds>>() * self.adds.capacity();
        self.texts.size() + self.seen.size() + self.pairs.size() + adds + groups
    }
}
