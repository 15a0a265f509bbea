//! What the tests share: a source's rows as text.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parallax_telemetry::source::{Options, discover};
use parallax_telemetry::{Report, Source, View, scan};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// A file below `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The sources at a path, and what discovery reports.
pub(crate) fn sources(path: &Path) -> (Vec<Source>, Report) {
    let report = Report::new();
    let sources = discover(&[path.display().to_string()], &Options::default(), &report);
    (sources, report)
}

/// The only source at a path.
pub(crate) fn source(path: &Path) -> Source {
    let (mut sources, report) = sources(path);
    assert_eq!(sources.len(), 1, "{path:?}: {:?} {:?}", report.damages(), report.notes());
    sources.remove(0)
}

/// The rows of a scan, a line each, cells separated by ` | `, null as `∅`.
pub(crate) fn rows(source: &Source, view: &View, columns: &[&str], report: &Report) -> Vec<String> {
    let columns: Vec<String> = columns.iter().map(|c| (*c).to_owned()).collect();
    let mut out = Vec::new();
    scan::scan(source, view, &columns, 2, report, &mut |batch| {
        lines(&batch, &mut out);
        ControlFlow::Continue(())
    })
    .unwrap();
    out
}

fn lines(batch: &RecordBatch, out: &mut Vec<String>) {
    for row in 0..batch.num_rows() {
        let cells: Vec<String> = batch.columns().iter().map(|c| cell(c, row)).collect();
        out.push(cells.join(" | "));
    }
}

fn cell(column: &dyn Array, row: usize) -> String {
    if column.is_null(row) {
        return "∅".to_owned();
    }
    if let DataType::Timestamp(TimeUnit::Nanosecond, _) = column.data_type() {
        let column = column.as_any().downcast_ref::<arrow::array::TimestampNanosecondArray>().unwrap();
        return parallax_telemetry::time::format(column.value(row));
    }
    ArrayFormatter::try_new(column, &FormatOptions::default()).unwrap().value(row).to_string()
}
