//! Windows events as JSON, in every shape that collectors give them.

mod decode;
mod elements;
mod reader;
mod shape;
mod tables;

pub use decode::{Decoded, decode};
pub use reader::JsonReader;
pub use shape::Shape;
