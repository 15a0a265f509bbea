//! Integration tests of the telemetry crate.

mod auditd;
mod windows;
