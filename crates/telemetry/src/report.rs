//! What was read and what could not be: nothing is skipped in silence.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

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

/// Counts and damages of a scan. Shared by all readers of it, from any thread.
#[derive(Debug, Default)]
pub struct Report {
    bytes: AtomicU64,
    events: AtomicU64,
    passed: AtomicU64,
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
        self.bytes.fetch_add(n, Ordering::Relaxed);
    }

    /// Counts `n` events as read.
    pub fn add_events(&self, n: u64) {
        self.events.fetch_add(n, Ordering::Relaxed);
    }

    /// Counts `n` events of `bytes` as read that were passed over undecoded: nothing could want them.
    pub fn pass(&self, bytes: u64, n: u64) {
        self.add_bytes(bytes);
        self.add_events(n);
        self.passed.fetch_add(n, Ordering::Relaxed);
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

    /// Something worth saying once, with a count, that is no damage: `18 records recovered from malformed XML`.
    pub fn note(&self, what: &str, n: u64) {
        *self.notes.lock().unwrap_or_else(|e| e.into_inner()).entry(what.to_owned()).or_default() += n;
    }

    /// Something worth saying once, however often it is met.
    pub fn note_once(&self, what: &str) {
        self.notes.lock().unwrap_or_else(|e| e.into_inner()).entry(what.to_owned()).or_insert(1);
    }

    /// Decompressed bytes read.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Events read, those among them that were passed over undecoded.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// Events read.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
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
