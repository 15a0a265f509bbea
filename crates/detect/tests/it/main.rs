//! Tests of packs, detections and findings.

mod pack;
mod published;
mod sentinel;
mod sources;
