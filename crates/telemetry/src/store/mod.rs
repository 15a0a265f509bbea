//! A store: telemetry that was ingested.
//!
//! A store keeps two things of each source: the bytes as they were, packed in frames ([`Packed`]), and the rows of
//! typed tables as Parquet. Readers read the bytes as they read files, so whatever a query asks has the same answer as
//! before; the typed tables have it sooner. What stands where is said by the [`Manifest`], in [`MANIFEST`].

pub mod index;
mod manifest;
mod packed;

pub use index::Group;
pub use manifest::{
    Failed, File, Heard, Hours, InputEntry, MANIFEST, Manifest, SettingsEntry, SourceEntry, Table, TableSeen, VERSION,
};
pub use packed::{FRAME, Packed, Reader};

use crate::input::{Compression, Input};
use crate::report::Report;
use crate::source::{Options, Settings, Source};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One segment of a store: what one run ingested.
#[derive(Debug)]
pub struct Segment {
    /// The store's folder.
    pub store: PathBuf,
    /// The segment's folder.
    pub folder: PathBuf,
    /// What is in it.
    pub entry: manifest::Segment,
}

impl Segment {
    /// Whether the rows of its tables are what this program would make of the originals.
    pub fn is_current(&self) -> bool {
        self.entry.program == env!("CARGO_PKG_VERSION") && self.entry.mappings == crate::view::fingerprint()
    }
}

pub use manifest::Segment as SegmentEntry;

/// Where a source stands in a store.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its segment.
    pub segment: Arc<Segment>,
    /// Which of the segment's sources.
    pub at: usize,
    /// Whether the typed tables hold what would be read of it now: not where the user says something of the sources
    /// that was not said when they were ingested.
    pub typed: bool,
}

impl Stored {
    /// What is known of the source.
    pub fn entry(&self) -> &SourceEntry {
        &self.segment.entry.sources[self.at]
    }

    /// The files of a typed table, if it was ingested and can be gone by.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.segment.entry.tables.get(name).filter(|_| self.typed)
    }
}

/// Whether a file is a store's manifest, whatever its version.
pub(crate) fn is_manifest(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == MANIFEST) && Manifest::is(path)
}

/// The manifest in a folder, if it is a store's.
pub(crate) fn manifest_in(folder: &Path) -> Option<PathBuf> {
    Some(folder.join(MANIFEST)).filter(|path| is_manifest(path))
}

/// The sources of the store whose manifest that is.
pub(crate) fn sources(path: &Path, options: &Options, report: &Report) -> Vec<Source> {
    let manifest = match Manifest::read(path) {
        Ok(manifest) => manifest,
        Err(e) => {
            report.damage(&path.display().to_string(), None, e.to_string());
            return Vec::new();
        }
    };
    sources_of(manifest, path.parent().unwrap_or(Path::new("")), options, report)
}

/// The sources of the store in `folder` that the manifest describes.
pub fn sources_of(manifest: Manifest, folder: &Path, options: &Options, report: &Report) -> Vec<Source> {
    if options.format.is_some() {
        report.note_once("a store knows the formats of its sources: --input-format does not count for it");
    }
    let store = folder.to_owned();
    let mut out = Vec::new();
    for entry in manifest.segments {
        let folder = store.join(&entry.folder);
        let index = Arc::new(index_of(&entry, &folder));
        let segment = Arc::new(Segment { store: store.clone(), folder, entry });
        let current = segment.is_current();
        if !current {
            let what = format!(
                "{}: ingested by another version of this program: tables are computed anew from the originals, which is \
                 slower; ingest again into a new store",
                store.display()
            );
            report.note_once(&what);
        }
        for at in 0..segment.entry.sources.len() {
            match source(&segment, at, options, current, &index) {
                Ok(source) => out.push(source),
                Err(e) => report.damage(
                    &segment.entry.sources[at].name,
                    None,
                    format!("in the store {}: {e}", store.display()),
                ),
            }
        }
    }
    out
}

/// The index of a segment's originals, whether there is one or not.
fn index_of(entry: &SegmentEntry, folder: &Path) -> index::Index {
    let path = folder.join(&entry.originals).with_extension(index::EXTENSION);
    let frames = entry.sources.iter().flat_map(|s| &s.inputs).flat_map(|i| &i.frames);
    index::Index::new(path, frames.copied().collect())
}

fn source(
    segment: &Arc<Segment>,
    at: usize,
    options: &Options,
    current: bool,
    index: &Arc<index::Index>,
) -> io::Result<Source> {
    let entry = &segment.entry.sources[at];
    let settings = entry.settings.settings(&segment.folder);
    let merged = over(&options.settings, &settings);
    let typed = current && merged == settings;
    // What another version passes over may be something else.
    let indexed = segment.entry.program == env!("CARGO_PKG_VERSION");
    let before = segment.entry.sources[..at].iter().flat_map(|s| &s.inputs);
    let mut first: usize = before.map(|input| input.frames.len()).sum();
    let inputs = entry.inputs.iter().map(|input| {
        let packed = packed(segment, input)?;
        let packed = if indexed { packed.indexed(index.clone(), first) } else { packed };
        first += input.frames.len();
        Ok(Input::packed(&input.path, packed))
    });
    Ok(Source {
        name: entry.name.clone(),
        inputs: inputs.collect::<io::Result<_>>()?,
        format: entry.format()?,
        seen: entry.seen()?,
        settings: merged,
        stored: Some(Stored { segment: segment.clone(), at, typed }),
    })
}

fn packed(segment: &Segment, input: &InputEntry) -> io::Result<Packed> {
    let file = segment.folder.join(&segment.entry.originals);
    let end = input.frames.iter().fold(input.offset, |at, n| at.saturating_add(u64::from(*n)));
    if std::fs::metadata(&file)?.len() < end {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the packed originals are cut off"));
    }
    let packed = Packed::new(file, input.offset, &input.frames, input.length)?;
    let packed = packed.failing(input.failed.as_ref().map(Failed::text));
    Ok(if input.streamed { packed.streamed() } else { packed })
}

/// What the user says now, and what was said before where that is nothing.
fn over(now: &Settings, then: &Settings) -> Settings {
    Settings {
        host: now.host.clone().or_else(|| then.host.clone()),
        category: now.category.clone().or_else(|| then.category.clone()),
        collector: now.collector.clone().or_else(|| then.collector.clone()),
        table: now.table.clone().or_else(|| then.table.clone()),
        passwd: now.passwd.clone().or_else(|| then.passwd.clone()),
        utc_offset_minutes: if now.utc_offset_minutes == 0 { then.utc_offset_minutes } else { now.utc_offset_minutes },
        decode_all: now.decode_all,
        threads: now.threads,
    }
}

/// How the bytes of an input reach a store: unpacked, as its reader sees them.
pub fn is_streamed(input: &Input) -> bool {
    input.compression != Compression::None || input.plain_path().is_none_or(|p| !p.is_file())
}
