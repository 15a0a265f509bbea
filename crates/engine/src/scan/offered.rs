//! Which of the asked fields any event had.

use arrow::array::Array;
use arrow::record_batch::RecordBatch;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// The columns that scans decoded, and whether any row had a value there.
///
/// An open view (Sumo's messages) takes any field name. Where no event has any of the fields that a query names, the
/// query could not have found anything, and somebody should know.
#[derive(Debug, Default)]
pub struct Offered(Mutex<BTreeMap<String, bool>>);

impl Offered {
    pub(super) fn note(&self, batch: &RecordBatch) {
        let mut seen = self.0.lock().unwrap_or_else(|e| e.into_inner());
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let any = column.null_count() < column.len();
            match seen.get_mut(field.name()) {
                Some(known) => *known |= any,
                None => {
                    seen.insert(field.name().clone(), any);
                }
            }
        }
    }

    /// The source's own fields (not the metadata that every message has) where no event had any of them.
    pub fn lacking(&self) -> Vec<String> {
        let seen = self.0.lock().unwrap_or_else(|e| e.into_inner());
        let own: Vec<_> = seen.iter().filter(|(name, _)| !name.starts_with(['_', '$'])).collect();
        match own.iter().any(|(_, any)| **any) {
            true => Vec::new(),
            false => own.into_iter().map(|(name, _)| name.clone()).collect(),
        }
    }
}
