//! The integration tests of KQL: language cases as data, and shared corpora where their folder is given.

mod cases;
mod contract;
mod corpus;
mod outside;
mod support;
mod syntax;
mod warnings;
