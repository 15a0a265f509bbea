//! A file from outside as a feed of a table.

use super::records::records;
use crate::scan::{BATCH_ROWS, Feed, Wanted};
use arrow::array::{ArrayRef, StringViewBuilder};
use arrow::datatypes::{Field as ArrowField, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use parallax_catalog::external::{Field, Layout};
use parallax_catalog::{Column, ColumnType};
use parallax_telemetry::{Input, Report};
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

/// One file.
#[derive(Debug)]
pub(super) struct FileFeed {
    pub(super) name: String,
    pub(super) input: Input,
    pub(super) layout: Layout,
    /// What the values of the layout are called.
    pub(super) columns: Vec<Column>,
}

/// The columns in Arrow's terms.
pub(super) fn schema(columns: &[Column]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(|c| ArrowField::new(&c.name, c.ty.arrow(), true)).collect::<Vec<_>>()))
}

impl Feed for FileFeed {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.input.disk_path().and_then(|path| std::fs::metadata(path).ok()).map_or(0, |m| m.len())
    }

    fn scan(
        &self,
        wanted: Wanted<'_>,
        report: &Report,
        emit: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let at = |name: &String| self.columns.iter().position(|c| c.name == *name);
        let wanted: Vec<usize> = wanted.columns.iter().filter_map(at).collect();
        let declared: Vec<Column> = wanted.iter().map(|i| self.columns[*i].clone()).collect();
        let fields: Vec<Field> = wanted.iter().map(|i| self.layout.fields[*i].clone()).collect();
        let layout = Layout { fields, ..self.layout.clone() };
        let mut batch = Batch::new(declared);
        let mut stopped = false;
        records(&self.input, &layout, report, &mut |values| {
            batch.push(values);
            if batch.rows < BATCH_ROWS {
                return ControlFlow::Continue(());
            }
            let flow = batch.take().map_or(ControlFlow::Break(()), &mut *emit);
            stopped = flow.is_break();
            flow
        })?;
        if !stopped && batch.rows > 0 {
            let _ = emit(batch.take().ok_or_else(|| io::Error::other("rows of unequal length"))?);
        }
        Ok(())
    }
}

/// Rows that are being gathered.
struct Batch {
    columns: Vec<Column>,
    builders: Vec<StringViewBuilder>,
    rows: usize,
}

impl Batch {
    fn new(columns: Vec<Column>) -> Self {
        let builders = columns.iter().map(|_| StringViewBuilder::new()).collect();
        Batch { columns, builders, rows: 0 }
    }

    /// A text that is missing is empty; JSON that is missing is null.
    fn push(&mut self, values: &[Option<std::borrow::Cow<'_, str>>]) {
        for ((builder, column), value) in self.builders.iter_mut().zip(&self.columns).zip(values) {
            match value {
                Some(text) => builder.append_value(text),
                None if column.ty == ColumnType::String => builder.append_value(""),
                None => builder.append_null(),
            }
        }
        self.rows += 1;
    }

    fn take(&mut self) -> Option<RecordBatch> {
        let arrays = self.builders.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.rows)));
        RecordBatch::try_new_with_options(schema(&self.columns), arrays, &options).ok()
    }
}
