//! Packs, detections, findings and tests.
//!
//! A **pack** is a folder that holds detections for one technique, the telemetry of the attacks (and of the lookalikes)
//! they are tested on, and what is expected of each on each. `docs/packs.md` is its reference.

pub mod atomic;
mod finding;
pub mod pack;
mod run;
pub mod test;

pub use finding::{Event, Finding};
pub use pack::{Pack, PackError};
pub use run::{DetectionRun, Reading, RunOutcome, Sink, TIMES, Watch, When, run};

include!(concat!(env!("OUT_DIR"), "/packs.rs"));
