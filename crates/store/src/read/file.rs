//! One file: which of its rows are read, and of which columns.

use super::test::{Test, Verdict};
use super::{Ask, Counts, Rows};
use crate::ORDER;
use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{Int64Type, TimestampNanosecondType};
use parallax_telemetry::ColumnType;
use parallax_telemetry::needles::{Clause, Finder, Needles};
use parallax_telemetry::store::File;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicate, ArrowPredicateFn, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    RowFilter,
};
use parquet::basic::Type;
use parquet::file::metadata::PageIndexPolicy;
use std::io;
use std::sync::Arc;

/// What is looked for in texts, made once for all files.
pub(super) struct Texts {
    columns: Vec<String>,
    finder: Arc<Finder>,
}

impl Texts {
    /// Of clauses over texts, the one that is rarest; none where nothing can be looked for.
    pub(super) fn of(rows: &Rows, clauses: &[Clause]) -> Option<Self> {
        let text = |clause: &&Clause| {
            let texts = |column: &str| rows.view.column_type(column) == Some(ColumnType::String);
            clause.iter().all(|l| texts(&l.column))
        };
        let rated = clauses.iter().filter(text).filter_map(|clause| {
            let needles = Needles::new(clause.iter().map(|l| (l.text.as_str(), l.folds)))?;
            Some((clause, needles))
        });
        let (clause, needles) = rated.min_by(|a, b| a.1.frequency().total_cmp(&b.1.frequency()))?;
        let mut columns: Vec<String> = clause.iter().map(|l| l.column.clone()).collect();
        columns.sort();
        columns.dedup();
        Some(Texts { columns, finder: Arc::new(Finder::in_values(&needles)?) })
    }
}

type Builder = ParquetRecordBatchReaderBuilder<std::fs::File>;

fn named(rows: &Rows, file: &File, e: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {e}", rows.segment.folder.join(&file.path).display()))
}

fn builder(rows: &Rows, file: &File) -> io::Result<Builder> {
    let opened = std::fs::File::open(rows.segment.folder.join(&file.path)).map_err(|e| named(rows, file, &e))?;
    if opened.metadata()?.len() != file.bytes {
        return Err(named(rows, file, &"not as it was written"));
    }
    let options = ArrowReaderOptions::new()
        .with_column_index_policy(PageIndexPolicy::Skip)
        .with_offset_index_policy(PageIndexPolicy::Required);
    Builder::try_new_with_options(opened, options).map_err(|e| named(rows, file, &e))
}

fn place(builder: &Builder, name: &str) -> Option<usize> {
    let schema = builder.parquet_schema();
    (0..schema.num_columns()).find(|at| schema.column(*at).name() == name)
}

/// The tests of which statistics do not tell that they hold of all rows, each with its column; none where they tell that
/// no row fulfils all tests.
fn undecided<'t>(builder: &Builder, tests: &'t [Test]) -> parquet::errors::Result<Option<Vec<(&'t Test, usize)>>> {
    let mut undecided = Vec::new();
    for test in tests {
        let Some(column) = place(builder, test.column()) else { continue };
        let groups = builder.metadata().row_groups();
        let verdicts: Vec<Verdict> = groups.iter().map(|g| test.over(g, column)).collect();
        if verdicts.iter().all(|v| *v == Verdict::None) {
            return Ok(None);
        }
        if !verdicts.iter().all(|v| *v == Verdict::All) {
            undecided.push((test, column));
        }
    }
    // A file has one group of rows: see how they are written.
    if builder.metadata().num_row_groups() == 1 {
        for (test, column) in &undecided {
            let filter = builder.get_row_group_column_bloom_filter(0, *column)?;
            let wide = builder.parquet_schema().column(*column).physical_type() == Type::INT64;
            if filter.is_some_and(|f| test.is_out_of(&f, wide)) {
                return Ok(None);
            }
        }
    }
    Ok(Some(undecided))
}

/// Whether none of the file's rows fulfils all tests, as far as statistics tell.
pub(super) fn is_out(rows: &Rows, file: &File, tests: &[Test]) -> io::Result<bool> {
    Ok(undecided(&builder(rows, file)?, tests).map_err(|e| named(rows, file, &e))?.is_none())
}

