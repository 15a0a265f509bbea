//! Which literals stand in a value, found in one pass over it: so which rules it may make match, and which tests it
//! passes.
//!
//! Each literal is looked for by the rarest four bytes in it (or all of it where it is shorter). One pass over the value
//! asks of every four neighbouring bytes whether they are those of any literal: a bit in a table that stays in the
//! processor's nearest cache, with no step that waits for the one before it, as an automaton's would.

use super::anchor::{Atom, Commonness, Place, base_hash};
use hashbrown::HashMap;
use memchr::memmem::Finder;

/// The literals of one field, each with the rules that it is an anchor of, and the tests that it makes true.
#[derive(Default)]
pub(super) struct Index {
    /// Rules that any value is an anchor of.
    there: Vec<u32>,
    literals: Vec<Literal>,
    rules: Vec<u32>,
    tests: Vec<u32>,
    /// Literals by the hash of the last part of a path.
    bases: HashMap<u32, Vec<u32>, Hashed>,
    grams: [Grams; 4],
    /// Short literals, where they are few: these are looked for one by one.
    short: Vec<(Finder<'static>, u32)>,
    /// Whether all other short ones have characters beyond ASCII.
    foreign: bool,
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
    /// Where its tests stand in `Index::tests`.
    tests: (u32, u32),
}

/// What is done with what is found.
pub(super) trait Found {
    /// A literal stands there, which may be told several times: whose rules and tests these are.
    fn literal(&mut self, literal: u32, rules: &[u32], tests: &[u32]);

    /// Rules of which any value is an anchor.
    fn there(&mut self, rules: &[u32]);
}

/// The words in tables of bits.
const SMALL: usize = 16;
const MIDDLE: usize = 128;
const LARGE: usize = 1_024;
const LARGEST: usize = 4_096;

/// Literals by some neighbouring bytes of them: one, two, three or four.
#[derive(Default)]
struct Grams {
    /// Only every so manieth place of a value is looked at: each literal stands here by as many of its places.
    stride: usize,
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

/// Where all literals are long, so many places of each are kept at most.
const STRIDES: usize = 16;
const PLACES: usize = 1 << 15;
/// So many literals are looked for one by one.
const FEW: usize = 12;

impl Index {
    /// Of the anchors of one field, with their rules, and of the literals of its tests.
    pub(super) fn new(anchors: HashMap<Atom, Vec<u32>>, tests: &HashMap<Atom, Vec<u32>>, common: &Commonness) -> Self {
        let mut index = Index::default();
        let mut all: Vec<(&Atom, &[u32], &[u32])> =
            anchors.iter().map(|(atom, rules)| (atom, &rules[..], tests.get(atom).map_or(&[][..], |t| t))).collect();
        all.extend(
            tests.iter().filter(|(atom, _)| !anchors.contains_key(*atom)).map(|(atom, t)| (atom, &[][..], &t[..])),
        );
        all.sort_unstable();
        let mut grams: [Vec<u32>; 4] = Default::default();
        for (atom, rules, tests) in all {
            let mut rules = rules.to_vec();
            rules.sort_unstable();
            rules.dedup();
            let text = atom.text.as_bytes();
            if atom.place == Place::There || (text.is_empty() && atom.place != Place::Whole) {
                index.there.extend(rules);
                continue;
            }
            let literal = index.literals.len() as u32;
            match atom.base() {
                Some(base) => index.bases.entry(base_hash(base)).or_default().push(literal),
                None => grams[text.len().min(4) - 1].push(literal),
            }
            let put = |all: &mut Vec<u32>, own: &[u32]| {
                let start = all.len() as u32;
                all.extend(own);
                (start, all.len() as u32)
            };
            let (rules, tests) = (put(&mut index.rules, &rules), put(&mut index.tests, tests));
            index.literals.push(Literal { text: text.into(), place: atom.place, rules, tests });
        }
        index.there.sort_unstable();
        index.there.dedup();
        let ascii = |literal: &u32| index.literals[*literal as usize].text.is_ascii();
        if grams[..3].iter().flatten().filter(|l| ascii(l)).count() <= FEW {
            let short: Vec<u32> = grams[..3].iter_mut().flat_map(|g| g.extract_if(.., |l| ascii(l))).collect();
            let finder = |l: &u32| Finder::new(&index.literals[*l as usize].text).into_owned();
            index.short = short.iter().map(|l| (finder(l), *l)).collect();
            index.foreign = true;
        }
        let Index { literals, .. } = &index;
        let text = |literal: &u32| &*literals[*literal as usize].text;
        index.grams = std::array::from_fn(|n| {
            let shortest = grams[n].iter().map(|l| text(l).len()).min().unwrap_or(0);
            let most = (shortest.saturating_sub(n)).min(PLACES / grams[n].len().max(1)).min(STRIDES);
            let stride = if n == 3 && most > 1 { 1 << most.ilog2() } else { 1 };
            let entries = grams[n].iter().flat_map(|literal| {
                let text = text(literal);
                let windows: Vec<u32> = text.windows(n + 1).map(|w| rarity(w, common)).collect();
                let runs = windows.windows(stride).map(|run| run.iter().sum::<u32>());
                let from = runs.enumerate().min_by_key(|(_, sum)| *sum).map_or(0, |(from, _)| from);
                (from..from + stride).map(move |offset| Entry {
                    gram: number(&text[offset..=offset + n]),
                    literal: *literal,
                    offset: offset as u32,
                })
            });
            Grams::new(entries.collect(), stride)
        });
        index
    }

