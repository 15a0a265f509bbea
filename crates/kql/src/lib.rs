//! Kusto Query Language: `syntax` turns text into a tree, `plan` turns the tree into a DataFusion plan.

mod plan;
pub mod schema;
pub mod syntax;

pub use plan::{plan, trace};
pub use syntax::parse;
pub use syntax::tree::Tree;
