//! Many small feeds as one: to hand over from one to the next takes longer than to read some of them.

use super::{Feed, Wanted};
use arrow::record_batch::RecordBatch;
use parallax_telemetry::Report;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A feed, and its size: to find that out may take asking the system.
pub(super) type SizedFeed = (Arc<dyn Feed>, u64);

pub(super) fn sized(feed: Arc<dyn Feed>) -> SizedFeed {
    let size = feed.size();
    (feed, size)
}

/// Feeds that are read one after the other.
#[derive(Debug)]
struct Several {
    feeds: Vec<Arc<dyn Feed>>,
    size: u64,
}

impl Feed for Several {
    fn name(&self) -> &str {
        self.feeds.first().map_or("", |feed| feed.name())
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn scan(
        &self,
        wanted: Wanted<'_>,
        report: &Report,
        emit: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
    ) -> io::Result<()> {
        for feed in &self.feeds {
            let mut stopped = false;
            let read = feed.scan(wanted, report, &mut |batch| {
                let flow = emit(batch);
                stopped |= flow.is_break();
                flow
            });
            if let Err(e) = read {
                // The others are read all the same.
                report.damage(feed.name(), None, e.to_string());
            }
            if stopped {
                break;
            }
        }
        Ok(())
    }
}

/// Neighbours that have no more than `most` bytes together are one feed.
pub(super) fn together(feeds: Vec<SizedFeed>, most: u64) -> Vec<SizedFeed> {
    let mut out: Vec<SizedFeed> = Vec::new();
    let mut several = Several { feeds: Vec::new(), size: 0 };
    let mut flush = |several: &mut Several| {
        let size = std::mem::take(&mut several.size);
        let mut feeds = std::mem::take(&mut several.feeds);
        match feeds.len() {
            0 => {}
            1 => out.extend(feeds.pop().map(|feed| (feed, size))),
            _ => out.push((Arc::new(Several { feeds, size }), size)),
        }
    };
    for (feed, size) in feeds {
        if several.size.saturating_add(size) > most {
            flush(&mut several);
        }
        several.size = several.size.saturating_add(size);
        several.feeds.push(feed);
    }
    flush(&mut several);
    out
}
