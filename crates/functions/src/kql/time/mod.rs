//! Instants and lengths of time, on ticks.
//!
//! What leaves the range of a datetime (years 1 to 9999) is null.

mod bins;
mod calendar;
mod format;
mod parts;
mod zones;

use super::values::MAX_TICKS;
use crate::udf::Functions;

pub(super) fn register(f: &mut Functions) {
    bins::register(f);
    calendar::register(f);
    parts::register(f);
    format::register(f);
    zones::register(f);
}

fn in_range(ticks: i64) -> Option<i64> {
    (0..=MAX_TICKS).contains(&ticks).then_some(ticks)
}
