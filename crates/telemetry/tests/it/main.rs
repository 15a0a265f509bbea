//! Integration tests of the telemetry crate.

mod auditd;
mod auditd_properties;
mod auditd_rules;
mod damage;
mod defender;
mod generated;
mod logs;
mod parts;
mod records;
mod sources;
mod support;
mod tables;
mod views;
mod windows;
