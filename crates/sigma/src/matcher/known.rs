//! What is known of values: of those of the event that is looked at, and of those that came before, for the same programs,
//! users and command lines come again and again.
//!
//! A value is known by its text as the source has it, byte for byte, so nothing of it is decoded, folded or searched
//! once more; and what a test said of it stays true. Room is bounded: when it is full all is forgotten.

use super::anchor::base_hash;
use super::index::{Found, Index};
use parallax_telemetry::RawText;

/// So many values are looked at before it is judged whether their field repeats.
const SAMPLE: u32 = 2_048;
/// Where it does not, the next so many are not looked at.
const REST: u32 = 65_536;
/// Longer values are not kept.
const LONGEST: usize = 1_024;
/// Bytes of text, words of tests, and numbers of rules and tests at which all is forgotten.
const TEXT: usize = 1 << 20;
const WORDS: usize = 1 << 16;
const NUMBERS: usize = 1 << 17;

const SETS: usize = 2_048;
const WAYS: usize = 4;

/// Values.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// For each set of hashes the entries that are kept, by their places plus one.
    sets: Vec<[u32; WAYS]>,
    kept: Store,
    /// Those of the event that are not kept.
    passing: Store,
    fields: Vec<Pace>,
    turn: usize,
    /// For each literal of an index for which value it was told last.
    told: Vec<u32>,
    value: u32,
    /// Room.
    tests: Vec<u32>,
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Kept(u32),
    Passing(u32),
}

#[derive(Debug, Default)]
struct Store {
    entries: Vec<Entry>,
    /// The values as they came.
    text: String,
    lists: Vec<List>,
    numbers: Vec<u32>,
    /// Two bits for each test of a column: whether it was asked, and whether it passed.
    words: Vec<u64>,
}

#[derive(Debug, Default)]
struct Entry {
    hash: u32,
    field: u32,
    form: u8,
    raw: (u32, u32),
    /// The first of its lists, plus one.
    list: u32,
}

/// What rules of a log source see in a value.
#[derive(Clone, Copy, Debug)]
struct List {
    column: u32,
    /// Where the rules stand that it is an anchor of, and behind them the tests that follow from its literals.
    rules: u32,
    tests: u32,
    end: u32,
    /// Where its asked tests stand, plus one.
    words: u32,
    /// The next of the same value, plus one.
    next: u32,
}

/// What rules of a log source see in a value: where that stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    at: At,
    list: u32,
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

impl Store {
    fn clear(&mut self) {
        self.entries.clear();
        self.text.clear();
        self.lists.clear();
        self.numbers.clear();
        self.numbers.shrink_to(2 * NUMBERS);
        self.words.clear();
        self.words.shrink_to(2 * WORDS);
    }

    fn is_full(&self) -> bool {
        self.text.len() > TEXT || self.words.len() > WORDS || self.numbers.len() > NUMBERS
    }
}

impl Known {
    /// Of values of so many fields, and indexes of at most so many literals.
    pub(super) fn new(fields: usize, literals: usize) -> Self {
        Known { fields: vec![Pace::default(); fields], told: vec![0; literals], ..Known::default() }
    }

    /// Makes room, between events.
    #[inline]
    pub(super) fn begin(&mut self) {
        if !self.passing.entries.is_empty() {
            self.passing.clear();
        }
        if self.kept.is_full() {
            self.sets.iter_mut().for_each(|set| *set = [0; WAYS]);
            self.kept.clear();
        }
    }

    /// Keeps a value that was looked for.
    pub(super) fn keep(&mut self, hash: u32, field: u32, text: RawText<'_>) -> At {
        let RawText::Text { raw, form } = text else { return self.pass() };
        if self.sets.is_empty() {
            self.sets.resize(SETS, [0; WAYS]);
        }
        let start = self.kept.text.len() as u32;
        self.kept.text.push_str(raw);
        let raw = (start, self.kept.text.len() as u32);
        self.kept.entries.push(Entry { hash, field, form, raw, list: 0 });
        let place = self.kept.entries.len() as u32;
        let set = &mut self.sets[hash as usize % SETS];
        self.turn = (self.turn + 1) % WAYS;
        let way = set.iter().position(|at| *at == 0).unwrap_or(self.turn);
        set[way] = place;
        At::Kept(place - 1)
    }