/// Opens a file for what is asked of it; none where none of its rows can matter.
pub(super) fn open(
    rows: &Rows,
    file: &File,
    ask: &Ask<'_>,
    texts: Option<&Texts>,
    batch_rows: usize,
    passed: &Arc<Counts>,
) -> io::Result<Option<ParquetRecordBatchReader>> {
    let builder = builder(rows, file)?;
    let named = |e: &dyn std::fmt::Display| named(rows, file, e);
    let schema = builder.parquet_schema().clone();
    let place = |name: &str| place(&builder, name);
    let Some(undecided) = undecided(&builder, ask.tests).map_err(|e| named(&e))? else {
        let before = match ask.before.and_then(|(column, at)| Some((place(column)?, at))) {
            Some((column, at)) => before(&builder, column, at),
            None => 0,
        };
        passed.add(usize::try_from(file.rows).unwrap_or(usize::MAX), before);
        return Ok(None);
    };
    let place = |name: &str| (0..schema.num_columns()).find(|at| schema.column(*at).name() == name);
    let mask = |columns: &mut dyn Iterator<Item = &str>| {
        ProjectionMask::leaves(&schema, columns.filter_map(&place).collect::<Vec<_>>())
    };
    let mut predicates: Vec<Box<dyn ArrowPredicate>> = Vec::new();
    if file.order.0 < rows.range.0 || file.order.1 >= rows.range.1 {
        let range = rows.range;
        let within = move |batch: RecordBatch| {
            let orders = batch.column(0).as_primitive::<Int64Type>();
            Ok(BooleanArray::from_unary(orders, |order| order >= range.0 && order < range.1))
        };
        predicates.push(Box::new(ArrowPredicateFn::new(mask(&mut [ORDER].into_iter()), within)));
    }
    for (test, _) in undecided {
        if let Test::Time { column, from, to } = test {
            let counted = ask.before.filter(|(c, _)| c == column).map(|(_, at)| at);
            let asked = (from.unwrap_or(i64::MIN), to.unwrap_or(i64::MAX));
            let passed = passed.clone();
            let within = move |batch: RecordBatch| Ok(within(&batch, asked, counted, &passed));
            predicates.push(Box::new(ArrowPredicateFn::new(mask(&mut [column.as_str()].into_iter()), within)));
        }
    }
    if let Some(texts) = texts {
        let (finder, passed) = (texts.finder.clone(), passed.clone());
        let shown = move |batch: RecordBatch| Ok(shown(&batch, &finder, &passed));
        predicates.push(Box::new(ArrowPredicateFn::new(mask(&mut texts.columns.iter().map(String::as_str)), shown)));
    }
    let wanted = mask(&mut ask.columns.iter().map(String::as_str).chain([ORDER]));
    let mut builder = builder.with_projection(wanted).with_batch_size(batch_rows);
    if !predicates.is_empty() {
        builder = builder.with_row_filter(RowFilter::new(predicates));
    }
    builder.build().map(Some).map_err(|e| named(&e))
}

/// How many rows of a file that is not read lie before a time, as far as statistics tell.
fn before(builder: &Builder, column: usize, at: i64) -> usize {
    let all = Test::Time { column: String::new(), from: None, to: Some(at.saturating_sub(1)) };
    let groups = builder.metadata().row_groups().iter();
    let before = groups.filter(|g| all.over(g, column) == Verdict::All).map(|g| g.num_rows());
    usize::try_from(before.sum::<i64>()).unwrap_or(0)
}

/// The rows whose time is asked for, or that have none.
fn within(batch: &RecordBatch, (from, to): (i64, i64), counted: Option<i64>, passed: &Counts) -> BooleanArray {
    let times = batch.column(0).as_primitive::<TimestampNanosecondType>();
    let keep = |row: usize| times.is_null(row) || (from..=to).contains(&times.value(row));
    let keep = BooleanArray::new(BooleanBuffer::collect_bool(times.len(), keep), None);
    let before = counted.map_or(0, |at| times.iter().flatten().filter(|t| *t < at && *t < from).count());
    passed.add(keep.false_count(), before);
    keep
}

/// The rows that show what is looked for in any of the columns.
fn shown(batch: &RecordBatch, finder: &Finder, passed: &Counts) -> BooleanArray {
    let mut keep = vec![false; batch.num_rows()];
    for column in batch.columns() {
        match column.as_string_view_opt() {
            Some(texts) => finder.mark(texts.iter().map(|t| t.unwrap_or_default().as_bytes()), &mut keep),
            // Texts of another form are not looked at.
            None => keep.fill(true),
        }
    }
    let keep = BooleanArray::from(keep);
    passed.add(keep.false_count(), 0);
    keep
}
