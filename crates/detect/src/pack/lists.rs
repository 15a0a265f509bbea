//! Lists: read and checked with the pack, and bound for the queries of every dialect.

use super::load::Check;
use super::manifest as raw;
use super::place::span;
use super::{Case, List, Pack, Placeholders};
use parallax_diagnostics::Diagnostic;
use parallax_engine::Config;
use parallax_engine::config::{Placeholder, Watchlist};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Why the lists of packs can't be bound.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// A file that takes the place of a list can't be used.
    #[error("{file}: {why}", file = .0.display(), why = .1)]
    Wrong(PathBuf, String),
    /// Two packs say different things by one name.
    #[error("two packs have a {0} `{1}`")]
    Twice(&'static str, String),
    /// The lists of a built-in pack can't be written to a folder of this run.
    #[error("lists can't be unpacked: {0}")]
    Unpacked(io::Error),
}

/// The configuration with the lists of the packs, where it does not give its own under their names. A list of which the
/// configuration (`[lists]`) names another file is that file. `case` may replace lists too; `scratch` is a folder for
/// what is built into the program.
pub fn bind(packs: &[&Pack], case: Option<&Case>, config: &Config, scratch: &Path) -> Result<Config, ListError> {
    let mut bound = config.clone();
    let (mut mine, mut tested) = (Config::default(), Config::default());
    for pack in packs {
        for list in &pack.lists {
            let replaced = case.and_then(|c| c.lists.get(&list.id));
            let file = match (replaced, config.lists.get(&list.id)) {
                (Some(path), _) => pack.files.on_disk(path, scratch).map_err(ListError::Unpacked)?,
                (None, Some(file)) => file.clone(),
                (None, None) => pack.files.on_disk(&list.path, scratch).map_err(ListError::Unpacked)?,
            };
            one(list, &file, if replaced.is_some() { &mut tested } else { &mut mine })?;
        }
    }
    for (alias, watchlist) in mine.kql.watchlists {
        bound.kql.watchlists.entry(alias).or_insert(watchlist);
    }
    for (place, file) in mine.sumo.lookups {
        bound.sumo.lookups.entry(place).or_insert(file);
    }
    for (name, values) in mine.sigma.placeholders {
        bound.sigma.placeholders.entry(name).or_insert(values);
    }
    // A test says what it tests, whatever the place is where it runs.
    bound.kql.watchlists.extend(tested.kql.watchlists);
    bound.sumo.lookups.extend(tested.sumo.lookups);
    bound.sigma.placeholders.extend(tested.sigma.placeholders);
    Ok(bound)
}

/// Lists that the configuration replaces and that no pack has, as sentences.
pub fn unknown(packs: &[&Pack], config: &Config) -> Vec<(String, String)> {
    let known: Vec<&str> = packs.iter().flat_map(|p| &p.lists).map(|l| l.id.as_str()).collect();
    let missing = config.lists.keys().filter(|id| !known.contains(&id.as_str()));
    let say = |id: &String| {
        let near = parallax_diagnostics::did_you_mean(id, known.iter().copied());
        let near = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
        (id.clone(), format!("no pack of this run has a list `{id}`{near}"))
    };
    missing.map(say).collect()
}

fn one(list: &List, file: &Path, config: &mut Config) -> Result<(), ListError> {
    let wrong = |why: String| ListError::Wrong(file.to_owned(), why);
    let bytes = std::fs::read(file).map_err(|e| wrong(e.to_string()))?;
    let table = Table::read(&bytes).map_err(wrong)?;
    if let Some(column) = list.columns.iter().find(|c| !table.header.contains(c)) {
        return Err(wrong(format!("it has no column `{column}`, which the list `{}` needs", list.id)));
    }
    let watchlist = Watchlist { file: file.to_owned(), search_key: list.search_key.clone() };
    if config.kql.watchlists.insert(list.watchlist.clone(), watchlist).is_some() {
        return Err(ListError::Twice("watchlist", list.watchlist.clone()));
    }
    if config.sumo.lookups.insert(list.lookup.clone(), file.to_owned()).is_some() {
        return Err(ListError::Twice("lookup table", list.lookup.clone()));
    }
    let Some(placeholders) = &list.placeholders else { return Ok(()) };
    for (name, values) in table.placeholders(placeholders).map_err(wrong)? {
        if config.sigma.placeholders.insert(name.clone(), values).is_some() {
            return Err(ListError::Twice("placeholder", name));
        }
    }
    Ok(())
}

/// A list's file.
struct Table {
    header: Vec<String>,
    rows: Vec<csv::StringRecord>,
}

impl Table {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
        let not = |e: &csv::Error| format!("this is not CSV{}", reason(e));
        let header = reader.headers().map_err(|e| not(&e))?;
        let header = header.iter().map(|h| h.trim_start_matches('\u{feff}').to_owned()).collect();
        let rows = reader.records().collect::<Result<_, _>>().map_err(|e| not(&e))?;
        Ok(Table { header, rows })
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|h| h == name)
    }

    /// The values of each placeholder.
    fn placeholders(&self, p: &Placeholders) -> Result<BTreeMap<String, Vec<Placeholder>>, String> {
        let mut all: BTreeMap<String, Vec<Placeholder>> = p.names.iter().map(|n| (n.clone(), Vec::new())).collect();
        let at = |name: &str| self.column(name).ok_or_else(|| format!("it has no column `{name}`"));
        let value = at(&p.value)?;
        let name = p.name.as_deref().map(at).transpose()?;
        let expires = p.expires.as_deref().map(at).transpose()?;
        for row in &self.rows {
            let line = row.position().map_or(0, csv::Position::line);
            let of = match name {
                Some(at) => row.get(at).unwrap_or_default(),
                None => p.names.first().map_or("", String::as_str),
            };
            let Some(values) = all.get_mut(of) else {
                let near = parallax_diagnostics::did_you_mean(of, p.names.iter().map(String::as_str));
                let near = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
                return Err(format!("line {line}: `{of}` is not one of {}{near}", p.names.join(", ")));
            };
            let until = match expires.and_then(|at| row.get(at)).map(str::trim).filter(|t| !t.is_empty()) {
                None => None,
                Some(text) => Some(time(text).ok_or_else(|| format!("line {line}: `{text}` is not a date"))?),
            };
            values.push(Placeholder { value: row.get(value).unwrap_or_default().to_owned(), until });
        }
        Ok(all)
    }
}

