//! Hits of many parts that are read side by side, taken one part after the other.

use super::Hit;
use crate::execute::Instant;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};

/// How much may wait for the one who takes it, about, in bytes.
const WAITING: usize = 4 << 20;

/// A queue for each part, bounded together.
pub(super) struct Queue {
    state: Mutex<State>,
    /// Something came, or a part ended.
    came: Condvar,
    /// Something was taken.
    taken: Condvar,
    /// Nobody wants more.
    pub(super) stopped: AtomicBool,
}

struct State {
    parts: Vec<Part>,
    /// The part that is taken from.
    current: usize,
    /// The bytes that wait in the current part, and in those after it.
    now: usize,
    later: usize,
}

#[derive(Default)]
struct Part {
    hits: VecDeque<Vec<Hit>>,
    bytes: usize,
    end: Option<End>,
}

#[derive(Clone, Copy)]
enum End {
    Read,
    Failed,
}

/// What comes next of a part.
pub(super) enum Next {
    /// Some hits.
    Hits(Vec<Hit>),
    /// No more.
    End,
    /// Its reader failed in a way that none should.
    Failed,
    /// Time is up.
    Late,
}

impl Queue {
    pub(super) fn new(parts: usize) -> Self {
        let parts = std::iter::repeat_with(Part::default).take(parts).collect();
        Queue {
            state: Mutex::new(State { parts, current: 0, now: 0, later: 0 }),
            came: Condvar::new(),
            taken: Condvar::new(),
            stopped: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    pub(super) fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Wakes all who wait, to see that nobody wants more.
    pub(super) fn wake(&self) {
        let _state = self.lock();
        self.taken.notify_all();
        self.came.notify_all();
    }

    /// Adds hits of a part; waits while enough of them wait. What is taken next never waits for what comes later.
    pub(super) fn add(&self, part: usize, hits: Vec<Hit>) {
        let bytes = hits.iter().map(size).sum::<usize>();
        let mut state = self.lock();
        loop {
            let full = if part == state.current { state.now >= WAITING } else { state.later >= WAITING };
            if !full || self.stopped() {
                break;
            }
            state = self.taken.wait(state).unwrap_or_else(|e| e.into_inner());
        }
        if part == state.current {
            state.now += bytes;
        } else {
            state.later += bytes;
        }
        state.parts[part].bytes += bytes;
        state.parts[part].hits.push_back(hits);
        self.came.notify_all();
    }

    fn end(&self, part: usize, end: End) {
        self.lock().parts[part].end.get_or_insert(end);
        self.came.notify_all();
    }

    /// Says in the end how a part ended: read, if [`Ending::read`] was called.
    pub(super) fn ending(&self, part: usize) -> Ending<'_> {
        Ending { queue: self, part, end: End::Failed }
    }

    /// What comes next of the part; parts are to be taken in their order, each to its end.
    pub(super) fn next(&self, part: usize, deadline: Option<Instant>) -> Next {
        let mut state = self.lock();
        if state.current != part {
            let bytes = state.parts[part].bytes;
            state.current = part;
            state.now = bytes;
            state.later -= bytes;
            self.taken.notify_all();
        }
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Next::Late;
            }
            if let Some(hits) = state.parts[part].hits.pop_front() {
                let bytes = hits.iter().map(size).sum::<usize>();
                state.parts[part].bytes -= bytes;
                state.now -= bytes;
                self.taken.notify_all();
                return Next::Hits(hits);
            }
            match state.parts[part].end {
                Some(End::Read) => return Next::End,
                Some(End::Failed) => return Next::Failed,
                None => {}
            }
            state = match left {
                None => self.came.wait(state).unwrap_or_else(|e| e.into_inner()),
                Some(left) => self.came.wait_timeout(state, left).unwrap_or_else(|e| e.into_inner()).0,
            };
        }
    }
}

/// Ends a part when it is dropped, so that nobody waits for a thread that panicked.
pub(super) struct Ending<'q> {
    queue: &'q Queue,
    part: usize,
    end: End,
}

impl Ending<'_> {
    /// The part was read.
    pub(super) fn read(mut self) {
        self.end = End::Read;
    }
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.queue.end(self.part, self.end);
    }
}

/// The bytes of a hit, about.
fn size(hit: &Hit) -> usize {
    let text = |t: &Option<String>| t.as_ref().map_or(0, String::len);
    let event = &hit.event;
    let known = [&event.host, &event.user, &event.image, &event.command_line, &event.parent_image];
    let reasons = hit.reasons.iter().flatten().map(|r| r.value.len() + r.test.len() + 192).sum::<usize>();
    256 + event.source.len()
        + known.into_iter().chain([&event.parent_command_line]).chain(&hit.values).map(text).sum::<usize>()
        + reasons
        + 4 * hit.rules.len()
}
