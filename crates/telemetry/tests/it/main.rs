//! Integration tests of the telemetry crate.

mod auditd;
mod auditd_properties;
mod damage;
mod auditd_rules;
mod defender;
mod sources;
mod support;
mod tables;
mod views;
mod windows;
