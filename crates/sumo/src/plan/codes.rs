//! The codes of the messages about queries that parse. Each is described in `docs/sumo.md`.

/// A field that is not there at this point of the pipeline.
pub const UNKNOWN_FIELD: &str = "SUMO0101";
/// A function that the language does not have.
pub const UNKNOWN_FUNCTION: &str = "SUMO0102";
/// A function with the wrong number of arguments, or an argument that cannot be what it is.
pub const BAD_ARGUMENT: &str = "SUMO0103";
/// `{{name}}` without a value.
pub const NO_PARAMETER: &str = "SUMO0104";
/// An operator, or a form of it, that is not run here.
pub const NOT_SUPPORTED: &str = "SUMO0105";
/// Something that needs data of the real product's cloud.
pub const NEEDS_CLOUD: &str = "SUMO0106";
/// Something that needs the query's time range.
pub const NEEDS_RANGE: &str = "SUMO0107";
/// An extension under `strict`.
pub const STRICT: &str = "SUMO0108";
/// A switch with a value that it does not have.
pub const BAD_SWITCH: &str = "SUMO0109";
/// A macro that nobody gives, or with other arguments.
pub const NO_MACRO: &str = "SUMO0110";
/// A field extraction rule that can't be used.
pub const RULE: &str = "SUMO0111";
/// A table that can't be saved.
pub const SAVE: &str = "SUMO0112";
/// The plan could not be built.
pub const INTERNAL: &str = "SUMO0199";

/// An extension was used.
pub const EXTENSION: &str = "SUMO0201";
/// A glob that looks like a regular expression.
pub const REGEX_LIKE: &str = "SUMO0202";
/// An expression whose value goes nowhere.
pub const NO_ALIAS: &str = "SUMO0203";
/// `in` with numbers over text.
pub const IN_NUMBERS: &str = "SUMO0204";
/// A scope term that means nothing here.
pub const NO_PARTITIONS: &str = "SUMO0205";
/// Wildcards between quotes.
pub const QUOTED_WILDCARD: &str = "SUMO0206";
/// `json auto` and `keyvalue auto` make only the fields that the query names.
pub const NAMED_ONLY: &str = "SUMO0207";
/// A lookup in a table that nobody gave.
pub const NO_TABLE: &str = "SUMO0208";
/// A parameter without a value, for which a dashboard's default is used.
pub const DEFAULT_PARAMETER: &str = "SUMO0209";
/// Columns whose names are not documented.
pub const COLUMN_NAMES: &str = "SUMO0210";
/// A field that field extraction rules take out of messages.
pub const EXTRACTED: &str = "SUMO0212";
/// A field of another product's data model.
pub const SPLUNK_FIELD: &str = "SUMO0213";
/// What `save` leaves out: operators after it, columns that its table does not have, the table itself where the query
/// is not run for it.
pub const NOT_SAVED: &str = "SUMO0214";
