//! The query, for people.

use super::Text;
use crate::output::text::{safe, width};
use crate::say;
use parallax_engine::{Explanation, LooksFor, TableRead};
use std::io::{self, Write};

pub(super) fn write(out: &mut dyn Write, query: &Text, e: &Explanation, verbose: bool) -> io::Result<()> {
    section(out, &format!("query ({})", query.dialect.name()), &e.canonical)?;
    if verbose {
        section(out, "tree", &e.tree)?;
    }
    writeln!(out, "result columns")?;
    let widest = e.columns.iter().map(|c| width(&c.name)).max().unwrap_or(0);
    for c in &e.columns {
        writeln!(out, "  {}{}  {}", safe(&c.name), " ".repeat(widest - width(&c.name)), c.type_name)?;
    }
    writeln!(out)?;
    for table in &e.tables {
        reads(out, table, verbose)?;
    }
    if verbose {
        section(out, "plan as the language makes it", &e.planned)?;
    }
    section(out, "logical plan", &e.logical)?;
    section(out, "physical plan", &e.physical)?;
    Ok(())
}

fn section(out: &mut dyn Write, title: &str, text: &str) -> io::Result<()> {
    writeln!(out, "{title}")?;
    for line in text.lines() {
        writeln!(out, "  {}", safe(line))?;
    }
    writeln!(out)
}

/// What is decoded of a table, and where it comes from.
fn reads(out: &mut dyn Write, table: &TableRead, verbose: bool) -> io::Result<()> {
    const SHOWN: usize = 5;
    let fed = match table.inputs.len() {
        0 => "nothing feeds it".to_owned(),
        n => format!("fed by {}", say::count(n, "source", "sources")),
    };
    writeln!(out, "reads {}: {fed}", safe(&table.name))?;
    let shown = if verbose { usize::MAX } else { SHOWN };
    for (name, format) in table.inputs.iter().take(shown) {
        writeln!(out, "  input {} ({format})", safe(name))?;
    }
    if table.inputs.len() > shown {
        writeln!(out, "  and {} more; `-v` shows all", table.inputs.len() - shown)?;
    }
    let widest = table.columns.iter().map(|c| width(&c.name)).max().unwrap_or(0);
    for column in &table.columns {
        let from: Vec<String> = column
            .from
            .iter()
            .map(|(family, fields)| format!("{family}: {}", fields.as_deref().unwrap_or("nothing")))
            .collect();
        let pad = " ".repeat(widest - width(&column.name));
        // Rows that tie in a sort come in the order of their sources.
        let from = if column.name.starts_with('$') { vec!["hidden: tells events apart".to_owned()] } else { from };
        writeln!(out, "  column {}", format!("{}{pad}  {}", safe(&column.name), from.join("; ")).trim_end())?;
    }
    for filter in &table.filters {
        writeln!(out, "  filter {}", safe(filter))?;
    }
    for (format, looks_for) in &table.looks_for {
        match looks_for {
            LooksFor::Pieces(pieces) => writeln!(out, "  looks for ({format}) {}", safe(&pieces.join("  ")))?,
            LooksFor::Nothing(why) => writeln!(out, "  looks for ({format}) nothing, every event is decoded: {why}")?,
        }
    }
    for store in &table.stores {
        let what = match store.typed {
            true => say::count(store.all, "file of the table", "files of the table"),
            false => say::count(store.all, "MiB of the originals", "MiB of the originals"),
        };
        writeln!(out, "  store {}: {} of {what} passed over unread", safe(&store.segment), store.passed)?;
    }
    writeln!(out)
}
