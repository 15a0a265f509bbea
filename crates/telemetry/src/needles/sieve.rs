//! Passing over records that are no lines: events of XML, rows of a JSON document, blocks of text.

use super::{Finder, Folded};
use std::sync::Arc;

/// Of how many records in a row it is counted how many could be passed over.
const SAMPLE: u64 = 4_096;

/// Tells of one record after the other whether it may be passed over.
pub(crate) struct Sieve {
    finder: Arc<Finder>,
    /// A record, folded.
    record: Folded,
    /// Records that were read, and that were passed over, since the count began.
    read: u64,
    passed: u64,
    /// How many are still to be read whatever they hold.
    first: u64,
    off: bool,
}

impl Sieve {
    /// One that has read nothing yet; the first records are read whatever they hold.
    pub(crate) fn new(finder: Arc<Finder>, first: u64) -> Self {
        Sieve { finder, record: Folded::default(), read: 0, passed: 0, first, off: false }
    }

    /// Whether nothing is found in a record that is whole, and `sound` says that it is what it seems to be.
    pub(crate) fn passes(&mut self, record: &[u8], sound: impl FnOnce(&[u8]) -> bool) -> bool {
        if self.off || self.first > 0 {
            self.first = self.first.saturating_sub(1);
            return false;
        }
        let passes = !self.finds(record) && sound(record);
        if passes {
            self.passed += 1;
        } else {
            self.read += 1;
        }
        if self.read + self.passed >= SAMPLE {
            // Where most records are read anyway, searching them is work for nothing.
            self.off = self.read > self.passed;
            (self.read, self.passed) = (0, 0);
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
    fn searching_ends_where_most_records_are_read_anyway() {
        let mut sieve = sieve(0);
        assert!((0..5_000).all(|_| !sieve.passes(b"lua", |_| true)));
        assert!(!sieve.passes(b"nothing", |_| true));
    }
}
