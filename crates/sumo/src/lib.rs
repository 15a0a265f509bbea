//! Sumo Logic search: `syntax` turns text into a tree, `plan` turns the tree into a DataFusion plan.

pub mod syntax;

pub use syntax::{Tree, parse};
