//! `dcount`, exactly.

use super::adapter::{State, put_bytes, take_bytes};
use crate::udf::Row;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use std::collections::HashSet;

/// The distinct values that are not null.
#[derive(Default)]
pub(super) struct Distinct {
    all: HashSet<Box<[u8]>>,
    bytes: usize,
}

impl Distinct {
    fn push(&mut self, v: &[u8]) {
        if !self.all.contains(v) {
            self.bytes += v.len();
            self.all.insert(v.into());
        }
    }
}

impl State for Distinct {
    fn returns(_: &[DataType]) -> DataType {
        DataType::Int64
    }

    fn add(&mut self, row: &Row<'_>) {
        if let Some(t) = row.text(0) {
            self.push(t.as_bytes());
        } else if let Some(v) = row.long(0) {
            self.push(&v.to_le_bytes());
        } else if let Some(v) = row.bool(0) {
            self.push(&[u8::from(v)]);
        } else if row.is_decimal(0) {
            row.decimal(0).into_iter().for_each(|v| self.push(&v.to_le_bytes()));
        } else if let Some(v) = row.real(0) {
            // Both zeros are one value.
            self.push(&(v + 0.0).to_bits().to_le_bytes());
        }
    }

    fn save(&self, out: &mut Vec<u8>) {
        self.all.iter().for_each(|v| put_bytes(out, v));
    }

    fn merge(&mut self, mut saved: &[u8]) {
        while let Some(v) = take_bytes(&mut saved) {
            self.push(v);
        }
    }

    fn finish(&mut self, _: &DataType) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(self.all.len() as i64)))
    }

    fn size(&self) -> usize {
        self.bytes + self.all.capacity() * 24
    }
}
