//! Sigma: reading and writing.

mod read;
mod selection;
mod write;
pub(crate) mod yaml;

pub use read::{is_for, of_rule, read, read_all};
pub use write::write;
