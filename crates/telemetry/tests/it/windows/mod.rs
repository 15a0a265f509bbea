//! Windows events in every shape.

mod damaged;
mod evtx_writer;
mod fixtures;
mod real;
mod same;
mod sample;
mod shapes;
mod support;
