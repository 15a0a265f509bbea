//! `bin`, `floor` and `bin_at`, over every type that has them.

use super::in_range;
use crate::udf::{Functions, Row};

pub(super) fn register(f: &mut Functions) {
    for name in ["bin", "floor"] {
        f.long(&format!("{name}_datetime(datetime, timespan) datetime"), |r| in_range(bin(r)?));
        f.long(&format!("{name}_timespan(timespan, timespan) timespan"), bin);
        f.long(&format!("{name}_long(long, long) long"), bin);
        f.int(&format!("{name}_int(int, int) int"), |r| bin(r)?.try_into().ok());
        f.real(&format!("{name}_real(real, real) real"), |r| {
            let (v, size) = (r.real(0)?, r.real(1)?);
            (size > 0.0).then(|| (v / size).floor() * size)
        });
        f.decimal(&format!("{name}_decimal(decimal, decimal) decimal"), |r| {
            let (v, size) = (r.decimal(0)?, r.decimal(1)?);
            (size > 0).then(|| v.div_euclid(size) * size)
        });
    }
    f.long("bin_at_datetime(datetime, timespan, datetime) datetime", |r| in_range(bin_at(r)?));
    f.long("bin_at_timespan(timespan, timespan, timespan) timespan", bin_at);
    f.long("bin_at_long(long, long, long) long", bin_at);
    f.real("bin_at_real(real, real, real) real", |r| {
        let (v, size, at) = (r.real(0)?, r.real(1)?, r.real(2)?);
        (size > 0.0).then(|| ((v - at) / size).floor() * size + at)
    });
}

/// Down to a multiple of the size, counted from zero (for an instant: from 0001-01-01). A size that is not positive is
/// null (documented).
fn bin(r: &Row<'_>) -> Option<i64> {
    let (v, size) = (r.long(0)?, r.long(1)?);
    if size <= 0 { None } else { v.checked_sub(v.rem_euclid(size)) }
}

/// As [`bin`], counted from a fixed point.
fn bin_at(r: &Row<'_>) -> Option<i64> {
    let (v, size, at) = (r.long(0)?, r.long(1)?, r.long(2)?);
    if size <= 0 { None } else { v.checked_sub(v.checked_sub(at)?.rem_euclid(size)) }
}
