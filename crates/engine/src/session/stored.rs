//! A typed table of a store.

use crate::scan::{BATCH_ROWS, Feed, Wanted};
use arrow::record_batch::RecordBatch;
use parallax_store::read::{Ask, Rows};
use parallax_telemetry::store::{Segment, Stored};
use parallax_telemetry::{Report, Source, View};
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

/// The rows that a segment of a store gives to a table.
#[derive(Debug)]
pub(super) struct StoredFeed {
    name: String,
    rows: Rows,
    times: Option<(i64, i64)>,
}

impl StoredFeed {
    /// What the source's segment has of the view, where its rows are what reading the originals would give. All sources
    /// of the segment have their rows there.
    pub(super) fn of(stored: &Stored, view: &View, times: Option<(i64, i64)>) -> Option<Self> {
        stored.table(view.name())?;
        let rows = Rows::of(&stored.segment, view)?;
        Some(StoredFeed { name: stored.segment.folder.display().to_string(), rows, times })
    }
}

/// The sources, those of a segment whose rows of the view are in the store once for all of them; their places.
pub(super) fn once_a_segment<'s>(
    sources: impl Iterator<Item = (usize, &'s Source)>,
    view: &View,
) -> Vec<(Vec<usize>, &'s Source)> {
    let mut out: Vec<(Vec<usize>, &Source)> = Vec::new();
    let segment = |source: &'s Source| -> Option<&'s Arc<Segment>> {
        let stored = source.stored.as_ref()?;
        stored.table(view.name()).map(|_| &stored.segment)
    };
    for (at, source) in sources {
        let same = segment(source).and_then(|own| {
            out.iter_mut().find(|(_, other)| segment(other).is_some_and(|other| Arc::ptr_eq(own, other)))
        });
        match same {
            Some((places, _)) => places.push(at),
            None => out.push((vec![at], source)),
        }
    }
    out
}

impl Feed for StoredFeed {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.rows.size()
    }

    fn parts(&self, size: u64) -> Vec<Arc<dyn Feed>> {
        let part = |rows| Arc::new(StoredFeed { name: self.name.clone(), rows, times: self.times }) as _;
        self.rows.parts(size).into_iter().map(part).collect()
    }

    fn times(&self) -> Option<(i64, i64)> {
        self.times
    }

    fn scan(
        &self,
        wanted: Wanted<'_>,
        report: &Report,
        emit: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let Wanted { columns, clauses, tests, before, outside } = wanted;
        if self.rows.is_first() {
            self.rows.say_again(columns, report);
        }
        let passed = self.rows.scan(Ask { columns, tests, clauses, before }, BATCH_ROWS, report, emit)?;
        outside.add(passed.before);
        Ok(())
    }
}
