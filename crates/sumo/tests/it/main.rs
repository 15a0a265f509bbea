//! The tests of the crate, one binary.

mod cases;
mod corpus;
mod mutations;
mod provenance;
mod support;
