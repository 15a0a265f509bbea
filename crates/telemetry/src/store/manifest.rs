//! What stands where in a store.

use crate::event::Family;
use crate::report::{Damage, Report};
use crate::source::{Format, Settings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// The name of the manifest's file.
pub const MANIFEST: &str = "parallax.json";

/// The version of stores that this program writes and reads.
pub const VERSION: u32 = 1;

/// How a manifest begins, whatever its version.
const MARK: &str = "{\"parallax-store\":";

/// A store.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of its form.
    #[serde(rename = "parallax-store")]
    pub version: u32,
    /// What each run ingested, in order.
    pub segments: Vec<Segment>,
}

/// What one run ingested.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Its folder, in the store.
    pub folder: String,
    /// The version of the program that wrote it.
    pub program: String,
    /// The fingerprint of the mapping data by which its tables were computed.
    pub mappings: String,
    /// How tables are cut by time: `hour`, `day` or `none`.
    pub partition: String,
    /// The file with the packed originals, in its folder.
    pub originals: String,
    /// What was read.
    pub sources: Vec<SourceEntry>,
    /// The typed tables.
    pub tables: BTreeMap<String, Table>,
}

/// A source.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceEntry {
    /// The name to show.
    pub name: String,
    /// Its format.
    pub format: String,
    /// The families seen in its first bytes.
    pub seen: Vec<String>,
    /// What the user said of it.
    pub settings: SettingsEntry,
    /// Its parts, oldest first.
    pub inputs: Vec<InputEntry>,
    /// How many events it has.
    pub events: u64,
    /// The first and the last time of its events, in nanoseconds since the Unix epoch.
    pub times: Option<(i64, i64)>,
    /// The hours since the Unix epoch in which it has events.
    pub hours: Hours,
    /// What was said when it was read.
    pub heard: Heard,
    /// For each typed table that it feeds, what it gave.
    pub tables: BTreeMap<String, TableSeen>,
}

/// What a source gave to a table.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSeen {
    /// Rows.
    pub rows: u64,
    /// For columns that have such, values that are not of the column's type.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub unreadable: BTreeMap<String, u64>,
    /// What was said when it was read, where it is read in another way than the source's events.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub heard: Option<Heard>,
}

/// What a reading said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heard {
    /// How many things could not be read.
    pub damaged: u64,
    /// The first of them: file, position, reason.
    pub damages: Vec<(String, Option<u64>, String)>,
    /// What was worth saying, with how often.
    pub notes: BTreeMap<String, u64>,
}

impl Heard {
    /// Says it once more.
    pub fn say_again(&self, report: &Report) {
        for (file, position, reason) in &self.damages {
            report.damage(file, *position, reason.clone());
        }
        let kept = u64::try_from(self.damages.len()).unwrap_or(u64::MAX);
        report.damaged_beyond(self.damaged.saturating_sub(kept));
        for (note, n) in &self.notes {
            report.note(note, *n);
        }
    }
}

impl From<&Report> for Heard {
    fn from(report: &Report) -> Self {
        let place = |Damage { file, position, reason }| (file, position, reason);
        let damages = report.damages().into_iter().map(place).collect();
        Heard { damaged: report.damaged(), damages, notes: report.notes() }
    }
}

/// What the user said of a source.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "as in `Settings`")]
pub struct SettingsEntry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collector: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// A file in the segment's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passwd: Option<String>,
    pub utc_offset_minutes: i32,
}

impl SettingsEntry {
    pub(super) fn settings(&self, folder: &Path) -> Settings {
        Settings {
            host: self.host.clone(),
            category: self.category.clone(),
            collector: self.collector.clone(),
            table: self.table.clone(),
            passwd: self.passwd.as_ref().map(|name| folder.join(name)),
            utc_offset_minutes: self.utc_offset_minutes,
            ..Settings::default()
        }
    }
}

/// An input of a source, and where its bytes are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputEntry {
    /// The file as it was named.
    pub path: String,
    /// Its bytes on disk, packed or not.
    pub size: u64,
    /// What its beginning and its end were, to know it again.
    pub hash: String,
    /// Whether it was packed, or no plain file: its readers go through it from the beginning.
    pub streamed: bool,
    /// Why its end could not be read, if it could not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failed: Option<Failed>,
    /// Its unpacked bytes.
    pub length: u64,
    /// Where its frames begin in the packed originals.
    pub offset: u64,
    /// The packed length of each frame.
    pub frames: Vec<u32>,
}

/// An error that ended the reading of an input.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Failed(String);

impl Failed {
    /// As it was said.
    pub fn new(e: &io::Error) -> Self {
        Failed(e.to_string())
    }

