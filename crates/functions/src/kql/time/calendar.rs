//! Where a day, week, month or year begins and ends; making instants; adding to them.

use super::in_range;
use crate::kql::values::civil::{days_in_month, weekday};
use crate::kql::values::{Civil, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND, UNIX_EPOCH};
use crate::udf::{Functions, Row};

/// The start of the unit that holds an instant, so many units further.
type StartOf = fn(i64, i64) -> Option<i64>;

pub(super) fn register(f: &mut Functions) {
    let units: [(&str, StartOf); 4] =
        [("day", start_of_day), ("week", start_of_week), ("month", start_of_month), ("year", start_of_year)];
    for (unit, start) in units {
        f.long(&format!("startof{unit}(datetime, long?) datetime"), move |r| start(r.long(0)?, offset(r)?));
        f.long(&format!("endof{unit}(datetime, long?) datetime"), move |r| {
            // The year 9999 ends where datetimes end: its next year has no beginning to count from.
            match start(r.long(0)?, offset(r)?.checked_add(1)?) {
                Some(next) => Some(next - 1),
                None => start(r.long(0)?, offset(r)?).map(|_| crate::kql::values::MAX_TICKS),
            }
        });
    }
    f.long("make_datetime(long, long, long, long?, long?, real?) datetime", make_datetime);
    f.long("make_timespan(real...) timespan", make_timespan);
    f.long("datetime_add(string, long, datetime) datetime", |r| add(r.str(0), r.long(1)?, r.long(2)?));
    for (unit, ticks) in [("seconds", TICKS_PER_SECOND), ("milliseconds", 10_000), ("microseconds", 10)] {
        f.long(&format!("unixtime_{unit}_todatetime_long(long) datetime"), move |r| {
            in_range(r.long(0)?.checked_mul(ticks)?.checked_add(UNIX_EPOCH)?)
        });
        f.long(&format!("unixtime_{unit}_todatetime_real(real) datetime"), move |r| {
            let v = (r.real(0)? * ticks as f64).round();
            (v.abs() < 4e18).then(|| in_range(v as i64 + UNIX_EPOCH))?
        });
    }
    f.long("unixtime_nanoseconds_todatetime_long(long) datetime", |r| {
        in_range(r.long(0)?.div_euclid(100) + UNIX_EPOCH)
    });
    f.long("unixtime_nanoseconds_todatetime_real(real) datetime", |r| {
        let v = (r.real(0)? / 100.0).floor();
        (v.abs() < 4e18).then(|| in_range(v as i64 + UNIX_EPOCH))?
    });
}

fn offset(r: &Row<'_>) -> Option<i64> {
    if r.len() > 1 { r.long(1) } else { Some(0) }
}

fn start_of_day(t: i64, n: i64) -> Option<i64> {
    in_range(t.div_euclid(TICKS_PER_DAY).checked_add(n)?.checked_mul(TICKS_PER_DAY)?)
}

/// Weeks begin on Sunday (documented).
fn start_of_week(t: i64, n: i64) -> Option<i64> {
    let day = t.div_euclid(TICKS_PER_DAY);
    in_range((day - weekday(day)).checked_add(n.checked_mul(7)?)?.checked_mul(TICKS_PER_DAY)?)
}

fn start_of_month(t: i64, n: i64) -> Option<i64> {
    let c = Civil::of(t);
    let months = (c.year * 12 + c.month - 1).checked_add(n)?;
    Civil::midnight(months.div_euclid(12), months.rem_euclid(12) + 1, 1)
}

fn start_of_year(t: i64, n: i64) -> Option<i64> {
    Civil::midnight(Civil::of(t).year.checked_add(n)?, 1, 1)
}

fn make_datetime(r: &Row<'_>) -> Option<i64> {
    let part = |i: usize| if r.len() > i { r.long(i) } else { Some(0) };
    let seconds = if r.len() > 5 { r.real(5)? } else { 0.0 };
    if !(0.0..60.0).contains(&seconds) {
        return None;
    }
    let c =
        Civil { year: part(0)?, month: part(1)?, day: part(2)?, hour: part(3)?, minute: part(4)?, ..Civil::default() };
    Some(c.ticks()? + (seconds * TICKS_PER_SECOND as f64).round() as i64)
}

/// `(hours, minutes)`, `(hours, minutes, seconds)` or `(days, hours, minutes, seconds)`.
fn make_timespan(r: &Row<'_>) -> Option<i64> {
    let at = |i: usize| r.real(i);
    let (days, hours, minutes, seconds) = match r.len() {
        2 => (0.0, at(0)?, at(1)?, 0.0),
        3 => (0.0, at(0)?, at(1)?, at(2)?),
        4 => (at(0)?, at(1)?, at(2)?, at(3)?),
        _ => return None,
    };
    let valid = (0.0..24.0).contains(&hours) && (0.0..60.0).contains(&minutes) && (0.0..60.0).contains(&seconds);
    valid.then(|| {
        days as i64 * TICKS_PER_DAY
            + hours as i64 * TICKS_PER_HOUR
            + minutes as i64 * TICKS_PER_MINUTE
            + (seconds * TICKS_PER_SECOND as f64).round() as i64
    })
}

/// Months and years keep the day of the month where the new month has it, else its last.
fn add(part: &str, n: i64, t: i64) -> Option<i64> {
    let ticks = match part.to_ascii_lowercase().as_str() {
        "year" => return add_months(t, n.checked_mul(12)?),
        "quarter" => return add_months(t, n.checked_mul(3)?),
        "month" => return add_months(t, n),
        "nanosecond" => return in_range(t.checked_add(n / 100)?),
        "week" => 7 * TICKS_PER_DAY,
        "day" => TICKS_PER_DAY,
        "hour" => TICKS_PER_HOUR,
        "minute" => TICKS_PER_MINUTE,
        "second" => TICKS_PER_SECOND,
        "millisecond" => 10_000,
        "microsecond" => 10,
        _ => return None,
    };
    in_range(t.checked_add(n.checked_mul(ticks)?)?)
}

fn add_months(t: i64, n: i64) -> Option<i64> {
    let mut c = Civil::of(t);
    let months = (c.year * 12 + c.month - 1).checked_add(n)?;
    (c.year, c.month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    c.day = c.day.min(days_in_month(c.year, c.month));
    c.ticks()
}
