//! A small catalog in memory, and a way to run a query to JSON rows.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringViewArray, TimestampNanosecondArray,
};
use arrow::datatypes::{DataType, Decimal128Type, Field, Float64Type, Int32Type, Int64Type, Schema};
use datafusion::catalog::default_table_source::provider_as_source;
use datafusion::dataframe::DataFrame;
use datafusion::datasource::MemTable;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionConfig;
use parallax_catalog::{Catalog, Column, ColumnType, Context, Encoding, PROVENANCE, Planned, Table};
use parallax_diagnostics::{Diagnostics, Severity};
use serde_json::{Value, json};
use std::sync::Arc;

/// 2024-06-01T12:00:00Z, the time at which all tests run.
pub(crate) const NOW: i64 = 1_717_243_200_000_000_000;

const TABLE: [(&str, ColumnType); 6] = [
    ("Timestamp", ColumnType::DateTime),
    ("DeviceName", ColumnType::String),
    ("FileName", ColumnType::String),
    ("ProcessCommandLine", ColumnType::String),
    ("ProcessId", ColumnType::Long),
    ("AdditionalFields", ColumnType::Dynamic),
];

/// One table, `Events`, of a few process creations.
pub(crate) struct Memory;

impl Memory {
    fn events() -> Table {
        let hour = 3_600_000_000_000i64;
        let times = [1, 2, 3, 30, 4].map(|h| NOW - h * hour);
        let visible: Vec<ArrayRef> = vec![
            Arc::new(TimestampNanosecondArray::from(times.to_vec()).with_timezone("UTC")),
            Arc::new(StringViewArray::from(vec!["web1", "web1", "web2", "web2", ""])),
            Arc::new(StringViewArray::from(vec!["lua5.3", "bash", "luajit", "lua", "python3"])),
            Arc::new(StringViewArray::from(vec![
                "lua5.3 -e os.execute('id')",
                "bash -c ls",
                "luajit /tmp/x.lua",
                "lua a.lua",
                "python3 -c 1",
            ])),
            Arc::new(Int64Array::from(vec![Some(11), Some(12), Some(13), Some(14), None])),
            Arc::new(StringViewArray::from(vec![Some(r#"{"a":{"b":[1,2]}}"#), None, Some("[1,\"x\"]"), None, None])),
        ];
        let mut fields: Vec<Field> = TABLE.iter().map(|(n, t)| Field::new(*n, t.arrow(), true)).collect();
        let mut arrays = visible;
        for p in PROVENANCE {
            fields.push(Field::new(p.name, p.ty.arrow(), true));
            arrays.push(match p.name {
                "$record" => Arc::new(Int64Array::from(vec![1, 2, 3, 4, 5])),
                _ => arrow::array::new_null_array(&p.ty.arrow(), 5),
            });
        }
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).expect("the columns fit");
        let table = MemTable::try_new(schema, vec![vec![batch]]).expect("the batch fits");
        Table {
            name: "Events".to_string(),
            columns: TABLE.iter().map(|(n, t)| Column { name: (*n).to_string(), ty: *t }).collect(),
            source: provider_as_source(Arc::new(table)),
            provenance: true,
            fed: true,
            nulls: Vec::new(),
        }
    }
}

impl Catalog for Memory {
    fn table(&self, name: &str) -> Option<Table> {
        (name == "Events").then(Self::events)
    }

    fn table_names(&self) -> Vec<String> {
        vec!["Events".to_string()]
    }

    /// On a thread of its own: the tests run inside of a runtime.
    fn rows(&self, plan: &LogicalPlan) -> Option<Result<Vec<RecordBatch>, String>> {
        let plan = plan.clone();
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let frame = DataFrame::new(session(SessionConfig::new()), plan);
            runtime.block_on(frame.collect()).map_err(|e| e.strip_backtrace())
        };
        std::thread::spawn(run).join().ok()
    }

    fn messages(&self, _fields: &[String], _raw_audit: bool) -> Table {
        Self::events()
    }
}

/// The result of a query: its columns, and its rows as JSON.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) planned: Planned,
    pub(crate) rows: Vec<Vec<Value>>,
}

pub(crate) fn plan(query: &str) -> Result<Planned, Diagnostics> {
    plan_at(query, &Context::at(NOW))
}

pub(crate) fn plan_at(query: &str, context: &Context) -> Result<Planned, Diagnostics> {
    let tree = parallax_kql::parse(query)?;
    parallax_kql::plan(&tree, &Memory, context)
}

/// The first error, as `CODE at "text": message`.
pub(crate) fn first_error(query: &str, diagnostics: &Diagnostics) -> String {
    match diagnostics.iter().find(|d| d.severity == Severity::Error) {
        Some(d) => format!("{} at {:?}: {}", d.code, d.span.of(query), d.message),
        None => "no error".to_string(),
    }
}

pub(crate) async fn run(query: &str) -> Result<Answer, String> {
    let planned = plan(query).map_err(|d| first_error(query, &d))?;
    if !planned.unreached.is_empty() {
        return Err(first_error(query, &planned.unreached));
    }
    let state = session(SessionConfig::new().with_target_partitions(2));
    let frame = DataFrame::new(state, planned.plan.clone());
    let batches = frame.collect().await.map_err(|e| format!("execution: {}", e.strip_backtrace()))?;
    let mut rows = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let cells = planned.columns.iter().zip(batch.columns());
            rows.push(cells.map(|(c, a)| cell(a, row, c.type_name, c.encoding)).collect());
        }
    }
    Ok(Answer { planned, rows })
}

