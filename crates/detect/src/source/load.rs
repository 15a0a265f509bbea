//! From paths to rules. What can't be loaded is told, and the rest is.

use super::loaded::{Detections, Fault, Placeholders};
use super::{About, Body, Kind, Rule, about_of, header, sentinel, sigma};
use crate::pack::{Detection, EmbeddedPack, MANIFEST, Pack};
use parallax_diagnostics::{Diagnostic, Span};
use parallax_engine::Dialect;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::FileType;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was found at paths, before Sigma is read: its placeholders may be lists of the packs.
#[derive(Debug, Default)]
pub struct Found {
    all: Detections,
    /// Sigma's texts, and before which of the rules they stand.
    sigma: Vec<(usize, About)>,
}

impl Found {
    /// Looks at files and folders. Without any, the packs that are built in.
    pub fn at(paths: &[String], embedded: &[EmbeddedPack]) -> Self {
        let mut loader = Loader::default();
        if paths.is_empty() {
            embedded.iter().for_each(|pack| loader.pack(Pack::embedded(pack)));
        }
        for path in paths {
            match std::fs::metadata(path) {
                Ok(meta) if meta.is_dir() => loader.folder(Path::new(path)),
                Ok(_) => loader.file(Path::new(path), None, true),
                // The packs that are built in can be named.
                Err(_) if embedded.iter().any(|p| p.name.eq_ignore_ascii_case(path)) => {
                    let of_name = embedded.iter().filter(|p| p.name.eq_ignore_ascii_case(path));
                    of_name.for_each(|pack| loader.pack(Pack::embedded(pack)));
                }
                Err(e) => loader.found.all.faults.push(Fault::unreadable(path, format!("can't be read: {e}"))),
            }
        }
        loader.found
    }

    /// The packs.
    pub fn packs(&self) -> &[Pack] {
        &self.all.packs
    }

    /// Reads what Sigma says.
    pub fn load(mut self, placeholders: &Placeholders) -> Detections {
        let plain = std::mem::take(&mut self.all.rules);
        let mut texts = read_all(self.sigma, placeholders).into_iter().peekable();
        let mut documents = Vec::new();
        let mut plain = plain.into_iter();
        for at in 0.. {
            while let Some((_, read)) = texts.next_if(|(before, _)| *before == at) {
                documents.extend(self.all.sigma(read));
            }
            match plain.next() {
                Some(rule) => self.all.rules.push(rule),
                None => break,
            }
        }
        sigma::resolve(&mut self.all, &documents);
        self.all.unique_names();
        self.all
    }
}

impl Detections {
    /// The detections of a pack.
    pub fn of_pack(pack: &Pack, placeholders: &Placeholders) -> Self {
        let mut loader = Loader::default();
        loader.pack(Ok(pack.clone()));
        loader.found.load(placeholders)
    }

    /// The rules of one detection of a pack: several, where it is Sigma that correlates.
    pub fn of_detection(pack: &Pack, detection: &Detection, placeholders: &Placeholders) -> Self {
        let mut loader = Loader::default();
        loader.detection(pack, detection);
        loader.found.load(placeholders)
    }

    /// A file of Sigma documents, or a pack's detection.
    fn sigma(&mut self, read: sigma::Documents) -> Vec<sigma::Loaded> {
        self.faults.extend(read.faults);
        self.remarks.extend(read.remarks);
        let mut loaded = read.documents;
        for one in &mut loaded {
            match one.rule() {
                Some(rule) => {
                    one.at = Some(self.rules.len());
                    self.rules.push(rule);
                }
                None => self.filters += 1,
            }
        }
        loaded
    }

    /// A finding names its rule: two of a name would be one.
    fn unique_names(&mut self) {
        let mut names: HashMap<String, usize> = HashMap::new();
        for rule in self.rules.iter_mut().filter(|r| r.about.pack.is_none()) {
            let n = names.entry(rule.about.name.clone()).or_default();
            *n += 1;
            if *n == 1 {
                continue;
            }
            let about = Arc::make_mut(&mut rule.about);
            let why = format!("another rule is named `{}`; this one is `{}~{n}` here", about.name, about.name);
            about.name = format!("{}~{n}", about.name);
            let d = Diagnostic::warning("DETECT0003", Span::at(0), why);
            self.remarks.push(Fault::new(&about.file, "", d));
        }
    }
}

