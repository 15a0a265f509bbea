//! Rules as they are written.

mod lists;
mod read;
mod severity;
mod template;

pub use lists::MatchList;
pub use read::{ReadError, Rules};
pub use severity::{Mapping, Severity, When};
pub(crate) use template::Template;

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its id: `MATCH-S00042`, or what the file says.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it looks for.
    pub kind: Kind,
    /// What its Signals are about.
    pub entities: Vec<Selector>,
    /// How bad its Signals are.
    pub severity: Severity,
    /// The name of its Signals, with `{{field}}`.
    pub signal_name: String,
    /// Their summary, with `{{field}}`.
    pub summary: String,
    /// Their description, with `{{field}}`.
    pub description: String,
    /// Whether its Signals count for nothing.
    pub prototype: bool,
    /// Whether it runs.
    pub enabled: bool,
    /// Tags.
    pub tags: Vec<String>,
    /// How long its Signals are suppressed, in milliseconds, instead of as all are.
    pub suppression: Option<i64>,
}

/// An entity that a record may have.
#[derive(Clone, Debug)]
pub struct Selector {
    /// The entity's type.
    pub kind: String,
    /// The expression for its value; an attribute's name.
    pub expression: String,
}

/// What a rule looks for. Windows are milliseconds.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Each record that matches.
    Match {
        /// The condition.
        expression: String,
    },
    /// Many records that match.
    Threshold {
        /// The condition.
        expression: String,
        /// How many.
        limit: u64,
        /// Within which time.
        window: i64,
        /// Counted apart by these attributes, and by the entity.
        group_by: Vec<String>,
        /// Not records are counted but the distinct values of this attribute.
        distinct: Option<String>,
    },
    /// Records of several kinds.
    Chain {
        /// The conditions, and how many records of each.
        steps: Vec<(String, u64)>,
        /// Whether they must come in this order.
        ordered: bool,
        /// Within which time.
        window: i64,
        /// As for a threshold.
        group_by: Vec<String>,
    },
    /// A condition over aggregates.
    Aggregation {
        /// The condition on records.
        expression: String,
        /// What is computed.
        functions: Vec<Function>,
        /// The condition on what was computed.
        trigger: String,
        /// Over which time.
        window: i64,
        /// Apart by these attributes.
        group_by: Vec<String>,
        /// And by the entity.
        by_entity: bool,
    },
    /// A value that was not seen before.
    FirstSeen {
        /// The condition on records.
        expression: String,
        /// The attributes whose values, together, are new.
        values: Vec<String>,
        /// Each combination of these has a baseline of its own; without any there is one for all.
        group_by: Vec<String>,
        /// How long is learned.
        baseline: i64,
        /// When what was seen is forgotten.
        retention: i64,
    },
    /// An aggregate far from its own past.
    Outlier {
        /// The condition on records.
        expression: String,
        /// What is computed for each hour or day.
        function: Function,
        /// The length of those.
        window: i64,
        /// Each combination of these has a baseline of its own.
        group_by: Vec<String>,
        /// How long is learned.
        baseline: i64,
        /// When what was computed is forgotten.
        retention: i64,
        /// How many standard deviations from the mean are normal.
        deviations: f64,
        /// A value below it is normal.
        floor: f64,
    },
}

impl Kind {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Match { .. } => "match",
            Kind::Threshold { .. } => "threshold",
            Kind::Chain { .. } => "chain",
            Kind::Aggregation { .. } => "aggregation",
            Kind::FirstSeen { .. } => "first seen",
            Kind::Outlier { .. } => "outlier",
        }
    }
}

/// An aggregate.
#[derive(Clone, Debug)]
pub struct Function {
    /// The name that the trigger knows it by.
    pub name: String,
    /// Which.
    pub aggregate: Aggregate,
    /// Of what.
    pub argument: String,
}

/// The aggregates (documented).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// Of numbers.
    Avg,
    /// Records for which the argument is true.
    Count,
    /// Distinct values.
    CountDistinct,
    /// The earliest value.
    First,
    /// The latest value.
    Last,
    /// Of numbers.
    Max,
    /// Of numbers.
    Min,
    /// Of numbers.
    Sum,
}

impl Aggregate {
    /// The aggregate of that name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "avg" => Aggregate::Avg,
            "count" => Aggregate::Count,
            "count_distinct" => Aggregate::CountDistinct,
            "first" => Aggregate::First,
            "last" => Aggregate::Last,
            "max" => Aggregate::Max,
            "min" => Aggregate::Min,
            "sum" => Aggregate::Sum,
            _ => return None,
        })
    }
}

/// An expression that is joined to the expressions of rules.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Its name.
    pub name: String,
    /// The condition.
    pub expression: String,
    /// Whether records that meet it are left out, and not the others.
    pub exclude: bool,
    /// The rules that it is joined to; nothing means all.
    pub rules: Option<Vec<String>>,
}
