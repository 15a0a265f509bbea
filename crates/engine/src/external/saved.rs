//! Tables that queries write: Sumo's `save`.
//!
//! A table is a CSV file with a header below one folder; its place is its path there. A query is somebody else's text: it
//! writes nothing outside of that folder, follows no link below it, and a table is there as a whole or not at all.

use super::Given;
use crate::config::SavedTables;
use crate::value::value;
use arrow::record_batch::RecordBatch;
use csv::{ByteRecord, Reader, Writer};
use parallax_catalog::{Output, Save};
use parallax_diagnostics::Diagnostic;
use parallax_sumo::plan::codes;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The folder, and what tells the rows of its tables apart.
#[derive(Debug)]
pub(super) struct Saved {
    tables: SavedTables,
}

impl Saved {
    pub(super) fn new(tables: SavedTables) -> Self {
        Saved { tables }
    }

    /// The file of a table that is there.
    pub(super) fn find(&self, place: &str) -> Result<Option<PathBuf>, String> {
        let Ok(path) = relative(place) else { return Ok(None) };
        self.without_links(&path)?;
        let file = self.tables.folder.join(path);
        Ok(file.is_file().then_some(file))
    }

    /// Whether no part of the path below the folder leads elsewhere.
    fn without_links(&self, path: &Path) -> Result<(), String> {
        let mut so_far = self.tables.folder.clone();
        for part in path.components() {
            so_far.push(part);
            if so_far.is_symlink() {
                return Err(format!("{} is a link", so_far.display()));
            }
        }
        Ok(())
    }

    /// Begins to write a table.
    pub(super) fn begin(&self, save: &Save, columns: &[Output]) -> Result<Saving, String> {
        let path = relative(&save.place)?;
        self.without_links(&path)?;
        let file = self.tables.folder.join(path);
        let said = |e: io::Error| format!("{}: {e}", file.display());
        let there = if file.exists() { Some(header(&file).map_err(said)?) } else { None };
        let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        // A table of the library has its columns; a file takes those of what is saved, unless it is added to.
        let fixed = save.library || save.append;
        let header = match &there {
            Some(there) if fixed => there.clone(),
            _ => names.iter().map(|n| (*n).to_owned()).collect(),
        };
        let from = header.iter().map(|name| {
            let at = names.iter().position(|n| n.eq_ignore_ascii_case(name));
            at.ok_or_else(|| format!("the result has no column `{name}`, which the table has"))
        });
        let from = from.collect::<Result<Vec<_>, _>>()?;
        let more: Vec<String> =
            (0..names.len()).filter(|at| !from.contains(at)).map(|at| names[at].to_owned()).collect();
        if let (Some(name), false) = (more.first(), save.library) {
            return Err(format!("the table has no column `{name}`, and what is added must have the same columns"));
        }
        let key = self.key(save, &header)?;
        let rows = match (&key, save.append && there.is_some()) {
            (None, false) => Target::Stream(Box::new(Temporary::create(&file, &header).map_err(said)?)),
            (None, true) => {
                let mut temporary = Temporary::create(&file, &header).map_err(said)?;
                each_row(&file, header.len(), |row| temporary.out.write_byte_record(row)).map_err(said)?;
                Target::Stream(Box::new(temporary))
            }
            (Some(key), old) => {
                let mut keyed = Keyed { key: key.clone(), rows: Vec::new(), at: HashMap::new() };
                if old {
                    each_row(&file, header.len(), |row| {
                        keyed.put(row.clone());
                        Ok(())
                    })
                    .map_err(said)?;
                }
                Target::Keyed(keyed)
            }
        };
        let created = there.is_none();
        Ok(Saving { file, header, from, columns: columns.to_vec(), more, created, count: 0, rows, known: None })
    }

    /// The columns that tell the rows apart, by their numbers. Rows are merged into a table of the library (documented).
    fn key(&self, save: &Save, header: &[String]) -> Result<Option<Vec<usize>>, String> {
        let Some(names) = self.tables.keys.get(&save.place) else {
            return match save.library && save.append {
                true => Err(
                    "rows are merged into it by its key, which the configuration does not give (`[sumo.save.keys]`)"
                        .to_owned(),
                ),
                false => Ok(None),
            };
        };
        let number = |name: &String| {
            let at = header.iter().position(|h| h.eq_ignore_ascii_case(name));
            at.ok_or_else(|| format!("it has no column `{name}`, which is its key"))
        };
        names.iter().map(number).collect::<Result<_, _>>().map(Some)
    }
}

/// The path of a table's file below the folder.
fn relative(place: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(format!("{}.csv", place.trim_start_matches('/')));
    let below = path.components().all(|c| matches!(c, Component::Normal(_)));
    let named = path.file_name().is_some_and(|name| name != ".csv");
    if below && named && !place.ends_with('/') { Ok(path) } else { Err("it lies outside of the folder".to_owned()) }
}

