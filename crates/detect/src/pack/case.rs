//! A test, as the rest of the program sees it.

use std::collections::BTreeMap;

/// One test: telemetry, what must be seen in it, and what each detection is to do on it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name within the pack.
    pub id: String,
    /// A title for people.
    pub title: String,
    /// Whether the telemetry shows the technique.
    pub kind: CaseKind,
    /// The name of the Atomic Red Team test that was run; may be empty.
    pub atomic: String,
    /// How the attack is done, where cases of several sources or tests are one; may be empty.
    pub method: String,
    /// The files, relative to the pack.
    pub telemetry: Vec<String>,
    /// The reference time of the case's queries.
    pub now: Reference,
    /// Files that take the place of lists, by their ids.
    pub lists: BTreeMap<String, String>,
    /// What must be seen whatever the detections do.
    pub signals: Vec<Signal>,
    /// What each detection is to do: one for each detection of the pack, in the pack's order.
    pub expect: Vec<Expectation>,
}

/// Whether a case's telemetry shows the technique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseKind {
    /// It does: a detection that stays silent misses something.
    Attack,
    /// It only looks like it: a detection that fires is wrong.
    Benign,
}

/// The time that `now()` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The time of the latest event in the inputs: recorded telemetry is looked at as on the day it was recorded.
    LatestEvent,
    /// A fixed time, in nanoseconds since the Unix epoch.
    At(i64),
}

/// Something that the telemetry of a case must show.
#[derive(Clone, Debug)]
pub struct Signal {
    /// What it is, in the words of the test's page.
    pub title: String,
    /// The language of its query.
    pub dialect: String,
    /// The query whose rows show it.
    pub query: String,
    /// How many rows there must be.
    pub rows: Rows,
}

/// How many rows a signal's query must return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// That many.
    Exactly(usize),
    /// That many or more.
    AtLeast(usize),
}

/// What a detection is to do on a case. Declared as what it is: reality must agree, for better and for worse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Index of the detection in the pack.
    pub detection: usize,
    /// What is to happen.
    pub outcome: Outcome,
    /// Why, where the outcome is not what one would wish; may be empty otherwise.
    pub reason: String,
}

/// What a detection may do on a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An attack is found, with that many findings (`None`: one or more).
    Fires(Option<usize>),
    /// An attack is not found, and it is known why.
    Misses,
    /// A lookalike causes nothing; or what the detection looks for is no part of this attack.
    Silent,
    /// Nothing is found, whether the telemetry feeds the detection or not.
    Nothing,
    /// A lookalike causes that many findings (`None`: one or more), and it is known why.
    FalsePositive(Option<usize>),
    /// No table of the detection is fed by this telemetry.
    NotApplicable,
}

impl Rows {
    /// Whether `n` rows are what was asked for.
    pub fn holds(self, n: usize) -> bool {
        match self {
            Rows::Exactly(m) => n == m,
            Rows::AtLeast(m) => n >= m,
        }
    }
}

impl std::fmt::Display for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Rows::Exactly(n) => write!(f, "exactly {n}"),
            Rows::AtLeast(n) => write!(f, "at least {n}"),
        }
    }
}
