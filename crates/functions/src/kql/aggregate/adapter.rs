//! From a state of one group to DataFusion's accumulators, with and without groups.
//!
//! A partial state travels as one binary value.

use crate::udf::{Columns, Row};
use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, TypeSignature, Volatility,
};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::mem;
use std::sync::Arc;

/// What is known of one group.
pub(in crate::kql) trait State: Default + Send + Sync + 'static {
    /// The type of the result.
    fn returns(args: &[DataType]) -> DataType;

    /// Takes a row in.
    fn add(&mut self, row: &Row<'_>);

    /// The state as bytes.
    fn save(&self, out: &mut Vec<u8>);

    /// Takes in what another [`State::save`] wrote.
    fn merge(&mut self, saved: &[u8]);

    /// The result.
    fn finish(&mut self, returns: &DataType) -> Result<ScalarValue>;

    /// How much memory it holds beyond itself.
    fn size(&self) -> usize;
}

/// An aggregate whose groups are of that state.
pub(super) struct Aggregate<S> {
    name: &'static str,
    signature: Signature,
    state: PhantomData<fn() -> S>,
}

impl<S> Aggregate<S> {
    pub(super) fn new(name: &'static str) -> Self {
        let signature = Signature::new(TypeSignature::VariadicAny, Volatility::Immutable);
        Aggregate { name, signature, state: PhantomData }
    }
}

impl<S> fmt::Debug for Aggregate<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Aggregate").field(&self.name).finish()
    }
}

impl<S> PartialEq for Aggregate<S> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl<S> Eq for Aggregate<S> {}

impl<S> Hash for Aggregate<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl<S: State> AggregateUDFImpl for Aggregate<S> {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        Ok(S::returns(args))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "state"), DataType::Binary, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Groups::<S>::one(args.return_type().clone())))
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups::<S> { groups: Vec::new(), returns: args.return_type().clone() }))
    }
}

/// The states of all groups.
struct Groups<S> {
    groups: Vec<S>,
    returns: DataType,
}

impl<S> fmt::Debug for Groups<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups").field("groups", &self.groups.len()).finish()
    }
}

impl<S: State> Groups<S> {
    fn one(returns: DataType) -> Self {
        Groups { groups: vec![S::default()], returns }
    }

    fn grow(&mut self, to: usize) {
        if to > self.groups.len() {
            self.groups.resize_with(to, S::default);
        }
    }

    fn memory(&self) -> usize {
        size_of::<S>() * self.groups.capacity() + self.groups.iter().map(S::size).sum::<usize>()
    }
}

fn save_all<S: State>(groups: &[S]) -> ArrayRef {
    let mut out = BinaryBuilder::new();
    let mut bytes = Vec::new();
    for g in groups {
        bytes.clear();
        g.save(&mut bytes);
        out.append_value(&bytes);
    }
    Arc::new(out.finish())
}

impl<S: State> Accumulator for Groups<S> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let columns = Columns::new(values)?;
        let rows = values.first().map_or(0, |v| v.len());
        (0..rows).for_each(|i| self.groups[0].add(&columns.row(i)));
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.groups[0].finish(&self.returns)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.memory()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut bytes = Vec::new();
        self.groups[0].save(&mut bytes);
        Ok(vec![ScalarValue::Binary(Some(bytes))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let saved = states[0].as_binary::<i32>();
        saved.iter().flatten().for_each(|s| self.groups[0].merge(s));
        Ok(())
    }
}

impl<S: State> GroupsAccumulator for Groups<S> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let columns = Columns::new(values)?;
        for (i, &group) in group_indices.iter().enumerate() {
            if passes(filter, i) {
                self.groups[group].add(&columns.row(i));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let returns = self.returns.clone();
        let mut groups = emit.take_needed(&mut self.groups);
        let all = groups.iter_mut().map(|g| g.finish(&returns)).collect::<Result<Vec<_>>>()?;
        if all.is_empty() {
            return Ok(arrow::array::new_empty_array(&returns));
        }
        ScalarValue::iter_to_array(all)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![save_all(&emit.take_needed(&mut self.groups))])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        let saved = values[0].as_binary::<i32>();
        for (i, &group) in group_indices.iter().enumerate() {
            if saved.is_valid(i) {
                self.groups[group].merge(saved.value(i));
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |v| v.len());
        let columns = Columns::new(values)?;
        let groups: Vec<S> = (0..rows)
            .map(|i| {
                let mut one = S::default();
                if passes(filter, i) {
                    one.add(&columns.row(i));
                }
                one
            })
            .collect();
        Ok(vec![save_all(&groups)])
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.memory()
    }
}

pub(super) fn passes(filter: Option<&BooleanArray>, i: usize) -> bool {
    filter.is_none_or(|f| f.is_valid(i) && f.value(i))
}

/// Writes a length and bytes.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Takes a number written as eight bytes.
pub(super) fn take_u64(from: &mut &[u8]) -> Option<u64> {
    let (head, rest) = from.split_first_chunk::<8>()?;
    *from = rest;
    Some(u64::from_le_bytes(*head))
}

/// Takes what [`put_bytes`] wrote.
pub(super) fn take_bytes<'b>(from: &mut &'b [u8]) -> Option<&'b [u8]> {
    let n = usize::try_from(take_u64(from)?).ok()?;
    let (head, rest) = mem::take(from).split_at_checked(n)?;
    *from = rest;
    Some(head)
}
