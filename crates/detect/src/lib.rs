//! Packs, detections, findings and tests.
//!
//! A **pack** is a folder that holds detections for one technique, the telemetry of the attacks (and of the lookalikes)
//! they are tested on, and what is expected of each on each. `docs/packs.md` is its reference.

mod alert;
pub mod atomic;
mod finding;
pub mod pack;
mod run;
pub mod source;
pub mod test;

pub use finding::{Entity, Event, Finding, RELATED, Reason, Related};
pub use pack::{Pack, PackError};
pub use run::{
    DetectionRun, Job, Pen, Pens, Ran, Reading, RunOutcome, Sink, TIMES, TakeFindings, Watch, When, applies, run,
    run_all,
};
pub use source::{About, Chosen, Detections, Filters, Found, Kind, Rule};

include!(concat!(env!("OUT_DIR"), "/packs.rs"));
