//! Whether searching records saves more than it costs.

/// Of how many records in a row it is counted how many could be passed over.
const SAMPLE: u64 = 4_096;

/// Where of so many records not one could be passed over, all are read for a while. Measured: to search a line of JSON takes
/// about a tenth of the time that it takes to decode a few of its members and to filter the row.
const ONE_OF: u64 = 8;

/// For so many samples: what a search for nothing costs is then far below what can be measured.
const REST: u64 = 15;

/// Counts records that were searched, and says when not to search the next ones. By numbers alone and not by the clock: the same
/// records are read every time.
#[derive(Debug, Default)]
pub(super) struct Worth {
    /// Records that were read, and that were passed over, since the count began.
    read: u64,
    passed: u64,
    /// How many are still to be read whatever they hold.
    rest: u64,
}

impl Worth {
    /// A record was read.
    #[inline]
    pub(super) fn read(&mut self) {
        match self.rest {
            0 => self.read += 1,
            _ => self.rest -= 1,
        }
    }

    /// So many were passed over.
    #[inline]
    pub(super) fn pass(&mut self, records: u64) {
        self.passed += records;
    }

    /// Whether the next record is to be searched.
    #[inline]
    pub(super) fn searches(&mut self) -> bool {
        if self.read + self.passed >= SAMPLE {
            if self.passed * ONE_OF < self.read + self.passed {
                self.rest = REST * SAMPLE;
            }
            (self.read, self.passed) = (0, 0);
        }
        self.rest == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `all` records are read whatever they hold, where of every so many one could be passed over.
    fn unsearched(all: u64, one_of: u64) -> u64 {
        let mut worth = Worth::default();
        let mut unsearched = 0;
        for record in 0..all {
            match worth.searches() {
                true if record % one_of == 0 => worth.pass(1),
                searched => {
                    unsearched += u64::from(!searched);
                    worth.read();
                }
            }
        }
        unsearched
    }

    #[test]
    fn a_search_goes_on_while_it_saves_anything() {
        assert_eq!(unsearched(100_000, 2), 0);
        assert_eq!(unsearched(100_000, 7), 0);
        // It rests, and looks again.
        let rested = unsearched(10_000_000, 1_000);
        assert!((9_300_000..9_400_000).contains(&rested), "{rested}");
    }
}
