//! Filters: each point from itself and those around it.

use super::{numbers, put, real};
use crate::udf::{Functions, Row};

pub(super) fn register(f: &mut Functions) {
    f.text("series_iir(dynamic, dynamic, dynamic) dynamic", |r, w| {
        let (x, b, a) = (numbers(r, 0)?, numbers(r, 1)?, numbers(r, 2)?);
        let first = a.first().filter(|v| **v != 0.0)?;
        let mut y: Vec<f64> = Vec::with_capacity(x.len());
        for i in 0..x.len() {
            let of = |by: &[f64], from: &[f64]| by.iter().zip(from.iter().rev()).map(|(c, v)| c * v).sum::<f64>();
            y.push((of(&b, &x[..=i]) - of(&a[1..], &y)) / first);
        }
        put(w, y.into_iter().map(real).collect::<Vec<_>>())
    });
    f.text("series_fir(dynamic, dynamic, bool?, bool?) dynamic", fir);
}

/// What lies before or after the series counts as zero (documented by the examples' charts).
fn fir(r: &Row<'_>, w: &mut String) -> Option<()> {
    let (x, mut filter) = (numbers(r, 0)?, numbers(r, 1)?);
    let negative = filter.iter().any(|c| *c < 0.0);
    let normalised = if r.len() > 2 { r.bool(2)? } else { !negative };
    let centred = if r.len() > 3 { r.bool(3)? } else { false };
    if normalised {
        let sum: f64 = filter.iter().sum();
        // Negative coefficients have no normal form: null (documented).
        if negative || sum == 0.0 {
            return None;
        }
        filter.iter_mut().for_each(|c| *c /= sum);
    }
    let ahead = if centred { filter.len().saturating_sub(1) / 2 } else { 0 };
    let at = |i: usize| {
        let point = |k: usize| (i + ahead).checked_sub(k).and_then(|j| x.get(j));
        filter.iter().enumerate().filter_map(|(k, c)| Some(c * point(k)?)).sum::<f64>()
    };
    put(w, (0..x.len()).map(|i| real(at(i))).collect::<Vec<_>>())
}
