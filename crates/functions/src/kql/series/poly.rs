//! `series_fit_poly`: the polynomial that is nearest to a series.

use super::{Value, numbers, put, real};
use crate::udf::{Functions, Row};
use serde_json::Map;

/// The highest degree; beyond it the numbers of a polynomial mean nothing.
const MOST: i64 = 100;

pub(super) fn register(f: &mut Functions) {
    f.text("series_fit_poly_dynamic(dynamic, dynamic?, long?) dynamic", fit);
}

/// Points are 1, 2, … where no others are given; the degree is 1. Coefficients stand from the highest power down
/// (documented). Variances are of the sample, as those of a line are (inferred: degree 1 gives the same as a line).
fn fit(r: &Row<'_>, w: &mut String) -> Option<()> {
    let y = numbers(r, 0)?;
    let x = match r.len() > 1 && r.text(1).is_some() {
        true => numbers(r, 1)?,
        false => (1..=y.len()).map(|i| i as f64).collect(),
    };
    let degree = if r.len() > 2 { r.long(2)? } else { 1 };
    if !(0..=MOST).contains(&degree) || x.len() != y.len() || y.len() <= degree as usize {
        return None;
    }
    let coefficients = least_squares(&x, &y, degree as usize)?;
    let fitted: Vec<f64> = x.iter().map(|x| coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)).collect();
    let count = y.len() as f64;
    let mean = y.iter().sum::<f64>() / count;
    let spread = |squares: f64| if y.len() > 1 { squares / (count - 1.0) } else { 0.0 };
    let variance = spread(y.iter().map(|y| (y - mean).powi(2)).sum());
    let rvariance = spread(y.iter().zip(&fitted).map(|(y, fit)| (y - fit).powi(2)).sum());
    let rsquare = if variance == 0.0 { 0.0 } else { 1.0 - rvariance / variance };
    let mut bag = Map::new();
    bag.insert("rsquare".into(), real(rsquare));
    bag.insert("coefficients".into(), coefficients.iter().rev().copied().map(real).collect());
    bag.insert("variance".into(), real(variance));
    bag.insert("rvariance".into(), real(rvariance));
    bag.insert("poly_fit".into(), fitted.into_iter().map(real).collect());
    put(w, Value::from(bag))
}

/// The coefficients, from the constant up, by Householder reflections of the powers of the points.
fn least_squares(x: &[f64], y: &[f64], degree: usize) -> Option<Vec<f64>> {
    let columns = degree + 1;
    let mut a: Vec<Vec<f64>> = (0..columns).map(|p| x.iter().map(|x| x.powi(p as i32)).collect()).collect();
    let mut b = y.to_vec();
    let mut diagonal = vec![0.0; columns];
    for k in 0..columns {
        let norm = a[k][k..].iter().map(|v| v * v).sum::<f64>().sqrt();
        if norm == 0.0 {
            return None;
        }
        let alpha = if a[k][k] > 0.0 { -norm } else { norm };
        let mut v: Vec<f64> = a[k][k..].to_vec();
        v[0] -= alpha;
        let length: f64 = v.iter().map(|v| v * v).sum();
        diagonal[k] = alpha;
        let reflect = |column: &mut [f64]| {
            let along = v.iter().zip(column.iter()).map(|(v, c)| v * c).sum::<f64>() * 2.0 / length;
            column.iter_mut().zip(&v).for_each(|(c, v)| *c -= along * v);
        };
        for column in &mut a[k + 1..] {
            reflect(&mut column[k..]);
        }
        reflect(&mut b[k..]);
    }
    let mut solved = vec![0.0; columns];
    for k in (0..columns).rev() {
        let known: f64 = (k + 1..columns).map(|j| a[j][k] * solved[j]).sum();
        solved[k] = (b[k] - known) / diagonal[k];
    }
    Some(solved)
}
