//! The formats: each turns bytes into [`crate::Event`]s.

pub mod auditd;
pub mod windows;
