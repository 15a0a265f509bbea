//! From sources to a store.

mod encode;
mod gather;
mod pack;
mod place;
mod tables;

pub use gather::{FILE_ROWS, Partition};
pub use place::Failure;

use parallax_telemetry::source::{Format, Settings};
use parallax_telemetry::store::{Heard, Manifest, SegmentEntry, SettingsEntry, SourceEntry, VERSION};
use parallax_telemetry::{Report, Source, View, view};
use place::Place;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How to ingest.
#[derive(Clone, Debug)]
pub struct Options {
    /// The store's folder.
    pub output: PathBuf,
    /// Add to the store that is there.
    pub append: bool,
    /// How tables are cut by time.
    pub partition: Partition,
    /// The typed tables to write; all that the sources feed where it is not given.
    pub tables: Option<Vec<String>>,
    /// Threads that read, and threads that write.
    pub threads: usize,
    /// The most rows of a file, about; [`FILE_ROWS`] is a good number.
    pub file_rows: usize,
}

/// What was ingested.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Sources that were read.
    pub sources: usize,
    /// Their files.
    pub files: usize,
    /// Their events.
    pub events: u64,
    /// Their bytes, unpacked.
    pub bytes: u64,
    /// What their originals take in the store.
    pub packed: u64,
    /// For each table its rows, files, and bytes.
    pub tables: BTreeMap<String, (u64, usize, u64)>,
    /// The first and the last time of their events, in nanoseconds since the Unix epoch.
    pub times: Option<(i64, i64)>,
    /// Files that the store has already.
    pub known: Vec<String>,
    /// The segment that was written, if anything was new.
    pub segment: Option<String>,
}

/// Ingests the sources. What cannot be read is told to `report`, and the rest goes on.
///
/// # Errors
/// The store cannot be written. Then nothing is there that was not there before.
pub fn run(sources: Vec<Source>, options: &Options, report: &Report) -> Result<Summary, Failure> {
    let mut place = Place::find(options)?;
    let mut summary = Summary::default();
    let sources = place.new_sources(sources.into_iter().filter(|s| is_ingested(s, report)), report, &mut summary);
    if sources.is_empty() {
        return match summary.known.is_empty() {
            true => Err(Failure::Nothing),
            false => Ok(summary),
        };
    }
    let folder = place.begin()?;
    let (entries, packed) = pack::pack(&sources, &folder, options.threads)?;
    summary.packed = packed;
    let mut read = Vec::new();
    for (source, inputs) in sources.iter().zip(entries) {
        let settings = keep_settings(&source.settings, &folder)?;
        read.push(SourceEntry {
            name: source.name.clone(),
            format: source.format.name().to_owned(),
            seen: source.seen.iter().map(|f| f.name().to_owned()).collect(),
            settings,
            inputs,
            events: 0,
            times: None,
            hours: std::iter::empty().collect(),
            heard: Heard::default(),
            tables: BTreeMap::new(),
        });
    }
    let mut segment = SegmentEntry {
        folder: place.segment(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        mappings: view::fingerprint(),
        partition: options.partition.name().to_owned(),
        originals: pack::FILE.to_owned(),
        sources: read,
        tables: BTreeMap::new(),
    };
    let views = views(options)?;
    tables::write(&mut segment, &folder, &views, options)?;
    for entry in &segment.sources {
        entry.heard.say_again(report);
        summary.sources += 1;
        summary.files += entry.inputs.len();
        summary.events += entry.events;
        summary.bytes += entry.inputs.iter().map(|i| i.length).sum::<u64>();
        summary.times = both(summary.times, entry.times);
    }
    for (name, table) in &segment.tables {
        let rows = table.files.iter().map(|f| f.rows).sum();
        let bytes = table.files.iter().map(|f| f.bytes).sum();
        summary.tables.insert(name.clone(), (rows, table.files.len(), bytes));
    }
    summary.segment = Some(segment.folder.clone());
    place.finish(segment)?;
    Ok(summary)
}

/// An empty manifest.
fn empty() -> Manifest {
    Manifest { version: VERSION, segments: Vec::new() }
}

/// The range that holds both.
fn both(one: Option<(i64, i64)>, other: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (one, other) {
        (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
        (one, other) => one.or(other),
    }
}

fn is_ingested(source: &Source, report: &Report) -> bool {
    if source.stored.is_some() {
        report.note_once("stores among the inputs are not ingested: they are stores already");
        return false;
    }
    if source.format == Format::Parquet {
        report.note("Parquet files are not ingested: they can be given beside a store", 1);
        return false;
    }
    true
}

/// The typed tables to write.
fn views(options: &Options) -> Result<Vec<View>, Failure> {
    let all = View::names().iter();
    let Some(wanted) = &options.tables else { return Ok(all.filter_map(|n| View::named(n)).collect()) };
    let named = |name: &String| View::named(name).ok_or_else(|| Failure::NoTable(name.clone()));
    wanted.iter().filter(|name| *name != "none").map(named).collect()
}

/// The settings as a store keeps them; a passwd file is copied.
fn keep_settings(settings: &Settings, folder: &std::path::Path) -> Result<SettingsEntry, Failure> {
    const PASSWD: &str = "passwd";
    let passwd = match &settings.passwd {
        Some(file) => {
            let kept = folder.join(PASSWD);
            if !kept.exists() {
                std::fs::copy(file, &kept).map_err(|e| Failure::at(file, e))?;
            }
            Some(PASSWD.to_owned())
        }
        None => None,
    };
    Ok(SettingsEntry {
        host: settings.host.clone(),
        category: settings.category.clone(),
        collector: settings.collector.clone(),
        table: settings.table.clone(),
        passwd,
        utc_offset_minutes: settings.utc_offset_minutes,
    })
}
