//! Least squares.

use super::{Value, numbers, put, real};
use crate::udf::Functions;
use serde_json::Map;

pub(super) fn register(f: &mut Functions) {
    f.text("series_fit_line_dynamic(dynamic) dynamic", |r, w| {
        let line = Line::through(&numbers(r, 0)?)?;
        let mut bag = line.bag("");
        bag.insert("line_fit".into(), line.points().map(real).collect::<Vec<_>>().into());
        put(w, Value::from(bag))
    });
    // The columns' names are flat, the members of the bag nested (documented).
    f.text("series_fit_2lines_columns(dynamic) dynamic", |r, w| {
        let two = Two::through(&numbers(r, 0)?)?;
        let mut bag = two.bag();
        bag.extend(two.right.bag("right_"));
        bag.extend(two.left.bag("left_"));
        put(w, Value::from(bag))
    });
    f.text("series_fit_2lines_dynamic(dynamic) dynamic", |r, w| {
        let two = Two::through(&numbers(r, 0)?)?;
        let mut bag = two.bag();
        bag.insert("right".into(), two.right.bag("").into());
        bag.insert("left".into(), two.left.bag("").into());
        put(w, Value::from(bag))
    });
}

/// Two lines, split where together they fit best (documented). Inferred: the split is the second line's first point, each
/// line counts its points from 1, and has at least two.
struct Two {
    left: Line,
    right: Line,
    whole: Line,
    rvariance: f64,
}

impl Two {
    fn through(y: &[f64]) -> Option<Self> {
        let whole = Line::through(y)?;
        let from_left = errors(y.iter());
        let from_right = errors(y.iter().rev());
        let error = |split: usize| from_left[split] + from_right[y.len() - split];
        let best = (2..=y.len().checked_sub(2)?).min_by(|a, b| error(*a).total_cmp(&error(*b)))?;
        let (left, right) = (Line::through(&y[..best])?, Line::through(&y[best..])?);
        let squares: f64 = left.points().chain(right.points()).zip(y).map(|(fit, y)| (y - fit).powi(2)).sum();
        Some(Two { left, right, whole, rvariance: squares / (y.len() as f64 - 1.0) })
    }

    fn bag(&self) -> Map<String, Value> {
        let Two { left, right, whole, rvariance } = self;
        let fit: Vec<Value> = left.points().chain(right.points()).map(real).collect();
        let rsquare = if whole.variance == 0.0 { 0.0 } else { 1.0 - rvariance / whole.variance };
        let mut bag = Map::new();
        bag.insert("rsquare".into(), real(rsquare));
        bag.insert("split_idx".into(), Value::from(left.length));
        bag.insert("variance".into(), real(whole.variance));
        bag.insert("rvariance".into(), real(*rvariance));
        bag.insert("line_fit".into(), fit.into());
        bag
    }
}

/// For each number of first points the squared error of the line through them, in one pass.
fn errors<'y>(y: impl Iterator<Item = &'y f64>) -> Vec<f64> {
    let mut all = vec![0.0];
    let (mut mean_x, mut mean_y, mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (i, y) in y.enumerate() {
        let count = i as f64 + 1.0;
        let (dx, dy) = (count - mean_x, y - mean_y);
        mean_x += dx / count;
        mean_y += dy / count;
        xx += dx * (count - mean_x);
        xy += dx * (y - mean_y);
        yy += dy * (y - mean_y);
        all.push(if xx > 0.0 { (yy - xy * xy / xx).max(0.0) } else { 0.0 });
    }
    all
}

/// A line through the points (1, y₁), (2, y₂), … (documented by example).
pub(super) struct Line {
    slope: f64,
    interception: f64,
    variance: f64,
    rvariance: f64,
    length: usize,
}

impl Line {
    fn through(y: &[f64]) -> Option<Self> {
        let n = y.len();
        if n < 2 {
            return None;
        }
        let count = n as f64;
        let (mean_x, mean_y) = ((count + 1.0) / 2.0, y.iter().sum::<f64>() / count);
        let x = |i: usize| i as f64 + 1.0 - mean_x;
        let squares_x: f64 = (0..n).map(|i| x(i) * x(i)).sum();
        let products: f64 = y.iter().enumerate().map(|(i, y)| x(i) * (y - mean_y)).sum();
        let slope = products / squares_x;
        let interception = mean_y - slope * mean_x;
        let of = |residual: &dyn Fn(usize, f64) -> f64| {
            y.iter().enumerate().map(|(i, y)| residual(i, *y).powi(2)).sum::<f64>() / (count - 1.0)
        };
        let variance = of(&|_, y| y - mean_y);
        let rvariance = of(&|i, y| y - slope * (i as f64 + 1.0) - interception);
        Some(Line { slope, interception, variance, rvariance, length: n })
    }

    /// The slope and the interception of the line nearest to some points.
    pub(super) fn least_squares(points: impl Iterator<Item = (f64, f64)> + Clone) -> (f64, f64) {
        let count = points.clone().count() as f64;
        let mean_x = points.clone().map(|(x, _)| x).sum::<f64>() / count;
        let mean_y = points.clone().map(|(_, y)| y).sum::<f64>() / count;
        let squares: f64 = points.clone().map(|(x, _)| (x - mean_x).powi(2)).sum();
        let slope = points.map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / squares;
        (slope, mean_y - slope * mean_x)
    }

    /// Its numbers, in the order of the columns.
    fn bag(&self, prefix: &str) -> Map<String, Value> {
        let mut bag = Map::new();
        let mut put = |name: &str, v: f64| bag.insert(format!("{prefix}{name}"), real(v));
        put("rsquare", self.rsquare());
        put("slope", self.slope);
        put("variance", self.variance);
        put("rvariance", self.rvariance);
        put("interception", self.interception);
        bag
    }

    fn points(&self) -> impl Iterator<Item = f64> {
        (1..=self.length).map(|x| self.at(x))
    }

    fn at(&self, x: usize) -> f64 {
        self.slope * x as f64 + self.interception
    }

    fn rsquare(&self) -> f64 {
        if self.variance == 0.0 { 0.0 } else { 1.0 - self.rvariance / self.variance }
    }
}
