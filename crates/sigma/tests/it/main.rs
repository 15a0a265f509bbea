//! The crate's integration tests.

mod any_text;
mod cases;
mod corpus;
mod correlate;
mod docs;
mod hostile;
mod matcher;
mod print;
mod sigmahq;
mod support;
