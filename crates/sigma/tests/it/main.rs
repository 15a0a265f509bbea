//! The crate's integration tests.

mod corpus;
mod matcher;
mod print;
