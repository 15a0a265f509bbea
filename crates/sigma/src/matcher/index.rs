//! Which rules a value may make match: literals found in one pass over it.
//!
//! Each literal is looked for by the rarest four bytes in it (or all of it where it is shorter). One pass over the value
//! asks of every four neighbouring bytes whether they are those of any literal: a bit in a table that stays in the
//! processor's nearest cache, with no step that waits for the one before it, as an automaton's would.

use super::anchor::{Atom, Commonness, Place, base_hash};
use hashbrown::HashMap;

/// The literals of one field, each with the rules that it is an anchor of.
#[derive(Default)]
pub(super) struct Index {
    /// Rules that any value is an anchor of.
    there: Vec<u32>,
    literals: Vec<Literal>,
    rules: Vec<u32>,
    /// Literals by the hash of the last part of a path.
    bases: HashMap<u32, Vec<u32>, Hashed>,
    grams: [Grams; 4],
}

/// The keys are hashes.
type Hashed = std::hash::BuildHasherDefault<Same>;

/// Hashes a hash: its bits spread out.
#[derive(Clone, Copy, Default)]
pub(super) struct Same(u64);

impl std::hash::Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |n, b| n << 8 | u64::from(*b));
    }

    fn write_u32(&mut self, n: u32) {
        self.0 = u64::from(n) << 32 | u64::from(n);
    }
}

struct Literal {
    text: Box<[u8]>,
    place: Place,
    /// Where its rules stand in `Index::rules`.
    rules: (u32, u32),
}

/// The words in tables of bits.
const SMALL: usize = 16;
const MIDDLE: usize = 128;
const LARGE: usize = 1_024;
const LARGEST: usize = 4_096;

/// Literals by some neighbouring bytes of them: one, two, three or four.
#[derive(Default)]
struct Grams {
    /// A bit for each hash that any has; the bit's place is as many of the hash's upper bits as it takes.
    bits: Vec<u64>,
    /// Where the entries of each hash begin; by the hash shifted by `slot_shift`.
    slots: Vec<u32>,
    slot_shift: u32,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    gram: u32,
    literal: u32,
    /// Where the bytes stand in the literal.
    offset: u32,
}

fn hash(gram: u32) -> u32 {
    gram.wrapping_mul(0x9E37_79B1)
}

/// Up to four bytes as a number.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |n, b| n << 8 | u32::from(*b))
}

impl Index {
    /// Of literals of one field.
    pub(super) fn new(anchors: HashMap<Atom, Vec<u32>>, common: &Commonness) -> Self {
        let mut index = Index::default();
        let mut entries: [Vec<Entry>; 4] = Default::default();
        let mut anchors: Vec<_> = anchors.into_iter().collect();
        anchors.sort_unstable();
        for (atom, mut rules) in anchors {
            rules.sort_unstable();
            rules.dedup();
            let text = atom.text.as_bytes();
            if atom.place == Place::There || (text.is_empty() && atom.place != Place::Whole) {
                index.there.extend(rules);
                continue;
            }
            let literal = index.literals.len() as u32;
            if let Some(base) = atom.base() {
                index.bases.entry(base_hash(base)).or_default().push(literal);
            } else {
                let length = text.len().min(4);
                let rarest = text.windows(length).enumerate().min_by_key(|(_, w)| match w {
                    [a, b, c, d] => common.gram([*a, *b, *c, *d]),
                    _ => 0,
                });
                let (offset, gram) = rarest.unwrap_or((0, text));
                entries[length - 1].push(Entry { gram: number(gram), literal, offset: offset as u32 });
            }
            let start = index.rules.len() as u32;
            index.rules.extend(rules);
            let rules = (start, index.rules.len() as u32);
            index.literals.push(Literal { text: text.into(), place: atom.place, rules });
        }
        index.grams = entries.map(Grams::new);
        index
    }

    /// Whether the hash of the value's base name is wanted.
    pub(super) fn asks_base(&self) -> bool {
        !self.bases.is_empty()
    }

