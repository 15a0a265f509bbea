//! `series_decompose` and what builds on it: a series as season, trend and rest.
//!
//! Documented are the parts, their order (season first, the trend from what it leaves) and that a season is the median of
//! what stands at the same place of each one. Inferred: how a season is found (see `periods`; a straight line is taken away before), that the fences of
//! `series_decompose_anomalies` are those of the points that were learned from.

use super::fit::Line;
use super::outliers::{self, ends, scores};
use super::periods;
use super::{Value, known, median, put, real};
use crate::udf::{Functions, Row};
use serde_json::Map;

/// The least score of a season that is found (documented).
const THRESHOLD: f64 = 0.6;
/// The same of `series_seasonal` (documented).
const SEASONAL_THRESHOLD: f64 = 0.7;
/// A mild anomaly (documented).
const MILD: f64 = 1.5;

pub(super) fn register(f: &mut Functions) {
    f.text("series_decompose_dynamic(dynamic, long?, string?, long?, real?) dynamic", |r, w| {
        put(w, Parts::of(r, &Arguments { season: 1, trend: 2, held: 3, threshold: 4 })?.bag())
    });
    f.text("series_decompose_forecast_dynamic(dynamic, long, long?, string?, real?) dynamic", |r, w| {
        put(w, Parts::of(r, &Arguments { season: 2, trend: 3, held: 1, threshold: 4 })?.bag())
    });
    f.text(
        "series_decompose_anomalies_dynamic(dynamic, real?, long?, string?, long?, string?, real?) dynamic",
        anomalies,
    );
    f.text("series_seasonal(dynamic, long?) dynamic", |r, w| {
        let series = known(r, 0)?;
        let period = periods::asked(r, 1, &series, SEASONAL_THRESHOLD).unwrap_or(0);
        put(w, array(&season(&series, series.len(), period)))
    });
}

fn anomalies(r: &Row<'_>, w: &mut String) -> Option<()> {
    let threshold = if r.len() > 1 { r.real(1)? } else { MILD };
    let parts = Parts::of(r, &Arguments { season: 2, trend: 3, held: 4, threshold: 6 })?;
    let fences = ends(if r.len() > 5 { r.str(5) } else { "ctukey" })?;
    let scores = scores(&parts.residual, &parts.residual[..parts.learned], fences);
    let flag = |s: &f64| Value::from(i64::from(*s > threshold) - i64::from(*s < -threshold));
    let mut bag = Map::new();
    bag.insert("ad_flag".into(), scores.iter().map(flag).collect::<Vec<_>>().into());
    bag.insert("ad_score".into(), scores.iter().map(|s| outliers::score(*s)).collect::<Vec<_>>().into());
    bag.insert("baseline".into(), array(&parts.baseline));
    put(w, Value::from(bag))
}

/// Where a function has the arguments of a decomposition.
struct Arguments {
    season: usize,
    trend: usize,
    /// The number of points at the end that nothing is learned from.
    held: usize,
    threshold: usize,
}

type Series = Vec<Option<f64>>;

struct Parts {
    baseline: Series,
    seasonal: Series,
    trend: Series,
    residual: Series,
    learned: usize,
}

impl Parts {
    fn of(r: &Row<'_>, at: &Arguments) -> Option<Self> {
        let series = known(r, 0)?;
        let held = if r.len() > at.held { usize::try_from(r.long(at.held)?).ok()? } else { 0 };
        let learned = series.len().saturating_sub(held);
        let threshold = if r.len() > at.threshold { r.real(at.threshold)? } else { THRESHOLD };
        // A slope hides a season: it is looked for in what a straight line leaves (inferred).
        let level = minus(&series[..learned], &trend(&series[..learned], learned, "linefit")?);
        let period = periods::asked(r, at.season, &level, threshold)?;
        let seasonal = season(&series, learned, period);
        let rest = minus(&series, &seasonal);
        let trend = trend(&rest, learned, if r.len() > at.trend { r.str(at.trend) } else { "avg" })?;
        let baseline: Series = seasonal.iter().zip(&trend).map(|(s, t)| Some((*s)? + (*t)?)).collect();
        Some(Parts { residual: minus(&series, &baseline), baseline, seasonal, trend, learned })
    }

    fn bag(&self) -> Map<String, Value> {
        let mut bag = Map::new();
        bag.insert("baseline".into(), array(&self.baseline));
        bag.insert("seasonal".into(), array(&self.seasonal));
        bag.insert("trend".into(), array(&self.trend));
        bag.insert("residual".into(), array(&self.residual));
        bag
    }
}

/// The median of what stands at the same place of each season; of a period of 0, zeros.
fn season(series: &[Option<f64>], learned: usize, period: usize) -> Series {
    if period == 0 {
        return vec![Some(0.0); series.len()];
    }
    let phases: Series = (0..period.min(series.len()))
        .map(|phase| median(series[..learned].iter().skip(phase).step_by(period).flatten().copied().collect()))
        .collect();
    (0..series.len()).map(|i| phases[i % period]).collect()
}

/// Learned from the first points, given for all; none where the kind is none.
fn trend(rest: &[Option<f64>], learned: usize, kind: &str) -> Option<Series> {
    let there = || rest[..learned].iter().enumerate().filter_map(|(i, v)| Some((i as f64 + 1.0, (*v)?)));
    let count = there().count();
    let level = || if count == 0 { 0.0 } else { there().map(|(_, v)| v).sum::<f64>() / count as f64 };
    Some(match kind {
        "none" => vec![Some(0.0); rest.len()],
        "linefit" if count > 1 => {
            let (slope, interception) = Line::least_squares(there());
            (1..=rest.len()).map(|x| Some(slope * x as f64 + interception)).collect()
        }
        "avg" | "linefit" => vec![Some(level()); rest.len()],
        _ => return None,
    })
}

fn minus(a: &[Option<f64>], b: &[Option<f64>]) -> Series {
    a.iter().zip(b).map(|(a, b)| Some((*a)? - (*b)?)).collect()
}

fn array(series: &[Option<f64>]) -> Value {
    series.iter().map(|v| v.map_or(Value::Null, real)).collect::<Vec<_>>().into()
}
