//! The tests of the crate, one binary.

mod cases;
mod corpus;
mod docs;
mod mutations;
mod provenance;
mod support;
