//! Windows events as JSON, in every shape that collectors give them.
//!
//! [`crate::formats::json`] reads the files; here one object is told and decoded.

mod decode;
mod laid;
mod layout;
mod shape;
mod tables;

pub(crate) use decode::gather_entries;
pub use decode::{Decoded, decode, decode_entries};
pub(crate) use laid::{Laid, LaidOut};
pub(crate) use layout::Layouts;
pub use shape::Shape;
