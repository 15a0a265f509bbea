//! The formats: each turns bytes into [`crate::Event`]s.

pub mod auditd;
pub mod csv;
pub mod defender;
pub mod json;
pub(crate) mod names;
pub mod syslog;
pub mod windows;
