//! The expressions of Cloud SIEM rules: a language of its own beside the search language.
//!
//! It looks like SQL's conditions, is written over the fields of normalised records, and knows two truth values: a
//! comparison with a missing field is false and its negation true (documented), where a search has three.
//! [`parse`] turns text into a tree, [`plan`] binds its names and types and gives a DataFusion expression that is never
//! null where it is a condition.

pub mod plan;
pub mod syntax;

pub use plan::{Bound, Names, Scope, Switches, Ty, plan};
pub use syntax::{Expression, parse};
