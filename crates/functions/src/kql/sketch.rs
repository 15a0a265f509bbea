//! What `hll` and `tdigest` make, and the functions that read it.

use super::json;
use super::values::parse_timespan;
use crate::udf::{Functions, Row};
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt::Write as _;

pub(super) fn register(f: &mut Functions) {
    f.long("dcount_hll(dynamic) long", |r| i64::try_from(Hashes::read(r.text(0)?)?.all.len()).ok());
    // The values that all of them have; a sketch of no values is null.
    f.long("hll_intersection(dynamic...) long", |r| {
        let mut all = (0..r.len()).map(|i| r.text(i).and_then(Hashes::read).unwrap_or_default().all);
        let first = all.next()?;
        i64::try_from(all.fold(first, |both, next| both.intersection(&next).copied().collect()).len()).ok()
    });
    f.bool("hll_isvalid(dynamic, any) bool", |r| Some(r.text(0).and_then(Hashes::read).is_some()));
    f.text("hll_merge(dynamic...) dynamic", |r, w| {
        let mut all: Option<Hashes> = None;
        for next in (0..r.len()).filter_map(|i| Hashes::read(r.text(i)?)) {
            all.get_or_insert_default().merge(&next);
        }
        all?.write(w);
        Some(())
    });
    f.bool("tdigest_isvalid(dynamic, any) bool", |r| Some(r.text(0).and_then(Digest::read).is_some()));
    for name in ["tdigest_merge", "merge_tdigest"] {
        f.text(&format!("{name}(dynamic...) dynamic"), |r, w| {
            let mut all: Option<Digest> = None;
            for next in (0..r.len()).filter_map(|i| Digest::read(r.text(i)?)) {
                all.get_or_insert_default().merge(next);
            }
            all?.write(w);
            Some(())
        });
    }
    f.text("percentile_tdigest(dynamic, real) dynamic", |r, w| {
        json::write_value(w, Digest::read(r.text(0)?)?.percentile(r.real(1)?)?);
        Some(())
    });
    f.text("percentiles_array_tdigest(dynamic, dynamic...) dynamic", percentiles);
    f.real("rank_tdigest(dynamic, dynamic) real", |r| {
        Some(Digest::read(r.text(0)?)?.up_to(&json::value(r.text(1)?)?) as f64)
    });
    f.real("percentrank_tdigest(dynamic, dynamic) real", |r| {
        let digest = Digest::read(r.text(0)?)?;
        let all = digest.total();
        (all > 0).then(|| Some(digest.up_to(&json::value(r.text(1)?)?) as f64 * 100.0 / all as f64))?
    });
}

/// The percentiles are numbers, or arrays of numbers.
fn percentiles(r: &Row<'_>, w: &mut String) -> Option<()> {
    let digest = Digest::read(r.text(0)?)?;
    let ranks = (1..r.len()).filter_map(|i| json::value(r.text(i)?)).flat_map(|v| match v {
        Value::Array(all) => all,
        one => vec![one],
    });
    let found: Vec<Value> =
        ranks.map(|p| p.as_f64().and_then(|p| digest.percentile(p)).cloned().unwrap_or(Value::Null)).collect();
    json::write_value(w, &Value::from(found));
    Some(())
}

/// The hashes of distinct values.
#[derive(Debug)]
pub(crate) struct Hashes {
    /// 0 to 4. It changes nothing here but how the sketch begins.
    pub(crate) accuracy: i64,
    pub(crate) all: BTreeSet<i64>,
}

impl Default for Hashes {
    fn default() -> Self {
        Hashes { accuracy: 1, all: BTreeSet::new() }
    }
}

