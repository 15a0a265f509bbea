//! The functions against their cases (`tests/cases/*.tsv`) and, where present, against shared corpora.

mod aggregates;
mod call;
mod cases;
mod corpus;
mod grouping;
mod hostile;
mod optimised;
mod plans;
mod seasons;
mod zones;
