//! Numbers.

mod arithmetic;
mod beta;
mod bits;
mod bytes;
mod reals;
mod units;
mod welch;

use crate::udf::Functions;

pub(super) fn register(f: &mut Functions) {
    arithmetic::register(f);
    beta::register(f);
    bits::register(f);
    bytes::register(f);
    reals::register(f);
    units::register(f);
    welch::register(f);
}
