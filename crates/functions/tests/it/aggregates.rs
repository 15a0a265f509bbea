//! `tests/cases/aggregates/*.tsv`: aggregate, types of its arguments, rows, expected result, source.
//!
//! Each case runs over one group, over two halves whose partial states are merged, and over several groups.

use crate::call::{json, scalar};
use crate::cases::same;
use arrow::array::{ArrayRef, BooleanArray, new_empty_array};
use arrow::datatypes::{Field, FieldRef, Schema};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{AggregateUDF, EmitTo};
use parallax_functions::kql;
use parallax_functions::udf::Type;
use parallax_telemetry::ColumnType;
use serde_json::{Map, Value};
use std::sync::Arc;

struct Case {
    aggregate: Arc<AggregateUDF>,
    types: Vec<ColumnType>,
    rows: Vec<Vec<Value>>,
}

#[test]
fn every_case_holds() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/aggregates/all.tsv");
    let (mut cases, mut wrong) = (0, Vec::new());
    for line in std::fs::read_to_string(file).unwrap().lines().filter(|l| !l.starts_with('#')) {
        cases += 1;
        let parts: Vec<&str> = line.split('\t').collect();
        let case = Case {
            aggregate: kql::aggregate(&format!("kql_{}", parts[0])).unwrap(),
            types: parts[1].split(',').map(|t| ColumnType::from_name(t).unwrap()).collect(),
            rows: serde_json::from_str(parts[2]).unwrap(),
        };
        let expected: Value = serde_json::from_str(parts[3]).unwrap();
        for (way, got) in [("whole", case.whole()), ("merged", case.merged()), ("groups", case.groups())] {
            let got = case.show(parts[0], &got);
            if !same(&got, &expected) {
                wrong.push(format!("{line}\n    {way}: {got}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), wrong.join("\n"));
}

impl Case {
    fn columns(&self, rows: &[Vec<Value>]) -> Vec<ArrayRef> {
        (self.types.iter().enumerate())
            .map(|(c, ty)| {
                if rows.is_empty() {
                    return new_empty_array(&Type::Of(*ty).arrow().unwrap());
                }
                ScalarValue::iter_to_array(rows.iter().map(|r| scalar(&r[c], Type::Of(*ty)).unwrap())).unwrap()
            })
            .collect()
    }

    fn with_args<T>(&self, f: impl FnOnce(AccumulatorArgs<'_>) -> T) -> T {
        let fields: Vec<FieldRef> = (self.types.iter().enumerate())
            .map(|(i, t)| Arc::new(Field::new(format!("c{i}"), Type::Of(*t).arrow().unwrap(), true)))
            .collect();
        let types: Vec<_> = fields.iter().map(|f| f.data_type().clone()).collect();
        let returns = self.aggregate.return_type(&types).unwrap();
        f(AccumulatorArgs {
            return_field: Arc::new(Field::new("r", returns, true)),
            schema: &Schema::new(fields.clone()),
            ignore_nulls: false,
            order_bys: &[],
            is_reversed: false,
            name: "a",
            is_distinct: false,
            exprs: &[],
            expr_fields: &fields,
        })
    }

    fn whole(&self) -> ScalarValue {
        let mut a = self.with_args(|a| self.aggregate.accumulator(a)).unwrap();
        a.update_batch(&self.columns(&self.rows)).unwrap();
        a.evaluate().unwrap()
    }

    fn merged(&self) -> ScalarValue {
        let (first, second) = self.rows.split_at(self.rows.len() / 2);
        let mut whole = self.with_args(|a| self.aggregate.accumulator(a)).unwrap();
        for half in [first, second] {
            let mut a = self.with_args(|a| self.aggregate.accumulator(a)).unwrap();
            if !half.is_empty() {
                a.update_batch(&self.columns(half)).unwrap();
            }
            let states: Vec<ArrayRef> = a.state().unwrap().iter().map(|s| s.to_array().unwrap()).collect();
            whole.merge_batch(&states).unwrap();
        }
        whole.evaluate().unwrap()
    }

    /// Group 1 holds the rows; group 0 the same rows filtered away, group 2 the first row alone.
    fn groups(&self) -> ScalarValue {
        let make = || self.with_args(|a| self.aggregate.create_groups_accumulator(a)).unwrap();
        let n = self.rows.len();
        let twice: Vec<Vec<Value>> = self.rows.iter().chain(&self.rows).cloned().collect();
        let indices: Vec<usize> = (0..2 * n).map(|i| usize::from(i >= n)).collect();
        let filter: BooleanArray = (0..2 * n).map(|i| Some(i >= n)).collect();
        let mut partial = make();
        partial.update_batch(&self.columns(&twice), &indices, Some(&filter), 3).unwrap();
        let states = partial.state(EmitTo::All).unwrap();
        let converted = make().convert_to_state(&self.columns(&self.rows[..n.min(1)]), None).unwrap();
        let mut all = make();
        all.merge_batch(&states, &[0, 1, 2], 3).unwrap();
        all.merge_batch(&converted, &vec![2; n.min(1)], 3).unwrap();
        let first = all.evaluate(EmitTo::First(1)).unwrap();
        assert_eq!(first.len(), 1);
        ScalarValue::try_from_array(&all.evaluate(EmitTo::All).unwrap(), 0).unwrap()
    }

    fn show(&self, name: &str, got: &ScalarValue) -> Value {
        if let ScalarValue::Struct(s) = got {
            let mut map = Map::new();
            for (i, ty) in self.types.iter().enumerate() {
                map.insert(i.to_string(), json(&ScalarValue::try_from_array(s.column(i), 0).unwrap(), *ty).unwrap());
            }
            return Value::from(map);
        }
        let ty = match name {
            "dcount" => ColumnType::Long,
            "percentile" | "take_any" => self.types[0],
            _ => ColumnType::Dynamic,
        };
        json(got, ty).unwrap()
    }
}
