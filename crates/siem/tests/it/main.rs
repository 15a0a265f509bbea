//! The tests of the crate, one binary.