    /// Whether the hash of the value's base name is wanted.
    pub(super) fn asks_base(&self) -> bool {
        !self.bases.is_empty()
    }

    /// How many literals there are.
    pub(super) fn len(&self) -> usize {
        self.literals.len()
    }

    /// Whether rules are found by it.
    pub(super) fn has_anchors(&self) -> bool {
        !self.there.is_empty() || !self.rules.is_empty()
    }

    /// Finds what stands in the folded value. `base` is the hash of its base name, where it is known.
    pub(super) fn find(&self, value: &str, base: Option<u32>, found: &mut impl Found) {
        let value = value.as_bytes();
        if !self.there.is_empty() {
            found.there(&self.there);
        }
        if !self.bases.is_empty()
            && let Some(literals) = self.bases.get(&base.unwrap_or_else(|| base_hash(value)))
        {
            for at in literals {
                let literal = &self.literals[*at as usize];
                let fits = match literal.place {
                    Place::Whole => *value == *literal.text,
                    _ => value.ends_with(&literal.text),
                };
                if fits {
                    self.tell(*at, found);
                }
            }
        }
        self.scan::<4>(value, found);
        for (finder, at) in &self.short {
            let text = finder.needle();
            let fits = match self.literals[*at as usize].place {
                Place::Start => value.starts_with(text),
                Place::End => value.ends_with(text),
                _ => finder.find(value).is_some(),
            };
            if fits {
                self.tell(*at, found);
            }
        }
        let nothing = self.grams[..3].iter().all(|grams| grams.bits.is_empty());
        if nothing || self.foreign && value.is_ascii() {
            return;
        }
        self.scan::<3>(value, found);
        self.scan::<2>(value, found);
        self.scan::<1>(value, found);
    }

    fn tell(&self, at: u32, found: &mut impl Found) {
        let Literal { rules, tests, .. } = &self.literals[at as usize];
        let (rules, tests) = (rules.0 as usize..rules.1 as usize, tests.0 as usize..tests.1 as usize);
        found.literal(at, &self.rules[rules], &self.tests[tests]);
    }

    fn scan<const N: usize>(&self, value: &[u8], found: &mut impl Found) {
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
    fn scan_in<const N: usize, const WORDS: usize>(&self, value: &[u8], found: &mut impl Found) {
        let grams = &self.grams[N - 1];
        let Some(bits) = grams.bits.first_chunk::<WORDS>() else { return };
        let shift = 32 - (64 * WORDS).trailing_zeros();
        let mut at = |at: usize, window: &[u8]| {
            let mut bytes = [0; 4];
            bytes[..N].copy_from_slice(window);
            let gram = u32::from_le_bytes(bytes);
            let bit = hash(gram) >> shift;
            if bits[bit as usize / 64 % WORDS] >> (bit % 64) & 1 != 0 {
                self.look(grams, gram, at, value, found);
            }
        };
        match grams.stride {
            1 => value.windows(N).enumerate().for_each(|(place, window)| at(place, window)),
            stride => value.windows(N).enumerate().step_by(stride).for_each(|(place, window)| at(place, window)),
        }
    }

    #[cold]
    fn look(&self, grams: &Grams, gram: u32, at: usize, value: &[u8], found: &mut impl Found) {
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
                self.tell(entry.literal, found);
            }
        }
    }
}

/// In how many rules some neighbouring bytes occur, where that is known.
fn rarity(bytes: &[u8], common: &Commonness) -> u32 {
    match bytes {
        [a, b, c, d] => common.gram([*a, *b, *c, *d]),
        _ => 0,
    }
}

impl Grams {
    fn new(mut entries: Vec<Entry>, stride: usize) -> Self {
        if entries.is_empty() {
            return Grams::default();
        }
        // With 64 bits for an entry a chance hit costs less than a longer table would.
        let words = [SMALL, MIDDLE, LARGE].into_iter().find(|words| entries.len() <= *words).unwrap_or(LARGEST);
        let bits = words * 64;
        let slots = entries.len().next_power_of_two().clamp(2, 1 << 16);
        let (shift, slot_shift) = (32 - bits.trailing_zeros(), 32 - slots.trailing_zeros());
        entries.sort_by_key(|e| (hash(e.gram) >> slot_shift, e.gram));
        let (bits, starts) = (vec![0; words], vec![0; slots + 1]);
        let mut grams = Grams { stride, bits, slots: starts, slot_shift, entries: Vec::new() };
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
