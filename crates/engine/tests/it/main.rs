//! Tests of sessions and scans.

mod limits;
mod scan;
mod session;
