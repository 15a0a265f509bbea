//! `datetime_utc_to_local`, `datetime_local_to_utc`, `datetime_list_timezones`.
//!
//! Time zones come from the system's database. A zone that it does not know is an error that names it.

use super::in_range;
use crate::kql::json;
use crate::kql::values::{Civil, TICKS_PER_SECOND, UNIX_EPOCH};
use crate::udf::{Body, Consts, Functions};
use datafusion::common::{Result, exec_err};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

/// Files of the system's database that are no zones of their own.
const NO_ZONES: [&str; 3] = ["Factory", "localtime", "posixrules"];

pub(super) fn register(f: &mut Functions) {
    // Those that can be used here, by name.
    f.text("datetime_list_timezones() dynamic", |_, w| {
        let mut names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        names.retain(|name| !NO_ZONES.contains(&name.as_str()));
        names.sort_unstable();
        names.dedup();
        json::write_value(w, &Value::from(names));
        Some(())
    });
    f.compiled("datetime_utc_to_local(datetime, string) datetime", &[1], |c| {
        let zone = zone(c)?;
        Ok(Body::long(move |r| {
            let t = r.long(0)?;
            let instant = TimeZone::UTC.to_timestamp(civil(t)?).ok()?;
            in_range(t + i64::from(zone.to_offset(instant).seconds()) * TICKS_PER_SECOND)
        }))
    });
    f.compiled("datetime_local_to_utc(datetime, string) datetime", &[1], |c| {
        let zone = zone(c)?;
        Ok(Body::long(move |r| {
            let t = r.long(0)?;
            // A time that the clock skips is read with the offset after it (measured); of one that it shows twice, the
            // first is taken (inferred).
            let instant = zone.to_ambiguous_timestamp(civil(t)?).earlier().ok()?;
            let fraction = t.rem_euclid(TICKS_PER_SECOND);
            in_range(UNIX_EPOCH + instant.as_second() * TICKS_PER_SECOND + fraction)
        }))
    });
}

fn zone(c: &Consts) -> Result<TimeZone> {
    match TimeZone::get(c.str(1)) {
        Ok(zone) => Ok(zone),
        Err(e) => exec_err!("the time zone `{}` is not known here: {e}", c.str(1)),
    }
}

/// The clock's reading, to the second.
fn civil(t: i64) -> Option<DateTime> {
    let c = Civil::of(t);
    let part = |v: i64| i8::try_from(v).ok();
    let year = i16::try_from(c.year).ok()?;
    DateTime::new(year, part(c.month)?, part(c.day)?, part(c.hour)?, part(c.minute)?, part(c.second)?, 0).ok()
}
