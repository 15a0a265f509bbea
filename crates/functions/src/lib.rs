//! Where meaning lives: exact scalar and aggregate semantics of the languages, as DataFusion functions.
//!
//! A function that two languages agree on is written once; where they differ each has its own, named apart
//! (`kql_has`, `sumo_matches`). Every function is found by name, so that a plan can be serialised and a remote worker
//! can find the same function. Null rules, case rules and edge cases stand at each function with their source.

mod braces;
mod compiled;
mod english;
pub mod grouping;
pub mod kql;
pub mod matcher;
pub mod sumo;
pub mod udf;
