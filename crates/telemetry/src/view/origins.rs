//! Where a view's columns come from, for people.

use super::View;
use super::expr::Expr;
use crate::event::Family;
use crate::source::Source;
use std::fmt;

impl View {
    /// Which fields feed the column in events of that source: for each family of events that it can hold, the mapping
    /// data's expression; nothing where the family has no such thing.
    pub fn origins(&self, column: &str, source: &Source) -> Vec<(&'static str, Option<String>)> {
        let Some(place) = self.inner.columns.iter().position(|c| c.name == column) else { return Vec::new() };
        let holds =
            |f: &Family| source.format.families().contains(f) && (source.seen.is_empty() || source.seen.contains(f));
        let feeds = self.inner.feeds.iter().filter(|f| holds(&f.family));
        feeds.map(|f| (f.family.name(), f.columns.get(place).and_then(|e| e.as_ref()).map(Expr::to_string))).collect()
    }
}

impl Family {
    /// The family's name in mapping data.
    pub fn name(self) -> &'static str {
        match self {
            Family::Auditd => "auditd",
            Family::AuditRecord => "audit-record",
            Family::Sysmon => "sysmon",
            Family::Security => "security",
            Family::Windows => "windows",
            Family::Defender => "defender",
            Family::Syslog => "syslog",
            Family::Generic => "generic",
        }
    }
}

/// As it is written in mapping data.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, parts: &[Expr], between: &str| {
            parts.iter().enumerate().try_for_each(|(i, part)| {
                if i > 0 {
                    f.write_str(between)?;
                }
                part.fmt(f)
            })
        };
        match self {
            Expr::Field(name) if name.contains(' ') => write!(f, "[{name}]"),
            Expr::Field(name) => f.write_str(name),
            Expr::Const(text) => write!(f, "\"{text}\""),
            Expr::First(parts) => list(f, parts, " | "),
            Expr::Call(function, parts) => {
                write!(f, "{}(", format!("{function:?}").to_lowercase())?;
                list(f, parts, ", ")?;
                f.write_str(")")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_printed_as_it_is_written() {
        for text in
            ["Timestamp | TimeGenerated | @time", "before(User, \"\\\")", "case(@eventid, \"11\", \"a\")", "host()"]
        {
            let expr = Expr::parse(text).unwrap();
            assert_eq!(expr.to_string(), text);
            assert_eq!(Expr::parse(&expr.to_string()), Ok(expr));
        }
    }
}
