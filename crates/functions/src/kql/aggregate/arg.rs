//! `arg_max`, `arg_min`, `take_any`: a whole row of each group.
//!
//! The result is a struct of the arguments (for `take_any` of one, that argument itself), so that values of one row stay
//! together. Of several best rows the first stands. A null is never best unless there is nothing else (measured: a group
//! whose orders are all null gives its first row).

use super::adapter::passes;
use crate::udf::{Columns, Row};
use arrow::array::{Array, ArrayRef, BooleanArray, StructArray, new_null_array};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, TypeSignature, Volatility,
};
use std::cmp::Ordering;
use std::sync::Arc;

/// Which row of a group is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Max,
    Min,
    /// The first value that is not null or empty, else the first.
    Any,
    /// The first row.
    AnyRow,
}

pub(super) const KINDS: [(&str, Kind); 4] = [
    ("kql_arg_max", Kind::Max),
    ("kql_arg_min", Kind::Min),
    ("kql_take_any", Kind::Any),
    ("kql_take_any_row", Kind::AnyRow),
];

/// The aggregate.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Best {
    name: &'static str,
    kind: Kind,
    signature: Signature,
}

impl Best {
    pub(super) fn new(name: &'static str, kind: Kind) -> Self {
        Best { name, kind, signature: Signature::new(TypeSignature::VariadicAny, Volatility::Immutable) }
    }
}

fn fields<'t>(types: impl Iterator<Item = &'t DataType>) -> Fields {
    types.enumerate().map(|(i, t)| Field::new(i.to_string(), t.clone(), true)).collect()
}

impl AggregateUDFImpl for Best {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        match (self.kind, args) {
            (Kind::Any, [one]) => Ok(one.clone()),
            _ => Ok(DataType::Struct(fields(args.iter()))),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let found = Field::new(format_state_name(args.name, "found"), DataType::Boolean, true);
        let columns = args.input_fields.iter().enumerate().map(|(i, f)| {
            Arc::new(Field::new(format_state_name(args.name, &i.to_string()), f.data_type().clone(), true))
        });
        Ok(columns.chain([Arc::new(found)]).collect())
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let mut rows = Rows::new(self.kind, &args);
        rows.best.push(None);
        Ok(Box::new(rows))
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Rows::new(self.kind, &args)))
    }
}

/// What decides between rows.
#[derive(Clone, Debug, PartialEq)]
enum Key {
    None,
    Bool(bool),
    Long(i64),
    Decimal(i128),
    Real(f64),
    Text(Box<str>),
}

impl Key {
    fn of(row: &Row<'_>) -> Self {
        if let Some(t) = row.text(0) {
            Key::Text(t.into())
        } else if let Some(v) = row.long(0) {
            Key::Long(v)
        } else if let Some(v) = row.bool(0) {
            Key::Bool(v)
        } else if row.is_decimal(0) {
            row.decimal(0).map_or(Key::None, Key::Decimal)
        } else {
            row.real(0).map_or(Key::None, Key::Real)
        }
    }

    /// How this key compares with the row's, without keeping the row's.
    fn compare(&self, row: &Row<'_>) -> Ordering {
        match self {
            Key::None => {
                if row.is_null(0) {
                    Ordering::Equal
                } else {
                    Ordering::Less
                }
            }
            _ if row.is_null(0) => Ordering::Greater,
            Key::Bool(b) => Some(*b).cmp(&row.bool(0)),
            Key::Long(v) => Some(*v).cmp(&row.long(0)),
            Key::Decimal(v) => Some(*v).cmp(&row.decimal(0)),
            Key::Real(v) => v.total_cmp(&row.real(0).unwrap_or(f64::NAN)),
            Key::Text(t) => Some(t.as_ref()).cmp(&row.text(0)),
        }
    }
}

/// The best row of each group: its key, and its values (from a batch just seen, or kept).
#[derive(Debug)]
struct Rows {
    kind: Kind,
    types: Vec<DataType>,
    best: Vec<Option<(Key, Vec<ScalarValue>)>>,
}

impl Rows {
    fn new(kind: Kind, args: &AccumulatorArgs<'_>) -> Self {
        Rows { kind, types: args.expr_fields.iter().map(|f| f.data_type().clone()).collect(), best: Vec::new() }
    }

