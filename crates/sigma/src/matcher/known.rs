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
/// Bytes of text, and words of tests and numbers of rules, at which all is forgotten.
const TEXT: usize = 1 << 20;
const WORDS: usize = 1 << 16;

const SETS: usize = 2_048;
const WAYS: usize = 4;

/// A value of an event of so many bytes is rare; its room is given back.
const ROOM: usize = 1 << 20;

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
    /// The values as they came, and folded.
    text: String,
    lists: Vec<List>,
    rules: Vec<u32>,
    words: Vec<u64>,
}

#[derive(Debug)]
struct Entry {
    hash: u32,
    field: u32,
    form: u8,
    raw: (u32, u32),
    folded: (u32, u32),
    /// The first of its lists, plus one.
    list: u32,
}

/// What rules of a log source see in a value.
#[derive(Clone, Copy, Debug)]
struct List {
    column: u32,
    /// The rules that it is an anchor of.
    rules: (u32, u32),
    words: u32,
    /// The next of the same value, plus one.
    next: u32,
}

/// Where it stands what rules of a log source see in a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) at: At,
    rules: (u32, u32),
    /// A bit for each test that follows from literals. Behind them two for each asked one: whether it was asked, and
    /// whether it passed.
    words: u32,
}

/// How a field's values repeat.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    asked: u32,
    found: u32,
    rests: u32,
}

/// What came of looking for a value.
enum Looked {
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

impl Store {
    fn clear(&mut self) {
        self.entries.clear();
        self.text.clear();
        self.text.shrink_to(2 * ROOM);
        self.lists.clear();
        self.rules.clear();
        self.rules.shrink_to(2 * WORDS);
        self.words.clear();
        self.words.shrink_to(2 * WORDS);
    }

    fn is_full(&self) -> bool {
        self.text.len() > TEXT || self.words.len() > WORDS || self.rules.len() > WORDS
    }

    /// Adds a value whose text `text` appends, folded by `fold`; `None` where there is none.
    fn add(
        &mut self,
        (hash, field, raw): (u32, u32, RawText<'_>),
        text: &mut dyn FnMut(&mut String) -> bool,
    ) -> Option<u32> {
        let before = self.text.len();
        let (raw, form) = match raw {
            RawText::Text { raw, form } if hash != 0 => (raw, form),
            _ => ("", 0),
        };
        self.text.push_str(raw);
        let start = self.text.len();
        if !text(&mut self.text) {
            self.text.truncate(before);
            return None;
        }
        let (raw, folded) = ((before as u32, start as u32), (start as u32, self.text.len() as u32));
        self.entries.push(Entry { hash, field, form, raw, folded, list: 0 });
        Some(self.entries.len() as u32 - 1)
    }
}

impl Known {
    /// Of values of so many fields, and indexes of at most so many literals.
    pub(super) fn new(fields: usize, literals: usize) -> Self {
        Known { fields: vec![Pace::default(); fields], told: vec![0; literals], ..Known::default() }
    }

    /// Makes room, between events.
    pub(super) fn begin(&mut self) {
        self.passing.clear();
        if self.kept.is_full() {
            self.sets.iter_mut().for_each(|set| *set = [0; WAYS]);
            self.kept.clear();
        }
    }

    /// The value of a field, of which `raw` is known and whose folded text `text` appends; `None` where there is none.
    pub(super) fn value(
        &mut self,
        field: u32,
        raw: RawText<'_>,
        text: &mut dyn FnMut(&mut String) -> bool,
    ) -> Option<At> {
        match self.look(field, raw) {
            Looked::Entry(entry) => Some(At::Kept(entry)),
            _ if raw == RawText::Missing => None,
            Looked::New(hash) => {
                let entry = self.kept.add((hash, field, raw), text)?;
                if self.sets.is_empty() {
                    self.sets.resize(SETS, [0; WAYS]);
                }
                let set = &mut self.sets[hash as usize % SETS];
                self.turn = (self.turn + 1) % WAYS;
                let way = set.iter().position(|at| *at == 0).unwrap_or(self.turn);
                set[way] = entry + 1;
                Some(At::Kept(entry))
            }
            Looked::No => self.passing.add((0, field, RawText::Unknown), text).map(At::Passing),
        }
    }

