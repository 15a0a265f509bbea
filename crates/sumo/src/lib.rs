//! Sumo Logic search: `syntax` turns text into a tree, `plan` turns the tree into a DataFusion plan.

// A diagnostic ends the work on a query, so its size costs nothing.
#![allow(clippy::result_large_err)]

pub mod plan;
pub mod siem;
pub mod syntax;

pub use plan::{Rule, plan, trace};
pub use syntax::{Tree, parse};
