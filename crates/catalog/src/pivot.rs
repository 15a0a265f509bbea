//! Values that become columns, once the rows are there.

use crate::{Encoding, Output};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The last step of a query whose columns are values of its data: whoever collects the plan's rows applies it to them.
///
/// The plan delivers the columns that say which row a value stands in, then the name of its column (`Utf8View`), then
/// the value. A query with a pivot carries no provenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pivot {
    /// How many columns say which row it is.
    pub rows: usize,
    /// Columns that are there whatever the data hold, before the others.
    pub named: Vec<String>,
    /// At most that many columns are made of values.
    pub most: usize,
}

impl Pivot {
    /// Rows come in the order of their first value; columns by their names, after those that are named. Of several
    /// values for one place the first stays. A value without a column's name stands in the column `null`, the last.
    ///
    /// # Errors
    /// There would be too many columns; or the rows are not what the plan promised. The sentence says which.
    pub fn apply(
        &self,
        columns: &[Output],
        schema: SchemaRef,
        batches: &[RecordBatch],
    ) -> Result<(Vec<Output>, RecordBatch), String> {
        self.table(columns, schema, batches).map_err(|e| match e {
            ArrowError::ComputeError(text) => text,
            other => other.to_string(),
        })
    }

    fn table(
        &self,
        columns: &[Output],
        schema: SchemaRef,
        batches: &[RecordBatch],
    ) -> Result<(Vec<Output>, RecordBatch), ArrowError> {
        let schema = batches.first().map_or(schema, RecordBatch::schema);
        let all = concat_batches(&schema, batches)?;
        let promised = || ArrowError::ComputeError("the rows to transpose have other columns than planned".to_owned());
        let (Some(names), Some(values), Some(output)) =
            (all.columns().get(self.rows), all.columns().get(self.rows + 1), columns.get(self.rows + 1))
        else {
            return Err(promised());
        };
        let names = names.as_string_view_opt().ok_or_else(promised)?;
        let name = |row: usize| (!names.is_null(row)).then(|| names.value(row));

        let mut places: BTreeMap<Option<&str>, usize> = BTreeMap::new();
        let mut order: Vec<Option<&str>> = self.named.iter().map(|n| Some(n.as_str())).collect();
        for (at, named) in order.iter().enumerate() {
            places.entry(*named).or_insert(at);
        }
        let mut made: Vec<Option<&str>> = (0..all.num_rows()).map(name).collect();
        made.sort_unstable_by_key(|n| (n.is_none(), *n));
        made.dedup();
        made.retain(|n| !places.contains_key(n));
        if made.len() > self.most {
            return Err(ArrowError::ComputeError(format!(
                "`transpose` would make {} columns; at most {} are made",
                made.len(),
                self.most
            )));
        }
        for named in made {
            places.insert(named, order.len());
            order.push(named);
        }

        let (groups, firsts) = groups(&all.columns()[..self.rows], all.num_rows())?;
        let mut cells: Vec<Vec<Option<u32>>> = vec![vec![None; firsts.len()]; order.len()];
        for (row, group) in groups.iter().enumerate() {
            let cell = places.get(&name(row)).and_then(|at| cells.get_mut(*at)?.get_mut(*group));
            if let Some(cell @ None) = cell {
                *cell = Some(index(row)?);
            }
        }

        let firsts = UInt32Array::from(firsts);
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for column in &all.columns()[..self.rows] {
            arrays.push(take(column, &firsts, None)?);
        }
        let mut outputs: Vec<Output> = columns[..self.rows].to_vec();
        for (named, cells) in order.iter().zip(cells) {
            arrays.push(take(values, &UInt32Array::from(cells), None)?);
            outputs.push(Output { name: named.unwrap_or("null").to_owned(), ..output.clone() });
        }
        let fields: Vec<Field> =
            arrays.iter().enumerate().map(|(i, a)| Field::new(format!("p{i}"), a.data_type().clone(), true)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(firsts.len()));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)?;
        Ok((outputs, batch))
    }

    /// The columns as far as they are known before the data are read, and `…` for the others.
    pub fn known(&self, columns: &[Output]) -> Vec<Output> {
        let mut known: Vec<Output> = columns.iter().take(self.rows).cloned().collect();
        if let Some(value) = columns.get(self.rows + 1) {
            let named = self.named.iter().map(String::as_str).chain(["…"]);
            known.extend(named.map(|name| Output { name: name.to_owned(), ..value.clone() }));
        }
        known
    }

    /// What the plan delivers for the name of a value's column.
    pub fn key(name: String) -> Output {
        Output { name, type_name: "string", encoding: Encoding::Plain }
    }

    /// The Arrow type of the names of columns.
    pub const KEY: DataType = DataType::Utf8View;
}

