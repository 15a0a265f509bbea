//! `tostring`, and the guid.

use crate::kql::json;
use crate::kql::values::{format_scaled, format_timespan, parse_guid, write_datetime, write_real};
use crate::udf::Functions;
use std::fmt::Write as _;

pub(super) fn register(f: &mut Functions) {
    f.text("tostring_string(string) string", |r, w| put(w, r.str(0)));
    f.text("tostring_guid(guid) string", |r, w| put(w, r.text(0)?));
    f.text("tostring_bool(bool) string", |r, w| put(w, if r.bool(0)? { "true" } else { "false" }));
    f.text("tostring_int(int) string", |r, w| write!(w, "{}", r.long(0)?).ok());
    f.text("tostring_long(long) string", |r, w| write!(w, "{}", r.long(0)?).ok());
    f.text("tostring_real(real) string", |r, w| {
        write_real(w, r.real(0)?);
        Some(())
    });
    f.text("tostring_decimal(decimal) string", |r, w| {
        let (v, scale) = r.scaled(0)?;
        put(w, &format_scaled(v, scale))
    });
    f.text("tostring_datetime(datetime) string", |r, w| {
        write_datetime(w, r.long(0)?);
        Some(())
    });
    f.text("tostring_timespan(timespan) string", |r, w| put(w, &format_timespan(r.long(0)?)));
    f.text("tostring_dynamic(dynamic) string", |r, w| {
        json::write_text(w, r.text(0)?);
        Some(())
    });
    f.text("toguid_string(string) guid", |r, w| put(w, &parse_guid(r.str(0))?));
    f.text("toguid_guid(guid) guid", |r, w| put(w, r.text(0)?));
    f.text("toguid_dynamic(dynamic) guid", |r, w| put(w, &parse_guid(&json::text(r.text(0)?))?));
}

fn put(w: &mut String, text: &str) -> Option<()> {
    w.push_str(text);
    Some(())
}
