//! Integration tests of the telemetry crate.

mod auditd;
mod defender;
mod support;
mod windows;
