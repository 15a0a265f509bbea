//! `percentile`: the nearest rank, a value that occurs (documented).

use super::adapter::{State, put_bytes, take_bytes, take_u64};
use crate::kql::json;
use crate::udf::Row;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};

/// The values of a group, and the ranks that are asked of them.
pub(super) trait Ranked: Default + Send + Sync + 'static {
    /// Takes a row in.
    fn add(&mut self, row: &Row<'_>);
    /// Writes it for [`Ranked::merge`].
    fn save(&self, out: &mut Vec<u8>);
    /// Takes in what another one saved.
    fn merge(&mut self, saved: &[u8]);
    /// The value of each rank, as `ty`.
    fn finish(&mut self, ty: &DataType) -> Result<Vec<ScalarValue>>;
    /// Whether its values are whole numbers.
    fn is_whole(&self) -> bool;
    /// Bytes of memory.
    fn size(&self) -> usize;
}

/// The values one by one.
#[derive(Default)]
pub(super) struct Sample {
    longs: Vec<i64>,
    reals: Vec<f64>,
    ranks: Vec<f64>,
}

impl Ranked for Sample {
    fn add(&mut self, row: &Row<'_>) {
        if self.ranks.is_empty() {
            self.ranks = (1..row.len()).filter_map(|i| row.real(i)).collect();
        }
        match row.long(0) {
            Some(v) => self.longs.push(v),
            None => self.reals.extend(row.real(0)),
        }
    }

    fn save(&self, out: &mut Vec<u8>) {
        let bytes = |v: &[f64]| v.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
        put_bytes(out, &bytes(&self.ranks));
        put_bytes(out, &bytes(&self.reals));
        put_bytes(out, &self.longs.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
    }

    fn merge(&mut self, mut saved: &[u8]) {
        let mut numbers = || {
            let mut part = take_bytes(&mut saved).unwrap_or_default();
            std::iter::from_fn(move || take_u64(&mut part)).collect::<Vec<_>>()
        };
        let (ranks, reals, longs) = (numbers(), numbers(), numbers());
        if self.ranks.is_empty() {
            self.ranks = ranks.into_iter().map(f64::from_bits).collect();
        }
        self.reals.extend(reals.into_iter().map(f64::from_bits));
        self.longs.extend(longs.into_iter().map(|v| v as i64));
    }

    fn finish(&mut self, ty: &DataType) -> Result<Vec<ScalarValue>> {
        self.longs.sort_unstable();
        self.reals.sort_unstable_by(f64::total_cmp);
        let at = |rank: f64, n: usize| ((rank / 100.0 * n as f64).ceil() as usize).clamp(1, n) - 1;
        (self.ranks.iter())
            .map(|&rank| {
                if !self.longs.is_empty() {
                    let v = self.longs[at(rank, self.longs.len())];
                    ScalarValue::Int64(Some(v)).cast_to(ty)
                } else if !self.reals.is_empty() {
                    let v = self.reals[at(rank, self.reals.len())];
                    ScalarValue::Float64(Some(v)).cast_to(ty)
                } else {
                    ScalarValue::try_from(ty)
                }
            })
            .collect()
    }

    fn is_whole(&self) -> bool {
        !self.longs.is_empty()
    }

    fn size(&self) -> usize {
        8 * (self.longs.capacity() + self.reals.capacity() + self.ranks.capacity())
    }
}

/// One percentile.
#[derive(Default)]
pub(super) struct Percentile<S>(S);

impl<S: Ranked> State for Percentile<S> {
    fn returns(args: &[DataType]) -> DataType {
        args.first().cloned().unwrap_or(DataType::Null)
    }

    fn add(&mut self, row: &Row<'_>) {
        self.0.add(row);
    }

    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
    }

    fn merge(&mut self, saved: &[u8]) {
        self.0.merge(saved);
    }

    fn finish(&mut self, returns: &DataType) -> Result<ScalarValue> {
        match self.0.finish(returns)?.pop() {
            Some(v) => Ok(v),
            None => ScalarValue::try_from(returns),
        }
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}

/// Several percentiles as an array.
#[derive(Default)]
pub(super) struct Percentiles<S>(S);

impl<S: Ranked> State for Percentiles<S> {
    fn returns(_: &[DataType]) -> DataType {
        DataType::Utf8View
    }

    fn add(&mut self, row: &Row<'_>) {
        self.0.add(row);
    }

    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
    }

    fn merge(&mut self, saved: &[u8]) {
        self.0.merge(saved);
    }

    fn finish(&mut self, _: &DataType) -> Result<ScalarValue> {
        let ty = if self.0.is_whole() { DataType::Int64 } else { DataType::Float64 };
        let mut out = String::from("[");
        for (i, v) in self.0.finish(&ty)?.into_iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            match v {
                ScalarValue::Int64(Some(v)) => out.push_str(&v.to_string()),
                ScalarValue::Float64(Some(v)) => json::write_real(&mut out, v),
                _ => out.push_str("null"),
            }
        }
        out.push(']');
        Ok(ScalarValue::Utf8View(Some(out)))
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}
