//! Where a store is written, and how it comes to be there whole or not at all.

use super::{Options, Summary, empty, pack};
use parallax_telemetry::store::{MANIFEST, Manifest, SegmentEntry};
use parallax_telemetry::{Report, Source};
use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why nothing was ingested.
#[derive(Debug)]
pub enum Failure {
    /// There is a store already, and nobody said to add to it.
    Exists(PathBuf),
    /// There is something that is no store.
    Occupied(PathBuf),
    /// Another run is at it.
    Locked(PathBuf),
    /// There is nothing to ingest.
    Nothing,
    /// No typed table is called so.
    NoTable(String),
    /// Something cannot be written or read.
    Io(PathBuf, io::Error),
}

impl Failure {
    pub(super) fn at(path: &Path, e: io::Error) -> Self {
        Failure::Io(path.to_owned(), e)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Exists(path) => {
                write!(f, "{}: there is a store already; `--append` adds to it", path.display())
            }
            Failure::Occupied(path) => write!(f, "{}: there is something that is no store", path.display()),
            Failure::Locked(path) => {
                write!(f, "another run is writing to the store; if there is none any more, remove {}", path.display())
            }
            Failure::Nothing => f.write_str("nothing to ingest: no telemetry was found"),
            Failure::NoTable(name) => {
                let known = parallax_telemetry::View::names().join(", ");
                write!(f, "--tables: there is no typed table `{name}`; one of {known}, or none")
            }
            Failure::Io(path, e) => write!(f, "{}: {e}", path.display()),
        }
    }
}

impl std::error::Error for Failure {}

/// A store that is being written.
pub(super) struct Place {
    store: PathBuf,
    /// What is there already.
    manifest: Manifest,
    /// Whether anything is.
    exists: bool,
    /// What goes if the run does not come to its end.
    partial: Option<PathBuf>,
    lock: Option<PathBuf>,
}

impl Place {
    pub(super) fn find(options: &Options) -> Result<Self, Failure> {
        let store = options.output.clone();
        let path = store.join(MANIFEST);
        let mut place = Place { store, manifest: empty(), exists: false, partial: None, lock: None };
        if path.exists() {
            place.manifest = Manifest::read(&path).map_err(|e| Failure::at(&path, e))?;
            if !options.append {
                return Err(Failure::Exists(place.store.clone()));
            }
            place.exists = true;
            let lock = place.store.join(".lock");
            match fs::File::options().write(true).create_new(true).open(&lock) {
                Ok(_) => place.lock = Some(lock),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(Failure::Locked(lock)),
                Err(e) => return Err(Failure::at(&lock, e)),
            }
            // What another run added before the lock was ours counts.
            place.manifest = Manifest::read(&path).map_err(|e| Failure::at(&path, e))?;
        } else if let Ok(mut entries) = fs::read_dir(&place.store) {
            if entries.next().is_some() {
                return Err(Failure::Occupied(place.store.clone()));
            }
        } else if place.store.exists() {
            return Err(Failure::Occupied(place.store.clone()));
        }
        Ok(place)
    }

    /// The sources without what the store has already.
    pub(super) fn new_sources(
        &self,
        sources: impl Iterator<Item = Source>,
        report: &Report,
        summary: &mut Summary,
    ) -> Vec<Source> {
        let entries = || self.manifest.segments.iter().flat_map(|s| &s.sources).flat_map(|s| &s.inputs);
        let known: HashMap<(u64, &str), &str> =
            entries().map(|i| ((i.size, i.hash.as_str()), i.path.as_str())).collect();
        let paths: HashMap<&str, u64> = entries().map(|i| (i.path.as_str(), i.size)).collect();
        let mut new = Vec::new();
        for mut source in sources {
            let before = source.inputs.len();
            source.inputs.retain(|input| {
                let name = input.name();
                if known.is_empty() {
                    return true;
                }
                let (size, hash) = pack::identity(input);
                if known.contains_key(&(size, hash.as_str())) {
                    summary.known.push(name);
                    return false;
                }
                if paths.contains_key(name.as_str()) {
                    let what = "another file of this name is in the store: it has changed since it was ingested, and is \
                                not read again, for its events would be there twice";
                    report.damage(&name, None, what);
                    return false;
                }
                true
            });
            if !source.inputs.is_empty() && source.inputs.len() < before {
                let what = "parts of a log of which the store has others: what processes did in those is not known";
                report.note(&format!("{}: {what}", source.name), 1);
            }
            if !source.inputs.is_empty() {
                new.push(source);
            }
        }
        new
    }

    /// The name of the segment's folder.
    pub(super) fn segment(&self) -> String {
        format!("{:04}", self.manifest.segments.len() + 1)
    }

    /// Makes the folder in which the segment is written.
    pub(super) fn begin(&mut self) -> Result<PathBuf, Failure> {
        let pid = std::process::id();
        let name = self.store.file_name().map_or_else(|| "store".into(), |n| n.to_string_lossy().into_owned());
        let partial = match self.exists {
            true => self.store.join(format!(".partial-{pid}")),
            false => self.store.with_file_name(format!("{name}.partial-{pid}")),
        };
        let folder = if self.exists { partial.clone() } else { partial.join(self.segment()) };
        fs::create_dir_all(&folder).map_err(|e| Failure::at(&folder, e))?;
        self.partial = Some(partial);
        Ok(folder)
    }

    /// Puts what was written in its place.
    pub(super) fn finish(mut self, segment: SegmentEntry) -> Result<(), Failure> {
        let Some(partial) = self.partial.clone() else { return Ok(()) };
        let name = segment.folder.clone();
        self.manifest.segments.push(segment);
        if self.exists {
            let folder = self.store.join(name);
            // Left behind by a run that ended before its manifest was written: nobody reads it.
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(|e| Failure::at(&folder, e))?;
            }
            fs::rename(&partial, &folder).map_err(|e| Failure::at(&folder, e))?;
            self.manifest.write(&self.store).map_err(|e| Failure::at(&self.store, e))?;
        } else {
            self.manifest.write(&partial).map_err(|e| Failure::at(&partial, e))?;
            // An empty folder gives way.
            fs::rename(&partial, &self.store).map_err(|e| Failure::at(&self.store, e))?;
        }
        self.partial = None;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed has no manifest, and is not taken for a store.
        if let Some(partial) = &self.partial {
            let _ = fs::remove_dir_all(partial);
        }
        if let Some(lock) = &self.lock {
            let _ = fs::remove_file(lock);
        }
    }
}
