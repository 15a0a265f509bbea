//! Tests of conversions.

mod corpus;
mod events;
mod names;
mod round;
mod sigmahq;
