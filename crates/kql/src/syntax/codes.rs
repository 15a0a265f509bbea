//! The codes of what syntax has to say; `docs/kql.md` lists them.

/// A character that begins no token.
pub(crate) const UNEXPECTED_CHARACTER: &str = "KQL0001";
/// A string without its closing quote.
pub(crate) const UNCLOSED_STRING: &str = "KQL0002";
/// A literal such as `datetime(…` without `)` on its line.
pub(crate) const UNCLOSED_LITERAL: &str = "KQL0003";
/// A backslash that begins no escape.
pub(crate) const BAD_ESCAPE: &str = "KQL0004";
/// Some particular token is needed here.
pub(crate) const EXPECTED: &str = "KQL0005";
/// An expression is needed here.
pub(crate) const EXPECTED_EXPRESSION: &str = "KQL0006";
/// A name is needed here.
pub(crate) const EXPECTED_NAME: &str = "KQL0007";
/// A tabular operator is needed after `|`.
pub(crate) const EXPECTED_OPERATOR: &str = "KQL0008";
/// A keyword is used as a name.
pub(crate) const KEYWORD_AS_NAME: &str = "KQL0009";
/// Text where the query should have ended.
pub(crate) const UNEXPECTED: &str = "KQL0010";
/// Two things without a separator between them.
pub(crate) const MISSING_SEPARATOR: &str = "KQL0011";
/// A type is needed here.
pub(crate) const EXPECTED_TYPE: &str = "KQL0012";
/// A literal or a word is needed here.
pub(crate) const EXPECTED_VALUE: &str = "KQL0013";
/// The text of a literal is no value of its type.
pub(crate) const BAD_LITERAL: &str = "KQL0014";
/// A number that its type cannot hold.
pub(crate) const OUT_OF_RANGE: &str = "KQL0015";
/// Nesting beyond the limit.
pub(crate) const TOO_DEEP: &str = "KQL0016";
/// A guid without `guid(…)`.
pub(crate) const RAW_GUID: &str = "KQL0017";
/// `materialize` in a place other than `let`.
pub(crate) const MATERIALIZE_OUTSIDE_LET: &str = "KQL0018";
/// A construct that is known and not supported.
pub(crate) const UNSUPPORTED: &str = "KQL0019";
