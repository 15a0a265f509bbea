//! A condition as it is written: names, lists and values with their places. What it says is a [`Condition`].

use crate::tree::{Condition, Test};
use parallax_diagnostics::Span;

/// A part of a rule's condition with its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    /// All of them.
    All(Span, Vec<Written>),
    /// One of them at least.
    Any(Span, Vec<Written>),
    /// Not that.
    Not(Span, Box<Written>),
    /// A value that a field is tested for.
    Test(Span, Test),
    /// What a name stands for.
    Named(Span, String, Box<Written>),
}

impl Written {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Written::All(span, _)
            | Written::Any(span, _)
            | Written::Not(span, _)
            | Written::Test(span, _)
            | Written::Named(span, ..) => *span,
        }
    }

    /// What it says.
    pub fn condition(&self) -> Condition {
        match self {
            Written::All(_, parts) => all(parts.iter().map(Written::condition)),
            Written::Any(_, parts) => any(parts.iter().map(Written::condition)),
            Written::Not(_, inner) => not(inner.condition()),
            Written::Test(_, test) => Condition::Test(test.clone()),
            Written::Named(_, _, inner) => inner.condition(),
        }
    }

    /// How many tests it is made of.
    pub(crate) fn tests(&self) -> usize {
        match self {
            Written::All(_, parts) | Written::Any(_, parts) => {
                parts.iter().map(Written::tests).fold(0, usize::saturating_add)
            }
            Written::Not(_, inner) | Written::Named(_, _, inner) => inner.tests(),
            Written::Test(..) => 1,
        }
    }
}

/// All of them, with conjunctions within joined to it. What never holds makes the whole never hold, and what always
/// does is left out; both stand alone or not at all, as an empty [`Condition::Or`] and an empty [`Condition::And`].
pub fn all(parts: impl IntoIterator<Item = Condition>) -> Condition {
    let mut out = Vec::new();
    let mut never = false;
    for part in parts {
        match part {
            Condition::And(inner) => out.extend(inner),
            Condition::Or(inner) if inner.is_empty() => never = true,
            other => out.push(other),
        }
    }
    match out.len() {
        _ if never => Condition::Or(Vec::new()),
        1 => out.swap_remove(0),
        _ => Condition::And(out),
    }
}

/// One of them at least, with alternatives within joined to it; what always or never holds as in [`all`].
pub fn any(parts: impl IntoIterator<Item = Condition>) -> Condition {
    let mut out = Vec::new();
    let mut always = false;
    for part in parts {
        match part {
            Condition::Or(inner) => out.extend(inner),
            Condition::And(inner) if inner.is_empty() => always = true,
            other => out.push(other),
        }
    }
    match out.len() {
        _ if always => Condition::And(Vec::new()),
        1 => out.swap_remove(0),
        _ => Condition::Or(out),
    }
}

/// The opposite; that of an opposite is the thing itself.
pub fn not(condition: Condition) -> Condition {
    match condition {
        Condition::Not(inner) => *inner,
        Condition::And(parts) if parts.is_empty() => Condition::Or(parts),
        Condition::Or(parts) if parts.is_empty() => Condition::And(parts),
        other => Condition::Not(Box::new(other)),
    }
}
