//! `todatetime`, `totimespan`. A number is ticks.

use crate::kql::json;
use crate::kql::values::{MAX_TICKS, parse_datetime, parse_timespan};
use crate::udf::{Functions, Row};
use serde_json::Value;

pub(super) fn register(f: &mut Functions) {
    // `make_datetime` and `make_timespan` of one value are conversions too (documented).
    for name in ["todatetime", "make_datetime"] {
        f.long(&format!("{name}_string(string) datetime"), |r| parse_datetime(r.str(0)));
        for ty in ["datetime", "int", "long", "timespan"] {
            f.long(&format!("{name}_{ty}({ty}) datetime"), instant);
        }
        f.long(&format!("{name}_dynamic(dynamic) datetime"), |r| match json::scalar(r.text(0)?)? {
            Value::String(s) => parse_datetime(&s),
            Value::Number(n) => n.as_i64().filter(|t| (0..=MAX_TICKS).contains(t)),
            _ => None,
        });
    }
    for name in ["totimespan", "make_timespan"] {
        f.long(&format!("{name}_string(string) timespan"), |r| parse_timespan(r.str(0)));
        for ty in ["timespan", "int", "long", "datetime"] {
            f.long(&format!("{name}_{ty}({ty}) timespan"), |r| r.long(0));
        }
        f.long(&format!("{name}_dynamic(dynamic) timespan"), |r| match json::scalar(r.text(0)?)? {
            Value::String(s) => parse_timespan(&s),
            Value::Number(n) => n.as_i64(),
            _ => None,
        });
    }
}

fn instant(r: &Row<'_>) -> Option<i64> {
    r.long(0).filter(|t| (0..=MAX_TICKS).contains(t))
}
