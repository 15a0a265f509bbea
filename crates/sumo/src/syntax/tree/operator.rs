//! The stages of a pipeline.

use super::super::numbers::Number;
use super::{At, Expr, Name, Query, Text};

/// One stage of the pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// Which.
    pub kind: OperatorKind,
    /// Where, without the pipe.
    pub at: At,
}

/// The kinds of operators.
#[derive(Clone, Debug, PartialEq)]
pub enum OperatorKind {
    /// `where condition`
    Where(Expr),
    /// `expr as field`, or a bare expression.
    Assign {
        /// What is computed.
        value: Expr,
        /// The field; without it the expression stands alone.
        alias: Option<Name>,
    },
    /// `eval f = expr, …`: an extension.
    Eval(Vec<(Name, Expr)>),
    /// `parse`, `parse regex`, `extract`.
    Parse(Parse),
    /// `json`.
    Json(Json),
    /// `keyvalue`.
    KeyValue(KeyValue),
    /// `csv` and `split`.
    Split(Split),
    /// `parse xml`.
    Xml(Xml),
    /// `fields`, `fields -`.
    Fields {
        /// Whether the named ones are removed.
        remove: bool,
        /// The fields.
        names: Vec<Name>,
        /// Written `table`: an extension.
        table: bool,
    },
    /// `sort`, `order`.
    Sort(Vec<SortKey>),
    /// `limit n`.
    Limit(Expr),
    /// `top n f, g by x`.
    Top {
        /// How many.
        count: Expr,
        /// The fields that are kept first.
        fields: Vec<Name>,
        /// What they are ranked by; empty means how often they occur.
        by: Vec<SortKey>,
    },
    /// `topk(n, f, …) by g, …`.
    TopK {
        /// How many.
        count: Expr,
        /// What they are ranked by.
        fields: Vec<Name>,
        /// The groups.
        by: Vec<Name>,
    },
    /// `count by f`, `sum(x) as y, avg(z) by f, g`.
    Aggregate(Aggregate),
    /// `timeslice`.
    Timeslice(Timeslice),
    /// `transpose row … column …`.
    Transpose {
        /// The fields that stay rows.
        rows: Vec<Name>,
        /// The fields whose values become columns.
        columns: Vec<Name>,
        /// The column names after `as`; a `*` among them means all others.
        names: Vec<Name>,
    },
    /// `fillmissing …`.
    FillMissing(FillMissing),
    /// `accum`, `total`, `diff`, `backshift`, `rollingstd`, `smooth`.
    Running(Running),
    /// `dedup`.
    Dedup {
        /// `consecutive`.
        consecutive: bool,
        /// How many of each.
        count: Option<Expr>,
        /// Of each combination of these; empty means `_raw`.
        fields: Vec<Name>,
    },
    /// `join (…) as a, (…) as b on a.x = b.y`.
    Join(Join),
    /// `filter field in (…)`.
    Filter {
        /// The field.
        name: Name,
        /// The child pipeline.
        child: Box<Query>,
    },
    /// `lookup`.
    Lookup(Lookup),
    /// `withtime f`.
    WithTime(Name),
    /// `bin f width=…`.
    Bin {
        /// The field.
        name: Name,
        /// `width=`, `min=`, `max=`.
        options: Vec<(String, Expr)>,
    },
    /// `geoip f`, and further fields.
    GeoIp(Name, Vec<Name>),
    /// `cat path`.
    Cat(Text),
    /// `save [append] path`.
    Save {
        /// Whether what is there stays.
        append: bool,
        /// Where.
        path: Text,
    },
    /// `compose f, … [maxresults=n] [keywords]`.
    Compose {
        /// The fields.
        fields: Vec<Name>,
        /// `maxresults=`.
        max_results: Option<Expr>,
        /// `keywords`.
        keywords: bool,
    },
    /// `{{name}}` after an operator, without a pipe: more stages, filled in before planning.
    Placeholder(String),
    /// An operator that is recognised but whose arguments are kept as they stand.
    Verbatim {
        /// The operator's documented name.
        name: &'static str,
        /// Its arguments.
        arguments: String,
    },
}

/// `parse …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Parse {
    /// How the text is taken apart.
    pub style: ParseStyle,
    /// The pattern.
    pub pattern: Text,
    /// Further patterns with their fields: `parse "…" as a, "…" as b`.
    pub more: Vec<(Text, Vec<Name>)>,
    /// `field=`; without it `_raw`.
    pub source: Option<Name>,
    /// The fields: one for each `*`, or what the groups' names are.
    pub names: Vec<Name>,
    /// `nodrop`.
    pub nodrop: bool,
    /// `multi`.
    pub multi: bool,
    /// `nocase`: an extension.
    pub nocase: bool,
}

/// How `parse` takes text apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseStyle {
    /// By literal anchors.
    Anchor,
    /// By a regular expression.
    Regex,
}

/// `json …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Json {
    /// `field=`.
    pub source: Option<Name>,
    /// `auto` and its options.
    pub auto: Option<JsonAuto>,
    /// The paths.
    pub paths: Vec<Text>,
    /// The fields after `as`.
    pub names: Vec<Name>,
    /// `nodrop`.
    pub nodrop: bool,
}

