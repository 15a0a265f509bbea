//! Aligned columns for people.

use super::text::{cut, safe, width};
use super::{Column, Rows};
use parallax_engine::value::{Value, datetime, ticks_of_nanos};
use std::io::{self, Write};

/// Rows that are looked at before the widths are settled; what comes after has to live with them.
const LOOK: usize = 1_000;
/// Spaces between columns.
const GAP: usize = 2;
/// No column is made narrower than this for another's sake.
const NARROW: usize = 8;

pub(super) struct Table {
    columns: Vec<Column>,
    out: Box<dyn Write + Send>,
    terminal: Option<usize>,
    waiting: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
}

impl Table {
    pub(super) fn new(columns: Vec<Column>, out: Box<dyn Write + Send>, terminal: Option<usize>) -> Self {
        Table { columns, out, terminal, waiting: Vec::new(), widths: None }
    }

    /// Settles the widths and writes what waits.
    fn settle(&mut self) -> io::Result<()> {
        let names: Vec<String> = self.columns.iter().map(|c| safe(&c.name).into_owned()).collect();
        let mut widths: Vec<usize> = names.iter().map(|n| width(n).max(1)).collect();
        for row in &self.waiting {
            row.iter().zip(&mut widths).for_each(|(cell, w)| *w = (*w).max(width(cell)));
        }
        if let Some(terminal) = self.terminal {
            fit(&mut widths, terminal);
        }
        let rules: Vec<String> = widths.iter().map(|w| "─".repeat(*w)).collect();
        self.widths = Some(widths);
        if !self.columns.is_empty() {
            self.line(&names)?;
            self.line(&rules)?;
        }
        for row in std::mem::take(&mut self.waiting) {
            self.line(&row)?;
        }
        Ok(())
    }

    fn line(&mut self, cells: &[String]) -> io::Result<()> {
        let Some(widths) = &self.widths else { return Ok(()) };
        let mut line = String::new();
        for (i, ((cell, column), w)) in cells.iter().zip(&self.columns).zip(widths).enumerate() {
            let cell = if self.terminal.is_some() { cut(cell, *w) } else { cell.into() };
            let space = " ".repeat(w.saturating_sub(width(&cell)));
            if i > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            match column.is_number() {
                true => line.extend([space.as_str(), &cell]),
                false => line.extend([&*cell, &space]),
            }
        }
        writeln!(self.out, "{}", line.trim_end())
    }
}

impl Rows for Table {
    fn row(&mut self, values: &[Value<'_>]) -> io::Result<()> {
        let cells: Vec<String> = values.iter().map(cell).collect();
        if self.widths.is_some() {
            return self.line(&cells);
        }
        self.waiting.push(cells);
        if self.waiting.len() >= LOOK { self.settle() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if self.widths.is_none() {
            self.settle()?;
        }
        self.out.flush()
    }
}

fn cell(value: &Value<'_>) -> String {
    match value {
        // A number of milliseconds is an instant that nobody can read.
        Value::EpochMillis(ms) => {
            ms.checked_mul(1_000_000).map_or_else(|| ms.to_string(), |ns| datetime(ticks_of_nanos(ns)))
        }
        value => value.text().map_or_else(String::new, |t| safe(&t).into_owned()),
    }
}

/// Takes cells from the widest columns until all fit, or none can give more.
fn fit(widths: &mut [usize], terminal: usize) {
    let gaps = GAP * widths.len().saturating_sub(1);
    loop {
        let total = widths.iter().sum::<usize>() + gaps;
        let Some(excess) = total.checked_sub(terminal).filter(|e| *e > 0) else { return };
        let Some((widest, w)) = widths.iter().copied().enumerate().max_by_key(|(_, w)| *w) else { return };
        if w <= NARROW {
            return;
        }
        let next = widths.iter().copied().filter(|x| *x < w).max().unwrap_or(0);
        widths[widest] = (w - excess.min(w - next)).max(NARROW);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_give_first() {
        let mut widths = [10, 100, 50];
        fit(&mut widths, 84);
        assert_eq!(widths.iter().sum::<usize>() + 4, 84);
        assert_eq!(widths[0], 10);
    }
}
