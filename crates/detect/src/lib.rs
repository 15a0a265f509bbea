//! Packs, detections, findings and tests.
//!
//! A **pack** is a folder that holds detections for one technique, the telemetry of the attacks (and of the lookalikes)
//! they are tested on, and what is expected of each on each. `docs/packs.md` is its reference.

pub mod pack;

pub use pack::{Pack, PackError};
