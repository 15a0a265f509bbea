//! Which runs of three and of four characters a text has.

use crate::needles::parts;

/// The bits of a character in a run: there are fewer than 63 that can be in one, of which case does not count.
const BITS: u32 = 6;

/// Runs of three characters are told apart by so many bits, and of four.
const THREE: u32 = 3 * BITS;
const FOUR: u32 = 20;

/// How many numbers runs have.
pub(super) const NUMBERS: usize = (1 << THREE) + (1 << FOUR);

/// What a byte is in a run, whatever its case; 0 where no piece of a literal reaches over it.
const PLAIN: [u8; 256] = {
    let mut all = [0; 256];
    let (mut byte, mut next) = (0u8, 1u8);
    while byte < 128 {
        // A character of ASCII.
        if !parts(byte as char) {
            let lower = byte.to_ascii_lowercase() as usize;
            if all[lower] == 0 {
                all[lower] = next;
                next += 1;
            }
            all[byte as usize] = all[lower];
        }
        byte += 1;
    }
    assert!(next <= 1 << BITS);
    all
};

fn three(run: u32) -> usize {
    (run & ((1 << THREE) - 1)) as usize
}

/// Several runs may have one number: then a text seems to have what it has not, never the other way around.
fn four(run: u32) -> usize {
    (1 << THREE) + ((run << (32 - 4 * BITS)).wrapping_mul(0x9E37_79B1) >> (32 - FOUR)) as usize
}

/// Finds the numbers of the runs of some texts. A byte for each, for a bit would have to be read before it is set.
#[derive(Debug)]
pub(super) struct Runs(Vec<u8>);

impl Default for Runs {
    fn default() -> Self {
        Runs(vec![0; NUMBERS])
    }
}

impl Runs {
    /// Adds those of a text.
    pub(super) fn add(&mut self, text: &[u8]) {
        let (mut run, mut length) = (0u32, 0u32);
        for byte in text {
            let plain = PLAIN[usize::from(*byte)];
            if plain == 0 {
                length = 0;
                continue;
            }
            run = run << BITS | u32::from(plain);
            length += 1;
            if length >= 3 {
                self.0[three(run)] = 1;
                if length >= 4 {
                    self.0[four(run)] = 1;
                }
            }
        }
    }

    /// All that were found, and begins anew.
    pub(super) fn take(&mut self) -> Grams {
        // Of eight bytes the lowest bits.
        let byte = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        let word = |bytes: &[u8]| {
            let eights = bytes.as_chunks::<8>().0.iter().enumerate();
            eights.fold(0, |word, (at, eight)| word | byte(eight) << (8 * at))
        };
        let grams = Grams(self.0.chunks_exact(64).map(word).collect());
        self.0.fill(0);
        grams
    }
}

/// Numbers of runs.
#[derive(Clone, Debug)]
pub(super) struct Grams(Vec<u64>);

impl Grams {
    /// Sixty-four of them, a bit each.
    pub(super) fn word(&self, at: usize) -> u64 {
        self.0[at]
    }
}

/// The numbers that a text has if a piece of a literal stands in it.
pub(super) fn of_piece(piece: &str) -> Vec<usize> {
    let long = piece.len() > 3;
    let runs = piece.as_bytes().windows(if long { 4 } else { 3 });
    let run = |bytes: &[u8]| {
        let plain = |run, byte: &u8| Some(run << BITS | u32::from(Some(PLAIN[usize::from(*byte)]).filter(|b| *b > 0)?));
        let run = bytes.iter().try_fold(0, plain)?;
        Some(if long { four(run) } else { three(run) })
    };
    runs.filter_map(run).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn has(grams: &Grams, piece: &str) -> bool {
        of_piece(piece).into_iter().all(|n| grams.word(n / 64) >> (n % 64) & 1 == 1)
    }

    proptest! {
        #[test]
        fn a_text_has_the_runs_of_its_pieces(before in "\\PC{0,40}", piece in "[a-zA-Z0-9_.()*$@!~^?-]{3,12}", after in "\\PC{0,40}") {
            let mut runs = Runs::default();
            runs.add([before.as_str(), &piece, &after].concat().as_bytes());
            prop_assert!(has(&runs.take(), &piece.to_ascii_lowercase()));
        }
    }

    #[test]
    fn what_is_not_there_is_mostly_told() {
        let mut runs = Runs::default();
        runs.add(b"C:\\Windows\\System32\\svchost.exe -k netsvcs");
        let grams = runs.take();
        assert!(!has(&runs.take(), "exe"));
        assert!(has(&grams, "svchost.exe") && has(&grams, "exe") && has(&grams, "SYSTEM32"));
        assert!(!has(&grams, "luajit") && !has(&grams, "lua") && !has(&grams, "exe_"));
        // No run reaches over what parts pieces.
        assert!(!has(&grams, "windowssystem"));
    }
}
