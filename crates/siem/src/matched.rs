//! A record for which some rule's expression holds, while it goes by.

use crate::signal::RecordRef;
use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int64Array, StringViewArray};
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use std::collections::HashMap;
use std::sync::Arc;

/// The columns that stand before the texts.
const FIRST: usize = 4;

/// A batch of matched records.
pub(crate) struct Batch<'a> {
    time: &'a Int64Array,
    source: &'a StringViewArray,
    record: &'a Int64Array,
    hits: &'a BinaryArray,
    texts: Vec<&'a StringViewArray>,
}

impl<'a> Batch<'a> {
    /// None where the batch does not have the shape that was asked for.
    pub(crate) fn new(batch: &'a RecordBatch) -> Option<Self> {
        let column = |i: usize| batch.columns().get(i).map(|c: &ArrayRef| c.as_ref());
        let texts = batch.columns().iter().skip(FIRST).map(|c| c.as_string_view_opt());
        Some(Batch {
            time: column(0)?.as_primitive_opt::<Int64Type>()?,
            source: column(1)?.as_string_view_opt()?,
            record: column(2)?.as_primitive_opt::<Int64Type>()?,
            hits: column(3)?.as_binary_opt::<i32>()?,
            texts: texts.collect::<Option<_>>()?,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.hits.len()
    }
}

/// One of them.
pub(crate) struct Matched<'a> {
    batch: &'a Batch<'a>,
    row: usize,
}

impl<'a> Matched<'a> {
    pub(crate) fn new(batch: &'a Batch<'a>, row: usize) -> Self {
        Matched { batch, row }
    }

    /// In nanoseconds since the Unix epoch.
    pub(crate) fn time(&self) -> Option<i64> {
        self.batch.time.is_valid(self.row).then(|| self.batch.time.value(self.row))
    }

    /// Whether the condition of that place holds.
    pub(crate) fn holds(&self, condition: usize) -> bool {
        let bits = self.batch.hits.value(self.row);
        bits.get(condition / 8).is_some_and(|b| b & (1 << (condition % 8)) != 0)
    }

    /// The text of that place.
    pub(crate) fn text(&self, place: usize) -> Option<&'a str> {
        let column = self.batch.texts.get(place)?;
        column.is_valid(self.row).then(|| column.value(self.row))
    }

    pub(crate) fn reference(&self, names: &mut Sources) -> RecordRef {
        let source = if self.batch.source.is_valid(self.row) { self.batch.source.value(self.row) } else { "" };
        RecordRef { time: self.time(), source: names.get(source), record: self.batch.record.value(self.row) }
    }
}

/// Names of inputs, each kept once.
#[derive(Default)]
pub(crate) struct Sources(HashMap<String, Arc<str>>);

impl Sources {
    fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return known.clone();
        }
        let new: Arc<str> = Arc::from(name);
        self.0.insert(name.to_owned(), new.clone());
        new
    }
}
