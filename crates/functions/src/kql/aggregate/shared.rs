//! Aggregates whose groups share what they hold, in DataFusion's accumulators, with and without groups.
//!
//! A set of texts keeps each text once for all groups; so there is no state of one group, as [`super::adapter`] takes it.

use super::adapter::passes;
use arrow::array::{ArrayRef, BooleanArray};
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
use std::sync::Arc;

/// What is known of all groups.
pub(super) trait Shared: Default + Send + Sync + 'static {
    /// The aggregate's name.
    const NAME: &'static str;

    /// The type of the result.
    const RETURNS: DataType;

    /// The columns of a partial state.
    fn columns() -> Vec<(&'static str, DataType)>;

    /// From now on there are so many groups, or more.
    fn grow(&mut self, total: usize);

    /// Takes in values; `group_of` says of each row whose it is, if anyone's.
    fn take(&mut self, values: &[ArrayRef], group_of: impl Fn(usize) -> Option<usize>) -> Result<()>;

    /// Takes in partial states; `group_of` says whose each is.
    fn merge(&mut self, states: &[ArrayRef], group_of: impl Fn(usize) -> usize) -> Result<()>;

    /// Rows as the partial states that they are.
    fn apart(values: &[ArrayRef], passes: impl Fn(usize) -> bool) -> Result<Vec<ArrayRef>> {
        let mut rows = Self::default();
        rows.grow(values.first().map_or(0, |v| v.len()));
        rows.take(values, |i| passes(i).then_some(i))?;
        rows.states(EmitTo::All)
    }

    /// Takes the first groups away: their partial states.
    fn states(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>>;

    /// Takes the first groups away: their results.
    fn results(&mut self, emit: EmitTo) -> Result<ArrayRef>;

    /// How many groups there are.
    fn groups(&self) -> usize;

    /// How much memory they hold beyond themselves.
    fn memory(&self) -> usize;
}

/// An aggregate of that kind.
pub(super) struct SharedAggregate<S> {
    signature: Signature,
    of: PhantomData<fn() -> S>,
}

impl<S> SharedAggregate<S> {
    pub(super) fn new() -> Self {
        let signature = Signature::new(TypeSignature::VariadicAny, Volatility::Immutable);
        SharedAggregate { signature, of: PhantomData }
    }
}

impl<S: Shared> fmt::Debug for SharedAggregate<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedAggregate").field(&S::NAME).finish()
    }
}

// There is one of a kind.
impl<S> PartialEq for SharedAggregate<S> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<S> Eq for SharedAggregate<S> {}

impl<S: Shared> Hash for SharedAggregate<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        S::NAME.hash(state);
    }
}

impl<S: Shared> AggregateUDFImpl for SharedAggregate<S> {
    fn name(&self) -> &str {
        S::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(S::RETURNS)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field = |(name, ty)| Arc::new(Field::new(format_state_name(args.name, name), ty, true));
        Ok(S::columns().into_iter().map(field).collect())
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let mut one = Groups(S::default());
        one.0.grow(1);
        Ok(Box::new(one))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups(S::default())))
    }
}

/// All groups; without groups there is one.
pub(super) struct Groups<S>(pub(super) S);

impl<S: Shared> fmt::Debug for Groups<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(S::NAME).field("groups", &self.0.groups()).finish()
    }
}

impl<S: Shared> Groups<S> {
    fn held(&self) -> usize {
        size_of_val(self) + self.0.memory()
    }
}

impl<S: Shared> GroupsAccumulator for Groups<S> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.0.grow(total);
        self.0.take(values, |i| passes(filter, i).then(|| group_indices[i]))
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        self.0.results(emit)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        self.0.states(emit)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total: usize) -> Result<()> {
        self.0.grow(total);
        self.0.merge(values, |i| group_indices[i])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        S::apart(values, |i| passes(filter, i))
    }

    fn size(&self) -> usize {
        self.held()
    }
}

impl<S: Shared> Accumulator for Groups<S> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.take(values, |_| Some(0))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let result = ScalarValue::try_from_array(&self.0.results(EmitTo::All)?, 0);
        self.0.grow(1);
        result
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let state = self.0.states(EmitTo::All)?.iter().map(|s| ScalarValue::try_from_array(s, 0)).collect();
        self.0.grow(1);
        state
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.merge(states, |_| 0)
    }

    fn size(&self) -> usize {
        self.held()
    }
}
