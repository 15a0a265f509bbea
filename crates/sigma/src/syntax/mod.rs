//! A rule's text and what it says.

pub mod tree;
