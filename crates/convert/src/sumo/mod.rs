//! Sumo Logic search: writing and reading.

mod forms;
mod read;
pub(crate) mod record;
mod rows;
mod source;
mod text;
mod write;

pub use read::read;
pub use write::write;
