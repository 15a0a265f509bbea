//! `todatetime`, `totimespan`. A number is ticks.

use crate::kql::values::{MAX_TICKS, parse_datetime, parse_timespan};
use crate::udf::{Functions, Row};

pub(super) fn register(f: &mut Functions) {
    f.long("todatetime_string(string) datetime", |r| parse_datetime(r.str(0)));
    f.long("todatetime_datetime(datetime) datetime", |r| r.long(0));
    f.long("todatetime_int(int) datetime", instant);
    f.long("todatetime_long(long) datetime", instant);
    f.long("todatetime_timespan(timespan) datetime", instant);
    f.long("totimespan_string(string) timespan", |r| parse_timespan(r.str(0)));
    f.long("totimespan_timespan(timespan) timespan", |r| r.long(0));
    f.long("totimespan_int(int) timespan", |r| r.long(0));
    f.long("totimespan_long(long) timespan", |r| r.long(0));
    f.long("totimespan_datetime(datetime) timespan", |r| r.long(0));
}

fn instant(r: &Row<'_>) -> Option<i64> {
    r.long(0).filter(|t| (0..=MAX_TICKS).contains(t))
}
