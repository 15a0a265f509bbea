//! Five weeks by the hour, as in the documentation's examples of decomposition: a season of a week, some outliers, and
//! noise that is the same in every run.

use crate::call::{Shape, call};
use serde_json::{Value, json};

const UP: [usize; 3] = [300, 400, 600];
const DOWN: [usize; 3] = [150, 200, 780];

fn weeks(weekend: f64, rise: f64) -> Vec<f64> {
    let mut seed = 1u64;
    let mut noise = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        2.0 * (seed >> 33) as f64 / f64::from(1u32 << 31)
    };
    (1..=24 * 7 * 5usize)
        .map(|t| {
            let level = if (t / 24) % 7 >= 5 { weekend } else { 15.0 };
            let daily = ((t % 24) / 10).pow(2) as f64;
            let outlier = if UP.contains(&t) {
                8.0
            } else if DOWN.contains(&t) {
                -8.0
            } else {
                0.0
            };
            noise() + level - daily + rise * t as f64 + outlier
        })
        .collect()
}

/// The points of a flag, counted from 1.
fn flagged(bag: &Value, flag: i64) -> Vec<usize> {
    let flags = bag["ad_flag"].as_array().expect("flags");
    flags.iter().enumerate().filter(|(_, f)| f.as_i64() == Some(flag)).map(|(i, _)| i + 1).collect()
}

#[test]
fn a_week_is_found_and_not_its_double() {
    let args = [json!(weeks(10.0, 0.0)), json!(4.0), json!(1000.0), json!(2)];
    let found = call("kql_series_periods_detect_dynamic", &args, Shape::Constants).expect("a result");
    assert_eq!(found["periods"][0], json!(168.0), "{found}");
}

fn anomalies(series: &[f64], trend: &str) -> (Vec<usize>, Vec<usize>) {
    let args = [json!(series), json!(1.5), json!(-1), json!(trend)];
    let bag = call("kql_series_decompose_anomalies_dynamic", &args, Shape::Constants).expect("a result");
    (flagged(&bag, 1), flagged(&bag, -1))
}

#[test]
fn outliers_stand_out_of_the_season() {
    let (mut up, mut down) = anomalies(&weeks(10.0, 0.0), "avg");
    up.retain(|t| UP.contains(t));
    down.retain(|t| DOWN.contains(t));
    assert_eq!((up, down), (UP.to_vec(), DOWN.to_vec()));
}

/// The chart of the documentation's second example marks the outliers and, besides, other weeks' points at the place of the
/// one whose outlier lifts the median of five.
#[test]
fn outliers_stand_out_of_the_season_and_of_the_trend() {
    let (up, mut down) = anomalies(&weeks(5.0, 1.0 / 72.0), "linefit");
    assert_eq!(up, UP);
    assert!(DOWN.iter().all(|t| down.contains(t)), "{down:?}");
    down.retain(|t| !DOWN.contains(t));
    assert!(!down.is_empty() && down.iter().all(|t| t % 168 == 300 % 168), "{down:?}");
}
