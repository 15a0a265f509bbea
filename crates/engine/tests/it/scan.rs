//! Scans over feeds that are made up: what is asked of them, and when they are let go.

use arrow::array::{ArrayRef, Int64Array, StringViewArray, TimestampNanosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::record_batch::RecordBatch;
use datafusion::prelude::{SessionContext, col, lit};
use futures::StreamExt;
use parallax_engine::scan::{Feed, Offered, Outside, TelemetryTable, Wanted, Window};
use parallax_telemetry::Report;
use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ROWS: usize = 100;

/// Batches of a hundred rows, numbered on; `batches` of them, or without end.
#[derive(Debug, Default)]
struct Made {
    batches: Option<usize>,
    asked: Mutex<Vec<String>>,
    emitted: AtomicUsize,
    done: AtomicBool,
}

impl Feed for Made {
    fn name(&self) -> &str {
        "made"
    }

    fn size(&self) -> u64 {
        1
    }

    fn scan(
        &self,
        wanted: Wanted<'_>,
        _: &Report,
        emit: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let columns = wanted.columns;
        *self.asked.lock().unwrap() = columns.to_vec();
        let fields: Vec<Field> = columns.iter().map(|c| schema().field_with_name(c).cloned().unwrap()).collect();
        let schema = Arc::new(Schema::new(fields));
        for batch in 0..self.batches.unwrap_or(usize::MAX) {
            let numbers = (0..ROWS as i64).map(|i| (batch * ROWS) as i64 + i);
            let arrays = columns.iter().map(|c| -> ArrayRef {
                match c.as_str() {
                    "number" => Arc::new(Int64Array::from_iter_values(numbers.clone())),
                    "$time" => {
                        Arc::new(TimestampNanosecondArray::from_iter_values(numbers.clone()).with_timezone("UTC"))
                    }
                    _ => Arc::new(StringViewArray::from_iter_values(numbers.clone().map(|n| n.to_string()))),
                }
            });
            let batch = RecordBatch::try_new(schema.clone(), arrays.collect()).unwrap();
            self.emitted.fetch_add(1, Ordering::SeqCst);
            if emit(batch).is_break() {
                break;
            }
        }
        self.done.store(true, Ordering::SeqCst);
        Ok(())
    }
}

fn schema() -> Schema {
    Schema::new(vec![
        Field::new("text", DataType::Utf8View, true),
        Field::new("number", DataType::Int64, true),
        Field::new("other", DataType::Utf8View, true),
        Field::new("$time", DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())), true),
    ])
}

fn table(feeds: Vec<Arc<Made>>, window: Window) -> Arc<TelemetryTable> {
    Arc::new(TelemetryTable {
        name: "Made".into(),
        schema: Arc::new(schema()),
        feeds: feeds.into_iter().map(|f| f as Arc<dyn Feed>).collect(),
        window,
        as_of: None,
        report: Arc::new(Report::new()),
        outside: Arc::new(Outside::default()),
        offered: Arc::new(Offered::default()),
        open: false,
        in_order: Arc::default(),
        whole: Arc::default(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn only_asked_columns_are_decoded() {
    let feed = Arc::new(Made { batches: Some(2), ..Made::default() });
    let frame = SessionContext::new().read_table(table(vec![feed.clone()], Window::default())).unwrap();
    let frame = frame.filter(col("number").gt(lit(150i64))).unwrap().select(vec![col("text")]).unwrap();
    let rows: usize = frame.collect().await.unwrap().iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows, 49);
    let mut asked = feed.asked.lock().unwrap().clone();
    asked.sort();
    assert_eq!(asked, ["number", "text"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_is_decoded_where_it_is_restricted_and_not_delivered() {
    let feed = Arc::new(Made { batches: Some(2), ..Made::default() });
    let window = Window { from: Some(10), to: Some(20) };
    let frame = SessionContext::new().read_table(table(vec![feed.clone()], window)).unwrap();
    let batches = frame.select(vec![col("number")]).unwrap().collect().await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 10);
    assert!(batches.iter().all(|b| b.num_columns() == 1));
    assert_eq!(*feed.asked.lock().unwrap(), ["number", "$time"]);
}

async fn let_go(feed: &Made) {
    for _ in 0..500 {
        if feed.done.load(Ordering::SeqCst) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the reader still runs after {} batches", feed.emitted.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_stops_the_reader() {
    let feed = Arc::new(Made::default());
    let frame = SessionContext::new().read_table(table(vec![feed.clone()], Window::default())).unwrap();
    let rows: usize =
        frame.limit(0, Some(250)).unwrap().collect().await.unwrap().iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows, 250);
    let_go(&feed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_query_stops_the_reader() {
    let feed = Arc::new(Made::default());
    let frame = SessionContext::new().read_table(table(vec![feed.clone()], Window::default())).unwrap();
    let mut stream = frame.execute_stream().await.unwrap();
    assert!(stream.next().await.is_some());
    drop(stream);
    let_go(&feed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_waits_for_a_slow_query() {
    let feed = Arc::new(Made::default());
    let frame = SessionContext::new().read_table(table(vec![feed.clone()], Window::default())).unwrap();
    let mut stream = frame.execute_stream().await.unwrap();
    assert!(stream.next().await.is_some());
    tokio::time::sleep(Duration::from_millis(200)).await;
    let emitted = feed.emitted.load(Ordering::SeqCst);
    assert!(emitted < 200, "{emitted} batches wait");
}
