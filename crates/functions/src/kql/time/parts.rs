//! The parts of an instant, and differences counted in them.

use crate::kql::values::civil::{days, weekday};
use crate::kql::values::{Civil, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND};
use crate::udf::{Functions, Row};

pub(super) fn register(f: &mut Functions) {
    f.long("dayofweek(datetime) timespan", |r| Some(weekday(r.long(0)?.div_euclid(TICKS_PER_DAY)) * TICKS_PER_DAY));
    // The product's values are longs, whatever its documentation says (measured for `hourofday` and `datetime_part`,
    // inferred for the others).
    let named: [(&str, &'static str); 9] = [
        ("dayofmonth", "day"),
        ("dayofyear", "dayofyear"),
        ("hourofday", "hour"),
        ("monthofyear", "month"),
        ("getmonth", "month"),
        ("getyear", "year"),
        ("weekofyear", "weekofyear"),
        ("week_of_year", "week_of_year"),
        ("minuteofhour", "minute"),
    ];
    for (name, part) in named {
        f.long(&format!("{name}(datetime) long"), move |r| self::part(part, r.long(0)?));
    }
    for name in ["datetime_part", "datepart"] {
        f.long(&format!("{name}(string, datetime) long"), |r| part(r.str(0), r.long(1)?));
    }
    f.long("datetime_diff(string, datetime, datetime) long", difference);
}

/// A part by its name, without regard to case.
fn part(name: &str, t: i64) -> Option<i64> {
    let c = Civil::of(t);
    Some(match name.to_ascii_lowercase().as_str() {
        "year" => c.year,
        "quarter" => (c.month + 2) / 3,
        "month" => c.month,
        "week_of_year" | "week" => week_with(c, THURSDAY, 1),
        // Obsolete: weeks from Sunday, the first of a year with its first Wednesday (documented).
        "weekofyear" => week_with(c, WEDNESDAY, 0),
        "day" => c.day,
        "dayofyear" | "day_of_year" => days(c.year, c.month, c.day) - days(c.year, 1, 1) + 1,
        "hour" => c.hour,
        "minute" => c.minute,
        "second" => c.second,
        "millisecond" => c.fraction / 10_000,
        "microsecond" => c.fraction / 10,
        "nanosecond" => c.fraction * 100,
        _ => return None,
    })
}

const WEDNESDAY: i64 = 3;
/// ISO 8601: a week, from Monday, belongs to the year that holds its Thursday (documented).
const THURSDAY: i64 = 4;

/// The number of the week that begins on `first` (Sunday is 0) and belongs to the year of its `middle`.
fn week_with(c: Civil, middle: i64, first: i64) -> i64 {
    let day = days(c.year, c.month, c.day);
    let start = day - (weekday(day) - first).rem_euclid(7);
    let middle = start + middle - first;
    let (year, _, _) = crate::kql::values::civil::date(middle);
    (middle - days(year, 1, 1)) / 7 + 1
}

/// How many boundaries of the part lie between the instants: the first minus the second (documented).
fn difference(r: &Row<'_>) -> Option<i64> {
    let (a, b) = (r.long(1)?, r.long(2)?);
    let (x, y) = (Civil::of(a), Civil::of(b));
    let by = |ticks: i64| a.div_euclid(ticks) - b.div_euclid(ticks);
    Some(match r.str(0).to_ascii_lowercase().as_str() {
        "year" => x.year - y.year,
        "quarter" => (x.year * 4 + (x.month - 1) / 3) - (y.year * 4 + (y.month - 1) / 3),
        "month" => (x.year * 12 + x.month) - (y.year * 12 + y.month),
        "week" => week(a) - week(b),
        "day" => by(TICKS_PER_DAY),
        "hour" => by(TICKS_PER_HOUR),
        "minute" => by(TICKS_PER_MINUTE),
        "second" => by(TICKS_PER_SECOND),
        "millisecond" => by(10_000),
        "microsecond" => by(10),
        "nanosecond" => a.checked_sub(b)?.checked_mul(100)?,
        _ => return None,
    })
}

/// Weeks counted by their Sundays.
fn week(t: i64) -> i64 {
    (t.div_euclid(TICKS_PER_DAY) + 1).div_euclid(7)
}