/// A date or a time, in nanoseconds since the Unix epoch; a date is its midnight in UTC, as `todatetime` reads it.
fn time(text: &str) -> Option<i64> {
    let time = match text.parse::<jiff::Timestamp>() {
        Ok(time) => time,
        Err(_) => text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp(),
    };
    i64::try_from(time.as_nanosecond()).ok()
}

impl Check<'_> {
    pub(super) fn lists(&mut self, all: Option<Spanned<Vec<raw::List>>>) -> Vec<List> {
        let Some(all) = all else { return Vec::new() };
        self.since_2(Some(span(&all)), "lists");
        self.unique("list", all.value.iter().map(|l| &l.id));
        all.value.into_iter().map(|l| self.list(l)).collect()
    }

    fn list(&mut self, l: raw::List) -> List {
        self.id(&l.id);
        let mut wanted: Vec<Spanned<String>> = l.columns;
        wanted.extend(l.search_key.clone());
        let placeholders = l.placeholders.map(|p| {
            if p.names.value.is_empty() || (p.name.is_none() && p.names.value.len() > 1) {
                let message = "without a column `name` there is one name";
                self.refuse("PACK0018", span(&p.names), message);
            }
            wanted.extend([Some(p.value.clone()), p.name.clone(), p.expires.clone()].into_iter().flatten());
            Placeholders {
                names: p.names.value.into_iter().map(|n| n.value).collect(),
                name: p.name.map(|n| n.value),
                value: p.value.value,
                expires: p.expires.map(|e| e.value),
            }
        });
        let table = self.table(&l.file, &wanted);
        if let (Some(table), Some(placeholders)) = (&table, &placeholders)
            && wanted.iter().all(|w| table.header.contains(&w.value))
            && let Err(why) = table.placeholders(placeholders)
        {
            self.refuse("PACK0018", span(&l.file), format!("{}: {why}", l.file.value));
        }
        let mut columns: Vec<String> = Vec::new();
        for column in wanted {
            if !columns.contains(&column.value) {
                columns.push(column.value);
            }
        }
        let id = l.id.value;
        let lookup = l.lookup.map_or_else(|| format!("shared/{id}"), |p| p.value);
        List {
            watchlist: l.watchlist.map_or_else(|| id.clone(), |w| w.value),
            search_key: l.search_key.map(|k| k.value),
            lookup: parallax_engine::config::lookup_place(&lookup).to_owned(),
            placeholders,
            rows: table.map_or(0, |t| t.rows.len()),
            id,
            title: l.title,
            purpose: l.purpose,
            path: l.file.value,
            columns,
        }
    }

    /// The file, if it is CSV; rows are as long as the header, and the columns are there.
    fn table(&mut self, file: &Spanned<String>, wanted: &[Spanned<String>]) -> Option<Table> {
        if !self.inside(file) {
            return None;
        }
        let bytes = match self.files.read(&file.value) {
            Ok(bytes) => bytes,
            Err(e) => {
                self.refuse("PACK0005", span(file), format!("the list can't be read: {e}"));
                return None;
            }
        };
        match Table::read(&bytes) {
            Err(why) => {
                self.refuse("PACK0018", span(file), why);
                None
            }
            Ok(table) => {
                for column in wanted.iter().filter(|w| !table.header.contains(&w.value)) {
                    let message = format!("the list has no column `{}`", column.value);
                    let d = Diagnostic::error("PACK0018", span(column), message);
                    self.problems.push(d.suggest(&column.value, table.header.iter().map(String::as_str)));
                }
                Some(table)
            }
        }
    }

    /// The files by which a case replaces lists.
    pub(super) fn replaced(
        &mut self,
        files: Option<&Spanned<BTreeMap<String, Spanned<String>>>>,
        lists: &[List],
    ) -> BTreeMap<String, String> {
        let Some(files) = files else { return BTreeMap::new() };
        self.since_2(Some(span(files)), "lists");
        for (id, file) in &files.value {
            let Some(list) = lists.iter().find(|l| l.id == *id) else {
                let d = Diagnostic::error("PACK0018", span(file), format!("the pack has no list `{id}`"));
                self.problems.push(d.suggest(id, lists.iter().map(|l| l.id.as_str())));
                continue;
            };
            let Some(table) = self.table(file, &[]) else { continue };
            if let Some(column) = list.columns.iter().find(|c| !table.header.contains(c)) {
                self.refuse("PACK0018", span(file), format!("it has no column `{column}`, which the list has"));
            } else if let Some(Err(why)) = list.placeholders.as_ref().map(|p| table.placeholders(p)) {
                self.refuse("PACK0018", span(file), why);
            }
        }
        files.value.iter().map(|(id, file)| (id.clone(), file.value.clone())).collect()
    }
}

fn reason(e: &csv::Error) -> String {
    let line = e.position().map_or_else(String::new, |p| format!(" at line {}", p.line()));
    match e.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{line}: {len} values, where the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => format!("{line}: not UTF-8 text"),
        _ => format!("{line}: {e}"),
    }
}
