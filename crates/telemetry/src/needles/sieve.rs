//! Passing over records that are no lines: events of XML, rows of a JSON document, blocks of text.

use super::worth::Worth;
use super::{Finder, Folded};
use std::sync::Arc;

/// Tells of one record after the other whether it may be passed over.
pub(crate) struct Sieve {
    finder: Arc<Finder>,
    /// A record, folded.
    record: Folded,
    worth: Worth,
    /// How many are still to be read whatever they hold.
    first: u64,
}

impl Sieve {
    /// One that has read nothing yet; the first records are read whatever they hold.
    pub(crate) fn new(finder: Arc<Finder>, first: u64) -> Self {
        Sieve { finder, record: Folded::default(), worth: Worth::default(), first }
    }

    /// Whether nothing is found in a record that is whole, and `sound` says that it is what it seems to be.
    pub(crate) fn passes(&mut self, record: &[u8], sound: impl FnOnce(&[u8]) -> bool) -> bool {
        if self.first > 0 {
            self.first -= 1;
            return false;
        }
        if !self.worth.searches() {
            self.worth.read();
            return false;
        }
        let passes = !self.finds(record) && sound(record);
        match passes {
            true => self.worth.pass(1),
            false => self.worth.read(),
        }
        passes
    }

    fn finds(&mut self, record: &[u8]) -> bool {
        self.record.take(record);
        self.finder.is_in_folded(&self.record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::needles::Needles;

    fn sieve(first: u64) -> Sieve {
        let needles = Needles::new([("lua", false), ("mask", true)]).unwrap();
        Sieve::new(Arc::new(Finder::new(&needles).unwrap()), first)
    }

    #[test]
    fn records_without_anything_are_passed_over() {
        let mut sieve = sieve(1);
        let mut passes = |text: &str| sieve.passes(text.as_bytes(), |r| r.ends_with(b"."));
        assert!(!passes("first."));
        assert!(passes("<Data>nothing</Data>."));
        assert!(!passes("not sound"));
        for found in ["LUA.", "l&#117;a.", "l\\u0075a.", "l<![CDATA[ua]]>.", "ma\u{17f}k."] {
            assert!(!passes(found), "{found}");
        }
    }

    #[test]
    fn searching_rests_where_nearly_all_records_are_read_anyway() {
        let mut sieve = sieve(0);
        assert!((0..5_000).all(|_| !sieve.passes(b"lua", |_| true)));
        assert!(!sieve.passes(b"nothing", |_| true));
    }
}
