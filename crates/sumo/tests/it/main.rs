//! The tests of the crate, one binary.
// What a test measures is printed.
#![allow(clippy::print_stdout, missing_docs)]

mod cases;
mod corpus;
mod docs;
mod mutations;
mod provenance;
mod siem;
mod support;
