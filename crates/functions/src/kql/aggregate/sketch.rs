//! `hll` and `tdigest`: what is needed later to count distinct values, and to find percentiles.
//!
//! The product keeps approximations; here nothing is thrown away, so that what reads them is exact. They are written as
//! the product writes those that are small enough to be exact: `[[1024,14],["hash",…],[]]`, `[[7],[value,…],[weight,…]]`.
//! The order within is ours: ascending.

use super::adapter::{State, put_bytes, take_bytes, take_u64};
use crate::kql::json;
use crate::kql::sketch::{Digest, Hashes};
use crate::udf::Row;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};

/// What was written; of no values nothing (documented by example).
fn text(out: String) -> ScalarValue {
    ScalarValue::Utf8View((!out.is_empty()).then_some(out))
}

/// `hll(hash, accuracy?)`: of the values' hashes.
#[derive(Default)]
pub(super) struct Hll(Hashes);

impl State for Hll {
    fn returns(_: &[DataType]) -> DataType {
        DataType::Utf8View
    }

    fn add(&mut self, row: &Row<'_>) {
        if let Some(accuracy) = row.long(1) {
            self.0.accuracy = accuracy;
        }
        self.0.all.extend(row.long(0));
    }

    fn save(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.accuracy.to_le_bytes());
        self.0.all.iter().for_each(|h| out.extend_from_slice(&h.to_le_bytes()));
    }

    fn merge(&mut self, mut saved: &[u8]) {
        if let Some(accuracy) = take_u64(&mut saved) {
            self.0.accuracy = self.0.accuracy.max(accuracy as i64);
        }
        self.0.all.extend(std::iter::from_fn(|| take_u64(&mut saved)).map(|h| h as i64));
    }

    fn finish(&mut self, _: &DataType) -> Result<ScalarValue> {
        let mut out = String::new();
        if !self.0.is_empty() {
            self.0.write(&mut out);
        }
        Ok(text(out))
    }

    fn size(&self) -> usize {
        self.0.all.len() * 16
    }
}

/// `hll_merge(hll)`.
#[derive(Default)]
pub(super) struct HllMerge(Hll);

impl State for HllMerge {
    fn returns(_: &[DataType]) -> DataType {
        DataType::Utf8View
    }

    fn add(&mut self, row: &Row<'_>) {
        if let Some(other) = row.text(0).and_then(Hashes::read) {
            self.0.0.merge(&other);
        }
    }

    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
    }

    fn merge(&mut self, saved: &[u8]) {
        self.0.merge(saved);
    }

    fn finish(&mut self, returns: &DataType) -> Result<ScalarValue> {
        self.0.finish(returns)
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}

/// `tdigest(value, weight?)`: a value as a dynamic.
#[derive(Default)]
pub(super) struct Tdigest(Digest);

impl State for Tdigest {
    fn returns(_: &[DataType]) -> DataType {
        DataType::Utf8View
    }

    fn add(&mut self, row: &Row<'_>) {
        let weight = if row.len() > 1 { row.long(1) } else { Some(1) };
        let (Some(value), Some(weight)) = (row.text(0).and_then(json::value), weight) else { return };
        self.0.add(value, u64::try_from(weight).unwrap_or(0));
    }

    fn save(&self, out: &mut Vec<u8>) {
        let mut written = String::new();
        self.0.write(&mut written);
        put_bytes(out, written.as_bytes());
    }

    fn merge(&mut self, mut saved: &[u8]) {
        let written = take_bytes(&mut saved).and_then(|b| std::str::from_utf8(b).ok());
        if let Some(other) = written.and_then(Digest::read) {
            self.0.merge(other);
        }
    }

    fn finish(&mut self, _: &DataType) -> Result<ScalarValue> {
        let mut out = String::new();
        if !self.0.is_empty() {
            self.0.write(&mut out);
        }
        Ok(text(out))
    }

    fn size(&self) -> usize {
        self.0.len() * 64
    }
}

/// `tdigest_merge(tdigest)`.
#[derive(Default)]
pub(super) struct TdigestMerge(Tdigest);

impl State for TdigestMerge {
    fn returns(_: &[DataType]) -> DataType {
        DataType::Utf8View
    }

    fn add(&mut self, row: &Row<'_>) {
        if let Some(other) = row.text(0).and_then(Digest::read) {
            self.0.0.merge(other);
        }
    }

    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
    }

    fn merge(&mut self, saved: &[u8]) {
        self.0.merge(saved);
    }

    fn finish(&mut self, returns: &DataType) -> Result<ScalarValue> {
        self.0.finish(returns)
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}
