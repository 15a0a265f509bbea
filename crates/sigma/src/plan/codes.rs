//! The codes of messages about rules that are right. Each is described in `docs/sigma.md`, as are those of the syntax.

/// A correlation where a query is due.
pub const CORRELATION: &str = "SIGMA0701";
/// There is nothing to query in the file.
pub const NO_RULE: &str = "SIGMA0702";
/// More rules than are due.
pub const SEVERAL: &str = "SIGMA0703";
/// A log source that is not of Sigma's taxonomy.
pub const UNKNOWN_SOURCE: &str = "SIGMA0704";
/// There are no events to read.
pub const NO_EVENTS: &str = "SIGMA0705";
/// A filter for no rule of the file.
pub const IDLE_FILTER: &str = "SIGMA0706";
/// What a rule is about: for those who check it.
pub const ABOUT: &str = "SIGMA0707";
/// A rule that no event of its log source can fulfil.
pub const IDLE_RULE: &str = "SIGMA0708";
/// A regular expression that is too large.
pub const TOO_LARGE: &str = "SIGMA0709";
/// The plan could not be built.
pub const INTERNAL: &str = "SIGMA0799";
