//! What a Sigma document says once its modifiers are applied: the one tree that the plan of a rule, the matcher of many
//! rules and the conversions to other languages are made of.

/// One document of a rule file.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// A rule over single events.
    Rule(Rule),
    /// A rule over the matches of others.
    Correlation(Correlation),
    /// A condition that is added to rules.
    Filter(Filter),
}

/// What people say of a rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meta {
    /// Its UUID, as written.
    pub id: Option<String>,
    /// The name by which correlations and filters refer to it.
    pub name: Option<String>,
    /// Its title.
    pub title: String,
    /// `stable`, `test`, `experimental`, `deprecated`, `unsupported`.
    pub status: Option<String>,
    /// `informational`, `low`, `medium`, `high`, `critical`.
    pub level: Option<String>,
    /// Tags such as `attack.t1059.011`.
    pub tags: Vec<String>,
    /// A paragraph.
    pub description: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Where it comes from.
    pub references: Vec<String>,
    /// When it was written.
    pub date: Option<String>,
    /// When it was last changed.
    pub modified: Option<String>,
    /// What else makes it fire.
    pub falsepositives: Vec<String>,
    /// The fields that an analyst wants to see.
    pub fields: Vec<String>,
    /// Kinds of relation and ids of other rules.
    pub related: Vec<(String, String)>,
}

pub use parallax_telemetry::LogSource;

/// A rule over single events.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What people say of it.
    pub meta: Meta,
    /// What telemetry it is about.
    pub logsource: LogSource,
    /// The named detections with their conditions, in the order of the text.
    pub detections: Vec<(String, Condition)>,
    /// How `condition` joins them, as written; several are alternatives.
    pub conditions: Vec<String>,
    /// What an event must fulfil: `detections` joined by `conditions`.
    pub condition: Condition,
}

/// What an event must fulfil.
///
/// An empty `Or` never holds and an empty `And` always does. Either is a whole condition (of a rule whose placeholder has
/// an empty list of values), never a part of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All of them.
    And(Vec<Condition>),
    /// One of them at least.
    Or(Vec<Condition>),
    /// Not that. An event without the field does not fulfil a test of it, so it fulfils its negation.
    Not(Box<Condition>),
    /// A test of one field.
    Test(Test),
}

/// A test of one value of one field, or of the whole event.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// The field; `None` for a keyword, which any of an event's values or its text may hold.
    pub field: Option<String>,
    /// What it must be.
    pub is: Is,
}

/// What a field's value must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Is {
    /// Text of that form, from its beginning to its end. Numbers and truth values are compared by their text.
    Like(Pattern),
    /// Text in which the expression is found somewhere.
    Matches(Regex),
    /// An address of that network.
    In(Network),
    /// A number that compares so.
    Compares(Order, f64),
    /// The same text as another field of the event, or a part of it.
    Field(Part, String, Case),
    /// There (true) or not there (false), whatever its value.
    Exists(bool),
    /// Null: not there, or there without a value.
    Null,
    /// A part of an instant, in UTC, that is that number.
    TimePart(TimePart, i64),
}

/// Text with places for other text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Its parts; neighbouring literals are one, as are neighbouring `Any`s.
    pub parts: Vec<Piece>,
    /// Whether case counts.
    pub case: Case,
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// That text.
    Text(String),
    /// Any one character (`?`).
    One,
    /// Anything, also nothing (`*`).
    Any,
}

/// Whether case counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// `A` is `a`: Sigma's rule where nothing else is said.
    Ignored,
    /// `A` is not `a`.
    Counts,
}

/// A regular expression with its flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regex {
    /// As written.
    pub text: String,
    /// `i`
    pub ignore_case: bool,
    /// `m`
    pub multi_line: bool,
    /// `s`
    pub dot_all: bool,
}

/// A network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// An address of it.
    pub address: std::net::IpAddr,
    /// How many leading bits count.
    pub bits: u8,
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `!=`
    NotEqual,
}

/// Where one text stands in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It is the whole.
    Whole,
    /// Anywhere.
    Somewhere,
    /// At the beginning.
    Start,
    /// At the end.
    End,
}

/// A part of an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimePart {
    /// 0 to 59
    Minute,
    /// 0 to 23
    Hour,
    /// Of the month, 1 to 31
    Day,
    /// Of the year by ISO 8601, 1 to 53
    Week,
    /// 1 to 12
    Month,
    /// Of the common era
    Year,
}

/// A rule over the matches of other rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlation {
    /// What people say of it.
    pub meta: Meta,
    /// What is counted or ordered.
    pub kind: CorrelationKind,
    /// Ids, names or titles of the rules whose matches it takes.
    pub rules: Vec<String>,
    /// The fields whose values must agree; names of `aliases` among them.
    pub group_by: Vec<String>,
    /// How far apart the matches may lie, in nanoseconds.
    pub timespan: i64,
    /// What the number must be; several hold together.
    pub bounds: Vec<(CorrelationOrder, f64)>,
    /// For the kinds that read a value: the fields it is read from.
    pub fields: Vec<String>,
    /// For the temporal kinds: a condition over the rules in place of all of them, as written.
    pub condition: Option<String>,
    /// A name, and for each rule the field that it stands for there.
    pub aliases: Vec<(String, Vec<(String, String)>)>,
    /// Whether the rules it takes report their own matches too.
    pub generate: bool,
}

/// What a correlation looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CorrelationKind {
    /// How many matches.
    EventCount,
    /// How many different values of a field.
    ValueCount,
    /// That each of the rules matched.
    Temporal,
    /// That they did in the order given.
    TemporalOrdered,
    /// The sum of a field's values.
    ValueSum,
    /// Their mean.
    ValueAvg,
    /// A percentile of them, 0 to 100.
    ValuePercentile(f64),
    /// Their median.
    ValueMedian,
}

/// How a correlation's number compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorrelationOrder {
    /// As between numbers elsewhere.
    Is(Order),
    /// `==`
    Equal,
}

/// A condition that is added to other rules (`and`).
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// What people say of it.
    pub meta: Meta,
    /// Rules of which log source it is for, where that is said.
    pub logsource: Option<LogSource>,
    /// Ids, names or titles of the rules; empty means any.
    pub rules: Vec<String>,
    /// What an event must fulfil beside the rule's own condition.
    pub condition: Condition,
}
