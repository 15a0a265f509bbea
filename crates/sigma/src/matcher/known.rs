//! What is known of values that came before: the same programs, users and command lines come again and again.
//!
//! A value is known by its text as the source has it, byte for byte, so nothing of it is decoded, folded or searched
//! once more; and what a test said of it stays true. Room is bounded: when it is full all is forgotten.

use super::anchor::base_hash;
use parallax_telemetry::RawText;

/// So many values are looked at before it is judged whether their field repeats.
const SAMPLE: u32 = 2_048;
/// Where it does not, the next so many are not looked at.
const REST: u32 = 65_536;
/// Longer values are not kept.
const LONGEST: usize = 1_024;
/// Bytes of text, and words of tests, at which all is forgotten.
const TEXT: usize = 1 << 20;
const WORDS: usize = 1 << 16;

const SETS: usize = 2_048;
const WAYS: usize = 4;

/// Values that came before.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// For each set of hashes the entries, by their places plus one.
    sets: Vec<[u32; WAYS]>,
    entries: Vec<Entry>,
    /// The values as they came, and folded.
    text: String,
    lists: Vec<List>,
    rules: Vec<u32>,
    /// Two bits for each test of an entry's field: whether it was asked, and whether it passed.
    tests: Vec<u64>,
    fields: Vec<Pace>,
    turn: usize,
}

#[derive(Debug)]
struct Entry {
    hash: u32,
    field: u32,
    form: u8,
    raw: (u32, u32),
    folded: (u32, u32),
    base: u32,
    /// The first of its lists, plus one.
    list: u32,
    /// Where its tests begin, plus one.
    tests: u32,
}

/// The rules of a log source that a value is an anchor of.
#[derive(Clone, Copy, Debug)]
struct List {
    group: u32,
    rules: (u32, u32),
    /// The next of the same value, plus one.
    next: u32,
}

/// How a field's values repeat.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    asked: u32,
    found: u32,
    rests: u32,
}

/// What came of looking for a value.
pub(super) enum Looked {
    /// It is there.
    Entry(u32),
    /// It may be added, under this hash.
    New(u32),
    /// It is not kept.
    No,
}

fn span((start, end): (u32, u32)) -> std::ops::Range<usize> {
    start as usize..end as usize
}

impl Known {
    /// Of values of so many fields.
    pub(super) fn new(fields: usize) -> Self {
        Known { fields: vec![Pace::default(); fields], ..Known::default() }
    }

    /// Makes room, between events.
    pub(super) fn begin(&mut self) {
        if self.text.len() > TEXT || self.tests.len() > WORDS || self.rules.len() > WORDS {
            self.sets.iter_mut().for_each(|set| *set = [0; WAYS]);
            self.entries.clear();
            self.text.clear();
            self.lists.clear();
            self.rules.clear();
            self.rules.shrink_to(2 * WORDS);
            self.tests.clear();
        }
    }

    /// Looks for a value of a field.
    pub(super) fn look(&mut self, field: u32, text: RawText<'_>) -> Looked {
        let RawText::Text { raw, form } = text else { return Looked::No };
        let pace = &mut self.fields[field as usize];
        if pace.rests > 0 {
            pace.rests -= 1;
            return Looked::No;
        }
        if raw.len() > LONGEST {
            return Looked::No;
        }
        pace.asked += 1;
        if pace.asked == SAMPLE {
            let repeats = pace.found >= SAMPLE / 4;
            *pace = Pace { rests: if repeats { 0 } else { REST }, ..Pace::default() };
        }
        let hash = hash(raw.as_bytes(), field << 8 | u32::from(form));
        let Some(set) = self.sets.get(hash as usize % SETS) else { return Looked::New(hash) };
        for at in set.iter().filter_map(|at| at.checked_sub(1)) {
            let entry = &self.entries[at as usize];
            let same = entry.hash == hash && entry.field == field && entry.form == form;
            if same && self.text.as_bytes()[span(entry.raw)] == *raw.as_bytes() {
                self.fields[field as usize].found += 1;
                return Looked::Entry(at);
            }
        }
        Looked::New(hash)
    }

