//! Arithmetic with Kusto's rules: division by zero and what does not fit are null, never an error (documented); and
//! the smallest and largest of several values.

use crate::udf::{DECIMAL_ONE, Functions, Row};

pub(super) fn register(f: &mut Functions) {
    f.long("divide_long(long, long) long", |r| r.long(0)?.checked_div(r.long(1)?));
    f.int("divide_int(int, int) int", |r| r.long(0)?.checked_div(r.long(1)?)?.try_into().ok());
    f.real("divide_real(real, real) real", |r| Some(r.real(0)? / r.real(1)?));
    f.decimal("divide_decimal(decimal, decimal) decimal", |r| {
        r.decimal(0)?.checked_mul(DECIMAL_ONE)?.checked_div(r.decimal(1)?)
    });
    // How often one length of time goes into another is a real (measured); a length divided by a number is a length.
    f.real("divide_timespan(timespan, timespan) real", |r| {
        let by = r.long(1)?;
        (by != 0).then(|| r.long(0).map(|v| v as f64 / by as f64))?
    });
    f.long("divide_timespan_real(timespan, real) timespan", |r| scaled(r.long(0)? as f64 / r.real(1)?));
    f.long("multiply_timespan_real(timespan, real) timespan", |r| scaled(r.long(0)? as f64 * r.real(1)?));
    f.long("divide_timespan_long(timespan, long) timespan", |r| divided(r.long(0)?, r.long(1)?));
    f.long("multiply_timespan_long(timespan, long) timespan", |r| r.long(0)?.checked_mul(r.long(1)?));
    // The remainder is never negative: -14 % 12 and -14 % -12 are 10 (documented).
    f.long("modulo_long(long, long) long", |r| r.long(0)?.checked_rem_euclid(r.long(1)?));
    f.int("modulo_int(int, int) int", |r| r.long(0)?.checked_rem_euclid(r.long(1)?)?.try_into().ok());
    f.long("modulo_timespan(timespan, timespan) timespan", |r| r.long(0)?.checked_rem_euclid(r.long(1)?));
    f.decimal("modulo_decimal(decimal, decimal) decimal", |r| r.decimal(0)?.checked_rem_euclid(r.decimal(1)?));
    f.real("modulo_real(real, real) real", |r| Some(r.real(0)?.rem_euclid(r.real(1)?)));

    f.long("abs_long(long) long", |r| r.long(0)?.checked_abs());
    f.int("abs_int(int) int", |r| r.long(0)?.abs().try_into().ok());
    f.long("abs_timespan(timespan) timespan", |r| r.long(0)?.checked_abs());
    f.real("abs_real(real) real", |r| Some(r.real(0)?.abs()));
    f.decimal("abs_decimal(decimal) decimal", |r| Some(r.decimal(0)?.abs()));

    for ty in ["long", "int", "timespan"] {
        f.bool(&format!("around_{ty}({ty}, {ty}, {ty}) bool"), around);
    }
    f.bool("around_datetime(datetime, datetime, timespan) bool", around);
    f.bool("around_real(real, real, real) bool", |r| Some((r.real(0)? - r.real(1)?).abs() <= r.real(2)?));

    for (name, larger) in [("max_of", true), ("min_of", false)] {
        for ty in ["long", "datetime", "timespan"] {
            f.long(&format!("{name}_{ty}({ty}...) {ty}"), move |r| best(r, larger, |i| r.long(i), i64::cmp));
        }
        f.int(&format!("{name}_int(int...) int"), move |r| best(r, larger, |i| r.long(i), i64::cmp)?.try_into().ok());
        f.bool(&format!("{name}_bool(bool...) bool"), move |r| best(r, larger, |i| r.bool(i), bool::cmp));
        f.real(&format!("{name}_real(real...) real"), move |r| best(r, larger, |i| r.real(i), f64::total_cmp));
        f.decimal(&format!("{name}_decimal(decimal...) decimal"), move |r| {
            best(r, larger, |i| r.decimal(i), i128::cmp)
        });
        f.text(&format!("{name}_string(string...) string"), move |r, w| {
            w.push_str(best(r, larger, |i| Some(r.str(i)), |a, b| a.cmp(b))?);
            Some(())
        });
    }
}

/// Within a distance of a centre, both ends included (measured).
fn around(r: &Row<'_>) -> Option<bool> {
    let distance = r.long(0)?.checked_sub(r.long(1)?)?;
    Some(distance.checked_abs()? <= r.long(2)?)
}

/// To the nearest tick, halves away from zero, as [`scaled`] rounds.
fn divided(ticks: i64, by: i64) -> Option<i64> {
    let (ticks, by) = (i128::from(ticks), i128::from(by));
    let whole = ticks.checked_div(by)?;
    let up = (ticks % by).abs() * 2 >= by.abs();
    let away = if (ticks < 0) == (by < 0) { 1 } else { -1 };
    i64::try_from(if up { whole + away } else { whole }).ok()
}

fn scaled(v: f64) -> Option<i64> {
    (v.abs() < 9.2e18).then_some(v.round() as i64)
}

/// The smallest or largest of the values that are not null (measured).
fn best<T>(
    r: &Row<'_>,
    larger: bool,
    get: impl Fn(usize) -> Option<T>,
    compare: impl Fn(&T, &T) -> std::cmp::Ordering,
) -> Option<T> {
    (0..r.len()).filter_map(get).reduce(|a, b| if compare(&b, &a).is_gt() == larger { b } else { a })
}
