//! What queries take from outside, as the configuration gives it: files, lists, stored functions.

mod feed;
mod files;
mod functions;
mod networks;
mod records;
mod saved;
mod schemas;

use crate::config::Config;
use crate::scan::{TelemetryTable, Window};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;
use feed::{FileFeed, schema};
use files::Files;
use functions::Functions;
use parallax_catalog::external::{
    Externals, ExtractionRule, Field, FileFormat, Layout, List, Listed, Macro, Networks, Step, StoredFunction,
    Unreached,
};
use parallax_catalog::{Column, ColumnType, Output, Save, Table};
use parallax_diagnostics::{Diagnostic, Diagnostics};
use parallax_sumo::plan::codes;
use parallax_telemetry::{Input, Report};
use saved::Saved;
pub use saved::Saving;
use schemas::Schemas;
use std::collections::HashMap;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What the configuration gives, with what has been read of it. Shared by all queries of a session.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) config: Config,
    files: Files,
    functions: Functions,
    schemas: Schemas,
    networks: OnceLock<Result<Arc<Networks>, Unreached>>,
    /// The files of Sumo's lookup tables, and what has been read of those over networks.
    lookups: Files,
    lookup_networks: Mutex<HashMap<PathBuf, Option<Arc<Networks>>>>,
    /// The tables that queries save.
    saved: Option<Saved>,
    user_agents: OnceLock<Result<Arc<str>, Unreached>>,
}

impl Given {
    pub(crate) fn new(config: Config) -> Self {
        Given {
            files: Files::new(&config.kql.externaldata),
            functions: Functions::new(config.kql.functions.clone()),
            schemas: Schemas::new(config.kql.schemas.clone()),
            lookups: Files::places(&config.sumo.lookups),
            saved: config.sumo.save.clone().map(Saved::new),
            config,
            networks: OnceLock::new(),
            lookup_networks: Mutex::default(),
            user_agents: OnceLock::new(),
        }
    }

    /// The file of a lookup table: the one that the configuration gives, else the one that a query saved.
    fn lookup_file(&self, place: &str) -> Result<Option<PathBuf>, Unreached> {
        match (self.lookups.given(place), &self.saved) {
            (Some(file), _) => Ok(Some(file)),
            (None, Some(saved)) => saved.find(place).map_err(Unreached::Failed),
            (None, None) => Ok(None),
        }
    }

    /// Begins to write a table whose rows have those columns.
    ///
    /// # Errors
    /// Why it can't be written.
    pub(crate) fn save(self: &Arc<Self>, save: &Save, columns: &[Output]) -> Result<Saving, Diagnostics> {
        if let Some(why) = &save.refused {
            return Err(why.clone().into());
        }
        let refused = |why: String| {
            let message = format!("the table `{}` can't be saved: {why}", save.place);
            Diagnostic::error(codes::SAVE, save.span, message)
        };
        let Some(saved) = &self.saved else { return Err(refused("there is no folder for it".to_owned()).into()) };
        if let Some(file) = self.lookups.given(&save.place) {
            let why = format!("the configuration gives the file {} for it", file.display());
            return Err(refused(why).help("take the place out of `[sumo.lookups]`, or save to another one").into());
        }
        let mut saving = saved.begin(save, columns).map_err(|why| Diagnostics::from(refused(why)))?;
        saving.known = Some(Arc::clone(self));
        Ok(saving)
    }

    /// Forgets what was read of a table that has been written.
    fn forget(&self, file: &Path) {
        self.lookup_networks.lock().unwrap_or_else(PoisonError::into_inner).remove(file);
    }
}

/// The same as one query asks for it.
#[derive(Debug)]
pub(crate) struct Outward {
    pub(crate) given: Arc<Given>,
    /// Where is said what could not be read.
    pub(crate) report: Arc<Report>,
}

