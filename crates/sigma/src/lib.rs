//! Sigma rules: what they say, which telemetry they are about, and plans and matchers of them.

pub mod correlate;
pub mod matcher;
pub mod meaning;
pub mod syntax;

pub use matcher::{Reason, Rules, Scratch};
pub use syntax::{Options, parse, read, tree};