/// The group of each row, and the first row of each group.
fn groups(keys: &[ArrayRef], rows: usize) -> Result<(Vec<usize>, Vec<u32>), ArrowError> {
    if keys.is_empty() {
        return Ok((vec![0; rows], if rows == 0 { Vec::new() } else { vec![0] }));
    }
    let converter = RowConverter::new(keys.iter().map(|k| SortField::new(k.data_type().clone())).collect())?;
    let converted = converter.convert_columns(keys)?;
    let mut known = HashMap::new();
    let (mut groups, mut firsts) = (Vec::with_capacity(rows), Vec::new());
    for (at, row) in converted.iter().enumerate() {
        let next = firsts.len();
        let group = *known.entry(row).or_insert(next);
        if group == next {
            firsts.push(index(at)?);
        }
        groups.push(group);
    }
    Ok((groups, firsts))
}

fn index(row: usize) -> Result<u32, ArrowError> {
    u32::try_from(row).map_err(|_| ArrowError::ComputeError("there are too many rows to transpose".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringViewArray};

    fn sample(rows: &[(&str, Option<&str>, i64)]) -> (Vec<Output>, RecordBatch) {
        let output = |name: &str| Pivot::key(name.to_owned());
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("r0", Arc::new(StringViewArray::from_iter_values(rows.iter().map(|r| r.0))) as ArrayRef, true),
            ("r1", Arc::new(StringViewArray::from_iter(rows.iter().map(|r| r.1))) as ArrayRef, true),
            ("r2", Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.2))) as ArrayRef, true),
        ]);
        (vec![output("row"), output("column"), output("value")], batch.unwrap())
    }

    #[test]
    fn values_become_columns() {
        let (outputs, batch) = sample(&[("b", Some("y"), 1), ("a", None, 2), ("b", Some("x"), 3), ("b", Some("x"), 4)]);
        let pivot = Pivot { rows: 1, named: vec!["z".to_owned()], most: 3 };
        let (columns, table) = pivot.apply(&outputs, batch.schema(), std::slice::from_ref(&batch)).unwrap();
        let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["row", "z", "x", "y", "null"]);
        let shown = arrow::util::pretty::pretty_format_batches(&[table]).unwrap().to_string();
        let cells: Vec<String> = shown.lines().skip(3).map(|l| l.replace([' ', '+', '-'], "")).collect();
        assert_eq!(cells, ["|b||3|1||", "|a||||2|", ""]);
        let known: Vec<String> = pivot.known(&outputs).into_iter().map(|c| c.name).collect();
        assert_eq!(known, ["row", "z", "…"]);
        let few = Pivot { most: 2, ..pivot };
        assert_eq!(
            few.apply(&outputs, batch.schema(), &[batch]).unwrap_err(),
            "`transpose` would make 3 columns; at most 2 are made"
        );
    }

    #[test]
    fn no_rows_have_no_columns_of_values() {
        let (outputs, batch) = sample(&[]);
        let pivot = Pivot { rows: 1, named: Vec::new(), most: 3 };
        let (columns, table) = pivot.apply(&outputs, batch.schema(), &[]).unwrap();
        assert_eq!((columns.len(), table.num_rows()), (1, 0));
    }
}
