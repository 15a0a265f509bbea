//! Tests of sessions and scans.

mod explain;
mod limits;
mod scan;
mod session;
