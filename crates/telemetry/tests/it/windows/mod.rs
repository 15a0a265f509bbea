//! Windows events in every shape.

mod real;
mod support;
