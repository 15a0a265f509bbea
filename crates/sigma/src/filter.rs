//! Which rules a filter is for.

use crate::tree::{Filter, LogSource, Meta, Rule};

impl Meta {
    /// Whether correlations and filters mean it by that id, name or title.
    pub fn is_called(&self, name: &str) -> bool {
        self.id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(name))
            || self.name.as_deref() == Some(name)
            || self.title == name
    }
}

impl Filter {
    /// Whether it is for that rule: named by id, name or title, or for any, and of a log source that takes in the
    /// rule's.
    pub fn is_for(&self, rule: &Rule) -> bool {
        let source = self.logsource.as_ref().is_none_or(|wide| takes_in(wide, &rule.logsource));
        source && (self.rules.is_empty() || self.rules.iter().any(|name| rule.meta.is_called(name)))
    }
}

/// Whether all that the first says holds of the second.
fn takes_in(wide: &LogSource, narrow: &LogSource) -> bool {
    let agrees = |a: &Option<String>, b: &Option<String>| a.is_none() || a == b;
    agrees(&wide.category, &narrow.category)
        && agrees(&wide.product, &narrow.product)
        && agrees(&wide.service, &narrow.service)
}
