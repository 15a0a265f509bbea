//! What is passed over undecoded never changes an answer: random events in every format and spelling, and random queries,
//! with the search and without it.
//!
//! Everything is decided by a row of bytes, so that a fuzzer can be the one who decides (`fuzz/`).

mod audit;
mod dice;
mod events;
mod files;
mod queries;
mod spell;

use dice::Dice;
use parallax_engine::value::value;
use parallax_engine::{Context, Dialect, Limits, Options, Session};
use parallax_store::ingest::{self, Partition};
use parallax_telemetry::Report;
use parallax_telemetry::source;
use std::path::{Path, PathBuf};

/// What was compared.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Queries that ran.
    pub queries: u64,
    /// Rows that came out of them.
    pub rows: u64,
    /// Events that were passed over.
    pub passed: u64,
    /// Queries that ran over a store.
    pub stored: u64,
}

/// Makes a file of events and queries of `bytes`, and runs each query in both ways.
///
/// # Errors
/// The query, the file's format and the rows, where they differ.
pub(crate) fn compare(bytes: &[u8]) -> Result<Seen, String> {
    let mut dice = Dice::new(bytes);
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let format = files::format(&mut dice);
    let queries: Vec<_> = (0..6).map(|_| queries::query(&mut dice, format.1)).collect();
    let stored = dice.once_in(4);
    let file = files::write(&mut dice, format, folder.path(), stored).map_err(|e| e.to_string())?;
    let unfiltered = session(&file.path, true, 1, 4 << 20)?;
    let (threads, part) = (dice.of(&[1, 1, 2, 3, 8]), dice.of(&[256, 4_096, 65_536, 4 << 20]));
    let input = match stored {
        true => kept(&file.path, &folder.path().join("store"), dice.once_in(2))?,
        false => file.path.clone(),
    };
    let filtered = session(&input, false, threads, part)?;
    let mut seen = Seen::default();
    for (dialect, text) in queries {
        let (found, expected) = (run(&filtered, dialect, &text), run(&unfiltered, dialect, &text));
        let ((found, passed), (expected, none)) = match (found, expected) {
            (Ok(found), Ok(expected)) => (found, expected),
            (Err(_), Err(_)) => continue,
            (found, expected) => {
                return Err(format!(
                    "{}, {threads} threads, {part}, {stored}: {text}\n{found:?}\n{expected:?}",
                    file.name
                ));
            }
        };
        if found != expected || none > 0 {
            let raw = std::fs::read(&file.path).unwrap_or_default();
            let raw = String::from_utf8_lossy(&raw[raw.len().saturating_sub(6_000)..]).into_owned();
            let missing: Vec<_> = expected.iter().filter(|row| !found.contains(row)).collect();
            let first = found.iter().zip(&expected).enumerate().find(|(_, (a, b))| a != b);
            return Err(format!(
                "{}, {threads} threads, {part}, {stored}: {text}\nmissing: {missing:#?}\nfirst: {first:#?}\n{} of {}\n{raw}",
                file.name,
                found.len(),
                expected.len()
            ));
        }
        seen.queries += 1;
        seen.rows += found.len() as u64;
        seen.passed += passed;
        seen.stored += u64::from(stored);
    }
    Ok(seen)
}

/// A store of the file, with its tables or without.
fn kept(path: &Path, store: &Path, tables: bool) -> Result<PathBuf, String> {
    let report = Report::new();
    let sources = source::discover(&[path.display().to_string()], &source::Options::default(), &report);
    let options = ingest::Options {
        output: store.to_owned(),
        append: false,
        partition: Partition::None,
        tables: (!tables).then(Vec::new),
        threads: 1,
        file_rows: ingest::FILE_ROWS,
    };
    ingest::run(sources, &options, &report).map_err(|e| e.to_string())?;
    Ok(store.to_owned())
}

fn session(path: &Path, decode_all: bool, threads: usize, least_part: u64) -> Result<Session, String> {
    let limits = Limits { threads, least_part, ..Limits::default() };
    let mut options = Options { limits, ..Options::default() };
    options.telemetry.settings.decode_all = decode_all;
    Session::open(&[path.display().to_string()], options).map_err(|e| e.to_string())
}

/// The rows of a query and how many events were passed over for it.
fn run(session: &Session, dialect: Dialect, text: &str) -> Result<(Vec<String>, u64), String> {
    let execution = session.query(dialect, text, &Context::at(0)).map_err(|e| e.to_string())?;
    let (columns, report) = (execution.columns, execution.report);
    let mut rows = Vec::new();
    for batch in execution.rows {
        let batch = batch.map_err(|e| e.to_string())?;
        for row in 0..batch.num_rows() {
            let cells = columns.iter().zip(batch.columns()).map(|(o, c)| value(o, c, row).json().to_string());
            rows.push(cells.collect::<Vec<_>>().join(" | "));
        }
    }
    Ok((rows, report.passed()))
}
