//! What the inputs offered to a query.

use arrow::array::Array;
use arrow::record_batch::RecordBatch;
use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;

/// The tables that scans read with their number of events, and of an open table (one that takes any field name) the
/// columns that any event had.
///
/// Where the inputs have no event for any table of a query, or no event with any field that it names, the query could
/// not have found anything. Its silence means nothing, and somebody should know.
#[derive(Debug, Default)]
pub struct Offered(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    tables: BTreeMap<String, u64>,
    fields: BTreeMap<String, bool>,
}

impl Offered {
    /// A scan of the table begins.
    pub(super) fn table(&self, name: &str) {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).tables.entry(name.to_owned()).or_default();
    }

    /// A scan of the table read these events.
    pub(super) fn note(&self, table: &str, open: bool, batch: &RecordBatch) {
        let mut seen = self.0.lock().unwrap_or_else(|e| e.into_inner());
        *seen.tables.entry(table.to_owned()).or_default() += batch.num_rows() as u64;
        if !open {
            return;
        }
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            *seen.fields.entry(field.name().clone()).or_default() |= column.null_count() < column.len();
        }
    }

    /// As [`Offered::lacking`], for one of several queries that were read together: it names these fields.
    pub(crate) fn lacking_of(&self, names: &HashSet<String>) -> Vec<String> {
        let seen = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if seen.tables.values().all(|n| *n == 0) {
            return seen.tables.keys().cloned().collect();
        }
        let own = seen.fields.iter().filter(|(name, _)| names.contains(*name) && !name.starts_with(['_', '$']));
        let own: Vec<_> = own.collect();
        match own.iter().any(|(_, any)| **any) {
            true => Vec::new(),
            false => own.into_iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    /// The tables, where none of them has an event; or the source's own fields (not the metadata that every message
    /// has), where no event has any of them.
    pub fn lacking(&self) -> Vec<String> {
        let seen = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if seen.tables.values().all(|n| *n == 0) {
            return seen.tables.keys().cloned().collect();
        }
        let own: Vec<_> = seen.fields.iter().filter(|(name, _)| !name.starts_with(['_', '$'])).collect();
        match own.iter().any(|(_, any)| **any) {
            true => Vec::new(),
            false => own.into_iter().map(|(name, _)| name.clone()).collect(),
        }
    }
}
