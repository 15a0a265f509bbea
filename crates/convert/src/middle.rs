//! What a detection says, whatever language it is written in: which telemetry it is about, what an event must fulfil,
//! and what is made of the events that do.
//!
//! Conditions have two truth values, as Sigma's do: a test of a field that the event does not have is false, and its
//! negation true. What other languages say of missing fields is written out when they are read.

use parallax_diagnostics::Span;
pub use parallax_sigma::tree::{Case, LogSource, Meta, Network, Order, Pattern, Piece, Regex, TimePart};
use parallax_sigma::tree::{Is as SigmaIs, Part};

/// A detection.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// What people say of it.
    pub about: Meta,
    /// What telemetry it is about.
    pub logs: LogSource,
    /// Values that say nothing and are missing where it was written for: KQL's tables and Sumo's messages have no `-`.
    pub spellings: Vec<String>,
    /// What an event must fulfil.
    pub condition: Condition,
    /// What is made of the events.
    pub after: After,
}

/// What is made of the events that fulfil the condition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct After {
    /// The columns that are shown, in order; nothing means all.
    pub columns: Vec<Shown>,
    /// Keys of the order of the rows, and whether they ascend.
    pub sort: Vec<(String, bool)>,
}

/// A column of the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// What it is called.
    pub name: String,
    /// What it holds.
    pub holds: Holds,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Holds {
    /// A field of the event.
    Field(Field),
    /// Whether the event fulfils that.
    Truth(Condition),
    /// A sum of points: so many for each condition that holds.
    Score(Vec<(Condition, f64)>),
    /// The time of the event.
    Time,
    /// The host of the event.
    Host,
}

/// A condition. There are no empty `All` and `Any`.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All of them.
    All(Vec<Condition>),
    /// One of them at least.
    Any(Vec<Condition>),
    /// Not that.
    Not(Box<Condition>),
    /// A test.
    Test(Test),
    /// True or false, whatever the event.
    Always(bool),
}

/// A test of a field.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// Of which; `None` for any value of the event.
    pub field: Option<Field>,
    /// What it must be.
    pub is: Is,
    /// Where the source text says so.
    pub at: Span,
}

/// A field, by its name in Sigma.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Field {
    /// Sigma's name.
    pub name: String,
    /// Which part of its value.
    pub part: FieldPart,
}

/// A part of a field's value, which some products keep in a column of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FieldPart {
    /// All of it.
    Whole,
    /// Of a path, what stands behind the last `/` or `\`.
    Base,
    /// Of `domain\user`, the domain.
    Domain,
    /// Of `domain\user`, the user; all of it where there is no domain.
    Account,
    /// Of `SHA1=…,SHA256=…`, the value of that key.
    Hash(String),
}

/// What a field's value must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Is {
    /// Text of that form, from its beginning to its end.
    Like(Pattern),
    /// Text in which the expression is found.
    Matches(Regex),
    /// Text that has the term.
    Term(Term),
    /// An address of that network.
    In(Network),
    /// A number that compares so.
    Compares(Order, f64),
    /// The same text as another field, or a part of it.
    Field(Part, Field, Case),
    /// There, or not there.
    Exists(bool),
    /// Not there, or there without a value.
    Null,
    /// A part of an instant, in UTC.
    TimePart(TimePart, i64),
}

/// KQL's terms: runs of letters and digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The text.
    pub text: String,
    /// Whether a term begins where it begins.
    pub start: bool,
    /// Whether a term ends where it ends.
    pub end: bool,
    /// Whether case counts.
    pub case: Case,
}

impl Field {
    /// The whole field of that name.
    pub fn whole(name: impl Into<String>) -> Self {
        Field { name: name.into(), part: FieldPart::Whole }
    }
}