impl Outward {
    fn table(&self, name: String, input: Input, layout: Layout, columns: Vec<Column>) -> Table {
        let shown = input.name();
        let feed = FileFeed { name: shown, input, layout, columns: columns.clone() };
        let provider = TelemetryTable {
            name: name.clone(),
            schema: schema(&columns),
            feeds: vec![Arc::new(feed)],
            // A reference list has no part in the event time that a user asks for.
            window: Window::default(),
            as_of: None,
            report: self.report.clone(),
            outside: Arc::default(),
            offered: Arc::default(),
            open: false,
            in_order: Arc::default(),
            whole: Arc::default(),
        };
        let source = provider_as_source(Arc::new(provider));
        Table { name, columns, source, provenance: false, fed: true, nulls: Vec::new() }
    }

    /// A list's file: all its columns, under their own names.
    fn listed(&self, name: String, path: &Path, declared: &[Column]) -> Result<Table, Unreached> {
        let input = open(path)?;
        let format = format(path);
        let json = !matches!(format, FileFormat::Delimited(_));
        let mut names = records::names(&input, format).map_err(|e| failed(path, &e))?;
        if json {
            // What is declared may come later in the file than anybody looked.
            let more = declared.iter().map(|c| c.name.clone()).filter(|n| !names.contains(n)).collect::<Vec<_>>();
            names.extend(more);
        }
        let (mut fields, mut columns) = (Vec::new(), Vec::<Column>::new());
        for (at, name) in names.into_iter().enumerate() {
            // Of two columns with one name the first is meant; one without a name can't be meant.
            if name.is_empty() || columns.iter().any(|c| c.name == name) {
                continue;
            }
            fields.push(if json { Field::Path(vec![Step::Member(name.clone())]) } else { Field::At(at) });
            columns.push(Column { name, ty: if json { ColumnType::Dynamic } else { ColumnType::String } });
        }
        let layout = Layout { format, skip_first: !json, fields };
        Ok(self.table(name, input, layout, columns))
    }
}

impl Externals for Outward {
    fn data(&self, place: &str, layout: &Layout) -> Result<Table, Unreached> {
        let input = open(&self.given.files.find(place)?)?;
        let json = matches!(layout.format, FileFormat::Json | FileFormat::JsonLines);
        let ty = if json { ColumnType::Dynamic } else { ColumnType::String };
        let columns = (0..layout.fields.len()).map(|i| Column { name: format!("f{i}"), ty }).collect();
        Ok(self.table(place.to_owned(), input, layout.clone(), columns))
    }

    fn list(&self, list: List<'_>) -> Result<Option<Listed>, Unreached> {
        let kql = &self.given.config.kql;
        match list {
            List::Watchlist(alias) => {
                let Some(given) = kql.watchlists.get(alias) else { return Ok(None) };
                let table = self.listed(alias.to_owned(), &given.file, &[])?;
                Ok(Some(Listed { table, declared: Vec::new(), key: given.search_key.clone() }))
            }
            List::FileProfiles => {
                let Some(file) = &kql.file_profiles else { return Ok(None) };
                let table = self.listed("file profiles".to_owned(), file, &[])?;
                Ok(Some(Listed { table, declared: Vec::new(), key: None }))
            }
            List::Lookup(place) => {
                let Some(file) = self.given.lookup_file(place)? else { return Ok(None) };
                let table = self.listed(place.to_owned(), &file, &[])?;
                Ok(Some(Listed { table, declared: Vec::new(), key: None }))
            }
            List::Table(name) => {
                let Some(given) = kql.tables.get(name) else {
                    let declared = self.given.schemas.find(name, &self.report)?;
                    return Ok(declared.map(|d| Listed { table: without_rows(name), declared: d, key: None }));
                };
                let declared = given.columns.clone();
                let table = match &given.file {
                    Some(file) => self.listed(name.to_owned(), file, &declared)?,
                    None => without_rows(name),
                };
                Ok(Some(Listed { table, declared, key: None }))
            }
        }
    }

    fn tables(&self) -> Vec<String> {
        self.given.config.kql.tables.keys().cloned().collect()
    }

