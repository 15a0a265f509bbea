//! What is made of the hits of many parts that are read side by side, taken one part after the other.

use crate::execute::Instant;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};

/// How much may wait for the one who takes it, about, in bytes.
const WAITING: usize = 4 << 20;

/// A queue for each part, bounded together.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    /// Something came, or a part ended.
    came: Condvar,
    /// Something was taken.
    taken: Condvar,
    /// Nobody wants more.
    pub(super) stopped: AtomicBool,
}

struct State<T> {
    parts: Vec<Part<T>>,
    /// The part that is taken from.
    current: usize,
    /// The bytes that wait in the current part, and in those after it.
    now: usize,
    later: usize,
}

struct Part<T> {
    /// What was made, each with its bytes.
    made: VecDeque<(T, usize)>,
    bytes: usize,
    end: Option<End>,
}

#[derive(Clone, Copy)]
enum End {
    Read,
    Failed,
}

/// What comes next of a part.
pub(super) enum Next<T> {
    /// What was made of some hits.
    Made(T),
    /// No more.
    End,
    /// Its reader failed in a way that none should.
    Failed,
    /// Time is up.
    Late,
}

impl<T> Queue<T> {
    pub(super) fn new(parts: usize) -> Self {
        let part = || Part { made: VecDeque::new(), bytes: 0, end: None };
        let parts = std::iter::repeat_with(part).take(parts).collect();
        Queue {
            state: Mutex::new(State { parts, current: 0, now: 0, later: 0 }),
            came: Condvar::new(),
            taken: Condvar::new(),
            stopped: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
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

    /// Adds something of a part that takes so many bytes; waits while enough waits. What is taken next never waits for
    /// what comes later.
    pub(super) fn add(&self, part: usize, made: T, bytes: usize) {
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
        state.parts[part].made.push_back((made, bytes));
        self.came.notify_all();
    }

    fn end(&self, part: usize, end: End) {
        self.lock().parts[part].end.get_or_insert(end);
        self.came.notify_all();
    }

    /// Says in the end how a part ended: read, if [`Ending::read`] was called.
    pub(super) fn ending(&self, part: usize) -> Ending<'_, T> {
        Ending { queue: self, part, end: End::Failed }
    }

    /// What comes next of the part; parts are to be taken in their order, each to its end.
    pub(super) fn next(&self, part: usize, deadline: Option<Instant>) -> Next<T> {
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
            if let Some((made, bytes)) = state.parts[part].made.pop_front() {
                state.parts[part].bytes -= bytes;
                state.now -= bytes;
                self.taken.notify_all();
                return Next::Made(made);
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
pub(super) struct Ending<'q, T> {
    queue: &'q Queue<T>,
    part: usize,
    end: End,
}

impl<T> Ending<'_, T> {
    /// The part was read.
    pub(super) fn read(mut self) {
        self.end = End::Read;
    }
}

impl<T> Drop for Ending<'_, T> {
    fn drop(&mut self) {
        self.queue.end(self.part, self.end);
    }
}
