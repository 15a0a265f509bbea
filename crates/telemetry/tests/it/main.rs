//! Integration tests of the telemetry crate.

mod auditd;
mod auditd_properties;
mod defender;
mod support;
mod windows;