impl Condition {
    /// All of them, flat, without what is always true.
    pub fn all(conditions: impl IntoIterator<Item = Condition>) -> Self {
        let mut flat = Vec::new();
        for condition in conditions {
            match condition {
                Condition::All(inner) => flat.extend(inner),
                Condition::Always(true) => {}
                Condition::Always(false) => return Condition::Always(false),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Condition::Always(true),
            1 => flat.remove(0),
            _ => Condition::All(flat),
        }
    }

    /// One of them at least, flat, without what is always false.
    pub fn any(conditions: impl IntoIterator<Item = Condition>) -> Self {
        let mut flat: Vec<Condition> = Vec::new();
        for condition in conditions {
            match condition {
                Condition::Any(inner) => flat.extend(inner),
                Condition::Always(false) => {}
                Condition::Always(true) => return Condition::Always(true),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Condition::Always(false),
            1 => flat.remove(0),
            _ => Condition::Any(flat),
        }
    }

    /// The opposite.
    #[allow(clippy::should_implement_trait)] // it simplifies, which an operator would not be expected to
    pub fn not(condition: Condition) -> Self {
        match condition {
            Condition::Not(inner) => *inner,
            Condition::Always(yes) => Condition::Always(!yes),
            other => Condition::Not(Box::new(other)),
        }
    }

    /// A test of a field.
    pub fn test(field: Field, is: Is, at: Span) -> Self {
        Condition::Test(Test { field: Some(field), is, at })
    }

    /// Every test in it, and whether it stands under an odd number of negations.
    pub fn tests(&self) -> Vec<(&Test, bool)> {
        fn walk<'a>(condition: &'a Condition, negated: bool, found: &mut Vec<(&'a Test, bool)>) {
            match condition {
                Condition::All(inner) | Condition::Any(inner) => {
                    inner.iter().for_each(|c| walk(c, negated, found));
                }
                Condition::Not(inner) => walk(inner, !negated, found),
                Condition::Test(test) => found.push((test, negated)),
                Condition::Always(_) => {}
            }
        }
        let mut found = Vec::new();
        walk(self, false, &mut found);
        found
    }

    /// The same condition with each test replaced.
    pub fn map(&self, each: &mut impl FnMut(&Test) -> Condition) -> Condition {
        match self {
            Condition::All(inner) => Condition::all(inner.iter().map(|c| c.map(each)).collect::<Vec<_>>()),
            Condition::Any(inner) => Condition::any(inner.iter().map(|c| c.map(each)).collect::<Vec<_>>()),
            Condition::Not(inner) => Condition::not(inner.map(each)),
            Condition::Test(test) => each(test),
            Condition::Always(yes) => Condition::Always(*yes),
        }
    }
}

impl Is {
    /// As Sigma has it; nothing where Sigma has no such test.
    pub fn to_sigma(&self) -> Option<SigmaIs> {
        Some(match self {
            Is::Like(pattern) => SigmaIs::Like(pattern.clone()),
            Is::Matches(regex) => SigmaIs::Matches(regex.clone()),
            Is::Term(_) => return None,
            Is::In(network) => SigmaIs::In(*network),
            Is::Compares(order, number) => SigmaIs::Compares(*order, *number),
            Is::Field(part, field, case) => SigmaIs::Field(*part, field.name.clone(), *case),
            Is::Exists(yes) => SigmaIs::Exists(*yes),
            Is::Null => SigmaIs::Null,
            Is::TimePart(part, number) => SigmaIs::TimePart(*part, *number),
        })
    }

    /// From Sigma's.
    pub fn of_sigma(is: &SigmaIs) -> Self {
        match is {
            SigmaIs::Like(pattern) => Is::Like(pattern.clone()),
            SigmaIs::Matches(regex) => Is::Matches(regex.clone()),
            SigmaIs::In(network) => Is::In(*network),
            SigmaIs::Compares(order, number) => Is::Compares(*order, *number),
            SigmaIs::Field(part, name, case) => Is::Field(*part, Field::whole(name.clone()), *case),
            SigmaIs::Exists(yes) => Is::Exists(*yes),
            SigmaIs::Null => Is::Null,
            SigmaIs::TimePart(part, number) => Is::TimePart(*part, *number),
        }
    }
}
