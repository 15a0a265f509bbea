//! Writes made-up telemetry of any size, the same bytes for the same arguments.
//!
//! ```text
//! cargo run --release -p parallax-generate --example generate -- \
//!     (--table process|logon|device | --format FORMAT) (--rows N | --bytes N) [--matching RATE] [--only-processes]
//!     [--threads N] OUT
//! ```
//!
//! A table is written as OUT's name ends: `.json`, `.jsonl` (Defender's streaming export), `.csv` or `.parquet`. FORMAT is
//! `auditd` (`log_format = ENRICHED`), `auditd-raw`, `sysmon-json`, `sysmon-xml`, `sysmon-linux` or `syslog`. `-` is standard
//! output. RATE is the share of events that the published Lua detections look for (0.0001).

use parallax_generate::{Plan, Shape, Size, Table, What};
use std::error::Error;
use std::fs::File;
use std::io;

const USAGE: &str = "generate (--table process|logon|device | --format auditd|auditd-raw|sysmon-json|sysmon-xml|sysmon-linux|syslog)\n         \
     (--rows N | --bytes N) [--matching RATE] [--only-processes] [--threads N] OUT[.json|.jsonl|.csv|.parquet]";

#[derive(Default)]
struct Arguments {
    table: Option<Table>,
    what: Option<What>,
    size: Option<Size>,
    matching: Option<f64>,
    only_processes: bool,
    threads: Option<usize>,
    out: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let a = arguments(std::env::args().skip(1))?;
    let (Some(size), Some(out)) = (a.size, &a.out) else { return Err(USAGE.into()) };
    let matching = a.matching.unwrap_or(0.0001);
    let what = match (a.table, a.what) {
        (Some(table), None) => match out.rsplit('.').next() {
            Some("parquet") => return parquet(table, matching, size, out),
            Some("csv") => What::Table(table, Shape::Csv),
            _ => What::Table(table, Shape::Json),
        },
        (None, Some(what)) => what,
        _ => return Err(USAGE.into()),
    };
    let plan = Plan { what, matching, only_processes: a.only_processes };
    let threads = a.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    if out == "-" {
        parallax_generate::write(&plan, size, threads, &mut io::stdout().lock())?;
    } else {
        parallax_generate::write(&plan, size, threads, &mut File::create(out)?)?;
    }
    Ok(())
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, Box<dyn Error>> {
    let mut a = Arguments::default();
    while let Some(name) = given.next() {
        let mut value = || given.next().ok_or(format!("{name} takes a value\n{USAGE}"));
        match name.as_str() {
            "--table" => a.table = Some(Table::named(&value()?).ok_or(USAGE)?),
            "--format" => a.what = Some(What::named(&value()?).ok_or(USAGE)?),
            "--rows" => a.size = Some(Size::Rows(number(&value()?)?)),
            "--bytes" => a.size = Some(Size::Bytes(number(&value()?)?)),
            "--matching" => a.matching = Some(value()?.parse()?),
            "--threads" => a.threads = Some(value()?.parse()?),
            "--only-processes" => a.only_processes = true,
            "--help" | "-h" => return Err(USAGE.into()),
            _ if a.out.is_none() && (!name.starts_with("--")) => a.out = Some(name),
            _ => return Err(format!("what is `{name}`?\n{USAGE}").into()),
        }
    }
    Ok(a)
}

/// A number, also as `1_000_000`, `100M`, `10G`.
fn number(text: &str) -> Result<u64, Box<dyn Error>> {
    let digits = text.trim_end_matches(['k', 'M', 'G']);
    let times = match text.strip_prefix(digits) {
        Some("") => 1,
        Some("k") => 1_000,
        Some("M") => 1_000_000,
        Some("G") => 1_000_000_000,
        _ => return Err(format!("`{text}` is no number").into()),
    };
    Ok(digits.replace('_', "").parse::<u64>()? * times)
}

#[cfg(feature = "parquet")]
fn parquet(table: Table, matching: f64, size: Size, out: &str) -> Result<(), Box<dyn Error>> {
    let Size::Rows(rows) = size else { return Err("the size of Parquet is given in --rows".into()) };
    Ok(parallax_generate::write_parquet(table, matching, rows, File::create(out)?)?)
}

#[cfg(not(feature = "parquet"))]
fn parquet(_: Table, _: f64, _: Size, _: &str) -> Result<(), Box<dyn Error>> {
    Err("this was built without Parquet".into())
}
