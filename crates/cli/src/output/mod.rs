//! Rows in the forms that people and programs read.

pub(crate) mod csv;
pub(crate) mod json;
mod parquet;
mod table;
pub(crate) mod text;

use crate::args::Format;
use parallax_engine::value::Value;
use parallax_engine::{Encoding, Output};
use std::io::{self, IsTerminal, Write};

/// A column of what is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// The dialect's own name of the type.
    pub(crate) type_name: &'static str,
    /// Whether the values are instants that their product gives as numbers.
    pub(crate) epoch_millis: bool,
}

impl From<&Output> for Column {
    fn from(o: &Output) -> Self {
        Column { name: o.name.clone(), type_name: o.type_name, epoch_millis: o.encoding == Encoding::EpochMillis }
    }
}

impl Column {
    pub(crate) fn new(name: &str, type_name: &'static str) -> Self {
        Column { name: name.to_owned(), type_name, epoch_millis: false }
    }

    fn is_number(&self) -> bool {
        matches!(self.type_name, "int" | "long" | "real" | "double" | "decimal" | "number") && !self.epoch_millis
    }
}

/// Writes rows one by one; memory does not grow with their number.
pub(crate) trait Rows {
    /// Writes one.
    fn row(&mut self, values: &[Value<'_>]) -> io::Result<()>;

    /// Writes what is left.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// The writer of a format, to standard output.
pub(crate) fn to_stdout(format: Format, columns: Vec<Column>) -> io::Result<Box<dyn Rows>> {
    let stdout = io::stdout();
    let width = stdout.is_terminal().then(terminal_width).flatten();
    let out = Box::new(io::BufWriter::with_capacity(64 * 1024, stdout));
    writer(format, columns, out, width)
}

/// The writer of a format. `width` is the terminal's, where one reads.
pub(crate) fn writer(
    format: Format,
    columns: Vec<Column>,
    out: Box<dyn Write + Send>,
    width: Option<usize>,
) -> io::Result<Box<dyn Rows>> {
    Ok(match format {
        Format::Table => Box::new(table::Table::new(columns, out, width)),
        Format::Json => Box::new(json::Document::new(columns, out)?),
        Format::Ndjson => Box::new(json::Lines::new(columns, out)),
        Format::Csv => Box::new(csv::Csv::new(&columns, out)?),
        Format::Parquet => Box::new(parquet::Parquet::new(columns, out)?),
    })
}

fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size().map(|(w, _)| usize::from(w.0)).filter(|w| *w >= 20)
}

/// Names made different where they repeat (`name`, `name_1`), for forms that can't hold a name twice.
fn distinct(columns: &[Column]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(columns.len());
    for column in columns {
        let others = (1..).map(|n| format!("{}_{n}", column.name));
        let name = std::iter::once(column.name.clone()).chain(others).find(|n| !names.contains(n));
        names.push(name.unwrap_or_default());
    }
    names
}
