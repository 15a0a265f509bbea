//! What speaks for a finding: why the rule fired, the processes around the event, and the event as it was recorded.

mod reasons;
mod recorded;
mod tree;

pub use reasons::reasons;
pub use recorded::raw_events;
pub use tree::{Child, Process, Processes, Tree};

use parallax_detect::Finding;
use std::collections::BTreeMap;

/// A recorded event: the file and its place there.
pub type Place = (String, i64);

/// Where the event behind a finding was recorded.
pub fn place(finding: &Finding) -> Option<Place> {
    let event = finding.event.as_ref()?;
    Some((event.source.clone()?, event.record?))
}

/// Places by file.
pub(crate) fn by_source<'a>(places: impl IntoIterator<Item = &'a Place>) -> BTreeMap<String, Vec<i64>> {
    let mut by: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (source, record) in places {
        by.entry(source.clone()).or_default().push(*record);
    }
    by.values_mut().for_each(|records| {
        records.sort_unstable();
        records.dedup();
    });
    by
}
