//! Conversions between the types: `kql_to<type>_<from>`, and `kql_dynamic_<from>`.
//!
//! A conversion that cannot be done is null, and empty for a string; none is an error (documented).

mod from_dynamic;
mod to_dynamic;
mod to_number;
mod to_string;
mod to_time;

use crate::udf::Functions;

pub(super) fn register(f: &mut Functions) {
    to_string::register(f);
    to_number::register(f);
    to_time::register(f);
    to_dynamic::register(f);
    from_dynamic::register(f);
}
