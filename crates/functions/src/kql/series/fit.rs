//! Least squares.

use super::{Value, numbers, put, real};
use crate::udf::Functions;
use serde_json::Map;

pub(super) fn register(f: &mut Functions) {
    f.text("series_fit_line_dynamic(dynamic) dynamic", |r, w| {
        let line = Line::through(&numbers(r, 0)?)?;
        let mut bag = Map::new();
        bag.insert("rsquare".into(), real(line.rsquare()));
        bag.insert("slope".into(), real(line.slope));
        bag.insert("variance".into(), real(line.variance));
        bag.insert("rvariance".into(), real(line.rvariance));
        bag.insert("interception".into(), real(line.interception));
        bag.insert("line_fit".into(), (1..=line.length).map(|x| real(line.at(x))).collect::<Vec<_>>().into());
        put(w, Value::from(bag))
    });
}

/// A line through the points (1, y₁), (2, y₂), … (documented by example).
struct Line {
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

    fn at(&self, x: usize) -> f64 {
        self.slope * x as f64 + self.interception
    }

    fn rsquare(&self) -> f64 {
        if self.variance == 0.0 { 0.0 } else { 1.0 - self.rvariance / self.variance }
    }
}
