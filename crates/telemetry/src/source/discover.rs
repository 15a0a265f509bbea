//! Paths, folders and globs to sources. What can't be read is reported and the rest goes on.

use super::recognise::{self, recognise};
use super::{Format, Recognised, Settings, Source};
use crate::input::{Input, Limits, read_up_to};
use crate::report::Report;
use crate::store;
use globset::GlobBuilder;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How much of a file's (decompressed) beginning is looked at.
const SAMPLE: usize = 64 * 1024;

/// What discovery is told.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Said of every source.
    pub settings: Settings,
    /// The format of every source, instead of what its bytes say.
    pub format: Option<Format>,
    /// When unpacking stops.
    pub limits: Limits,
    /// How many files are looked at at the same time; at least one.
    pub threads: usize,
}

/// Finds the sources at `paths`: files, folders (recursively), globs, and `-` for standard input.
///
/// In the order of `paths`, and within a folder by name, so that two runs read the same in the same order.
pub fn discover(paths: &[String], options: &Options, report: &Report) -> Vec<Source> {
    let mut walk = Walk { report, folders: HashSet::new(), files: Vec::new(), known: Some(HashSet::new()) };
    let mut sources = Vec::new();
    let mut unknown = 0;
    for path in paths {
        if path == "-" {
            match Input::spool(io::stdin()) {
                Ok(input) => sources.extend(take(look(input, None, options), true, options, &mut unknown, report)),
                Err(e) => report.damage("<stdin>", None, describe(&e)),
            }
            continue;
        }
        let plain = Path::new(path);
        if plain.symlink_metadata().is_ok() || !is_glob(path) {
            walk.path(plain, true);
        } else {
            walk.glob(path);
        }
        let files = std::mem::take(&mut walk.files);
        for (file, looked) in files.iter().zip(look_at(&files, options)) {
            if store::is_manifest(file) {
                sources.extend(store::sources(file, options, report));
                continue;
            }
            sources.extend(take(looked, file == plain, options, &mut unknown, report));
        }
    }
    group_rotated(sources)
}

/// How many files of no known format are named one by one.
const UNKNOWN_NAMED: u64 = 20;

/// What was found out of one input by itself.
struct Looked {
    name: String,
    found: Result<(Input, Option<Recognised>), String>,
}

/// Looks at the beginnings of files, several at a time.
fn look_at(files: &[PathBuf], options: &Options) -> Vec<Looked> {
    let look = |file: &PathBuf| match store::is_manifest(file) {
        // Nothing but its name is looked at.
        true => failed(file.display().to_string(), "a store"),
        false => match Input::begun(file) {
            Ok((input, head)) => look(input, Some(&head), options),
            Err(e) => failed(file.display().to_string(), describe(&e)),
        },
    };
    let threads = options.threads.clamp(1, files.len().div_ceil(LEAST).max(1));
    if threads == 1 {
        return files.iter().map(look).collect();
    }
    // A thread takes some files at a time, so that all are done at about the same time.
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut own = Vec::new();
        loop {
            let part = next.fetch_add(1, Ordering::Relaxed);
            let Some(some) = files.chunks(LEAST).nth(part) else { return own };
            own.push((part, some.iter().map(look).collect::<Vec<_>>()));
        }
    };
    let mut all: Vec<(usize, Vec<Looked>)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
        let mut all = worker();
        for other in others {
            match other.join() {
                Ok(own) => all.extend(own),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_unstable_by_key(|(part, _)| *part);
    all.into_iter().flat_map(|(_, some)| some).collect()
}

/// So many files are not worth another thread.
const LEAST: usize = 32;

fn failed(name: String, why: impl Into<String>) -> Looked {
    Looked { name, found: Err(why.into()) }
}

/// Recognises one input; `head` is the beginning of its file as far as it is known.
fn look(mut input: Input, head: Option<&[u8]>, options: &Options) -> Looked {
    input.limits = options.limits;
    let name = input.name();
    // A few bytes tell a binary format.
    if let Some(found) = head.and_then(recognise::binary) {
        return Looked { name, found: Ok((input, Some(found))) };
    }
    let mut head = vec![0; SAMPLE];
    let n = match input.open().and_then(|mut r| read_up_to(&mut r, &mut head)) {
        Ok(n) => n,
        Err(e) => return failed(name, describe(&e)),
    };
    head.truncate(n);
    if head.is_empty() {
        return failed(name, "empty file");
    }
    let found = recognise(&head, n < SAMPLE);
    Looked { name, found: Ok((input, found)) }
}

/// The source of an input. One that the user `named` must be telemetry; a folder may hold other things.
fn take(looked: Looked, named: bool, options: &Options, unknown: &mut u64, report: &Report) -> Option<Source> {
    let Looked { name, found } = looked;
    let (input, found) = match found {
        Ok(found) => found,
        Err(why) => {
            report.damage(&name, None, why);
            return None;
        }
    };
    let (format, seen) = match (options.format, found) {
        (Some(format), found) => (format, found.map(|f| f.seen).unwrap_or_default()),
        (None, Some(found)) => (found.format, found.seen),
        (None, None) => {
            const WHAT: &str = "no known telemetry format";
            *unknown += 1;
            match (named, *unknown <= UNKNOWN_NAMED) {
                (true, _) => report.damage(&name, None, WHAT),
                (false, true) => report.note(&format!("{name}: {WHAT}"), 1),
                (false, false) => report.note("further files of no known telemetry format", 1),
            }
            return None;
        }
    };
    Some(Source { name, inputs: vec![input], format, seen, settings: options.settings.clone(), stored: None })
}

fn describe(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => e.to_string(),
    }
}

fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '[', '{'])
}

struct Walk<'a> {
    report: &'a Report,
    /// Real paths of the folders entered, so that a link to a parent ends.
    folders: HashSet<PathBuf>,
    files: Vec<PathBuf>,
    /// Real paths of the files taken, so that none is read twice. `None` while a glob looks for what it matches: a
    /// file that has two names may match by the second.
    known: Option<HashSet<PathBuf>>,
}

impl Walk<'_> {
    /// Takes a file or everything below a folder. A file that the user named is taken whatever it is.
    fn path(&mut self, path: &Path, named: bool) {
        let name = || path.display().to_string();
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(e) => return self.report.damage(&name(), None, describe(&e)),
        };
        match fs::metadata(&real) {
            Err(e) => self.report.damage(&name(), None, describe(&e)),
            Ok(m) if m.is_dir() => self.folder(path, real),
            Ok(m) if m.is_file() || named => self.file(path.to_owned(), real),
            Ok(_) => self.report.note(&format!("{}: neither file nor folder", name()), 1),
        }
    }

    fn folder(&mut self, path: &Path, real: PathBuf) {
        if !self.folders.insert(real.clone()) {
            return;
        }
        // A store is its manifest: nothing else in it is looked at.
        if let Some(manifest) = store::manifest_in(path) {
            return self.path(&manifest, false);
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(e) => return self.report.damage(&path.display().to_string(), None, describe(&e)),
        };
        let mut children = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => {
                    let plain = entry.file_type().is_ok_and(|ty| ty.is_file());
                    children.push((entry.path(), plain.then(|| real.join(entry.file_name()))));
                }
                Err(e) => self.report.damage(&path.display().to_string(), None, describe(&e)),
            }
        }
        children.sort();
        for (child, real) in children {
            match real {
                // Neither a link nor a folder: the folder's real path says its own.
                Some(real) => self.file(child, real),
                None => self.path(&child, false),
            }
        }
    }

    fn file(&mut self, path: PathBuf, real: PathBuf) {
        if self.known.as_mut().is_none_or(|known| known.insert(real)) {
            self.files.push(path);
        }
    }

    /// Takes what a glob matches: the folder before its first wildcard is walked and the paths are compared.
    fn glob(&mut self, pattern: &str) {
        let matcher = match GlobBuilder::new(pattern).literal_separator(true).build() {
            Ok(glob) => glob.compile_matcher(),
            Err(e) => return self.report.damage(pattern, None, format!("not a glob: {}", e.kind())),
        };
        let mut base = PathBuf::new();
        for part in Path::new(pattern).components() {
            match part {
                Component::Normal(p) if is_glob(&p.to_string_lossy()) => break,
                part => base.push(part),
            }
        }
        let start = if base.as_os_str().is_empty() { PathBuf::from(".") } else { base };
        let mut walk = Walk { report: self.report, folders: HashSet::new(), files: Vec::new(), known: None };
        walk.path(&start, false);
        let mut matched = false;
        for file in walk.files {
            let plain = file.strip_prefix(".").unwrap_or(&file);
            let matches = matcher.is_match(plain)
                || matcher.is_match(&file)
                || plain.ancestors().skip(1).any(|folder| matcher.is_match(folder));
            matched |= matches;
            if matches {
                self.path(&file, false);
            }
        }
        if !matched {
            self.report.damage(pattern, None, "matches no file");
        }
    }
}

