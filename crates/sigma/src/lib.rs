//! Sigma rules: what they say, which telemetry they are about, and plans and matchers of them.

mod applicable;
pub mod correlate;
mod filter;
pub mod matcher;
pub mod meaning;
pub mod plan;
pub mod syntax;

pub use applicable::{Applicable, applicable, can_fire};
pub use matcher::{Reason, Rules, Scratch, Values};
pub use plan::{plan, plan_all, trace};
pub use syntax::{Options, parse, read, read_with, tree};
