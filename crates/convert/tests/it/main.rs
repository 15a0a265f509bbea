//! Tests of conversions.

mod sigmahq;
