//! A value as a dynamic: `kql_dynamic_<type>`; `parse_json`.

use crate::kql::json;
use crate::kql::values::{format_scaled, format_timespan, write_datetime};
use crate::udf::{Functions, Row};
use std::fmt::Write as _;

pub(super) fn register(f: &mut Functions) {
    f.text("dynamic_string(string) dynamic", |r, w| {
        json::write_string(w, r.str(0));
        Some(())
    });
    f.text("dynamic_guid(guid) dynamic", |r, w| {
        json::write_string(w, r.text(0)?);
        Some(())
    });
    f.text("dynamic_bool(bool) dynamic", |r, w| write!(w, "{}", r.bool(0)?).ok());
    f.text("dynamic_int(int) dynamic", |r, w| write!(w, "{}", r.long(0)?).ok());
    f.text("dynamic_long(long) dynamic", |r, w| write!(w, "{}", r.long(0)?).ok());
    f.text("dynamic_real(real) dynamic", |r, w| {
        json::write_real(w, r.real(0)?);
        Some(())
    });
    // A decimal inside a dynamic is text (documented: JSON has no such type).
    f.text("dynamic_decimal(decimal) dynamic", |r, w| {
        let (v, scale) = r.scaled(0)?;
        json::write_string(w, &format_scaled(v, scale));
        Some(())
    });
    f.text("dynamic_datetime(datetime) dynamic", |r, w| {
        w.push('"');
        write_datetime(w, r.long(0)?);
        w.push('"');
        Some(())
    });
    f.text("dynamic_timespan(timespan) dynamic", |r, w| {
        json::write_string(w, &format_timespan(r.long(0)?));
        Some(())
    });
    f.text("dynamic_dynamic(dynamic) dynamic", |r, w| {
        w.push_str(r.text(0)?);
        Some(())
    });
    for name in ["parse_json", "todynamic", "toobject", "parsejson"] {
        f.text(&format!("{name}_string(string) dynamic"), parse_json);
        f.text(&format!("{name}_dynamic(dynamic) dynamic"), parse_json_dynamic);
    }
}

/// The text as JSON; text that is no JSON is a string (documented). An empty text is null (inferred).
fn parse_json(r: &Row<'_>, w: &mut String) -> Option<()> {
    json::write_parsed(w, r.str(0))
}

/// A dynamic that is a string is parsed; any other is itself.
fn parse_json_dynamic(r: &Row<'_>, w: &mut String) -> Option<()> {
    let given = r.text(0)?;
    if given.trim_start().starts_with('"') {
        return json::write_parsed(w, &json::text(given));
    }
    w.push_str(given);
    Some(())
}
