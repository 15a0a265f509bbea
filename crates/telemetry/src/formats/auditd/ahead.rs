//! Looking ahead in a log for the lines that somebody may look at.
//!
//! A log is cut into chunks of whole lines. They are searched, on several threads, for lines that show a needle and for
//! those that are no records, so that they are told. Behind the last such line nothing is read a second time; the chunks up
//! to it are taken apart, for the process table's sake, and given in their order. What can only be read from its beginning
//! is left to whoever reads.
//!
//! Where files are cut, and with it all that is counted, does not depend on the number of threads.

use super::chunks::{CHUNK, Chunk, Chunks, Cut, Text};
use super::needles::Finder;
use super::search::{Found, Recent, Search};
use super::taken::{Follow, Taken};
use crate::Input;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The first lines of a log are read whatever they hold: they show what it is.
const FIRST: u64 = 1_000;

/// Of how many events in a row it is counted how many are to be read.
const SAMPLE: u64 = 4_096;

/// How many lines that are to be read may be known beyond those that are being taken apart.
const KNOWN: usize = 1 << 20;

/// For each thread so many chunks may be searched beyond one that is not yet, and taken apart beyond those that were given.
const EACH: usize = 2;

/// What whoever reads is given.
pub(super) enum Next {
    /// The lines of a chunk.
    Taken(Taken),
    /// All lines of a file behind that byte: they were not searched.
    Unsearched { file: u32, from: u64 },
}

/// How much there is that nobody needs to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rest {
    pub(super) bytes: u64,
    pub(super) events: u64,
}

/// A log that is searched ahead of whoever reads it.
pub(super) struct Ahead<'i> {
    inputs: &'i [Input],
    finder: Finder,
    follow: Follow<'i>,
    threads: usize,
    /// How many lines are read at first.
    first: u64,
    sample: u64,
    size: u64,
    state: Mutex<State>,
    turn: Condvar,
}

/// A part of the log that was searched, or can't be.
struct Part {
    file: u32,
    from: u64,
    /// Its bytes; none where it was not searched.
    length: Option<usize>,
    /// Where lines begin that are to be read.
    hits: Vec<u32>,
    events: u64,
}

/// What a search of a chunk gave.
struct Searched {
    chunk: Chunk,
    /// Where its lines begin, their bytes, what was found. `None` where it can't be searched.
    found: Option<(u64, usize, Found)>,
}

#[derive(Default)]
struct State {
    /// How each file is cut, as far as it is known.
    cuts: Vec<Option<Cut>>,
    /// Where the next search begins; beyond the last file there is none.
    file: usize,
    from: u64,
    /// How many searches were begun, and how many are settled. Those that were given up have an older generation.
    begun: u64,
    settled: u64,
    generation: u64,
    searched: BTreeMap<u64, Searched>,
    lines: u64,
    recent: Recent,
    /// Events, and those of which a line is to be read, since the count began.
    events: u64,
    wanted: u64,
    /// What is settled, in its order.
    parts: Vec<Part>,
    known: usize,
    /// Parts before this one are to be taken apart; how many are being, and how many were given.
    needed: usize,
    begun_taking: usize,
    given: usize,
    taken: BTreeMap<usize, Next>,
    texts: Vec<Taken>,
    stopped: bool,
}

/// Something to do.
enum Task {
    Search { number: u64, generation: u64, chunk: Chunk },
    Take { part: usize, hits: Vec<u32>, length: usize, into: Taken },
}

/// What a thread has of its own.
struct Worker<'a> {
    chunks: Chunks<'a>,
    search: Search<'a>,
    text: Text,
}

impl<'i> Ahead<'i> {
    /// A reading of `inputs` that has not begun. `None` where there is no search that is worth it, or nothing that can
    /// be read twice. (A store's frames can: to unpack them twice costs less than to read their lines.)
    pub(super) fn new(
        inputs: &'i [Input],
        needles: &crate::needles::Needles,
        follow: Follow<'i>,
        threads: usize,
    ) -> Option<Self> {
        if inputs.iter().all(|i| !i.is_anywhere() || i.part().is_some()) {
            return None;
        }
        Some(Ahead {
            inputs,
            finder: Finder::new(needles)?,
            follow,
            threads: threads.max(1),
            first: FIRST,
            sample: SAMPLE,
            size: CHUNK,
            state: Mutex::default(),
            turn: Condvar::new(),
        })
    }

