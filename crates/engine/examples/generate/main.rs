//! Writes made-up telemetry of any size, the same for the same arguments: what speed is measured on.
//!
//! ```text
//! cargo run --release -p parallax-engine --example generate -- [--table process|logon|device] ROWS FILE.{parquet,json}
//! ```
//!
//! `process` has the columns of `DeviceProcessEvents` that a collector fills, with the skew of real machines: a few
//! programs, hosts and accounts make most events, and a long tail makes the rest. `logon` and `device` are smaller
//! tables of the same machines, for joins. JSON lines are those of Defender's streaming export.

mod fleet;
mod random;
mod tables;
mod write;

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use write::{JsonLines, Parquet, Put};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut table = "process".to_owned();
    if args.first().is_some_and(|a| a == "--table") && args.len() > 1 {
        table = args.remove(1);
        args.remove(0);
    }
    let [rows, path] = args.as_slice() else {
        return Err("generate [--table process|logon|device] ROWS FILE.{parquet,json}".into());
    };
    let rows: u64 = rows.replace('_', "").parse()?;
    let (columns, category) = tables::columns(&table).ok_or_else(|| format!("no table `{table}`"))?;
    let file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut out: Box<dyn Put> = match path.rsplit('.').next() {
        Some("parquet") => Box::new(Parquet::new(columns, file)?),
        Some("json" | "jsonl") => Box::new(JsonLines::new(columns, category, file)),
        _ => return Err("the file's name ends in .parquet, .json or .jsonl".into()),
    };
    tables::fill(&table, rows, out.as_mut())?;
    out.finish()
}