/// Options of `json auto`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JsonAuto {
    /// `maxdepth n`.
    pub max_depth: Option<Number>,
    /// `extractarrays`.
    pub extract_arrays: bool,
    /// `refonly`.
    pub refonly: bool,
    /// `keys "a", "b"`.
    pub keys: Vec<Text>,
}

/// `keyvalue …`.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyValue {
    /// `field=`.
    pub source: Option<Name>,
    /// `auto`.
    pub auto: bool,
    /// `infer`, spelled out.
    pub infer: bool,
    /// `regex "…"`.
    pub regex: Option<Text>,
    /// `delim=`: after a key; and between pairs.
    pub delimiters: Vec<(String, Text)>,
    /// `refonly`.
    pub refonly: bool,
    /// The keys.
    pub keys: Vec<Text>,
    /// The fields after `as`.
    pub names: Vec<Name>,
    /// `nodrop`.
    pub nodrop: bool,
}

/// `csv f extract …`, `split f delim=… extract …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// Written `csv`.
    pub csv: bool,
    /// The field; absent means `_raw`.
    pub source: Option<Name>,
    /// `delim=`, `escape=`, `quote=`.
    pub options: Vec<(String, Text)>,
    /// Position (from 1) and field.
    pub fields: Vec<(usize, Name)>,
}

/// `parse xml …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Xml {
    /// `field=`.
    pub source: Option<Name>,
    /// The XPaths.
    pub paths: Vec<Text>,
    /// The fields after `as`.
    pub names: Vec<Name>,
    /// `nodrop`.
    pub nodrop: bool,
}

/// A key of a sort.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    /// What is sorted by.
    pub value: Expr,
    /// `asc`, `+`; none written means descending.
    pub ascending: bool,
}

/// Aggregates and their groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// The aggregates.
    pub items: Vec<AggregateItem>,
    /// The groups.
    pub by: Vec<GroupKey>,
    /// Written after `stats`: an extension.
    pub stats: bool,
}

/// One aggregate.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateItem {
    /// The function, lower-case.
    pub function: String,
    /// Its arguments.
    pub arguments: Vec<Expr>,
    /// `as`.
    pub alias: Option<Name>,
    /// Where.
    pub at: At,
}

/// What rows are grouped by.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupKey {
    /// A field, or an expression.
    pub value: Expr,
    /// `as`.
    pub alias: Option<Name>,
}

/// `timeslice …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeslice {
    /// How wide, or how many.
    pub width: TimesliceWidth,
    /// The time field, if not `_messageTime`.
    pub source: Option<Name>,
    /// `as`.
    pub alias: Option<Name>,
}

/// How wide a time slice is.
#[derive(Clone, Debug, PartialEq)]
pub enum TimesliceWidth {
    /// `5m`.
    Every(Expr),
    /// `100 buckets`.
    Buckets(Expr),
}

/// `fillmissing …`.
#[derive(Clone, Debug, PartialEq)]
pub struct FillMissing {
    /// What is filled.
    pub keys: Vec<FillKey>,
    /// `with value for field, …`.
    pub with: Vec<(Expr, Vec<Name>)>,
    /// `takeLast`.
    pub take_last: bool,
}

/// A key that `fillmissing` completes.
#[derive(Clone, Debug, PartialEq)]
pub enum FillKey {
    /// `timeslice(1h) [in f]`.
    Timeslice(Option<Expr>, Option<Name>),
    /// `values("a", "b") in f`.
    Values(Vec<Expr>, Name),
    /// `values all in f`.
    All(Name),
}

/// Operators that look at neighbouring rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    /// Which.
    pub function: RunningFunction,
    /// The field.
    pub field: Name,
    /// The window or the distance.
    pub count: Option<Expr>,
    /// The groups.
    pub by: Vec<Name>,
    /// `as`.
    pub alias: Option<Name>,
}

/// Operators that look at neighbouring rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunningFunction {
    /// A running sum.
    Accum,
    /// The sum of all.
    Total,
    /// The difference to the row before.
    Diff,
    /// The value n rows before.
    Backshift,
    /// The standard deviation of the last n.
    RollingStd,
    /// The mean of the last n.
    Smooth,
}

impl RunningFunction {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            RunningFunction::Accum => "accum",
            RunningFunction::Total => "total",
            RunningFunction::Diff => "diff",
            RunningFunction::Backshift => "backshift",
            RunningFunction::RollingStd => "rollingstd",
            RunningFunction::Smooth => "smooth",
        }
    }
}

/// `join …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// The tables: a child pipeline over the same messages, and its name.
    pub tables: Vec<(Query, Name)>,
    /// `on a.x = b.y and …`.
    pub on: Vec<(Name, Name)>,
    /// `timewindow`.
    pub window: Option<Expr>,
}

/// `lookup …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookup {
    /// The table's columns and what they are called here; empty with `*`.
    pub columns: Vec<(Name, Option<Name>)>,
    /// Where the table is, verbatim.
    pub from: Text,
    /// Message field and table column.
    pub on: Vec<(Name, Name)>,
}
