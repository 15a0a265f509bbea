//! Which rules a filter is for.

use crate::tree::{Filter, LogSource, Rule};

impl Filter {
    /// Whether it is for that rule: named by id, name or title, or for any, and of a log source that takes in the
    /// rule's.
    pub fn is_for(&self, rule: &Rule) -> bool {
        let meta = &rule.meta;
        let named = |r: &String| {
            meta.id.as_ref().is_some_and(|id| id.eq_ignore_ascii_case(r))
                || meta.name.as_ref() == Some(r)
                || meta.title == *r
        };
        let source = self.logsource.as_ref().is_none_or(|wide| takes_in(wide, &rule.logsource));
        source && (self.rules.is_empty() || self.rules.iter().any(named))
    }
}

/// Whether all that the first says holds of the second.
fn takes_in(wide: &LogSource, narrow: &LogSource) -> bool {
    let agrees = |a: &Option<String>, b: &Option<String>| a.is_none() || a == b;
    agrees(&wide.category, &narrow.category)
        && agrees(&wide.product, &narrow.product)
        && agrees(&wide.service, &narrow.service)
}
