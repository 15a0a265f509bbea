//! Messages in memory, and running a query over them.

use arrow::array::{Array, ArrayRef, AsArray, Int64Builder, StringViewArray, StringViewBuilder};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use parallax_catalog::external::{Externals, ExtractionRule, List, Listed, Macro, Networks, Unreached};
use parallax_catalog::{Catalog, Column, Context, PROVENANCE, Planned, Table};
use parallax_telemetry::ColumnType;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// 2025-06-01T00:00:00Z in milliseconds: when the first (newest) message was written.
pub(crate) const NEWEST: i64 = 1_748_736_000_000;

/// Messages, newest first, a second apart.
pub(crate) struct Messages {
    messages: Vec<Map<String, Value>>,
    tables: BTreeMap<String, Vec<Map<String, Value>>>,
    pub(crate) macros: BTreeMap<String, String>,
    pub(crate) rules: Vec<ExtractionRule>,
    /// Whether tables may be written.
    pub(crate) saves: bool,
}

impl Messages {
    /// A string is a message's `_raw`; an object its fields.
    pub(crate) fn new(input: &[Value]) -> Self {
        let each = |(index, value): (usize, &Value)| {
            let mut fields = match value {
                Value::Object(fields) => fields.clone(),
                Value::String(raw) => Map::from_iter([("_raw".to_owned(), json!(raw))]),
                other => panic!("a message is text or an object, not {other}"),
            };
            let time = NEWEST - i64::try_from(index).expect("few messages") * 1000;
            fields.entry("_messageTime").or_insert(json!(time));
            fields
        };
        Messages {
            messages: input.iter().enumerate().map(each).collect(),
            tables: BTreeMap::new(),
            macros: BTreeMap::new(),
            rules: Vec::new(),
            saves: false,
        }
    }

    /// Adds a lookup table.
    pub(crate) fn table(mut self, name: &str, rows: &[Value]) -> Self {
        let rows = rows.iter().filter_map(|r| r.as_object().cloned()).collect();
        self.tables.insert(name.to_owned(), rows);
        self
    }
}

impl Externals for Messages {
    fn saves(&self) -> bool {
        self.saves
    }

    fn extraction_rules(&self) -> Vec<ExtractionRule> {
        self.rules.clone()
    }

    fn list(&self, list: List<'_>) -> Result<Option<Listed>, Unreached> {
        let List::Lookup(place) = list else { return Ok(None) };
        Ok(self.table(place).map(|table| Listed { table, declared: Vec::new(), key: None }))
    }

    fn lookup_networks(&self, place: &str) -> Result<Option<Arc<Networks>>, Unreached> {
        let Some(rows) = self.tables.get(place) else { return Ok(None) };
        let mut networks = Networks::default();
        for row in rows {
            let Some((address, length)) = row.get("network").and_then(|n| n.as_str()?.split_once('/')) else {
                return Ok(None);
            };
            let about = Value::Object(row.clone()).to_string();
            networks.add(address.parse().expect("an address"), length.parse().expect("a length"), about.into());
        }
        Ok(Some(Arc::new(networks)))
    }

    fn macro_text(&self, name: &str) -> Option<Macro> {
        let text = self.macros.get(name)?.clone();
        let argument = |part: &str| part.split_once("}}").map(|(name, _)| name.to_owned());
        let mut arguments: Vec<String> = text.split("{{").skip(1).filter_map(argument).collect();
        arguments.dedup();
        Some(Macro { text, arguments })
    }
}