fn session(config: SessionConfig) -> SessionState {
    SessionStateBuilder::new()
        .with_config(config)
        .with_default_features()
        .with_query_planner(parallax_functions::kql::planner())
        .build()
}

fn cell(array: &ArrayRef, row: usize, type_name: &str, encoding: Encoding) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match (encoding, array.data_type()) {
        (Encoding::TicksDateTime, _) => json!(instant(array.as_primitive::<Int64Type>().value(row))),
        (Encoding::TicksTimeSpan, _) => json!(length(array.as_primitive::<Int64Type>().value(row))),
        (Encoding::Json, _) => {
            let text = array.as_string_view().value(row);
            serde_json::from_str(text).unwrap_or_else(|_| json!(format!("not JSON: {text}")))
        }
        (_, DataType::Boolean) => json!(array.as_any().downcast_ref::<BooleanArray>().map(|a| a.value(row))),
        (_, DataType::Int32) => json!(array.as_primitive::<Int32Type>().value(row)),
        (_, DataType::Int64) => json!(array.as_primitive::<Int64Type>().value(row)),
        (_, DataType::Float64) => {
            let n = array.as_primitive::<Float64Type>().value(row);
            if n.is_finite() { json!(n) } else { json!(n.to_string().replace("inf", "Infinity")) }
        }
        (_, DataType::Decimal128(_, scale)) => {
            let n = array.as_primitive::<Decimal128Type>().value(row);
            json!(n as f64 / 10f64.powi(i32::from(*scale)))
        }
        (_, DataType::Utf8View) => json!(array.as_string_view().value(row)),
        (_, other) => json!(format!("a {type_name} came as {other}")),
    }
}

/// `2024-06-01T12:00:00.5Z`: the fraction as short as it can be.
fn instant(ticks: i64) -> String {
    let (days, rest) = (ticks.div_euclid(864_000_000_000), ticks.rem_euclid(864_000_000_000));
    // Days to a civil date, by Howard Hinnant's algorithm.
    let z = days + 306;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{}Z", clock(rest))
}

fn clock(ticks: i64) -> String {
    let (seconds, fraction) = (ticks / 10_000_000, ticks % 10_000_000);
    let text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction == 0 { text } else { format!("{text}.{}", format!("{fraction:07}").trim_end_matches('0')) }
}

/// `1.02:03:04`, as the language writes a timespan.
fn length(ticks: i64) -> String {
    let sign = if ticks < 0 { "-" } else { "" };
    let ticks = ticks.unsigned_abs() as i64;
    let (days, rest) = (ticks / 864_000_000_000, ticks % 864_000_000_000);
    let (seconds, fraction) = (rest / 10_000_000, rest % 10_000_000);
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction != 0 {
        text.push_str(&format!(".{fraction:07}"));
    }
    if days == 0 { format!("{sign}{text}") } else { format!("{sign}{days}.{text}") }
}
