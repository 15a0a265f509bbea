//! Findings as a person reads them: one HTML file.
//!
//! What was found comes from `detect`; this crate adds what is needed to judge it (why it was found, the processes
//! around it, the event as it was recorded: [`evidence`]), puts it together ([`assemble`]) and writes it down ([`html`]).

pub mod assemble;
pub mod collect;
pub mod evidence;
pub mod html;
pub mod model;

mod attack;