impl Catalog for Messages {
    fn rows(&self, plan: &LogicalPlan) -> Option<Result<Vec<RecordBatch>, String>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Some(runtime.block_on(async {
            let frame = SessionContext::new().execute_logical_plan(plan.clone()).await.map_err(|e| e.to_string())?;
            frame.collect().await.map_err(|e| e.to_string())
        }))
    }

    fn table(&self, name: &str) -> Option<Table> {
        let rows = self.tables.get(name)?;
        let names: Vec<String> = rows.first()?.keys().cloned().collect();
        let text = |n: &String| StringViewArray::from_iter(rows.iter().map(|r| r.get(n).and_then(Value::as_str)));
        let arrays = names.iter().map(|n| Arc::new(text(n)) as ArrayRef).collect();
        let schema = names.iter().map(|n| Field::new(n, DataType::Utf8View, true)).collect::<Vec<_>>();
        let schema = Arc::new(Schema::new(schema));
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).expect("a batch");
        let table = MemTable::try_new(schema, vec![vec![batch]]).expect("a table");
        Some(Table {
            name: name.to_owned(),
            columns: names.into_iter().map(|name| Column { name, ty: ColumnType::String }).collect(),
            source: provider_as_source(Arc::new(table)),
            provenance: false,
            fed: true,
            nulls: Vec::new(),
        })
    }

    fn externals(&self) -> &dyn Externals {
        self
    }

    fn table_names(&self) -> Vec<String> {
        self.tables.keys().cloned().collect()
    }

    fn messages(&self, fields: &[String], _: bool) -> Table {
        let mut columns = Vec::new();
        let mut schema = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        let value = |message: &Map<String, Value>, name: &str| {
            message.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone())
        };
        for name in fields {
            let long = ["_messagetime", "_receipttime", "_size"].iter().any(|t| t.eq_ignore_ascii_case(name));
            let ty = if long { ColumnType::Long } else { ColumnType::String };
            columns.push(Column { name: name.clone(), ty });
            schema.push(Field::new(name, ty.arrow(), true));
            if long {
                let mut b = Int64Builder::new();
                self.messages.iter().for_each(|m| b.append_option(value(m, name).and_then(|v| v.as_i64())));
                arrays.push(Arc::new(b.finish()));
            } else {
                let mut b = StringViewBuilder::new();
                self.messages.iter().for_each(|m| {
                    b.append_option(value(m, name).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)));
                });
                arrays.push(Arc::new(b.finish()));
            }
        }
        for p in PROVENANCE {
            schema.push(Field::new(p.name, p.ty.arrow(), true));
            arrays.push(match p.name {
                "$record" => Arc::new(arrow::array::Int64Array::from_iter_values(0..self.messages.len() as i64)),
                _ => arrow::array::new_null_array(&p.ty.arrow(), self.messages.len()),
            });
        }
        let schema = Arc::new(Schema::new(schema));
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).expect("a batch");
        let table = MemTable::try_new(schema, vec![vec![batch]]).expect("a table");
        Table {
            name: "messages".to_owned(),
            columns,
            source: provider_as_source(Arc::new(table)),
            provenance: true,
            fed: true,
            nulls: Vec::new(),
        }
    }
}

/// A result as a person would write it down.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) columns: Vec<String>,
    pub(crate) types: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<Value>>,
}

/// Executes a plan.
pub(crate) fn run(planned: &Planned) -> Result<Answer, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(4));
        let frame = context.execute_logical_plan(planned.plan.clone()).await.map_err(|e| e.to_string())?;
        let batches = frame.collect().await.map_err(|e| e.to_string())?;
        let mut columns = planned.columns.clone();
        let mut batches = batches;
        if let Some(pivot) = &planned.pivot {
            let schema = Arc::clone(planned.plan.schema().inner());
            let (outputs, batch) = pivot.apply(&columns, schema, &batches)?;
            (columns, batches) = (outputs, vec![batch]);
        }
        let mut rows = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                rows.push((0..batch.num_columns()).map(|c| cell(batch.column(c), row)).collect());
            }
        }
        Ok(Answer {
            columns: columns.iter().map(|c| c.name.clone()).collect(),
            types: columns.iter().map(|c| c.type_name).collect(),
            rows,
        })
    })
}

fn cell(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8View => json!(array.as_string_view().value(row)),
        DataType::Int64 => json!(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => {
            let value = array.as_primitive::<Float64Type>().value(row);
            if value == value.trunc() && value.abs() < 1e15 { json!(value as i64) } else { json!(value) }
        }
        DataType::Boolean => json!(array.as_boolean().value(row)),
        other => json!(format!("a {other}")),
    }
}

/// A context at the time of the newest message.
pub(crate) fn context() -> Context {
    Context::at(NEWEST * 1_000_000)
}