    fn has_table(&self, name: &str) -> bool {
        self.given.config.kql.tables.contains_key(name) || self.given.schemas.has(name, &self.report)
    }

    fn watchlists(&self) -> Vec<String> {
        self.given.config.kql.watchlists.keys().cloned().collect()
    }

    fn networks(&self) -> Result<Option<Arc<Networks>>, Unreached> {
        let Some(file) = &self.given.config.kql.networks else { return Ok(None) };
        let read = || networks::read(&open(file)?, format(file), &self.report).map_err(|e| failed(file, &e));
        self.given.networks.get_or_init(|| read().map(Arc::new)).clone().map(Some)
    }

    fn lookup_networks(&self, place: &str) -> Result<Option<Arc<Networks>>, Unreached> {
        let Some(file) = self.given.lookup_file(place)? else { return Ok(None) };
        let mut known = self.given.lookup_networks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(networks) = known.get(&file) {
            return Ok(networks.clone());
        }
        let read = networks::read_all(&open(&file)?, format(&file), &self.report).map_err(|e| failed(&file, &e))?;
        let read = read.map(Arc::new);
        known.insert(file, read.clone());
        Ok(read)
    }

    fn saves(&self) -> bool {
        self.given.saved.is_some()
    }

    fn macro_text(&self, name: &str) -> Option<Macro> {
        self.given.config.sumo.macros.get(name).cloned()
    }

    fn extraction_rules(&self) -> Vec<ExtractionRule> {
        self.given.config.sumo.extraction_rules.clone()
    }

    fn placeholder(&self, name: &str, now: i64) -> Option<Vec<String>> {
        self.given.config.placeholder(name, now)
    }

    fn user_agents(&self) -> Result<Option<Arc<str>>, Unreached> {
        let Some(file) = &self.given.config.kql.user_agents else { return Ok(None) };
        let read = || {
            let mut text = String::new();
            let mut reader = open(file)?.open().map_err(|e| failed(file, &e))?;
            reader.read_to_string(&mut text).map_err(|e| failed(file, &e))?;
            Ok(Arc::from(text))
        };
        self.given.user_agents.get_or_init(read).clone().map(Some)
    }

    fn function(&self, name: &str) -> Option<StoredFunction> {
        self.given.functions.find(name, &self.report)
    }

    fn functions(&self) -> Vec<String> {
        self.given.functions.names(&self.report)
    }
}

/// A table of which only the columns are given.
fn without_rows(name: &str) -> Table {
    Table {
        name: name.to_owned(),
        columns: Vec::new(),
        source: provider_as_source(Arc::new(EmptyTable::new(schema(&[])))),
        provenance: false,
        fed: false,
        nulls: Vec::new(),
    }
}

fn open(path: &Path) -> Result<Input, Unreached> {
    let refused = |why: &str| Err(Unreached::Failed(format!("{}: {why}", path.display())));
    if path.is_dir() {
        return refused("this is a folder");
    }
    let input = Input::sniff(path).map_err(|e| failed(path, &e))?;
    let mut reader = input.open().map_err(|e| failed(path, &e))?;
    // What would otherwise be read as lines of rubbish.
    match reader.fill_buf().map_err(|e| failed(path, &e))? {
        [b'P', b'K', 3, 4, ..] => refused("a zip archive is not unpacked; unpack it, or pack it with gzip"),
        [b'P', b'A', b'R', b'1', ..] => refused("Parquet is not read here; give the file as an input"),
        _ => Ok(input),
    }
}

fn failed(path: &Path, e: &std::io::Error) -> Unreached {
    let reason = match e.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => e.to_string(),
    };
    Unreached::Failed(format!("{}: {reason}", path.display()))
}

/// How a list's file is read, by its ending: CSV unless it says something else.
fn format(path: &Path) -> FileFormat {
    let name = path.file_name().map(|n| n.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("tsv") => FileFormat::Delimited(b'\t'),
        Some("json" | "jsonl" | "ndjson" | "multijson") => FileFormat::Json,
        _ => FileFormat::Delimited(b','),
    }
}
