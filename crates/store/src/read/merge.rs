//! Rows of several files in one order.
//!
//! Each file has its rows in the order of the sources. Files of different times overlap in it, where several sources tell
//! of the same times; then the file whose next row is first gives rows up to the next row of another.

use super::file::{Texts, open};
use super::{Ask, Counts, Rows};
use crate::ORDER;
use arrow::array::{AsArray, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::compute::BatchCoalescer;
use arrow::datatypes::{Int64Type, SchemaRef};
use parallax_telemetry::store::File;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use std::io;
use std::sync::Arc;

pub(super) struct Merge<'a> {
    rows: &'a Rows,
    ask: Ask<'a>,
    schema: SchemaRef,
    batch_rows: usize,
    texts: Option<Texts>,
    passed: Arc<Counts>,
    /// Files that are not open yet, in the order of their first rows.
    next: std::slice::Iter<'a, File>,
    cursors: Vec<Cursor>,
    /// Short runs, becoming batches.
    short: BatchCoalescer,
    bytes: u64,
}

/// A file being read.
struct Cursor {
    reader: ParquetRecordBatchReader,
    /// Rows that were read, and their places in the order.
    batch: RecordBatch,
    orders: Int64Array,
}

impl Cursor {
    fn first(&self) -> i64 {
        self.orders.value(0)
    }
}

impl<'a> Merge<'a> {
    pub(super) fn new(rows: &'a Rows, ask: Ask<'a>, schema: SchemaRef, batch_rows: usize, passed: Arc<Counts>) -> Self {
        Merge {
            texts: Texts::of(rows, ask.clauses),
            rows,
            ask,
            batch_rows,
            passed,
            next: rows.files.iter(),
            cursors: Vec::new(),
            short: BatchCoalescer::new(schema.clone(), batch_rows),
            schema,
            bytes: 0,
        }
    }

    /// The bytes of files that were opened.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next rows.
    pub(super) fn next(&mut self) -> io::Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.short.next_completed_batch() {
                return Ok(Some(batch));
            }
            let Some(run) = self.run()? else {
                self.short.finish_buffered_batch().map_err(io::Error::other)?;
                return Ok(self.short.next_completed_batch());
            };
            // A run that is as long as a batch need not be copied.
            if run.num_rows() * 2 >= self.batch_rows && self.short.is_empty() {
                return Ok(Some(run));
            }
            if run.num_columns() == 0 {
                return Ok(Some(run));
            }
            self.short.push_batch(run).map_err(io::Error::other)?;
        }
    }

    /// Rows that follow each other in one file, up to the next row of another.
    fn run(&mut self) -> io::Result<Option<RecordBatch>> {
        let least = loop {
            let least = (0..self.cursors.len()).min_by_key(|at| self.cursors[*at].first());
            let first = least.map(|at| self.cursors[at].first());
            match (self.next.as_slice().first(), first) {
                (Some(file), first) if first.is_none_or(|first| file.order.0 <= first) => {
                    self.next.next();
                    self.open(file)?;
                }
                (_, None) => return Ok(None),
                _ => break least,
            }
        };
        let Some(at) = least else { return Ok(None) };
        let others = self.cursors.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, c)| c.first());
        let unopened = self.next.as_slice().first().map(|f| f.order.0);
        let end = others.chain(unopened).min().unwrap_or(i64::MAX);
        let cursor = &mut self.cursors[at];
        let n = cursor.orders.values().partition_point(|order| *order < end).max(1);
        let run = cursor.batch.slice(0, n);
        if n < cursor.batch.num_rows() {
            cursor.batch = cursor.batch.slice(n, cursor.batch.num_rows() - n);
            cursor.orders = cursor.orders.slice(n, cursor.orders.len() - n);
        } else if !advance(cursor)? {
            self.cursors.swap_remove(at);
        }
        self.shape(&run).map(Some)
    }

    fn open(&mut self, file: &File) -> io::Result<()> {
        let (texts, passed) = (self.texts.as_ref(), &self.passed);
        let Some(reader) = open(self.rows, file, &self.ask, texts, self.batch_rows, passed)? else { return Ok(()) };
        self.bytes += file.bytes;
        let empty = RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty()));
        let mut cursor = Cursor { reader, batch: empty, orders: Int64Array::from(Vec::<i64>::new()) };
        if advance(&mut cursor)? {
            self.cursors.push(cursor);
        }
        Ok(())
    }

    /// The columns that were asked for, in their order.
    fn shape(&self, run: &RecordBatch) -> io::Result<RecordBatch> {
        let missing = |name: &str| io::Error::other(format!("a file of the store has no column {name}"));
        let column = |name: &String| run.column_by_name(name).cloned().ok_or_else(|| missing(name));
        let columns = self.ask.columns.iter().map(column).collect::<io::Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(run.num_rows()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options).map_err(io::Error::other)
    }
}

/// Reads the next rows; false at the end.
fn advance(cursor: &mut Cursor) -> io::Result<bool> {
    for batch in cursor.reader.by_ref() {
        let batch = batch.map_err(io::Error::other)?;
        let orders = batch.column_by_name(ORDER).and_then(|c| c.as_primitive_opt::<Int64Type>().cloned());
        let orders = orders.ok_or_else(|| io::Error::other("a file of the store has no order"))?;
        if batch.num_rows() > 0 {
            (cursor.batch, cursor.orders) = (batch, orders);
            return Ok(true);
        }
    }
    Ok(false)
}