    /// Looks for a value of a field.
    fn look(&mut self, field: u32, text: RawText<'_>) -> Looked {
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
            if same && self.kept.text.as_bytes()[span(entry.raw)] == *raw.as_bytes() {
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

    /// The folded value.
    pub(super) fn folded(&self, at: At) -> &str {
        let (store, entry) = self.store(at);
        &store.text[span(store.entries[entry].folded)]
    }

    /// What the rules of a column see in a value: the literals of `index`, with room for so many tests that follow from them
    /// and so many that are asked.
    pub(super) fn seen(&mut self, at: At, column: u32, index: &Index, told: u32, asked: u32) -> Seen {
        let Known { kept, passing, told: last, value, .. } = self;
        let (store, entry) = match at {
            At::Kept(entry) => (kept, entry as usize),
            At::Passing(entry) => (passing, entry as usize),
        };
        let mut next = store.entries[entry].list;
        while let Some(list) = next.checked_sub(1).map(|at| store.lists[at as usize]) {
            if list.column == column {
                return Seen { at, rules: list.rules, words: list.words };
            }
            next = list.next;
        }
        let Store { entries, text, lists, rules, words } = store;
        let entry = &mut entries[entry];
        let (start, first) = (rules.len(), words.len());
        words.resize(first + (told.div_ceil(64) + asked.div_ceil(32)) as usize, 0);
        let text = &text[span(entry.folded)];
        *value = value.wrapping_add(1);
        if *value == 0 {
            last.fill(0);
            *value = 1;
        }
        let base = index.asks_base().then(|| base_hash(text.as_bytes()));
        index.find(text, base, &mut Putting { rules, words: &mut words[first..], last, value: *value });
        let list = List { column, rules: (start as u32, rules.len() as u32), words: first as u32, next: entry.list };
        lists.push(list);
        entry.list = lists.len() as u32;
        Seen { at, rules: list.rules, words: list.words }
    }

    /// The rules that a value is an anchor of; some may come several times.
    pub(super) fn rules(&self, seen: &Seen) -> &[u32] {
        &self.store(seen.at).0.rules[span(seen.rules)]
    }

    /// Whether a test holds that follows from literals.
    #[inline]
    pub(super) fn holds(&self, seen: &Seen, test: u32) -> bool {
        let words = &self.store(seen.at).0.words;
        words[(seen.words + test / 64) as usize] >> (test % 64) & 1 != 0
    }

    /// Whether the value passes an asked test, where there are so many that follow from literals; `None` where it was not
    /// asked.
    #[inline]
    pub(super) fn passes(&self, seen: &Seen, told: u32, test: u32) -> Option<bool> {
        let words = &self.store(seen.at).0.words;
        let bits = words[(seen.words + told.div_ceil(64) + test / 32) as usize] >> (test % 32 * 2);
        (bits & 1 != 0).then_some(bits & 2 != 0)
    }

    /// Remembers it.
    pub(super) fn passed(&mut self, seen: &Seen, told: u32, test: u32, passed: bool) {
        let store = if let At::Kept(_) = seen.at { &mut self.kept } else { &mut self.passing };
        let word = &mut store.words[(seen.words + told.div_ceil(64) + test / 32) as usize];
        *word |= (1 | u64::from(passed) << 1) << (test % 32 * 2);
    }
}

/// Takes what is found in a value; each literal once: a hostile value may show one a million times.
struct Putting<'k> {
    rules: &'k mut Vec<u32>,
    words: &'k mut [u64],
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
        for test in tests {
            self.words[*test as usize / 64] |= 1 << (test % 64);
        }
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
