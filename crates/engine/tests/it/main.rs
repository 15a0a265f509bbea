//! Tests of sessions and scans.

mod audit;
mod census;
mod columns;
mod differential;
mod differential_test;
mod explain;
mod explain_cases;
mod hits;
mod limits;
mod missing;
mod needles;
mod once;
mod scan;
mod session;
mod sigma;
mod sigma_rules;
mod stored;
mod stored_damage;
mod threads;