    /// Adds a value that was looked for.
    pub(super) fn add(&mut self, hash: u32, field: u32, text: RawText<'_>, folded: &str) -> Option<u32> {
        let RawText::Text { raw, form } = text else { return None };
        if self.sets.is_empty() {
            self.sets.resize(SETS, [0; WAYS]);
        }
        let mut put = |text: &str| {
            let start = self.text.len() as u32;
            self.text.push_str(text);
            (start, self.text.len() as u32)
        };
        let (raw, folded, base) = (put(raw), put(folded), base_hash(folded.as_bytes()));
        self.entries.push(Entry { hash, field, form, raw, folded, base, list: 0, tests: 0 });
        let place = self.entries.len() as u32;
        let set = &mut self.sets[hash as usize % SETS];
        self.turn = (self.turn + 1) % WAYS;
        let way = set.iter().position(|at| *at == 0).unwrap_or(self.turn);
        set[way] = place;
        Some(place - 1)
    }

    /// The folded value.
    pub(super) fn folded(&self, entry: u32) -> &str {
        &self.text[span(self.entries[entry as usize].folded)]
    }

    /// The hash of its base name.
    pub(super) fn base(&self, entry: u32) -> u32 {
        self.entries[entry as usize].base
    }

    /// The rules of a log source that the value is an anchor of; `find` finds them, where that is not known: given the
    /// folded value, its base name's hash, and where to put them.
    pub(super) fn rules(
        &mut self,
        entry: u32,
        group: u32,
        find: impl FnOnce(&str, u32, &mut dyn FnMut(&[u32])),
    ) -> &[u32] {
        let Known { entries, text, lists, rules, .. } = self;
        let entry = &mut entries[entry as usize];
        let mut at = entry.list;
        while let Some(list) = at.checked_sub(1).map(|at| lists[at as usize]) {
            if list.group == group {
                return &rules[span(list.rules)];
            }
            at = list.next;
        }
        let start = rules.len();
        find(&text[span(entry.folded)], entry.base, &mut |found| rules.extend(found));
        let mut found = rules.split_off(start);
        found.sort_unstable();
        found.dedup();
        rules.extend(found);
        lists.push(List { group, rules: (start as u32, rules.len() as u32), next: entry.list });
        entry.list = lists.len() as u32;
        &rules[start..]
    }

    /// Whether the value passes a test, the n-th of so many of its field; `None` where it was not asked.
    #[inline]
    pub(super) fn passes(&self, entry: u32, test: u32) -> Option<bool> {
        let start = self.entries[entry as usize].tests.checked_sub(1)?;
        let bits = self.tests[(start + test / 32) as usize] >> (test % 32 * 2);
        (bits & 1 != 0).then_some(bits & 2 != 0)
    }

    /// Remembers it.
    pub(super) fn passed(&mut self, entry: u32, test: u32, of: u32, passed: bool) {
        let entry = &mut self.entries[entry as usize];
        if entry.tests == 0 {
            entry.tests = self.tests.len() as u32 + 1;
            self.tests.resize(self.tests.len() + of.div_ceil(32) as usize, 0);
        }
        self.tests[(entry.tests - 1 + test / 32) as usize] |= (1 | u64::from(passed) << 1) << (test % 32 * 2);
    }
}

/// Eight bytes at a time.
fn hash(text: &[u8], seed: u32) -> u32 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |h: u64, n: u64| (h.rotate_left(5) ^ n).wrapping_mul(FACTOR);
    let mut hash = u64::from(seed).wrapping_mul(FACTOR) ^ text.len() as u64;
    let mut chunks = text.chunks_exact(8);
    for chunk in &mut chunks {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(chunk);
        hash = mix(hash, u64::from_le_bytes(bytes));
    }
    hash = mix(hash, chunks.remainder().iter().fold(0, |n, b| n << 8 | u64::from(*b)));
    (hash ^ hash >> 29).wrapping_mul(FACTOR).wrapping_shr(32) as u32
}
