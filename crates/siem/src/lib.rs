//! Cloud SIEM: rules over normalised records make Signals, Signals score Entities, scores make Insights.
//!
//! ```text
//! records --(all rules' expressions, one reading)--> matched records by time
//!         --(windows, baselines)--> Signals --(suppression, activity scores)--> Insights
//! ```
//! Rules are read from the vendor's JSON. What the documentation leaves open is decided once, where it is used, and
//! listed in `docs/cloud-siem.md`.

// A diagnostic ends the work on a rule, so its size costs nothing.
#![allow(clippy::result_large_err)]

mod compile;
mod entity;
mod insight;
mod matched;
pub mod rule;
mod run;
mod signal;
mod watch;

pub use compile::{Compiled, Wrong};
pub use entity::Entity;
pub use insight::{Insight, InsightSeverity, Settings};
pub use rule::{Rule, Rules};
pub use run::{Outcome, Run, run};
pub use signal::{RecordRef, Signal};
