//! Ingesting telemetry into a store, and reading the typed tables of one.
//!
//! A store (`parallax_telemetry::store`) has the bytes of its sources as they were, and beside them the rows of typed
//! tables as Parquet, so that hunts that ask again and again need not decode anything again. This crate writes both
//! ([`ingest`]) and reads the tables ([`read`]); the bytes are read by the formats' own readers.
//!
//! Rows carry their place in the order of the sources in a column of their own, [`ORDER`]: however rows are cut into
//! files, they come back in the order in which they were read.

pub mod ingest;
pub mod read;

/// The column with a row's place in the order of its segment's sources.
pub const ORDER: &str = "$order";