fn header(file: &Path) -> io::Result<Vec<String>> {
    let mut reader = Reader::from_path(file).map_err(failure)?;
    let names = reader.byte_headers().map_err(failure)?;
    Ok(names.iter().map(|name| String::from_utf8_lossy(name).trim_start_matches('\u{feff}').to_owned()).collect())
}

fn each_row(file: &Path, width: usize, mut each: impl FnMut(&ByteRecord) -> csv::Result<()>) -> io::Result<()> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(file).map_err(failure)?;
    for row in reader.byte_records() {
        let mut row = row.map_err(failure)?;
        row.truncate(width);
        (row.len()..width).for_each(|_| row.push_field(b""));
        each(&row).map_err(failure)?;
    }
    Ok(())
}

fn failure(e: csv::Error) -> io::Error {
    match e.into_kind() {
        csv::ErrorKind::Io(e) => e,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

/// A table that is being written. Dropped before [`Saving::finish`], it leaves everything as it was.
#[derive(Debug)]
pub struct Saving {
    file: PathBuf,
    header: Vec<String>,
    /// The column of the result for each of the table's.
    from: Vec<usize>,
    columns: Vec<Output>,
    more: Vec<String>,
    created: bool,
    count: usize,
    rows: Target,
    pub(super) known: Option<Arc<Given>>,
}

#[derive(Debug)]
enum Target {
    Stream(Box<Temporary>),
    Keyed(Keyed),
}

impl Saving {
    /// What somebody should know about it.
    pub(crate) fn remarks(&self, save: &Save) -> Vec<Diagnostic> {
        let mut remarks = Vec::new();
        if !self.more.is_empty() {
            let list = self.more.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let message = format!("the table has no columns for {list}, which are not saved");
            remarks.push(Diagnostic::warning(codes::NOT_SAVED, save.span, message));
        }
        if save.library && self.created {
            let message = format!("there is no table `{}`; it is made with the columns of the result", save.place);
            let help = "the real product saves only to a table of the library that somebody has made";
            remarks.push(Diagnostic::warning(codes::NOT_SAVED, save.span, message).help(help));
        }
        remarks
    }

    /// The table's file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The rows that were saved.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Takes rows of the result.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn add(&mut self, batch: &RecordBatch) -> io::Result<()> {
        for row in 0..batch.num_rows() {
            let mut record = ByteRecord::new();
            for at in &self.from {
                let value = value(&self.columns[*at], batch.column(*at), row);
                record.push_field(value.text().unwrap_or_default().as_bytes());
            }
            match &mut self.rows {
                Target::Stream(temporary) => temporary.out.write_byte_record(&record).map_err(failure)?,
                Target::Keyed(keyed) => keyed.put(record),
            }
        }
        self.count += batch.num_rows();
        Ok(())
    }

    /// Puts the table in its place.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn finish(&mut self) -> io::Result<()> {
        match &mut self.rows {
            Target::Stream(temporary) => temporary.put(&self.file)?,
            Target::Keyed(keyed) => {
                let mut temporary = Temporary::create(&self.file, &self.header)?;
                for row in &keyed.rows {
                    temporary.out.write_byte_record(row).map_err(failure)?;
                }
                temporary.put(&self.file)?;
            }
        }
        if let Some(given) = &self.known {
            given.forget(&self.file);
        }
        Ok(())
    }
}

/// Rows of which the last one of a key stays, in the first one's place.
#[derive(Debug)]
struct Keyed {
    key: Vec<usize>,
    rows: Vec<ByteRecord>,
    at: HashMap<Vec<Vec<u8>>, usize>,
}

impl Keyed {
    fn put(&mut self, row: ByteRecord) {
        let key = self.key.iter().map(|k| row.get(*k).unwrap_or_default().to_vec()).collect();
        let at = *self.at.entry(key).or_insert(self.rows.len());
        match self.rows.get_mut(at) {
            Some(old) => *old = row,
            None => self.rows.push(row),
        }
    }
}

/// Tells the temporary files of one process apart.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A file beside the one that it is to become.
#[derive(Debug)]
struct Temporary {
    path: PathBuf,
    out: Writer<BufWriter<File>>,
}

impl Temporary {
    fn create(file: &Path, header: &[String]) -> io::Result<Self> {
        let folder = file.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(folder)?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".parallax-{}-{number}.tmp", std::process::id()));
        // What an earlier process of this number left behind is nobody's.
        let _ = fs::remove_file(&path);
        let mut out = Writer::from_writer(BufWriter::new(File::create_new(&path)?));
        out.write_record(header).map_err(failure)?;
        Ok(Temporary { path, out })
    }

    fn put(&mut self, file: &Path) -> io::Result<()> {
        self.out.flush()?;
        self.out.get_ref().get_ref().sync_all()?;
        fs::rename(&self.path, file)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After `put` there is none.
        let _ = fs::remove_file(&self.path);
    }
}
