//! What is passed over undecoded never changes an answer. The bytes choose the format, the events and the queries; a
//! difference in rows is a crash.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/engine/tests/it/differential/mod.rs"]
mod differential;

fuzz_target!(|bytes: &[u8]| {
    if let Err(difference) = differential::compare(bytes) {
        panic!("{difference}");
    }
});
