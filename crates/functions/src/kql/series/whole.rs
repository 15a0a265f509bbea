//! One number, or one bag, of a whole series.

use super::{Value, array, json, numbers, put, real};
use crate::udf::{Functions, Row};
use serde_json::Map;

pub(super) fn register(f: &mut Functions) {
    f.real("series_sum(dynamic) real", |r| Some(numbers(r, 0)?.iter().fold(0.0, |sum, v| sum + v)));
    f.real("series_product(dynamic) real", |r| Some(numbers(r, 0)?.iter().product()));
    f.real("series_magnitude(dynamic) real", |r| Some(magnitude(&numbers(r, 0)?)));
    f.real("series_dot_product(dynamic, dynamic) real", dot_product);
    f.real("series_cosine_similarity(dynamic, dynamic, real?, real?) real", cosine_similarity);
    f.real("series_pearson_correlation(dynamic, dynamic) real", |r| {
        let (a, b) = (numbers(r, 0)?, numbers(r, 1)?);
        (a.len() == b.len() && !a.is_empty()).then(|| correlation(&a, &b))
    });
    f.text("series_stats_dynamic(dynamic, bool?) dynamic", |r, w| {
        let ignore = r.bool(1).unwrap_or(false);
        let all: Vec<f64> = array(r, 0)?
            .iter()
            .map(|v| v.as_f64().filter(|v| v.is_finite()))
            .filter(|v| !ignore || v.is_some())
            .collect::<Option<_>>()?;
        put(w, Value::from(stats(&all)))
    });
}

/// A number stands for a series of it; the longer series is cut, an element that is no number is passed over, and an
/// empty series is null (documented).
fn dot_product(r: &Row<'_>) -> Option<f64> {
    let series = |i: usize| match json::value(r.text(i)?)? {
        Value::Array(all) => Some(Ok(all)),
        other => other.as_f64().map(Err),
    };
    let product = |a: &Value, b: &Value| Some(a.as_f64()? * b.as_f64()?);
    match (series(0)?, series(1)?) {
        (Ok(a), Ok(b)) if a.is_empty() || b.is_empty() => None,
        (Ok(a), Ok(b)) => Some(a.iter().zip(&b).filter_map(|(a, b)| product(a, b)).sum()),
        (Ok(all), Err(_)) | (Err(_), Ok(all)) if all.is_empty() => None,
        (Ok(all), Err(n)) | (Err(n), Ok(all)) => Some(all.iter().filter_map(Value::as_f64).map(|v| v * n).sum()),
        (Err(_), Err(_)) => None,
    }
}

/// The dot product by both magnitudes, which may be given. The longer series is cut, elements that are no numbers are
/// passed over, and an empty series is null (documented).
fn cosine_similarity(r: &Row<'_>) -> Option<f64> {
    let (a, b) = (array(r, 0)?, array(r, 1)?);
    let pairs = a.iter().zip(&b).filter_map(|(a, b)| Some((a.as_f64()?, b.as_f64()?)));
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.unzip();
    if a.is_empty() {
        return None;
    }
    let length = |i: usize, of: &[f64]| if r.len() > i { r.real(i) } else { Some(magnitude(of)) };
    Some(dot(&a, &b) / (length(2, &a)? * length(3, &b)?))
}

fn magnitude(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |sum, v| sum + v * v).sqrt()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn mean(v: &[f64]) -> f64 {
    v.iter().sum::<f64>() / v.len() as f64
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let centred = |v: &[f64]| -> Vec<f64> {
        let m = mean(v);
        v.iter().map(|x| x - m).collect()
    };
    let (a, b) = (centred(a), centred(b));
    dot(&a, &b) / (dot(&a, &a).sqrt() * dot(&b, &b).sqrt())
}

/// Sample variance; the first of several extremes (documented).
fn stats(all: &[f64]) -> Map<String, Value> {
    let first = |better: fn(f64, f64) -> bool| {
        (0..all.len()).reduce(|best, i| if better(all[i], all[best]) { i } else { best })
    };
    let mut bag = Map::new();
    let mut put = |name: &str, value: Value| bag.insert(name.into(), value);
    let (Some(min), Some(max)) = (first(|a, b| a < b), first(|a, b| a > b)) else {
        for name in ["min", "min_idx", "max", "max_idx", "avg", "stdev", "variance", "sum"] {
            put(name, Value::Null);
        }
        put("len", Value::from(0));
        return bag;
    };
    let avg = mean(all);
    let squares: f64 = all.iter().map(|v| (v - avg).powi(2)).sum();
    let variance = if all.len() > 1 { squares / (all.len() as f64 - 1.0) } else { 0.0 };
    put("min", real(all[min]));
    put("min_idx", Value::from(min));
    put("max", real(all[max]));
    put("max_idx", Value::from(max));
    put("avg", real(avg));
    put("stdev", real(variance.sqrt()));
    put("variance", real(variance));
    put("sum", real(all.iter().sum()));
    put("len", Value::from(all.len()));
    bag
}
