//! Events in memory, and running a plan over them.

use arrow::array::{ArrayRef, AsArray, Int64Array, StringViewBuilder, new_null_array};
use arrow::datatypes::{Field, Int64Type, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::prelude::SessionContext;
use parallax_catalog::{Catalog, Column, PROVENANCE, Planned, Table};
use parallax_telemetry::{ColumnType, LogSource};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Events, all of every log source. Fields have the names that rules give them.
pub(crate) struct Logs(Vec<Map<String, Value>>);

impl Logs {
    pub(crate) fn new(events: &[Map<String, Value>]) -> Self {
        Logs(events.to_vec())
    }
}

impl Catalog for Logs {
    fn table(&self, _: &str) -> Option<Table> {
        None
    }

    fn table_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn messages(&self, fields: &[String], _: bool) -> Table {
        self.over("messages", fields)
    }

    fn logs(&self, _: &LogSource, fields: &[String]) -> Option<Table> {
        Some(self.over("logs", fields))
    }
}

impl Logs {
    fn over(&self, name: &str, fields: &[String]) -> Table {
        let mut schema = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for field in fields {
            let mut texts = StringViewBuilder::new();
            for event in &self.0 {
                let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
                texts.append_option(event.get(field).map(text));
            }
            schema.push(Field::new(field, ColumnType::String.arrow(), true));
            arrays.push(Arc::new(texts.finish()));
        }
        for p in PROVENANCE {
            schema.push(Field::new(p.name, p.ty.arrow(), true));
            arrays.push(match p.name {
                "$record" => Arc::new(Int64Array::from_iter_values(0..self.0.len() as i64)),
                _ => new_null_array(&p.ty.arrow(), self.0.len()),
            });
        }
        let schema = Arc::new(Schema::new(schema));
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).expect("a batch");
        let table = MemTable::try_new(schema, vec![vec![batch]]).expect("a table");
        Table {
            name: name.to_owned(),
            columns: fields.iter().map(|name| Column { name: name.clone(), ty: ColumnType::String }).collect(),
            source: provider_as_source(Arc::new(table)),
            provenance: true,
            fed: true,
            nulls: Vec::new(),
        }
    }
}

/// Which of the events a plan returns, by their visible columns and their places.
pub(crate) fn run(planned: &Planned, events: &[Map<String, Value>]) -> Result<Vec<bool>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let batches = runtime.block_on(async {
        let frame =
            SessionContext::new().execute_logical_plan(planned.plan.clone()).await.map_err(|e| e.to_string())?;
        frame.collect().await.map_err(|e| e.to_string())
    })?;
    let mut found = vec![false; events.len()];
    for batch in &batches {
        // Hidden columns are there only where they were asked for: then they say which event it is.
        if let Some(records) = batch.column_by_name("$record") {
            for at in records.as_primitive::<Int64Type>().values() {
                found[usize::try_from(*at).map_err(|e| e.to_string())?] = true;
            }
        }
    }
    Ok(found)
}
