//! Where strings may end: the quotes, backslashes and control characters of a text, a bit for each byte.
//!
//! Many bytes are compared at once, in loops that compilers turn into vector instructions.

use super::members::{Scan, Unusual};

/// So many bytes are looked at together.
const BLOCK: usize = 512;

/// The marks of a text, as far as somebody asked.
pub(super) struct Marks<'a> {
    bytes: &'a [u8],
    words: Vec<u64>,
}

impl<'a> Marks<'a> {
    /// Of a text; `room` is used again.
    pub(super) fn new(bytes: &'a [u8], room: Vec<u64>) -> Self {
        let mut words = room;
        words.clear();
        Marks { bytes, words }
    }

    /// The room, for the next text.
    pub(super) fn into_room(self) -> Vec<u64> {
        self.words
    }

    /// The first marked byte from a place on.
    #[inline]
    fn next(&mut self, from: usize) -> Option<usize> {
        let mut at = from / 64;
        let mut mask = u64::MAX << (from % 64);
        loop {
            let Some(word) = self.words.get(at) else {
                self.extend()?;
                continue;
            };
            let word = word & mask;
            if word != 0 {
                return Some(at * 64 + word.trailing_zeros() as usize);
            }
            mask = u64::MAX;
            at += 1;
        }
    }

    /// Passes over the string that begins at a place: where it ends, its quotes included.
    #[inline]
    pub(super) fn string(&mut self, from: usize) -> Result<usize, Unusual> {
        let mut at = from + 1;
        loop {
            at = self.next(at).ok_or(Unusual)?;
            match (self.bytes.get(at), self.bytes.get(at + 1)) {
                (Some(b'"'), _) => return Ok(at + 1),
                (Some(b'\\'), Some(b'\\' | b'"')) => at += 2,
                (Some(b'\\'), _) => {
                    let mut scan = Scan::new(self.bytes);
                    scan.at = at;
                    scan.escape()?;
                    at = scan.at;
                }
                _ => return Err(Unusual),
            }
        }
    }

    /// Marks the next block; `None` at the end of the text.
    fn extend(&mut self) -> Option<()> {
        let from = self.words.len() * 64;
        let rest = self.bytes.get(from..).filter(|rest| !rest.is_empty())?;
        let mut flags = [0; BLOCK];
        match rest.first_chunk::<BLOCK>() {
            Some(block) => flag(block, &mut flags),
            None => {
                let mut block = [b' '; BLOCK];
                block[..rest.len()].copy_from_slice(rest);
                flag(&block, &mut flags);
            }
        }
        let words = rest.len().min(BLOCK).div_ceil(64);
        self.words.extend(flags.chunks_exact(64).take(words).map(pack));
        Some(())
    }
}

/// A byte of 1 for each that is marked.
fn flag(bytes: &[u8; BLOCK], flags: &mut [u8; BLOCK]) {
    for (flag, byte) in flags.iter_mut().zip(bytes) {
        // Of control characters no bit above the lowest five is set.
        *flag = u8::from((byte ^ b'"').min(byte ^ b'\\').min(byte & 0xE0) == 0);
    }
}

/// Bytes of 0 and 1 as bits.
fn pack(flags: &[u8]) -> u64 {
    let eight = |at: usize| {
        let flags = flags.get(at * 8..at * 8 + 8).and_then(|f| <[u8; 8]>::try_from(f).ok()).unwrap_or_default();
        // Each byte's bit is brought to a place of its own in the highest byte.
        u64::from_le_bytes(flags).wrapping_mul(0x0102_0408_1020_4080) >> 56
    };
    (0..8).fold(0, |word, at| word | eight(at) << (at * 8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn strings_end_where_they_end(parts in prop::collection::vec("[a-zé ]{0,90}|\\\\[\\\\\"nux]|\\\\u00e9|\"|\u{1}|\u{1f}|\u{7f}|\\\\", 0..30)) {
            let text = format!("x\"{}", parts.concat());
            let mut scan = Scan::new(text.as_bytes());
            scan.at = 1;
            let expected = scan.string().map(|_| scan.at);
            let mut marks = Marks::new(text.as_bytes(), vec![7; 3]);
            prop_assert_eq!(marks.string(1), expected);
            // Once more, over what is marked already.
            prop_assert_eq!(marks.string(1), expected);
        }

        #[test]
        fn all_that_is_marked(bytes in prop::collection::vec(any::<u8>(), 0..1500)) {
            let mut marks = Marks::new(&bytes, Vec::new());
            let mut found = Vec::new();
            let mut at = 0;
            while let Some(next) = marks.next(at) {
                found.push(next);
                at = next + 1;
            }
            let expected: Vec<usize> = (0..bytes.len()).filter(|at| matches!(bytes[*at], b'"' | b'\\' | 0..0x20)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
