//! Tests of conversions.

mod events;
mod sigmahq;
