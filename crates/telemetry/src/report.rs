//! What was read and what could not be: nothing is skipped in silence.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// How many damages are kept with their place; further ones are counted only.
const KEPT: usize = 100;

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file's name as given.
    pub file: String,
    /// Where in it, as [`crate::Event::position`] counts; `None` for the file as a whole.
    pub position: Option<u64>,
    /// What is wrong, in a few words, for a person.
    pub reason: String,
}

/// A number that many threads add to, each in a place of its own: one that all wrote to would go from core to core with
/// every event.
#[derive(Debug, Default)]
struct Counter([Place; PLACES]);

const PLACES: usize = 16;

/// As far from the next as processors fetch memory.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Place(AtomicU64);

impl Counter {
    fn add(&self, n: u64) {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static PLACE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % PLACES;
        }
        let place = PLACE.try_with(|place| *place).unwrap_or_default();
        self.0[place].0.fetch_add(n, Ordering::Relaxed);
    }

    fn sum(&self) -> u64 {
        self.0.iter().map(|place| place.0.load(Ordering::Relaxed)).sum()
    }
}

/// Counts and damages of a scan. Shared by all readers of it, from any thread.
#[derive(Debug, Default)]
pub struct Report {
    bytes: Counter,
    events: Counter,
    passed: Counter,
    damaged: AtomicU64,
    kept: Mutex<Vec<Damage>>,
    notes: Mutex<BTreeMap<String, u64>>,
}

impl Report {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts `n` decompressed bytes as read.
    pub fn add_bytes(&self, n: u64) {
        self.bytes.add(n);
    }

    /// Counts `n` events as read.
    pub fn add_events(&self, n: u64) {
        self.events.add(n);
    }

    /// Counts `n` events of `bytes` as read that were passed over undecoded: nothing could want them.
    pub fn pass(&self, bytes: u64, n: u64) {
        self.add_bytes(bytes);
        self.add_events(n);
        self.passed.add(n);
    }

    /// Something could not be read: makes the exit code 4.
    pub fn damage(&self, file: &str, position: Option<u64>, reason: impl Into<String>) {
        self.damaged.fetch_add(1, Ordering::Relaxed);
        let mut kept = self.kept.lock().unwrap_or_else(|e| e.into_inner());
        // Several threads may read: which damages are kept, and in which order, must not depend on who is first.
        let damage = Damage { file: file.to_owned(), position, reason: reason.into() };
        let at = kept.partition_point(|d| (&d.file, d.position) <= (&damage.file, damage.position));
        if at < KEPT {
            kept.insert(at, damage);
            kept.truncate(KEPT);
        }
    }

    /// Counts further damages of which no more is known.
    pub(crate) fn damaged_beyond(&self, n: u64) {
        self.damaged.fetch_add(n, Ordering::Relaxed);
    }

    /// Something worth saying once, with a count, that is no damage: `18 records recovered from malformed XML`.
    pub fn note(&self, what: &str, n: u64) {
        let mut notes = self.notes.lock().unwrap_or_else(|e| e.into_inner());
        match notes.get_mut(what) {
            Some(known) => *known += n,
            None => drop(notes.insert(what.to_owned(), n)),
        }
    }

    /// Something worth saying once, however often it is met.
    pub fn note_once(&self, what: &str) {
        self.notes.lock().unwrap_or_else(|e| e.into_inner()).entry(what.to_owned()).or_insert(1);
    }

    /// Decompressed bytes read.
    pub fn bytes(&self) -> u64 {
        self.bytes.sum()
    }

    /// Events read, those among them that were passed over undecoded.
    pub fn passed(&self) -> u64 {
        self.passed.sum()
    }

    /// Events read.
    pub fn events(&self) -> u64 {
        self.events.sum()
    }

    /// How many things could not be read.
    pub fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }

    /// The first damages, with their places.
    pub fn damages(&self) -> Vec<Damage> {
        self.kept.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// What was noted, with how often.
    pub fn notes(&self) -> BTreeMap<String, u64> {
        self.notes.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }
}