impl Hashes {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let parts = json::array(text)?;
        let [head, hashes, _] = parts.as_slice() else { return None };
        let accuracy = match head.as_array()?.get(1)?.as_i64()? {
            bits @ 16..=18 => bits - 14,
            12 => 0,
            _ => 1,
        };
        let all = hashes.as_array()?.iter().map(|h| h.as_str()?.parse().ok()).collect::<Option<_>>()?;
        Some(Hashes { accuracy, all })
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.accuracy = self.accuracy.max(other.accuracy);
        self.all.extend(&other.all);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn write(&self, w: &mut String) {
        // The number of values that the product counts exactly, and the number of bits of its counters (documented).
        let head = match self.accuracy {
            0 => "1024,12",
            2 => "8192,16",
            3 => "8192,17",
            4 => "8192,18",
            _ => "1024,14",
        };
        let _ = write!(w, "[[{head}],[");
        for (i, hash) in self.all.iter().enumerate() {
            let _ = write!(w, "{}\"{hash}\"", if i > 0 { "," } else { "" });
        }
        w.push_str("],[]]");
    }
}

/// Values with their weights, ascending.
#[derive(Debug, Default)]
pub(crate) struct Digest {
    values: Vec<(Value, u64)>,
    sorted: usize,
}

impl Digest {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let parts = json::array(text)?;
        let [_, Value::Array(values), Value::Array(weights)] = parts.as_slice() else { return None };
        let mut digest = Digest::default();
        for (value, weight) in values.iter().zip(weights) {
            digest.add(value.clone(), weight.as_u64()?);
        }
        digest.settle();
        (values.len() == weights.len()).then_some(digest)
    }

    pub(crate) fn add(&mut self, value: Value, weight: u64) {
        if weight > 0 {
            self.values.push((value, weight));
            // Now and then, so that what stands twice is not kept twice.
            if self.values.len() >= 2 * self.sorted + 1024 {
                self.settle();
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.values.extend(other.values);
        self.settle();
    }

    fn settle(&mut self) {
        self.values.sort_by(|a, b| compare(&a.0, &b.0));
        self.values.dedup_by(|b, a| {
            let same = compare(&a.0, &b.0).is_eq();
            if same {
                a.1 += b.1;
            }
            same
        });
        self.sorted = self.values.len();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn write(&self, w: &mut String) {
        let settled;
        let digest = if self.sorted == self.values.len() {
            self
        } else {
            let mut copy = Digest { values: self.values.clone(), sorted: 0 };
            copy.settle();
            settled = copy;
            &settled
        };
        w.push_str("[[7],[");
        for (i, (value, _)) in digest.values.iter().enumerate() {
            if i > 0 {
                w.push(',');
            }
            json::write_value(w, value);
        }
        w.push_str("],[");
        for (i, (_, weight)) in digest.values.iter().enumerate() {
            let _ = write!(w, "{}{weight}", if i > 0 { "," } else { "" });
        }
        w.push_str("]]");
    }

    fn total(&self) -> u64 {
        self.values.iter().map(|(_, weight)| weight).sum()
    }

    /// The weight of what is not greater (documented).
    fn up_to(&self, value: &Value) -> u64 {
        self.values.iter().take_while(|(v, _)| compare(v, value).is_le()).map(|(_, weight)| weight).sum()
    }

    /// The nearest rank.
    fn percentile(&self, p: f64) -> Option<&Value> {
        let wanted = (p / 100.0 * self.total() as f64).ceil().max(1.0) as u64;
        let mut so_far = 0;
        let at = self.values.iter().find(|(_, weight)| {
            so_far += weight;
            so_far >= wanted
        });
        at.or(self.values.last()).map(|(v, _)| v)
    }
}

/// Numbers by value, lengths of time by theirs, and instants by their text, which sorts as they do.
fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => match (x.as_i64(), y.as_i64()) {
            (Some(x), Some(y)) => x.cmp(&y),
            _ => x.as_f64().unwrap_or(f64::NAN).total_cmp(&y.as_f64().unwrap_or(f64::NAN)),
        },
        (Value::String(x), Value::String(y)) => match (parse_timespan(x), parse_timespan(y)) {
            (Some(x), Some(y)) => x.cmp(&y),
            _ => x.cmp(y),
        },
        (Value::Number(_), _) => Ordering::Less,
        (_, Value::Number(_)) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}
