//! Sumo Logic search: `syntax` turns text into a tree, `plan` turns the tree into a DataFusion plan.

pub mod plan;
pub mod syntax;

pub use plan::plan;
pub use syntax::{Tree, parse};
