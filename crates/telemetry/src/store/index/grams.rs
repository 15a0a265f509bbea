//! Which runs of three and of four characters a text has.

use crate::needles::{folded, parts};

/// Runs of three characters are told apart by so many bits, and of four.
const THREE: u32 = 18;
const FOUR: u32 = 20;

/// How many numbers runs have.
pub(super) const NUMBERS: usize = (1 << THREE) + (1 << FOUR);

/// What a byte is in a run, whatever its case; 0 where no piece of a literal reaches over it.
const PLAIN: [u8; 256] = {
    let mut all = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        // A character of ASCII.
        if !parts(byte as char) {
            all[byte as usize] = folded(byte);
        }
        byte += 1;
    }
    all
};

/// Several runs may have one number: then a text seems to have what it has not, never the other way around.
fn three(run: u32) -> usize {
    ((run & 0x00ff_ffff).wrapping_mul(0x9E37_79B1) >> (32 - THREE)) as usize
}

fn four(run: u32) -> usize {
    (1 << THREE) + (run.wrapping_mul(0x9E37_79B1) >> (32 - FOUR)) as usize
}

/// The numbers of the runs of some texts.
#[derive(Clone, Debug)]
pub(super) struct Grams(Vec<u64>);

impl Grams {
    pub(super) fn new() -> Self {
        Grams(vec![0; NUMBERS / 64])
    }

    /// Adds those of a text.
    pub(super) fn add(&mut self, text: &[u8]) {
        let (mut run, mut length) = (0u32, 0u32);
        for byte in text {
            let plain = PLAIN[usize::from(*byte)];
            if plain == 0 {
                length = 0;
                continue;
            }
            run = run << 8 | u32::from(plain);
            length += 1;
            if length >= 3 {
                self.set(three(run));
            }
            if length >= 4 {
                self.set(four(run));
            }
        }
    }

    fn set(&mut self, number: usize) {
        self.0[number / 64] |= 1 << (number % 64);
    }

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
        let plain = |run, byte: &u8| Some(run << 8 | u32::from(Some(PLAIN[usize::from(*byte)]).filter(|b| *b > 0)?));
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
            let mut grams = Grams::new();
            grams.add([before.as_str(), &piece, &after].concat().as_bytes());
            prop_assert!(has(&grams, &piece.to_ascii_lowercase()));
        }
    }

    #[test]
    fn what_is_not_there_is_mostly_told() {
        let mut grams = Grams::new();
        grams.add(b"C:\\Windows\\System32\\svchost.exe -k netsvcs");
        assert!(has(&grams, "svchost.exe") && has(&grams, "exe") && has(&grams, "SYSTEM32"));
        assert!(!has(&grams, "luajit") && !has(&grams, "lua") && !has(&grams, "exe_"));
        // No run reaches over what parts pieces.
        assert!(!has(&grams, "windowssystem"));
    }
}
