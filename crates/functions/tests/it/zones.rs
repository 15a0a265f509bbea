//! Time zones, where this system has their database.

use crate::call::{Shape, call};
use serde_json::json;

#[test]
fn clocks_change() {
    let name = "kql_datetime_local_to_utc";
    if call(name, &[json!("2020-01-01"), json!("Europe/Brussels")], Shape::Constants).is_err() {
        eprintln!("skipped: this system has no time zone database");
        return;
    }
    // Measured on the real engine: around the hour that is skipped.
    for (local, utc) in [("01:00", "00:00"), ("02:00", "00:00"), ("03:00", "01:00"), ("04:00", "02:00")] {
        let args = [json!(format!("2022-03-27 {local}")), json!("Europe/Brussels")];
        let expected = json!(format!("2022-03-27T{utc}:00.0000000Z"));
        for shape in [Shape::Constants, Shape::FirstIsColumn, Shape::Columns] {
            assert_eq!(call(name, &args, shape), Ok(expected.clone()));
        }
    }
    let args = [json!("2020-02-02 20:02:20.5"), json!("US/Pacific")];
    assert_eq!(call(name, &args, Shape::Constants), Ok(json!("2020-02-03T04:02:20.5000000Z")));
    let back = [json!("2020-02-03T04:02:20.5"), json!("US/Pacific")];
    assert_eq!(call("kql_datetime_utc_to_local", &back, Shape::Constants), Ok(json!("2020-02-02T20:02:20.5000000Z")));
}

#[test]
fn an_unknown_zone_is_named() {
    let got = call("kql_datetime_utc_to_local", &[json!("2020-01-01"), json!("Mars/Olympus")], Shape::Constants);
    assert!(got.unwrap_err().contains("Mars/Olympus"));
}