    /// Calls with the rules that the folded value is an anchor of; with some several times. `base` is the hash of its
    /// base name, where it is known.
    pub(super) fn candidates(&self, value: &str, base: Option<u32>, found: &mut impl FnMut(&[u32])) {
        let value = value.as_bytes();
        if !self.there.is_empty() {
            found(&self.there);
        }
        if !self.bases.is_empty()
            && let Some(literals) = self.bases.get(&base.unwrap_or_else(|| base_hash(value)))
        {
            for literal in literals {
                let literal = &self.literals[*literal as usize];
                let fits = match literal.place {
                    Place::Whole => *value == *literal.text,
                    _ => value.ends_with(&literal.text),
                };
                if fits {
                    found(self.rules_of(literal));
                }
            }
        }
        self.scan::<4>(value, found);
        self.scan::<3>(value, found);
        self.scan::<2>(value, found);
        self.scan::<1>(value, found);
    }

    fn rules_of(&self, literal: &Literal) -> &[u32] {
        &self.rules[literal.rules.0 as usize..literal.rules.1 as usize]
    }

    fn scan<const N: usize>(&self, value: &[u8], found: &mut impl FnMut(&[u32])) {
        let grams = &self.grams[N - 1];
        match grams.bits.len() {
            0 => {}
            SMALL => self.scan_in::<N, SMALL>(value, found),
            MIDDLE => self.scan_in::<N, MIDDLE>(value, found),
            LARGE => self.scan_in::<N, LARGE>(value, found),
            _ => self.scan_in::<N, LARGEST>(value, found),
        }
    }

    /// In a table of so many words, so that no place in it needs to be checked.
    fn scan_in<const N: usize, const WORDS: usize>(&self, value: &[u8], found: &mut impl FnMut(&[u32])) {
        let grams = &self.grams[N - 1];
        let Some(bits) = grams.bits.first_chunk::<WORDS>() else { return };
        let shift = 32 - (64 * WORDS).trailing_zeros();
        for (at, window) in value.windows(N).enumerate() {
            let mut bytes = [0; 4];
            bytes[..N].copy_from_slice(window);
            let gram = u32::from_le_bytes(bytes);
            let bit = hash(gram) >> shift;
            if bits[bit as usize / 64 % WORDS] >> (bit % 64) & 1 != 0 {
                self.look(grams, gram, at, value, found);
            }
        }
    }

    #[cold]
    fn look(&self, grams: &Grams, gram: u32, at: usize, value: &[u8], found: &mut impl FnMut(&[u32])) {
        let slot = (hash(gram) >> grams.slot_shift) as usize;
        let entries = &grams.entries[grams.slots[slot] as usize..grams.slots[slot + 1] as usize];
        for entry in entries.iter().filter(|e| e.gram == gram) {
            let literal = &self.literals[entry.literal as usize];
            let Some(start) = at.checked_sub(entry.offset as usize) else { continue };
            let fits = value[start..].starts_with(&literal.text)
                && match literal.place {
                    Place::Start => start == 0,
                    Place::End => start + literal.text.len() == value.len(),
                    _ => true,
                };
            if fits {
                found(self.rules_of(literal));
            }
        }
    }
}

impl Grams {
    fn new(mut entries: Vec<Entry>) -> Self {
        if entries.is_empty() {
            return Grams::default();
        }
        // With 64 bits for an entry a chance hit costs less than a longer table would.
        let words = [SMALL, MIDDLE, LARGE].into_iter().find(|words| entries.len() <= *words).unwrap_or(LARGEST);
        let bits = words * 64;
        let slots = entries.len().next_power_of_two().clamp(2, 1 << 16);
        let (shift, slot_shift) = (32 - bits.trailing_zeros(), 32 - slots.trailing_zeros());
        entries.sort_by_key(|e| (hash(e.gram) >> slot_shift, e.gram));
        let mut grams = Grams { bits: vec![0; words], slots: vec![0; slots + 1], slot_shift, entries: Vec::new() };
        for entry in &entries {
            let bit = hash(entry.gram) >> shift;
            grams.bits[bit as usize / 64] |= 1 << (bit % 64);
            grams.slots[(hash(entry.gram) >> slot_shift) as usize + 1] += 1;
        }
        for slot in 1..grams.slots.len() {
            grams.slots[slot] += grams.slots[slot - 1];
        }
        grams.entries = entries;
        grams
    }
}
