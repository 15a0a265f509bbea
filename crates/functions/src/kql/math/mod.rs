//! Numbers.

mod arithmetic;
mod bits;
mod reals;
mod units;
mod welch;

use crate::udf::Functions;

pub(super) fn register(f: &mut Functions) {
    arithmetic::register(f);
    bits::register(f);
    reals::register(f);
    units::register(f);
    welch::register(f);
}
