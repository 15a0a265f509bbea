//! `arg_max`, `arg_min`, `take_any`: a whole row of each group.
//!
//! The result is a struct of the arguments (for `take_any` of one, that argument itself), so that values of one row stay
//! together. Of several best rows the first stands. A null is never best unless there is nothing else (measured: a group
//! whose orders are all null gives its first row).

use super::adapter::passes;
use crate::udf::{Columns, Row};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StructArray, UInt32Array, new_null_array};
use arrow::compute;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type};
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
            row.scaled(0).map_or(Key::None, |(v, _)| Key::Decimal(v))
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
            Key::Decimal(v) => Some(*v).cmp(&row.scaled(0).map(|(v, _)| v)),
            Key::Real(v) => v.total_cmp(&row.real(0).unwrap_or(f64::NAN)),
            Key::Text(t) => Some(t.as_ref()).cmp(&row.text(0)),
        }
    }
}

/// Where a row is kept: which of the kept batches, and where in it.
type Place = (u32, u32);

/// The best row of each group: its key, and where its values are kept.
///
/// Of every batch the rows that were best in it are kept, as columns. Most of them are beaten later, so now and then
/// those that still stand are brought together.
#[derive(Debug)]
struct Rows {
    kind: Kind,
    types: Vec<DataType>,
    best: Vec<Option<(Key, Place)>>,
    kept: Vec<Vec<ArrayRef>>,
    /// Rows in `kept`.
    rows: usize,
}

impl Rows {
    /// A kept batch holds on to the buffers of the batch that it is of.
    const BATCHES: usize = 64;

    fn new(kind: Kind, args: &AccumulatorArgs<'_>) -> Self {
        let types = args.expr_fields.iter().map(|f| f.data_type().clone()).collect();
        Rows { kind, types, best: Vec::new(), kept: Vec::new(), rows: 0 }
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
        let batch = self.kept.len() as u32;
        let mut fresh: Vec<u32> = Vec::new();
        let longs = values[0].as_primitive_opt::<Int64Type>().filter(|v| v.null_count() == 0).map(|v| v.values());
        for i in 0..values[0].len() {
            let Some(group) = group_of(i) else { continue };
            // Most keys are times, and most rows have a group.
            if let (Some(longs), Some((Key::Long(best), place))) = (longs, &mut self.best[group]) {
                let better = match self.kind {
                    Kind::Max => longs[i] > *best,
                    Kind::Min => longs[i] < *best,
                    Kind::Any | Kind::AnyRow => false,
                };
                if better {
                    *best = longs[i];
                    *place = freshen(&mut fresh, Some(*place), batch, i);
                }
                continue;
            }
            let row = columns.row(i);
            let beaten = match &self.best[group] {
                None => None,
                Some((key, place)) if self.better(key, &row) => Some(*place),
                Some(_) => continue,
            };
            self.best[group] = Some((Key::of(&row), freshen(&mut fresh, beaten, batch, i)));
        }
        if fresh.is_empty() {
            return Ok(());
        }
        self.rows += fresh.len();
        let fresh = UInt32Array::from(fresh);
        let columns = values.iter().take(self.types.len()).map(|v| Ok(compute::take(v, &fresh, None)?));
        self.kept.push(columns.collect::<Result<_>>()?);
        if self.kept.len() > Self::BATCHES || self.rows > 4 * self.best.len() + (1 << 16) {
            self.bring_together()?;
        }
        Ok(())
    }

    /// Keeps the rows that stand as one batch, and drops all others.
    fn bring_together(&mut self) -> Result<()> {
        let all = self.columns_of(&self.best)?;
        let mut standing = 0;
        for (_, place) in self.best.iter_mut().flatten() {
            *place = (0, standing);
            standing += 1;
        }
        self.rows = standing as usize;
        self.kept = vec![all];
        Ok(())
    }

    /// The values of the best rows that there are, column by column, in buffers of their own.
    fn columns_of(&self, groups: &[Option<(Key, Place)>]) -> Result<Vec<ArrayRef>> {
        let places: Vec<(usize, usize)> =
            groups.iter().flatten().map(|(_, (batch, at))| (*batch as usize, *at as usize)).collect();
        let column = |c: usize| -> Result<ArrayRef> {
            if places.is_empty() {
                return Ok(new_null_array(&self.types[c], 0));
            }
            let kept: Vec<&dyn Array> = self.kept.iter().map(|k| k[c].as_ref()).collect();
            let column = compute::interleave(&kept, &places)?;
            Ok(match column.as_string_view_opt() {
                Some(texts) => Arc::new(texts.gc()),
                None => column,
            })
        };
        (0..self.types.len()).map(column).collect()
    }

    /// The columns of the given groups' rows, null where a group has none.
    fn columns(&self, groups: &[Option<(Key, Place)>]) -> Result<Vec<ArrayRef>> {
        let columns = self.columns_of(groups)?;
        if groups.iter().all(Option::is_some) {
            return Ok(columns);
        }
        let mut found = 0u32;
        let place = |g: &Option<(Key, Place)>| {
            g.as_ref().map(|_| {
                found += 1;
                found - 1
            })
        };
        let places: UInt32Array = groups.iter().map(place).collect();
        columns.iter().map(|c| Ok(compute::take(c, &places, None)?)).collect()
    }

    /// Takes groups away.
    fn emit(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = emit.take_needed(&mut self.best);
        let columns = self.columns(&groups)?;
        if self.best.is_empty() {
            (self.kept, self.rows) = (Vec::new(), 0);
        }
        Ok(columns)
    }

    fn result(&self, mut columns: Vec<ArrayRef>) -> Result<ArrayRef> {
        if self.kind == Kind::Any && columns.len() == 1 {
            return Ok(columns.remove(0));
        }
        Ok(Arc::new(StructArray::try_new(fields(self.types.iter()), columns, None)?))
    }

    fn memory(&self) -> usize {
        // Views; the texts of what was not yet brought together lie in batches that others hold too.
        let views = 16 * self.types.len() * self.rows;
        let kept = views + self.kept.iter().take(1).flatten().map(|c| c.get_array_memory_size()).sum::<usize>();
        (size_of::<(Key, Place)>() + 8) * self.best.capacity() + kept
    }
}

/// Notes that row `i` of the batch at hand is to be kept; its place. `beaten` is the place of the row that it beats.
fn freshen(fresh: &mut Vec<u32>, beaten: Option<Place>, batch: u32, i: usize) -> Place {
    match beaten {
        // That one is of this batch too.
        Some((b, at)) if b == batch => {
            fresh[at as usize] = i as u32;
            (batch, at)
        }
        _ => {
            fresh.push(i as u32);
            (batch, fresh.len() as u32 - 1)
        }
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
        let columns = self.columns(&self.best)?;
        ScalarValue::try_from_array(&self.result(columns)?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.memory()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let found = ScalarValue::Boolean(Some(self.best.iter().any(Option::is_some)));
        let columns = self.columns(&self.best)?;
        columns.iter().map(|c| ScalarValue::try_from_array(c, 0)).chain([Ok(found)]).collect()
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
        let columns = self.emit(emit)?;
        self.result(columns)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let standing = match emit {
            EmitTo::All => self.best.len(),
            EmitTo::First(n) => n,
        };
        let found: BooleanArray = self.best.iter().take(standing).map(|g| Some(g.is_some())).collect();
        let mut columns = self.emit(emit)?;
        columns.push(Arc::new(found));
        Ok(columns)
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
