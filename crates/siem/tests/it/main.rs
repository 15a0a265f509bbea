//! The tests of the crate, one binary.
// What a test measures is printed.
#![allow(clippy::print_stdout, missing_docs)]

mod catalog;
mod docs;
mod insights;
mod kinds;
mod support;
