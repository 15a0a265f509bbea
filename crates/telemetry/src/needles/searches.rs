//! Searches that all who read one source after the other share: to make one takes longer than to search a small file.

use super::{Finder, Needles};
use std::sync::{Arc, OnceLock};

/// The searches for some needles, made when they are first asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Searches(Arc<Made>);

#[derive(Debug, Default)]
struct Made {
    lines: OnceLock<Option<Arc<Finder>>>,
    json: OnceLock<Option<Arc<Finder>>>,
    binary: OnceLock<Option<Arc<Finder>>>,
}

/// They follow from the needles.
impl PartialEq for Searches {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Searches {}

impl Needles {
    /// [`Finder::new`], shared.
    pub(crate) fn finder(&self) -> Option<Arc<Finder>> {
        self.searches.0.lines.get_or_init(|| Finder::new(self).map(Arc::new)).clone()
    }

    /// [`Finder::in_json`], shared.
    pub(crate) fn finder_in_json(&self) -> Option<Arc<Finder>> {
        self.searches.0.json.get_or_init(|| Finder::in_json(self).map(Arc::new)).clone()
    }

    /// [`Finder::in_binary`], shared.
    pub(crate) fn finder_in_binary(&self) -> Option<Arc<Finder>> {
        self.searches.0.binary.get_or_init(|| Finder::in_binary(self).map(Arc::new)).clone()
    }
}
