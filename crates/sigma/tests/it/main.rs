//! The crate's integration tests.

mod corpus;
mod correlate;
mod matcher;
mod print;
mod sigmahq;