    /// Takes a value of this event alone.
    pub(super) fn pass(&mut self) -> At {
        self.passing.entries.push(Entry::default());
        At::Passing(self.passing.entries.len() as u32 - 1)
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
            let entry = &self.kept.entries[at as usize];
            let same = entry.hash == hash && entry.field == field && entry.form == form;
            if same && self.kept.text.as_bytes()[entry.raw.0 as usize..entry.raw.1 as usize] == *raw.as_bytes() {
                self.fields[field as usize].found += 1;
                return Looked::Entry(at);
            }
        }
        Looked::New(hash)
    }

    fn store(&self, at: At) -> (&Store, usize) {
        match at {
            At::Kept(entry) => (&self.kept, entry as usize),
            At::Passing(entry) => (&self.passing, entry as usize),
        }
    }

    fn list(&self, seen: &Seen) -> (&Store, &List) {
        let store = self.store(seen.at).0;
        (store, &store.lists[seen.list as usize])
    }

    /// What the rules of a column see in a value, where that is known.
    #[inline]
    pub(super) fn seen(&self, at: At, column: u32) -> Option<Seen> {
        let (store, entry) = self.store(at);
        let mut next = store.entries[entry].list;
        while let Some(list) = next.checked_sub(1) {
            let of = &store.lists[list as usize];
            if of.column == column {
                return Some(Seen { at, list });
            }
            next = of.next;
        }
        None
    }

    /// Finds out what they see in it: the literals of `index` in the folded text.
    pub(super) fn see(&mut self, at: At, column: u32, index: &Index, text: &str) -> Seen {
        let Known { kept, passing, told: last, value, .. } = self;
        let (Store { entries, lists, numbers, .. }, entry) = match at {
            At::Kept(entry) => (kept, entry as usize),
            At::Passing(entry) => (passing, entry as usize),
        };
        *value = value.wrapping_add(1);
        if *value == 0 {
            last.fill(0);
            *value = 1;
        }
        let rules = numbers.len() as u32;
        let base = index.asks_base().then(|| base_hash(text.as_bytes()));
        let mut putting = Putting { rules: numbers, tests: std::mem::take(&mut self.tests), last, value: *value };
        index.find(text, base, &mut putting);
        let mut found = putting.tests;
        let tests = numbers.len() as u32;
        numbers.append(&mut found);
        self.tests = found;
        let entry = &mut entries[entry];
        lists.push(List { column, rules, tests, end: numbers.len() as u32, words: 0, next: entry.list });
        entry.list = lists.len() as u32;
        Seen { at, list: entry.list - 1 }
    }

    /// The rules that a value is an anchor of; some may come several times.
    #[inline]
    pub(super) fn rules(&self, seen: &Seen) -> &[u32] {
        let (store, list) = self.list(seen);
        &store.numbers[list.rules as usize..list.tests as usize]
    }

    /// The tests that follow from its literals; some may come several times.
    #[inline]
    pub(super) fn tests(&self, seen: &Seen) -> &[u32] {
        let (store, list) = self.list(seen);
        &store.numbers[list.tests as usize..list.end as usize]
    }

    /// Whether the value passes an asked test; `None` where it was not asked.
    #[inline]
    pub(super) fn passes(&self, seen: &Seen, test: u32) -> Option<bool> {
        let (store, list) = self.list(seen);
        let start = list.words.checked_sub(1)?;
        let bits = store.words[(start + test / 32) as usize] >> (test % 32 * 2);
        (bits & 1 != 0).then_some(bits & 2 != 0)
    }

    /// Remembers it; there are so many asked tests of its column.
    pub(super) fn passed(&mut self, seen: &Seen, test: u32, of: u32, passed: bool) {
        let store = if let At::Kept(_) = seen.at { &mut self.kept } else { &mut self.passing };
        let list = &mut store.lists[seen.list as usize];
        if list.words == 0 {
            list.words = store.words.len() as u32 + 1;
            store.words.resize(store.words.len() + of.div_ceil(32) as usize, 0);
        }
        let word = &mut store.words[(list.words - 1 + test / 32) as usize];
        *word |= (1 | u64::from(passed) << 1) << (test % 32 * 2);
    }
}

/// Takes what is found in a value; each literal once: a hostile value may show one a million times.
struct Putting<'k> {
    rules: &'k mut Vec<u32>,
    tests: Vec<u32>,
    last: &'k mut [u32],
    value: u32,
}

impl Found for Putting<'_> {
    fn literal(&mut self, literal: u32, rules: &[u32], tests: &[u32]) {
        let last = &mut self.last[literal as usize];
        if *last == self.value {
            return;
        }
        *last = self.value;
        self.rules.extend(rules);
        self.tests.extend(tests);
    }

    fn there(&mut self, rules: &[u32]) {
        self.rules.extend(rules);
    }
}

/// Eight bytes at a time; never 0.
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
    (hash ^ hash >> 29).wrapping_mul(FACTOR).wrapping_shr(32) as u32 | 1 << 31
}
