//! Beginnings of lines that follow each other.

/// A text with which others may begin, compared a few words at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Prefix {
    bytes: Vec<u8>,
    words: Words,
    /// The bits of the words that count, and those in which digits differ from each other.
    mask: Words,
    digits: Words,
}

type Words = [u64; WORDS];

const WORDS: usize = 5;
const SIZE: usize = 8 * WORDS;

impl Prefix {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn set(&mut self, bytes: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        let [mut text, mut mask, mut digits] = [[0; SIZE]; 3];
        for (at, b) in bytes.iter().enumerate().take(SIZE) {
            (text[at], mask[at]) = (*b, 0xff);
            digits[at] = if b.is_ascii_digit() { 0x0f } else { 0 };
        }
        (self.words, self.mask, self.digits) = (words(&text), words(&mask), words(&digits));
    }

    /// What stands behind it in a text that begins with it. Nothing begins with an empty one.
    #[inline]
    pub(super) fn strip<'l>(&self, text: &'l [u8]) -> Option<&'l [u8]> {
        if self.bytes.is_empty() {
            return None;
        }
        match text.first_chunk::<SIZE>() {
            Some(first) if self.bytes.len() <= SIZE => {
                let first = words(first);
                let other = (0..WORDS).fold(0, |other, n| other | (first[n] ^ self.words[n]) & self.mask[n]);
                (other == 0).then(|| &text[self.bytes.len()..])
            }
            _ => text.strip_prefix(self.bytes.as_slice()),
        }
    }

    /// What stands behind a text that is the same but for what its digits are: that one is taken in its place.
    #[inline]
    pub(super) fn strip_like<'l>(&mut self, text: &'l [u8]) -> Option<&'l [u8]> {
        let length = self.bytes.len();
        let first = text.first_chunk::<SIZE>().filter(|_| (1..=SIZE).contains(&length))?;
        let new = words(first);
        let (mut other, mut beyond) = (0, 0);
        (0..WORDS).for_each(|n| {
            other |= (new[n] ^ self.words[n]) & self.mask[n] & !self.digits[n];
            // Six more than a nine is sixteen.
            beyond |= (new[n] & self.digits[n]) + (self.digits[n] & 0x0606_0606_0606_0606);
        });
        if other != 0 || beyond & 0x1010_1010_1010_1010 != 0 {
            return None;
        }
        let (own, rest) = text.split_at(length);
        self.bytes.copy_from_slice(own);
        (0..WORDS).for_each(|n| self.words[n] = new[n] & self.mask[n]);
        Some(rest)
    }

    /// A number for it.
    #[inline]
    pub(super) fn key(&self) -> u64 {
        let mix = |key: u64, word: u64| (key ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        let key = self.words.iter().fold(self.bytes.len() as u64, |key, word| mix(key, *word));
        self.bytes.get(SIZE..).unwrap_or_default().iter().fold(key, |key, b| mix(key, u64::from(*b)))
    }
}

#[inline]
fn words(bytes: &[u8; SIZE]) -> Words {
    let mut words = [0; WORDS];
    for (word, eight) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*eight);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_begins_alike(one in "[ab:(0-9]{0,45}", edits in proptest::collection::vec((0usize..45, "[ab:;(0-9]"), 0..3), rest in "[a:0-9]{0,50}") {
            let mut two = one.clone().into_bytes();
            for (at, b) in edits {
                if let Some(there) = two.get_mut(at) {
                    *there = b.as_bytes()[0];
                }
            }
            let text = [two.as_slice(), rest.as_bytes()].concat();
            let mut prefix = Prefix::default();
            prefix.set(one.as_bytes());
            let expected = text.strip_prefix(one.as_bytes()).filter(|_| !one.is_empty());
            proptest::prop_assert_eq!(prefix.strip(&text), expected);
            let alike = two.iter().zip(one.bytes()).all(|(a, b)| *a == b || a.is_ascii_digit() && b.is_ascii_digit());
            match prefix.strip_like(&text) {
                Some(behind) => {
                    proptest::prop_assert!(alike);
                    proptest::prop_assert_eq!(behind, rest.as_bytes());
                    let mut other = Prefix::default();
                    other.set(&two);
                    proptest::prop_assert_eq!(format!("{prefix:?}"), format!("{other:?}"));
                    proptest::prop_assert_eq!(prefix.strip(&text), Some(rest.as_bytes()));
                }
                None => proptest::prop_assert!(!alike || one.is_empty() || text.len() < SIZE || one.len() > SIZE),
            }
        }
    }
}