    /// What was said.
    pub fn text(&self) -> String {
        self.0.clone()
    }
}

/// Hours, as runs of a first and a last one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hours(Vec<(i64, i64)>);

impl Hours {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }
}

impl FromIterator<i64> for Hours {
    /// Of hours in ascending order.
    fn from_iter<I: IntoIterator<Item = i64>>(hours: I) -> Self {
        let mut runs: Vec<(i64, i64)> = Vec::new();
        for hour in hours {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == hour => *last = hour,
                _ => runs.push((hour, hour)),
            }
        }
        Hours(runs)
    }
}

/// A typed table.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its files.
    pub files: Vec<File>,
}

/// A file of a typed table.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its path in the segment's folder.
    pub path: String,
    /// Its bytes.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// What its rows take in memory.
    pub size: u64,
    /// The first and the last place of its rows in the order of the sources.
    pub order: (i64, i64),
    /// The first and the last time of its events; nothing where one of them has none.
    pub times: Option<(i64, i64)>,
}

impl Manifest {
    /// Whether the file begins as a manifest does.
    pub(super) fn is(path: &Path) -> bool {
        let mut head = [0; MARK.len()];
        let read = std::fs::File::open(path).and_then(|mut f| crate::input::read_up_to(&mut f, &mut head));
        read.is_ok_and(|n| head[..n] == *MARK.as_bytes())
    }

    /// Reads one.
    ///
    /// # Errors
    /// It cannot be read, or is of a form that this program does not know.
    pub fn read(path: &Path) -> io::Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            #[serde(rename = "parallax-store")]
            version: u32,
        }
        let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
        let text = std::fs::read(path)?;
        let damaged = |e: serde_json::Error| invalid(format!("the store's manifest is damaged: {e}"));
        let Version { version } = serde_json::from_slice(&text).map_err(damaged)?;
        if version != VERSION {
            let what = format!("a store of version {version}; this program reads version {VERSION}");
            return Err(invalid(what));
        }
        let manifest: Manifest = serde_json::from_slice(&text).map_err(damaged)?;
        // A manifest may come from anywhere: it names files below its own folder and no others.
        let names = manifest.segments.iter().flat_map(|s| {
            let passwd = s.sources.iter().filter_map(|s| s.settings.passwd.as_ref());
            let files = s.tables.values().flat_map(|t| t.files.iter().map(|f| &f.path));
            [&s.folder, &s.originals].into_iter().chain(passwd).chain(files)
        });
        let outside = names.into_iter().find(|name| !is_below(name)).cloned();
        match outside {
            Some(name) => Err(invalid(format!("the store's manifest names a file outside of the store: {name}"))),
            None => Ok(manifest),
        }
    }

    /// Writes it in place of the one that is there, if any: readers see the one or the other.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        use std::io::Write;
        let beside = folder.join(format!(".{MANIFEST}.{}", std::process::id()));
        let mut file = std::fs::File::create(&beside)?;
        let text = serde_json::to_vec(self).map_err(io::Error::other)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&beside, folder.join(MANIFEST))
    }
}

fn is_below(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    !name.is_empty() && parts.all(|part| matches!(part, std::path::Component::Normal(_)))
}

impl SourceEntry {
    /// Its format.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn format(&self) -> io::Result<Format> {
        Format::from_name(&self.format).ok_or_else(|| unknown("format", &self.format))
    }

    /// The families seen in its first bytes.
    ///
    /// # Errors
    /// There is none of a name.
    pub fn seen(&self) -> io::Result<Vec<Family>> {
        let family = |name: &String| crate::view::family_named(name).map_err(|_| unknown("family", name));
        self.seen.iter().map(family).collect()
    }
}

fn unknown(what: &str, name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the store's manifest names an unknown {what}: {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_in_runs() {
        let hours: Hours = [1, 2, 3, 7, 9, 10].into_iter().collect();
        assert_eq!(hours.0, [(1, 3), (7, 7), (9, 10)]);
        assert_eq!(hours.iter().collect::<Vec<_>>(), [1, 2, 3, 7, 9, 10]);
    }

    #[test]
    fn files_outside_of_the_store_are_refused() {
        for (name, below) in
            [("a/b.parquet", true), ("../a", false), ("/etc/passwd", false), ("a/../../b", false), ("", false)]
        {
            assert_eq!(is_below(name), below, "{name}");
        }
    }

    #[test]
    fn a_manifest_begins_with_its_mark() {
        let text = serde_json::to_string(&Manifest { version: VERSION, segments: Vec::new() }).unwrap();
        assert!(text.starts_with(MARK));
    }
}
