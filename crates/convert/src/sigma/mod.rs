//! Sigma: reading and writing.

mod read;
mod write;

pub use read::{of_rule, read};
pub use write::write;
