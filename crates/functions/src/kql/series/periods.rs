//! `series_periods_detect`, `series_periods_validate`: the length of a season.
//!
//! Documented are the bounds (at least 4 points, at most half of the series) and that a score lies between 0 and 1. How
//! the product scores is not published. Here a period is a lag whose
//! autocorrelation is the highest within half a period, and its score is the least
//! autocorrelation at the period and its multiples within half of the series (inferred: it agrees with every published
//! example). A multiple of a period counts only where it stands out among the multiples
//! by more than the standard error.

use super::{Value, known, put, real};
use crate::udf::{Functions, Row};
use serde_json::Map;

const SHORTEST: usize = 4;
/// Documented.
const MOST_VALIDATED: usize = 16;

pub(super) fn register(f: &mut Functions) {
    f.text("series_periods_detect_dynamic(dynamic, real, real, long) dynamic", |r, w| {
        let (series, least, most) = (known(r, 0)?, r.real(1)?, r.real(2)?);
        let count = usize::try_from(r.long(3)?).ok()?.min(series.len());
        let inside = |p: &&Period| p.length as f64 >= least && p.length as f64 <= most;
        let found = detect(&series);
        let mut all: Vec<Period> = found.iter().filter(inside).copied().take(count).collect();
        all.resize(count, Period { length: 0, score: 0.0 });
        let periods = all.iter().map(|p| real(p.length as f64)).collect();
        write(w, periods, all.iter().map(|p| p.score))
    });
    f.text("series_periods_validate_dynamic(dynamic, real...) dynamic", |r, w| {
        let series = known(r, 0)?;
        let wave = Correlation::of(&series);
        let asked: Vec<f64> = (1..r.len()).take(MOST_VALIDATED).map(|i| r.real(i)).collect::<Option<_>>()?;
        let scores: Vec<f64> = asked.iter().map(|p| wave.validated(*p)).collect();
        write(w, asked.into_iter().map(real).collect(), scores.into_iter())
    });
}

fn write(w: &mut String, periods: Vec<Value>, scores: impl Iterator<Item = f64>) -> Option<()> {
    let mut bag = Map::new();
    bag.insert("periods".into(), periods.into());
    bag.insert("scores".into(), scores.map(real).collect::<Vec<_>>().into());
    put(w, Value::from(bag))
}

/// A season's length and how sure it is.
#[derive(Clone, Copy)]
pub(super) struct Period {
    pub(super) length: usize,
    pub(super) score: f64,
}

/// The season's length as a caller gives it: -1 asks for the surest one that reaches the threshold, 0 for none.
pub(super) fn asked(r: &Row<'_>, at: usize, learned: &[Option<f64>], threshold: f64) -> Option<usize> {
    match if r.len() > at { r.long(at)? } else { -1 } {
        -1 => Some(detect(learned).first().filter(|p| p.score >= threshold).map_or(0, |p| p.length)),
        given => usize::try_from(given).ok(),
    }
}

/// All periods, the surest first; of equals the shortest.
pub(super) fn detect(series: &[Option<f64>]) -> Vec<Period> {
    let wave = Correlation::of(series);
    let mut found: Vec<Period> = Vec::new();
    // What chance alone does to an autocorrelation.
    let error = 1.0 / (series.len() as f64).sqrt();
    // Half of the series itself is not found (measured).
    for length in (SHORTEST..series.len().div_ceil(2)).filter(|p| wave.is_hill(*p)) {
        let stands_out = |p: &Period| {
            let beside = wave.at(length - p.length).max(wave.at(length + p.length));
            !length.is_multiple_of(p.length) || wave.at(length) > beside + error
        };
        let score = wave.score(length);
        if score > 0.0 && found.iter().all(stands_out) {
            found.push(Period { length, score });
        }
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found
}

/// The autocorrelation of a series, each lag over the pairs that it has. What is missing counts as the mean.
struct Correlation(Vec<f64>);

impl Correlation {
    fn of(series: &[Option<f64>]) -> Self {
        let n = series.len();
        let there = series.iter().flatten().count();
        let mean = series.iter().flatten().sum::<f64>() / there.max(1) as f64;
        let centred: Vec<f64> = series.iter().map(|v| v.map_or(0.0, |v| v - mean)).collect();
        let products = super::fourier::autocorrelation(&centred);
        let variance = centred.iter().map(|v| v * v).sum::<f64>() / n.max(1) as f64;
        // What is left of a constant after rounding is no wave.
        let flat = variance.sqrt() <= 1e-9 * mean.abs();
        let at = |(lag, sum): (usize, f64)| if flat { 0.0 } else { sum / (n - lag) as f64 / variance };
        Correlation(products.into_iter().enumerate().map(at).collect())
    }

    fn at(&self, lag: usize) -> f64 {
        self.0.get(lag).copied().unwrap_or(f64::NEG_INFINITY)
    }

    /// Whether nothing within half a period on either side is higher: smaller hills beside a season's are its echo.
    fn is_hill(&self, lag: usize) -> bool {
        let height = self.at(lag);
        // From the nearest outwards: most lags are no hills, and that shows at once.
        height > 0.0 && (1..=lag / 2).all(|d| height >= self.at(lag - d) && height >= self.at(lag + d))
    }

    fn score(&self, length: usize) -> f64 {
        let multiples = (1..).map(|i| i * length).take_while(|lag| *lag <= self.0.len() / 2);
        multiples.map(|lag| self.at(lag)).fold(1.0, f64::min).max(0.0)
    }

    /// The score of a period that is asked for: 0 outside of the bounds (documented) and where there is no hill.
    fn validated(&self, period: f64) -> f64 {
        let length = period.round();
        if period < SHORTEST as f64 || length * 2.0 > self.0.len() as f64 || !length.is_finite() {
            return 0.0;
        }
        let length = length as usize;
        if self.is_hill(length) { self.score(length) } else { 0.0 }
    }
}
