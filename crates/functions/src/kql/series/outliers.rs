//! `series_outliers`: how far each point lies beyond the series' usual range.
//!
//! Documented are Tukey's fences, the percentiles (10 and 90, or 25 and 75) and that a score beyond 1.5 is an anomaly.
//! The score itself is inferred from the documentation's charts: the distance from the nearer end of the range, in lengths
//! of the range, scaled so that 1.5 marks the same share of a normal distribution whatever the percentiles; 0 within.

use super::{Value, known, put, real};
use crate::udf::Functions;
use std::f64::consts::SQRT_2;

/// The default ends of the range (documented).
const CUSTOM: (f64, f64) = (10.0, 90.0);
const STANDARD: (f64, f64) = (25.0, 75.0);
/// Where Tukey's fence of 1.5 stands in a normal distribution: four quartiles from the middle.
const MILD: f64 = 4.0 * 0.674_489_750_196_081_7;

pub(super) fn register(f: &mut Functions) {
    f.text("series_outliers(dynamic, string?, real?, real?, real?) dynamic", |r, w| {
        let mut series = known(r, 0)?;
        let usual = ends(if r.len() > 1 { r.str(1) } else { "ctukey" })?;
        if let Some(ignored) = r.real(2) {
            series.iter_mut().filter(|v| **v == Some(ignored)).for_each(|v| *v = None);
        }
        let within = if usual == CUSTOM { (r.real(3).unwrap_or(usual.0), r.real(4).unwrap_or(usual.1)) } else { usual };
        let allowed = 2.0..=98.0;
        if !(allowed.contains(&within.0) && allowed.contains(&within.1) && within.0 < within.1) {
            return None;
        }
        put(w, scores(&series, &series, within).into_iter().map(score).collect::<Vec<_>>())
    });
}

/// A score as JSON; an infinite one, beyond a range of no length, is null.
pub(super) fn score(v: f64) -> Value {
    real(v)
}

/// The percentiles of a kind of fence.
pub(super) fn ends(kind: &str) -> Option<(f64, f64)> {
    match kind {
        "ctukey" => Some(CUSTOM),
        "tukey" => Some(STANDARD),
        _ => None,
    }
}

/// The score of each point against the range of those that were learned from; 0 for what is missing (documented).
pub(super) fn scores(series: &[Option<f64>], learned: &[Option<f64>], ends: (f64, f64)) -> Vec<f64> {
    let mut sorted: Vec<f64> = learned.iter().flatten().copied().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let (Some(low), Some(high)) = (percentile(&sorted, ends.0), percentile(&sorted, ends.1)) else {
        return vec![0.0; series.len()];
    };
    let magnitude = sorted.iter().map(|v| v.abs()).fold(0.0, f64::max);
    // What rounding leaves of equal values is no range, and no distance from it.
    let noise = 1e-12 * magnitude;
    let range = if high - low <= noise { 0.0 } else { high - low };
    let (below, above) = (normal(ends.0), normal(ends.1));
    // The standard range needs none, and no rounding.
    let scale = |from_middle: f64| if ends == STANDARD { 1.0 } else { 1.5 * (above - below) / (MILD - from_middle) };
    let (down, up) = (scale(-below), scale(above));
    let of = |v: f64| {
        let beyond = if v > high { v - high } else { (v - low).min(0.0) };
        let scale = if beyond > 0.0 { up } else { down };
        if beyond.abs() <= noise { 0.0 } else { scale * beyond / range }
    };
    series.iter().map(|v| v.map_or(0.0, of)).collect()
}

/// A percentile of the normal distribution, in standard deviations.
fn normal(p: f64) -> f64 {
    let (mut low, mut high) = (-8.0, 8.0);
    // Each step halves the range: sixty reach the last digit.
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if 50.0 * libm::erfc(-middle / SQRT_2) < p { low = middle } else { high = middle }
    }
    low
}

/// Interpolated between the nearest ranks.
fn percentile(sorted: &[f64], p: f64) -> Option<f64> {
    let at = (sorted.len().checked_sub(1)?) as f64 * p / 100.0;
    let (below, above) = (sorted.get(at.floor() as usize)?, sorted.get(at.ceil() as usize)?);
    Some(below + (above - below) * at.fract())
}
