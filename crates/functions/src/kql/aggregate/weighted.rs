//! `percentilew`: each value counts as often as its weight says (documented).

use super::adapter::{put_bytes, take_bytes, take_u64};
use super::percentile::Ranked;
use crate::udf::Row;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use std::collections::BTreeMap;

/// Values by a key that sorts as they do, with their weights.
#[derive(Default)]
pub(super) struct Weights {
    longs: BTreeMap<i64, u64>,
    /// By bits that sort as the reals do.
    reals: BTreeMap<i64, u64>,
    ranks: Vec<f64>,
}

/// A real's place in the order of all reals, and back: the same both ways.
fn ordered(bits: i64) -> i64 {
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

impl Ranked for Weights {
    fn add(&mut self, row: &Row<'_>) {
        if self.ranks.is_empty() {
            self.ranks = (2..row.len()).filter_map(|i| row.real(i)).collect();
        }
        let Some(weight) = row.long(1).and_then(|w| u64::try_from(w).ok()).filter(|w| *w > 0) else { return };
        if let Some(v) = row.long(0) {
            *self.longs.entry(v).or_default() += weight;
        } else if let Some(v) = row.real(0) {
            *self.reals.entry(ordered(v.to_bits() as i64)).or_default() += weight;
        }
    }

    fn save(&self, out: &mut Vec<u8>) {
        put_bytes(out, &self.ranks.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
        for part in [&self.longs, &self.reals] {
            let pairs = part.iter().flat_map(|(v, w)| [v.to_le_bytes(), w.to_le_bytes()].concat());
            put_bytes(out, &pairs.collect::<Vec<_>>());
        }
    }

    fn merge(&mut self, mut saved: &[u8]) {
        let mut ranks = take_bytes(&mut saved).unwrap_or_default();
        let ranks: Vec<f64> = std::iter::from_fn(|| take_u64(&mut ranks)).map(f64::from_bits).collect();
        if self.ranks.is_empty() {
            self.ranks = ranks;
        }
        for part in [&mut self.longs, &mut self.reals] {
            let mut pairs = take_bytes(&mut saved).unwrap_or_default();
            while let (Some(value), Some(weight)) = (take_u64(&mut pairs), take_u64(&mut pairs)) {
                *part.entry(value as i64).or_default() += weight;
            }
        }
    }

    fn finish(&mut self, ty: &DataType) -> Result<Vec<ScalarValue>> {
        let at = |all: &BTreeMap<i64, u64>, rank: f64| {
            let wanted = (rank / 100.0 * all.values().sum::<u64>() as f64).ceil().max(1.0) as u64;
            let mut so_far = 0;
            let found = all.iter().find(|(_, weight)| {
                so_far += **weight;
                so_far >= wanted
            });
            found.or(all.last_key_value()).map(|(v, _)| *v)
        };
        (self.ranks.iter())
            .map(|&rank| match (at(&self.longs, rank), at(&self.reals, rank)) {
                (Some(v), _) => ScalarValue::Int64(Some(v)).cast_to(ty),
                (None, Some(v)) => ScalarValue::Float64(Some(f64::from_bits(ordered(v) as u64))).cast_to(ty),
                (None, None) => ScalarValue::try_from(ty),
            })
            .collect()
    }

    fn is_whole(&self) -> bool {
        !self.longs.is_empty()
    }

    fn size(&self) -> usize {
        24 * (self.longs.len() + self.reals.len()) + 8 * self.ranks.capacity()
    }
}
