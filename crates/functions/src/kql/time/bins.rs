//! `bin`, `floor` and `bin_at`, over every type that has them.

use super::in_range;
use crate::udf::{Functions, Row};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::Int64Type;
use std::sync::Arc;

pub(super) fn register(f: &mut Functions) {
    for name in ["bin", "floor"] {
        f.arrays(&format!("{name}_datetime(datetime, timespan) datetime"), |args, rows| {
            Ok(bins(args, rows, |v, size| in_range(down(v, size)?)))
        });
        f.arrays(&format!("{name}_timespan(timespan, timespan) timespan"), |args, rows| Ok(bins(args, rows, down)));
        f.arrays(&format!("{name}_long(long, long) long"), |args, rows| Ok(bins(args, rows, down)));
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
fn down(v: i64, size: i64) -> Option<i64> {
    if size <= 0 { None } else { v.checked_sub(v.rem_euclid(size)) }
}

fn bin(r: &Row<'_>) -> Option<i64> {
    down(r.long(0)?, r.long(1)?)
}

/// The bins of a column. Most values are in the bin of the one before them: events come nearly in the order of time.
fn bins(args: &[ArrayRef], rows: usize, down: impl Fn(i64, i64) -> Option<i64>) -> ArrayRef {
    let column = |a: &ArrayRef| a.as_primitive::<Int64Type>().clone();
    let (values, sizes) = (column(&args[0]), column(&args[1]));
    let at = |a: &Int64Array, i: usize| {
        let i = if a.len() == 1 { 0 } else { i };
        a.is_valid(i).then(|| a.value(i))
    };
    // A bin, and the last value in it.
    let (mut of, mut from, mut last) = (0, 0, -1);
    let each = (0..rows).map(|i| {
        let (v, size) = (at(&values, i)?, at(&sizes, i)?);
        if size != of || !(from..=last).contains(&v) {
            from = down(v, size)?;
            (of, last) = (size, from.saturating_add(size - 1));
        }
        Some(from)
    });
    Arc::new(each.collect::<Int64Array>())
}

/// As [`bin`], counted from a fixed point.
fn bin_at(r: &Row<'_>) -> Option<i64> {
    let (v, size, at) = (r.long(0)?, r.long(1)?, r.long(2)?);
    if size <= 0 { None } else { v.checked_sub(v.checked_sub(at)?.rem_euclid(size)) }
}
