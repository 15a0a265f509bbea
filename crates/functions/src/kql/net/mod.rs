//! Internet addresses.

mod address;
mod lookup;
mod v4;
mod v6;
mod within;

pub(in crate::kql) use lookup::Networks;

use crate::udf::Functions;

pub(super) fn register(f: &mut Functions) {
    v4::register(f);
    v6::register(f);
    within::register(f);
    lookup::register(f);
}
