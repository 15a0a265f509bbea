//! Findings in the formats that others read, and the HTML report.
//!
//! What was found comes from `detect`; this crate adds what a person needs to judge it (why it was found, the processes
//! around it, the event as it was recorded: [`evidence`]) and writes it down: [`html`], [`ocsf`], [`navigator`],
//! [`sarif`]. `docs/report.md` is its reference.

pub mod collect;
pub mod evidence;
pub mod html;
pub mod model;
pub mod navigator;
pub mod ocsf;
pub mod sarif;

mod attack;