    /// Looks for something from the first line on, in chunks of so many bytes, and gives up after a few.
    #[cfg(test)]
    pub(super) fn at_once(self, size: u64) -> Self {
        Ahead { first: 0, sample: 24, size, ..self }
    }

    /// Lets `read` ask for what is next, while other threads look ahead.
    pub(super) fn run<T>(&self, read: impl FnOnce(&mut dyn FnMut(bool) -> Option<Next>) -> T) -> T {
        {
            let mut state = self.state();
            // What can't be opened is told by whoever reads it.
            let cut = |input| Cut::of(input, self.size).unwrap_or_default();
            state.cuts = self.inputs.iter().map(cut).collect();
        }
        let chunks: u64 = self.inputs.iter().map(|input| input.size() / self.size + 1).sum();
        let others = (self.threads - 1).min(usize::try_from(chunks / 2).unwrap_or(usize::MAX));
        std::thread::scope(|scope| {
            let _guard = Stops(self);
            for _ in 0..others {
                // With fewer threads it takes longer.
                let _ = std::thread::Builder::new().spawn_scoped(scope, || {
                    let _guard = StopsInPanic(self);
                    self.work();
                });
            }
            let mut worker = self.worker();
            read(&mut |more| self.next(more, &mut worker))
        })
    }

    /// How much there is behind what was given.
    pub(super) fn rest(&self) -> Rest {
        let state = self.state();
        let parts = state.parts.get(state.given..).unwrap_or_default();
        let bytes = parts.iter().map(|part| part.length.unwrap_or(0) as u64).sum();
        Rest { bytes, events: parts.iter().map(|part| part.events).sum() }
    }

    /// A chunk that is no longer needed.
    pub(super) fn give_back(&self, taken: Taken) {
        self.state().texts.push(taken);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn worker(&self) -> Worker<'_> {
        Worker { chunks: Chunks::new(self.inputs), search: Search::new(&self.finder), text: Text::default() }
    }

    /// What is next; with `more` also where there is nothing in it that is to be read.
    fn next(&self, more: bool, worker: &mut Worker<'_>) -> Option<Next> {
        let mut state = self.state();
        loop {
            let given = state.given;
            if let Some(next) = state.taken.remove(&given) {
                state.given += 1;
                self.turn.notify_all();
                return Some(next);
            }
            if more && state.needed == given && state.parts.len() > given {
                state.needed += 1;
            }
            let over = state.needed == given && state.begun == state.settled && state.file >= self.inputs.len();
            if over || state.stopped {
                return None;
            }
            state = self.turn(state, worker);
        }
    }

    /// Does what there is to do until nobody wants more.
    fn work(&self) {
        let mut worker = self.worker();
        let mut state = self.state();
        while !state.stopped {
            state = self.turn(state, &mut worker);
        }
    }

    /// Does something, while others may look at the state, or waits until there is something to do.
    fn turn<'s>(&'s self, mut state: MutexGuard<'s, State>, worker: &mut Worker<'_>) -> MutexGuard<'s, State> {
        if state.unsearched() {
            self.turn.notify_all();
            return state;
        }
        match state.task(self.threads, self.first) {
            None => self.turn.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(Task::Search { number, generation, chunk }) => {
                let first = self.first.saturating_sub(state.lines);
                drop(state);
                let found = worker.search(chunk, first);
                let mut state = self.state();
                if generation == state.generation {
                    state.searched.insert(number, Searched { chunk, found });
                    state.settle(self.sample);
                    self.turn.notify_all();
                }
                state
            }
            Some(Task::Take { part, hits, length, mut into }) => {
                (into.file, into.offset) = (state.parts[part].file, state.parts[part].from);
                drop(state);
                let read = worker.chunks.bytes(into.file, into.offset, length, &mut into.text);
                into.take(&hits, &self.follow);
                into.failed = read.err().map(|e| e.to_string());
                let mut state = self.state();
                state.taken.insert(part, Next::Taken(into));
                self.turn.notify_all();
                state
            }
        }
    }
}

impl Worker<'_> {
    fn search(&mut self, chunk: Chunk, first: u64) -> Option<(u64, usize, Found)> {
        // Whoever reads it tells what is wrong with it.
        let begin = self.chunks.lines(chunk, &mut self.text).ok().flatten()?;
        let text = self.text.lines();
        Some((begin, text.len(), self.search.lines(text, first)))
    }
}

