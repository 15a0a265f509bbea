//! Findings in the formats that others read, and as one HTML file.
//!
//! What was found comes from `detect`; this crate adds what is needed to judge it (why it was found, the processes
//! around it, the event as it was recorded: [`evidence`]), puts it together ([`assemble`]) and writes it down ([`html`]).
//! The other formats need no more than the findings: [`ocsf`], [`navigator`], [`sarif`].

pub mod assemble;
pub mod collect;
pub mod evidence;
pub mod html;
pub mod model;
pub mod navigator;
pub mod ocsf;
pub mod sarif;

mod attack;
