//! Reads sources through a view and prints rows or, with `--count`, how fast it went:
//!
//! ```text
//! cargo run --release --example scan -- [--count] VIEW COLUMN,COLUMN,… PATH…
//! ```
//!
//! VIEW is a typed table, `messages`, `records` (messages with audit records apart) or `own` (the source's own table).

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parallax_telemetry::source::{Options, discover};
use parallax_telemetry::{Report, View, scan, view};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let count = args.first().is_some_and(|a| a == "--count");
    if count {
        args.remove(0);
    }
    let [name, columns, paths @ ..] = args.as_slice() else {
        return Err("scan [--count] VIEW COLUMN,… PATH…".into());
    };
    let asked: Vec<String> = columns.split(',').filter(|c| !c.is_empty()).map(str::to_owned).collect();
    let report = Report::new();
    let start = Instant::now();
    let mut out = std::io::stdout().lock();
    let mut rows = 0;
    for source in discover(paths, &Options::default(), &report) {
        let view = match name.as_str() {
            "messages" => Some(view::messages(&asked, false)),
            "records" => Some(view::messages(&asked, true)),
            "own" => View::of(&source, &report)?,
            name => View::named(name),
        };
        let Some(view) = view else {
            // Most formats feed the typed tables alone.
            if name == "own" {
                continue;
            }
            return Err(format!("no view {name}").into());
        };
        if !view.fed_by(&source) {
            continue;
        }
        let columns = if asked.is_empty() && name == "own" {
            view.columns().iter().map(|c| c.name.clone()).collect()
        } else {
            asked.clone()
        };
        scan::scan(&source, &view, &columns, 8192, &report, &mut |batch| {
            rows += batch.num_rows();
            if count || print(&batch, &mut out).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
    }
    let seconds = start.elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
    let speed = report.bytes() as f64 / 1e6 / seconds;
    writeln!(
        out,
        "{rows} rows of {} events, {} bytes in {seconds:.2} s: {speed:.0} MB/s; {} damaged",
        report.events(),
        report.bytes(),
        report.damaged()
    )?;
    for damage in report.damages().iter().take(10) {
        writeln!(out, "  {} {:?}: {}", damage.file, damage.position, damage.reason)?;
    }
    for (note, n) in report.notes() {
        writeln!(out, "  {n} × {note}")?;
    }
    Ok(())
}

/// A line a row, tabs between the cells.
fn print(batch: &RecordBatch, out: &mut impl std::io::Write) -> Result<(), Box<dyn std::error::Error>> {
    let options = FormatOptions::default().with_null("NULL");
    let cells: Vec<_> =
        batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options)).collect::<Result<_, _>>()?;
    for row in 0..batch.num_rows() {
        let line: Vec<String> = cells.iter().map(|c| c.value(row).to_string()).collect();
        writeln!(out, "{}", line.join("\t"))?;
    }
    Ok(())
}
