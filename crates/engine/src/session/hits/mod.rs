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

impl Session {
    /// Reads all sources once and hands over the events that fulfil any of the rules, in the order of the sources and of
    /// the places in them whatever the number of threads, until they are read or `each` breaks.
    ///
    /// Memory stays flat: threads that are ahead wait. Events outside of the session's window of time are left out.
    ///
    /// # Errors
    /// It took longer than the session's limit.
    pub fn hits(&self, asked: HitsAsked, each: &mut dyn FnMut(Hit) -> ControlFlow<()>) -> Result<HitsSeen, Error> {
        self.hits_watched(asked, &mut |_| {}, each)
    }

    /// As [`Session::hits`]; `watch` is given the report as the reading begins.
    ///
    /// # Errors
    /// It took longer than the session's limit.
    pub fn hits_watched(
        &self,
        asked: HitsAsked,
        watch: &mut dyn FnMut(&Arc<Report>),
        each: &mut dyn FnMut(Hit) -> ControlFlow<()>,
    ) -> Result<HitsSeen, Error> {
        let began = Instant::now();
        let limit = self.executor.timeout();
        let deadline = limit.map(|limit| began + limit);
        let threads = self.executor.threads();
        let reading = Arc::new(Reading::new(asked, self.sources.clone(), self.window, threads));
        watch(reading.report());
        let workers = threads.min(reading.parts());
        for _ in 0..workers {
            let reading = reading.clone();
            // Nobody waits for a thread that is inside a file when time is up, as with readers of queries.
            std::thread::Builder::new()
                .name("parallax-hits".to_owned())
                .spawn(move || reading.work())
                .map_err(|e| Error::Setup(format!("threads can't be started: {e}")))?;
        }
        let _stop = Stop(&reading.queue);
        for part in 0..reading.parts() {
            loop {
                match reading.queue.next(part, deadline) {
                    Next::Hits(hits) => {
                        for hit in hits {
                            if each(hit).is_break() {
                                return Ok(reading.seen());
                            }
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
struct Stop<'q>(&'q Queue);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Relaxed);
        self.0.wake();
    }
}
