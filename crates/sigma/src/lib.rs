//! Sigma rules: what they say, which telemetry they are about, and plans and matchers of them.

pub mod syntax;

pub use syntax::tree;
