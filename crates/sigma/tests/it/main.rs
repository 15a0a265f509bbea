//! The crate's integration tests.
mod matcher;