    fn better(&self, key: &Key, row: &Row<'_>) -> bool {
        match self.kind {
            Kind::AnyRow => false,
            Kind::Any => {
                let empty = matches!(key, Key::None) || matches!(key, Key::Text(t) if t.is_empty());
                empty && !row.is_null(0) && row.text(0) != Some("")
            }
            Kind::Max => key.compare(row).is_lt(),
            Kind::Min => match key {
                Key::None => !row.is_null(0),
                _ => !row.is_null(0) && key.compare(row).is_gt(),
            },
        }
    }

    /// Takes rows in; the values of a group's best row are copied once a batch.
    fn take(&mut self, values: &[ArrayRef], group_of: impl Fn(usize) -> Option<usize>) -> Result<()> {
        let columns = Columns::new(&values[..1])?;
        let rows = values[0].len();
        let mut fresh: Vec<(usize, usize)> = Vec::new();
        let mut at: std::collections::HashMap<usize, usize> = std::collections::HashMap::new();
        for i in 0..rows {
            let Some(group) = group_of(i) else { continue };
            let row = columns.row(i);
            let replace = match &self.best[group] {
                None => true,
                Some((key, _)) => self.better(key, &row),
            };
            if replace {
                self.best[group] = Some((Key::of(&row), Vec::new()));
                match at.get(&group) {
                    Some(&n) => fresh[n].1 = i,
                    None => {
                        at.insert(group, fresh.len());
                        fresh.push((group, i));
                    }
                }
            }
        }
        for (group, i) in fresh {
            let copied = values
                .iter()
                .take(self.types.len())
                .map(|v| ScalarValue::try_from_array(v, i))
                .collect::<Result<Vec<_>>>()?;
            if let Some(best) = &mut self.best[group] {
                best.1 = copied;
            }
        }
        Ok(())
    }

    /// The columns of the given groups' rows, null where a group has none.
    fn columns(&self, groups: &[Option<(Key, Vec<ScalarValue>)>]) -> Result<Vec<ArrayRef>> {
        let column = |c: usize, ty: &DataType| {
            if groups.is_empty() {
                return Ok(new_null_array(ty, 0));
            }
            let null = ScalarValue::try_from(ty)?;
            ScalarValue::iter_to_array(groups.iter().map(|g| match g {
                Some((_, values)) => values[c].clone(),
                None => null.clone(),
            }))
        };
        self.types.iter().enumerate().map(|(c, ty)| column(c, ty)).collect()
    }

    fn result(&self, groups: &[Option<(Key, Vec<ScalarValue>)>]) -> Result<ArrayRef> {
        let mut columns = self.columns(groups)?;
        if self.kind == Kind::Any && columns.len() == 1 {
            return Ok(columns.remove(0));
        }
        Ok(Arc::new(StructArray::try_new(fields(self.types.iter()), columns, None)?))
    }

    fn states(&self, groups: &[Option<(Key, Vec<ScalarValue>)>]) -> Result<Vec<ArrayRef>> {
        let mut columns = self.columns(groups)?;
        columns.push(Arc::new(groups.iter().map(|g| Some(g.is_some())).collect::<BooleanArray>()));
        Ok(columns)
    }

    fn memory(&self) -> usize {
        let of = |g: &Option<(Key, Vec<ScalarValue>)>| {
            g.as_ref().map_or(0, |(_, v)| v.iter().map(ScalarValue::size).sum::<usize>() + 32)
        };
        size_of::<(Key, Vec<ScalarValue>)>() * self.best.capacity() + self.best.iter().map(of).sum::<usize>()
    }
}

/// Which of the partial states hold a row.
fn found(states: &[ArrayRef]) -> Option<&BooleanArray> {
    states.last()?.as_any().downcast_ref()
}

impl Accumulator for Rows {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.take(values, |_| Some(0))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.result(&self.best)?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.memory()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.states(&self.best)?.iter().map(|c| ScalarValue::try_from_array(c, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.take(states, |i| passes(found(states), i).then_some(0))
    }
}

impl GroupsAccumulator for Rows {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.best.resize(total.max(self.best.len()), None);
        self.take(values, |i| passes(filter, i).then(|| group_indices[i]))
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let groups = emit.take_needed(&mut self.best);
        self.result(&groups)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = emit.take_needed(&mut self.best);
        self.states(&groups)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total: usize) -> Result<()> {
        self.best.resize(total.max(self.best.len()), None);
        self.take(values, |i| passes(found(values), i).then(|| group_indices[i]))
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |v| v.len());
        let mut states = values.to_vec();
        states.push(Arc::new((0..rows).map(|i| Some(passes(filter, i))).collect::<BooleanArray>()));
        Ok(states)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.memory()
    }
}
