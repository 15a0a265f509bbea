//! `toint`, `tolong`, `toreal`, `todecimal`, `tobool`.

use crate::kql::values::{parse_bool, parse_decimal, parse_int, parse_long, parse_real};
use crate::udf::{DECIMAL_ONE, Functions};

pub(super) fn register(f: &mut Functions) {
    f.int("toint_string(string) int", |r| whole(r.str(0))?.try_into().ok().or_else(|| parse_int(r.str(0))));
    f.int("toint_bool(bool) int", |r| Some(i32::from(r.bool(0)?)));
    f.int("toint_int(int) int", |r| r.long(0)?.try_into().ok());
    // Inferred: what does not fit is null, as for text.
    f.int("toint_long(long) int", |r| r.long(0)?.try_into().ok());
    f.int("toint_real(real) int", |r| long_of(r.real(0)?)?.try_into().ok());
    f.int("toint_decimal(decimal) int", |r| (r.decimal(0)? / DECIMAL_ONE).try_into().ok());

    f.long("tolong_string(string) long", |r| whole(r.str(0)));
    f.long("tolong_bool(bool) long", |r| Some(i64::from(r.bool(0)?)));
    f.long("tolong_int(int) long", |r| r.long(0));
    f.long("tolong_long(long) long", |r| r.long(0));
    f.long("tolong_real(real) long", |r| long_of(r.real(0)?));
    f.long("tolong_decimal(decimal) long", |r| (r.decimal(0)? / DECIMAL_ONE).try_into().ok());
    // An instant or a length of time as a number is its ticks (inferred).
    f.long("tolong_datetime(datetime) long", |r| r.long(0));
    f.long("tolong_timespan(timespan) long", |r| r.long(0));

    f.real("toreal_string(string) real", |r| parse_real(r.str(0)));
    f.real("toreal_bool(bool) real", |r| Some(f64::from(u8::from(r.bool(0)?))));
    f.real("toreal_int(int) real", |r| r.real(0));
    f.real("toreal_long(long) real", |r| r.real(0));
    f.real("toreal_real(real) real", |r| r.real(0));
    f.real("toreal_decimal(decimal) real", |r| r.real(0));
    f.real("toreal_datetime(datetime) real", |r| r.real(0));
    f.real("toreal_timespan(timespan) real", |r| r.real(0));

    f.decimal("todecimal_string(string) decimal", |r| parse_decimal(r.str(0)));
    f.decimal("todecimal_bool(bool) decimal", |r| Some(i128::from(r.bool(0)?) * DECIMAL_ONE));
    f.decimal("todecimal_int(int) decimal", |r| r.decimal(0));
    f.decimal("todecimal_long(long) decimal", |r| r.decimal(0));
    f.decimal("todecimal_real(real) decimal", |r| parse_decimal(&format!("{:?}", r.real(0)?)));
    f.decimal("todecimal_decimal(decimal) decimal", |r| r.decimal(0));

    f.bool("tobool_string(string) bool", |r| parse_bool(r.str(0)));
    f.bool("tobool_bool(bool) bool", |r| r.bool(0));
    f.bool("tobool_int(int) bool", |r| Some(r.long(0)? != 0));
    f.bool("tobool_long(long) bool", |r| Some(r.long(0)? != 0));
    f.bool("tobool_real(real) bool", |r| Some(r.real(0)? != 0.0));
    f.bool("tobool_decimal(decimal) bool", |r| Some(r.decimal(0)? != 0));
}

/// A string as a long. One that holds a real is cut at its point.
pub(super) fn whole(text: &str) -> Option<i64> {
    parse_long(text).or_else(|| long_of(parse_real(text)?))
}

/// A real cut towards zero, where a long can hold it.
pub(crate) fn long_of(v: f64) -> Option<i64> {
    (v.is_finite() && v.abs() < 9.223_372_036_854_775e18).then_some(v as i64)
}
