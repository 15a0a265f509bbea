//! Tests of conversions.

mod cases;
mod corpus;
mod events;
mod names;
mod round;
mod sigmahq;