/// Reads Sigma's texts, many of them on all processors, in their order.
fn read_all(texts: Vec<(usize, About)>, placeholders: &Placeholders) -> Vec<(usize, sigma::Documents)> {
    // Fewer are not worth a thread.
    const FEW: usize = 64;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(texts.len() / FEW);
    if threads < 2 {
        return texts.into_iter().map(|(before, about)| (before, sigma::read(about, placeholders))).collect();
    }
    let each = texts.len().div_ceil(threads);
    let mut texts = texts.into_iter();
    let mut read = Vec::with_capacity(texts.len());
    std::thread::scope(|scope| {
        let some = || {
            let some: Vec<_> = texts.by_ref().take(each).collect();
            (!some.is_empty()).then(|| {
                let one = |(before, about)| (before, sigma::read(about, placeholders));
                scope.spawn(move || some.into_iter().map(one).collect::<Vec<_>>())
            })
        };
        let workers: Vec<_> = std::iter::from_fn(some).collect();
        for worker in workers {
            match worker.join() {
                Ok(some) => read.extend(some),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    read
}

#[derive(Default)]
struct Loader {
    found: Found,
    /// Files that were looked at: a path may be given twice, or lie in a folder that is given too.
    seen: HashSet<PathBuf>,
}

impl Loader {
    fn fault(&mut self, fault: Fault) {
        self.found.all.faults.push(fault);
    }

    fn pack(&mut self, pack: Result<Pack, crate::pack::PackError>) {
        let pack = match pack {
            Ok(pack) => pack,
            Err(e) => {
                let each = e.problems.into_iter();
                let faults = each.map(|p| Fault { file: p.file, text: p.text, diagnostics: p.diagnostics });
                return self.found.all.faults.extend(faults);
            }
        };
        if self.found.all.packs.iter().any(|p| p.id == pack.id) {
            let why = format!("another pack is named `{}`", pack.id);
            return self.fault(Fault::unreadable(&pack.files.name(MANIFEST), why));
        }
        for detection in &pack.detections {
            self.detection(&pack, detection);
        }
        self.found.all.packs.push(pack);
    }

    fn detection(&mut self, pack: &Pack, detection: &Detection) {
        let about = about_of(pack, detection);
        match about.dialect {
            Dialect::Sigma => self.sigma(about),
            _ => self.rule(Rule { about: Arc::new(about), body: Body::Query }),
        }
    }

    fn rule(&mut self, rule: Rule) {
        self.found.all.rules.push(rule);
    }

    fn sigma(&mut self, about: About) {
        self.found.sigma.push((self.found.all.rules.len(), about));
    }

    /// Everything in a folder, by name: a pack, or detections and folders.
    fn folder(&mut self, folder: &Path) {
        if folder.join(MANIFEST).is_file() {
            if self.first(&folder.join(MANIFEST)) {
                self.pack(Pack::open(folder));
            }
            return;
        }
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(e) => {
                let why = format!("can't be read: {e}");
                return self.fault(Fault::unreadable(&folder.display().to_string(), why));
            }
        };
        let entries = entries.filter_map(|entry| entry.ok().map(|e| (e.path(), e.file_type().ok())));
        let mut entries: Vec<(PathBuf, Option<FileType>)> = entries.collect();
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        let own = std::fs::canonicalize(folder).ok();
        for (path, kind) in entries {
            let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
            if hidden {
                continue;
            }
            // A link to a folder above would be followed for ever.
            let link = kind.map_or_else(|| path.is_symlink(), |kind| kind.is_symlink());
            let is_folder = kind.filter(|_| !link).map_or_else(|| path.is_dir(), |kind| kind.is_dir());
            match is_folder {
                true if !link => self.folder(&path),
                true => self.found.all.passed_over.push(format!("{} (a link to a folder)", path.display())),
                false => {
                    let own = own.as_ref().filter(|_| !link).zip(path.file_name()).map(|(own, name)| own.join(name));
                    self.file(&path, own, false);
                }
            }
        }
    }

    /// Whether a file was not looked at yet.
    fn first(&mut self, path: &Path) -> bool {
        let own = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        self.seen.insert(own)
    }

    /// One file, and its canonical path, where that is known. One that was named has to be a detection; others in a
    /// folder may be anything.
    fn file(&mut self, path: &Path, own: Option<PathBuf>, named: bool) {
        let name = path.display().to_string();
        if named && path.file_name().is_some_and(|n| n == MANIFEST) {
            return self.folder(path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")));
        }
        let Some(dialect) = Dialect::of_file(&name) else {
            if named {
                let why = "neither a query (.kql, .sumo), nor a rule or pack (.yml, .yaml)";
                self.fault(Fault::unreadable(&name, why));
            }
            return;
        };
        let first = match own {
            Some(own) => self.seen.insert(own),
            None => self.first(path),
        };
        if !first {
            return;
        }
        let text = match std::fs::read(path).map(String::from_utf8) {
            Ok(Ok(text)) => text,
            Ok(Err(_)) => return self.fault(Fault::unreadable(&name, "is not UTF-8 text")),
            Err(e) => return self.fault(Fault::unreadable(&name, format!("can't be read: {e}"))),
        };
        match dialect {
            Dialect::Sigma => self.yaml(name, text, named),
            dialect => {
                let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
                let mut about = About::new(stem, Kind::Query, dialect, name, text);
                self.found.all.remarks.extend(header::read(&mut about));
                self.rule(Rule { about: Arc::new(about), body: Body::Query });
            }
        }
    }

    /// A YAML file, by what it holds.
    fn yaml(&mut self, name: String, text: String, named: bool) {
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        match shape(&text) {
            Shape::Sigma => {
                self.sigma(About::new(String::new(), Kind::Sigma, Dialect::Sigma, name, text));
            }
            Shape::Sentinel => match sentinel::read(&name, &text) {
                Ok((rule, remarks)) => {
                    self.rule(rule);
                    self.found.all.remarks.extend(remarks);
                }
                Err(fault) => self.fault(fault),
            },
            Shape::Other if named => {
                let why = "neither a Sigma rule (`detection`, `correlation`, `filter`) nor an analytics rule (`query`)";
                self.fault(Fault::new(&name, &text, Diagnostic::error("DETECT0002", Span::at(0), why)));
            }
            Shape::Other => self.found.all.passed_over.push(name),
        }
    }
}

enum Shape {
    Sigma,
    Sentinel,
    Other,
}

/// What a YAML file is, by its keys at the beginning of lines. A file that is no YAML at all is what it tried to be.
fn shape(text: &str) -> Shape {
    // What stands further in is no key of the whole.
    let keys: Vec<&str> = text.lines().filter(|l| l.starts_with(|c: char| c.is_ascii_lowercase())).collect();
    let has =
        |key: &str| keys.iter().any(|l| l.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':')));
    if has("query") && (has("name") || has("kind") || has("queryFrequency")) && !has("detection") {
        return Shape::Sentinel;
    }
    let rule = has("detection") && (has("logsource") || has("title"));
    if rule || has("correlation") || (has("filter") && has("title")) { Shape::Sigma } else { Shape::Other }
}

/// Placeholders in YAML: a list, or a single value, under each name.
///
/// # Errors
/// It is something else: a sentence.
pub fn placeholders(text: &str) -> Result<Placeholders, String> {
    let all: BTreeMap<String, serde_json::Value> =
        serde_saphyr::from_str(text).map_err(|e| e.without_snippet().to_string())?;
    let one = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(n) => Some(n.to_string()),
        serde_json::Value::Bool(b) => Some(b.to_string()),
        _ => None,
    };
    let each = all.into_iter().map(|(name, value)| {
        let values = match &value {
            serde_json::Value::Array(all) => all.iter().map(one).collect::<Option<Vec<_>>>(),
            value => one(value).map(|v| vec![v]),
        };
        // Names are written as rules have them, too.
        let name = name.trim_matches('%').to_owned();
        values.map(|v| (name.clone(), v)).ok_or(format!("`{name}` is not a list of values"))
    });
    each.collect()
}
