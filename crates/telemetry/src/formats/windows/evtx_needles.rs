//! Which records of an EVTX chunk can show what is looked for.
//!
//! A record holds the values of its event; what all events of a kind have in common lies in a template that may stand
//! in another record of the chunk, as names of elements do. So a hit within a record speaks for it, and one within a
//! template or a name for all.

use crate::needles::{Finder, Folded};
use std::ops::Range;
use std::sync::Arc;

/// The chunk header's table of the names of elements and attributes.
const NAMES: Range<usize> = 128..384;

/// A name's next, hash and length, before its text.
const NAME_HEADER: usize = 8;

/// The chunk header's table of templates.
const TEMPLATES: Range<usize> = 384..512;

/// A template's next, id and size, before its text.
const TEMPLATE_HEADER: usize = 24;

/// A record's signature, size, number and time, before its text.
const RECORD_HEADER: usize = 24;

/// What is found in one chunk.
#[derive(Debug)]
pub(super) struct Hits {
    finder: Arc<Finder>,
    folded: Folded,
    /// Where something is found, in order.
    at: Vec<usize>,
    /// Whether a template shows it: then every record may.
    everywhere: bool,
}

/// The same search, that has looked at nothing.
impl Clone for Hits {
    fn clone(&self) -> Self {
        Hits::new(self.finder.clone())
    }
}

impl Hits {
    /// Whether that is what is searched for.
    pub(super) fn are_of(&self, finder: &Arc<Finder>) -> bool {
        Arc::ptr_eq(&self.finder, finder)
    }

    pub(super) fn new(finder: Arc<Finder>) -> Self {
        Hits { finder, folded: Folded::default(), at: Vec::new(), everywhere: false }
    }

    /// Looks through a chunk. Whether there is anything.
    pub(super) fn look(&mut self, chunk: &[u8]) -> bool {
        self.folded.take(chunk);
        self.at.clear();
        for pass in 0..self.finder.passes() {
            let mut from = 0;
            while from < self.folded.len() {
                let hit = self.finder.find(pass, &self.folded, from);
                if hit < self.folded.len() {
                    self.at.push(hit);
                }
                from = hit + 1;
            }
        }
        self.at.sort_unstable();
        self.everywhere = !self.at.is_empty() && self.in_templates(chunk);
        !self.at.is_empty()
    }

    /// Whether the record whose text begins at `text` may show something. What the chunk does not say clearly it may.
    pub(super) fn in_record(&self, chunk: &[u8], text: usize) -> bool {
        let size = || {
            let begin = text.checked_sub(RECORD_HEADER)?;
            Some(begin..begin + number(chunk, begin + 4)?)
        };
        self.everywhere || size().is_none_or(|record| self.within(record))
    }

    fn within(&self, range: Range<usize>) -> bool {
        let first = self.at.partition_point(|at| *at < range.start);
        self.at.get(first).is_some_and(|at| *at < range.end)
    }

    fn in_templates(&self, chunk: &[u8]) -> bool {
        // A table that leads nowhere, or in a circle, says nothing.
        self.find_in_templates(chunk).unwrap_or(true) || self.find_in_names(chunk).unwrap_or(true)
    }

    /// Whether a name shows it: many records share one, which stands in the first of them.
    fn find_in_names(&self, chunk: &[u8]) -> Option<bool> {
        let mut left = chunk.len() / NAME_HEADER;
        for slot in NAMES.step_by(4) {
            let mut at = number(chunk, slot)?;
            while at != 0 {
                left = left.checked_sub(1)?;
                let length = chunk.get(at.checked_add(6)?..at + 8)?;
                let end = at + NAME_HEADER + 2 * usize::from(u16::from_le_bytes(length.try_into().ok()?));
                if end > chunk.len() || self.within(at..end) {
                    return Some(true);
                }
                at = number(chunk, at)?;
            }
        }
        Some(false)
    }

    fn find_in_templates(&self, chunk: &[u8]) -> Option<bool> {
        let mut left = chunk.len() / TEMPLATE_HEADER;
        for slot in TEMPLATES.step_by(4) {
            let mut at = number(chunk, slot)?;
            while at != 0 {
                left = left.checked_sub(1)?;
                let end = at.checked_add(TEMPLATE_HEADER)?.checked_add(number(chunk, at + 20)?)?;
                if end > chunk.len() || self.within(at..end) {
                    return Some(true);
                }
                at = number(chunk, at)?;
            }
        }
        Some(false)
    }
}

fn number(chunk: &[u8], at: usize) -> Option<usize> {
    let bytes = chunk.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
}
