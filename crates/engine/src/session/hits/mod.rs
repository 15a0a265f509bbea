//! Many Sigma rules over all sources, in one reading.

mod queue;
mod reading;
mod there;

use super::Session;
use super::census::Census;
use crate::error::Error;
use crate::execute::Instant;
use parallax_sigma::{Reason, Rules};
use parallax_telemetry::Report;
use queue::{Next, Queue};
pub use reading::Found;
use reading::Reading;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What is asked of the events.
#[derive(Clone)]
pub struct HitsAsked {
    /// The rules.
    pub rules: Arc<Rules>,
    /// Fields whose values are wanted of each hit, by the names that Sigma rules use.
    pub wanted: Vec<String>,
    /// Whether to say why each rule matched.
    pub reasons: bool,
    /// Whether to take the census of times in the same reading. Then all events are decoded, not only those that any
    /// rule is about.
    pub census: bool,
}

/// An event that fulfils rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Which ones, in their order.
    pub rules: Vec<u32>,
    /// The event.
    pub event: HitEvent,
    /// The values of the wanted fields.
    pub values: Vec<Option<String>>,
    /// For each of the rules why, if that was asked.
    pub reasons: Vec<Vec<Reason>>,
}

/// What the hidden columns say of an event. What its source does not say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HitEvent {
    /// The file.
    pub source: String,
    /// Where in it.
    pub record: Option<i64>,
    /// When it happened: ticks of 100 ns since 0001-01-01T00:00:00Z.
    pub time: Option<i64>,
    /// On which machine.
    pub host: Option<String>,
    /// As whom.
    pub user: Option<String>,
    /// The process id.
    pub process_id: Option<i64>,
    /// The program.
    pub image: Option<String>,
    /// Its command line.
    pub command_line: Option<String>,
    /// The program that started it.
    pub parent_image: Option<String>,
    /// That one's command line.
    pub parent_command_line: Option<String>,
}

/// What a reading for hits came across.
#[derive(Debug)]
pub struct HitsSeen {
    /// What was read and what could not be.
    pub report: Arc<Report>,
    /// For each log source of the rules how many of its events were looked at: of few rules not those that show nothing
    /// any rule looks for. None only where there were none.
    pub sources: Vec<u64>,
    /// The census, if it was asked; its own report is empty.
    pub census: Option<Census>,
}

/// Makes something of the hits of one thread, in their order. What it makes is handed over in the order of the sources.
pub trait Maker: Send + 'static {
    /// What is handed over: of some hits that follow one another.
    type Made: Send + 'static;

    /// Takes the next hit.
    fn take(&mut self, found: &Found<'_>);

    /// How many bytes that takes which was made and not handed over, about; 0 only where there is nothing.
    fn size(&self) -> usize;

    /// What was made and not handed over.
    fn made(&mut self) -> Self::Made;
}

/// Keeps the hits as they are.
#[derive(Default)]
struct Keeper {
    hits: Vec<Hit>,
    bytes: usize,
}

impl Maker for Keeper {
    type Made = Vec<Hit>;

    fn take(&mut self, found: &Found<'_>) {
        let hit = found.hit();
        self.bytes += hit.size();
        self.hits.push(hit);
    }

    fn size(&self) -> usize {
        self.bytes
    }

    fn made(&mut self) -> Vec<Hit> {
        self.bytes = 0;
        std::mem::take(&mut self.hits)
    }
}

impl Hit {
    /// Its bytes, about.
    fn size(&self) -> usize {
        let text = |t: &Option<String>| t.as_ref().map_or(0, String::len);
        let event = &self.event;
        let known = [&event.host, &event.user, &event.image, &event.command_line, &event.parent_image];
        let reasons = self.reasons.iter().flatten().map(|r| r.value.len() + r.test.len() + 192).sum::<usize>();
        256 + event.source.len()
            + known.into_iter().chain([&event.parent_command_line]).chain(&self.values).map(text).sum::<usize>()
            + reasons
            + 4 * self.rules.len()
    }
}

impl Session {
    /// Reads all sources once and hands over the events that fulfil any of the rules, in the order of the sources and of
    /// the places in them whatever the number of threads, until they are read or `each` breaks.
    ///
    /// Memory stays flat: threads that are ahead wait. Events outside of the session's window of time are left out.
    ///
    /// # Errors
    /// It took longer than the session's limit.
    pub fn hits(&self, asked: HitsAsked, each: &mut dyn FnMut(Hit) -> ControlFlow<()>) -> Result<HitsSeen, Error> {
        let each = &mut |hits: Vec<Hit>| hits.into_iter().try_for_each(&mut *each);
        self.hits_made(asked, &mut |_| {}, &mut Keeper::default, each)
    }

    /// As [`Session::hits`], where the threads that read make something of the hits: each has what `maker` gives for it,
    /// and `each` is handed what they made. `watch` is given the report as the reading begins.
    ///
    /// # Errors
    /// It took longer than the session's limit.
    pub fn hits_made<M: Maker>(
        &self,
        asked: HitsAsked,
        watch: &mut dyn FnMut(&Arc<Report>),
        maker: &mut dyn FnMut() -> M,
        each: &mut dyn FnMut(M::Made) -> ControlFlow<()>,
    ) -> Result<HitsSeen, Error> {
        let began = Instant::now();
        let limit = self.executor.timeout();
        let deadline = limit.map(|limit| began + limit);
        let threads = self.executor.threads();
        let reading = Arc::new(Reading::new(asked, self.sources.clone(), self.window, threads));
        watch(reading.report());
        let queue = Arc::new(Queue::new(reading.parts()));
        let workers = threads.min(reading.parts());
        for _ in 0..workers {
            let (reading, queue, maker) = (reading.clone(), queue.clone(), maker());
            // Nobody waits for a thread that is inside a file when time is up, as with readers of queries.
            std::thread::Builder::new()
                .name("parallax-hits".to_owned())
                .spawn(move || reading.work(&queue, maker))
                .map_err(|e| Error::Setup(format!("threads can't be started: {e}")))?;
        }
        let _stop = Stop(&queue);
        for part in 0..reading.parts() {
            loop {
                match queue.next(part, deadline) {
                    Next::Made(made) => {
                        if each(made).is_break() {
                            return Ok(reading.seen());
                        }
                    }
                    Next::End => break,
                    Next::Late => return Err(Error::Timeout(limit.unwrap_or_default())),
                    Next::Failed => return Err(Error::Execution("a reader stopped without a word".to_owned())),
                }
            }
        }
        let mut seen = reading.seen();
        if seen.report.passed() > 0 && !reading.look(&mut seen.sources, deadline) {
            return Err(Error::Timeout(limit.unwrap_or_default()));
        }
        Ok(seen)
    }
}

/// Stops the threads when nobody wants more.
struct Stop<'q, T>(&'q Queue<T>);

impl<T> Drop for Stop<'_, T> {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Relaxed);
        self.0.wake();
    }
}