/// Makes one source of the parts of a rotated audit log: events and processes go over their ends.
fn group_rotated(sources: Vec<Source>) -> Vec<Source> {
    let mut out: Vec<Source> = Vec::with_capacity(sources.len());
    let mut places: BTreeMap<PathBuf, usize> = BTreeMap::new();
    let mut parts: BTreeMap<PathBuf, Vec<(u64, Source)>> = BTreeMap::new();
    for source in sources {
        let rotated = (source.format == Format::Auditd && source.stored.is_none())
            .then(|| source.inputs[0].path.as_deref().and_then(rotation))
            .flatten();
        match rotated {
            None => out.push(source),
            Some((stem, generation)) => {
                if !places.contains_key(&stem) {
                    places.insert(stem.clone(), out.len());
                    out.push(source.clone());
                }
                parts.entry(stem).or_default().push((generation, source));
            }
        }
    }
    for (stem, mut group) in parts {
        group.sort_by_key(|(generation, _)| std::cmp::Reverse(*generation));
        let Some((_, newest)) = group.last() else { continue };
        let mut merged = newest.clone();
        merged.inputs = group.iter().flat_map(|(_, s)| s.inputs.clone()).collect();
        out[places[&stem]] = merged;
    }
    out
}

/// The log that a file is a part of, and how old a part: `audit.log` is 0, `audit.log.3` and `audit.log.3.gz` are 3,
/// and `audit.log-20240501` (logrotate's `dateext`) is older the earlier its date.
fn rotation(path: &Path) -> Option<(PathBuf, u64)> {
    const NEWEST_DATE: u64 = 99_999_999;
    let name = path.file_name()?.to_str()?;
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(name);
    let digits = |n: &str| n.bytes().all(|b| b.is_ascii_digit());
    let (stem, age) = match (name.rsplit_once('.'), name.rsplit_once('-')) {
        (Some((stem, n)), _) if (1..7).contains(&n.len()) && digits(n) => (stem, n.parse().ok()?),
        (_, Some((stem, date))) if date.len() == 8 && digits(date) => {
            (stem, NEWEST_DATE + 1_000_000 - date.parse::<u64>().ok()?)
        }
        _ => (name, 0),
    };
    Some((path.with_file_name(stem), age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_names() {
        assert_eq!(rotation(Path::new("/v/audit.log")), Some(("/v/audit.log".into(), 0)));
        assert_eq!(rotation(Path::new("/v/audit.log.12.gz")), Some(("/v/audit.log".into(), 12)));
        let dated = |name: &str| rotation(Path::new(name)).unwrap();
        assert_eq!(dated("audit.log-20240501").0, Path::new("audit.log"));
        assert!(dated("audit.log-20240501.gz").1 > dated("audit.log-20240601").1);
        assert!(dated("audit.log-20240601").1 > dated("audit.log.9").1);
        assert_eq!(rotation(Path::new("a.enriched.log")), Some(("a.enriched.log".into(), 0)));
    }
}