impl State {
    /// Passes over files that can't be searched, and gives on what was not, when it is their turn. Whether there were any.
    fn unsearched(&mut self) -> bool {
        let mut some = false;
        while self.begun_taking < self.needed
            && let Some(Part { file, from, length: None, .. }) = self.parts.get(self.begun_taking)
        {
            self.taken.insert(self.begun_taking, Next::Unsearched { file: *file, from: *from });
            self.begun_taking += 1;
            some = true;
        }
        while self.begun == self.settled && self.cuts.get(self.file).is_some_and(Option::is_none) {
            self.read(self.file, 0);
            self.file += 1;
            some = true;
        }
        some
    }

    /// What is to be done next. What is known is taken apart before more is looked for.
    fn task(&mut self, threads: usize, first: u64) -> Option<Task> {
        let ahead = threads * EACH + 1;
        if self.begun_taking < self.needed.min(self.given + ahead) {
            let part = self.begun_taking;
            self.begun_taking += 1;
            let Part { length, hits, .. } = &mut self.parts[part];
            let (length, hits) = (length.unwrap_or_default(), std::mem::take(hits));
            self.known -= hits.len();
            return Some(Task::Take { part, hits, length, into: self.texts.pop().unwrap_or_default() });
        }
        let cut = *self.cuts.get(self.file)?.as_ref()?;
        // Of the first lines all are read: so the first chunks are searched one after the other.
        let ahead = if self.lines < first { 1 } else { ahead as u64 };
        if self.begun >= self.settled + ahead || self.known >= KNOWN {
            return None;
        }
        #[allow(clippy::cast_possible_truncation, reason = "there are not that many files")]
        let chunk = cut.chunk(self.file as u32, self.from);
        let number = self.begun;
        self.begun += 1;
        (self.file, self.from) = if chunk.to == u64::MAX { (self.file + 1, 0) } else { (self.file, chunk.to) };
        Some(Task::Search { number, generation: self.generation, chunk })
    }

    /// Takes in what was found, in its order.
    fn settle(&mut self, sample: u64) {
        while let Some(Searched { chunk, found }) = self.searched.remove(&self.settled) {
            self.settled += 1;
            let Some((from, length, found)) = found else {
                self.read(chunk.file as usize, chunk.from);
                self.go_on(chunk.file as usize + 1, 0);
                continue;
            };
            let events = found.events_after(&mut self.recent);
            self.lines += found.count;
            self.events += events;
            self.wanted += found.wanted;
            self.known += found.lines.len();
            let wanted = !found.lines.is_empty();
            self.parts.push(Part { file: chunk.file, from, length: Some(length), hits: found.lines, events });
            if wanted {
                self.needed = self.parts.len();
            }
            if self.events >= sample {
                // Where most events are to be read anyway, looking ahead is work for nothing.
                if self.wanted > self.events / 2 {
                    self.give_up(chunk);
                }
                (self.events, self.wanted) = (0, 0);
            }
        }
    }

    /// Everything behind a chunk is to be read.
    fn give_up(&mut self, chunk: Chunk) {
        let file = chunk.file as usize;
        if chunk.to < u64::MAX {
            self.read(file, chunk.to);
        }
        (file + 1..self.cuts.len()).for_each(|file| self.read(file, 0));
        self.go_on(self.cuts.len(), 0);
    }

    /// All lines of a file behind that byte are to be read.
    #[allow(clippy::cast_possible_truncation, reason = "there are not that many files")]
    fn read(&mut self, file: usize, from: u64) {
        self.parts.push(Part { file: file as u32, from, length: None, hits: Vec::new(), events: 0 });
        self.needed = self.parts.len();
    }

    /// Searches that were begun are for nothing: it goes on elsewhere.
    fn go_on(&mut self, file: usize, from: u64) {
        self.generation += 1;
        self.searched.clear();
        self.begun = self.settled;
        (self.file, self.from) = (file, from);
    }
}

/// Ends the work of all threads when it is gone.
struct Stops<'a, 'i>(&'a Ahead<'i>);

impl Drop for Stops<'_, '_> {
    fn drop(&mut self) {
        self.0.state().stopped = true;
        self.0.turn.notify_all();
    }
}

/// The same, where a thread ends because something is wrong in it: nobody waits for what it was to do.
struct StopsInPanic<'a, 'i>(&'a Ahead<'i>);

impl Drop for StopsInPanic<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            drop(Stops(self.0));
        }
    }
}
