//! A table's or a message's shape: which of a source's fields feeds each column.
//!
//! What feeds what is data, in `src/mappings/*.toml`; the expressions there are explained in [`expr`].

pub mod expr;
mod generic;
mod late;
mod logs;
mod mapping;
mod messages;
mod needed;
mod origins;
mod partition;
mod records;
mod registry;

pub use logs::logs;
pub(crate) use logs::sigma_name;
pub use mapping::fingerprint;
pub(crate) use mapping::{FamilyData, family_named};
pub use messages::messages;
pub use needed::LooksFor;
pub use records::{record_attribute, record_attributes, records};

use crate::event::{Family, Kind};
use crate::needles::Clause;
use crate::report::Report;
use crate::scan::Prepared;
use crate::source::{Format, Settings, Source};
use crate::types::ColumnType;
use arrow::datatypes::{Field, Schema, SchemaRef};
use expr::Expr;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// A column of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: ColumnType,
}

/// The hidden columns that every view has, beside its own: where a row comes from and what it is about.
pub const HIDDEN: [(&str, ColumnType); 10] = [
    ("$source", ColumnType::String),
    ("$record", ColumnType::Long),
    ("$time", ColumnType::DateTime),
    ("$host", ColumnType::String),
    ("$user", ColumnType::String),
    ("$process_id", ColumnType::Long),
    ("$image", ColumnType::String),
    ("$command_line", ColumnType::String),
    ("$parent_image", ColumnType::String),
    ("$parent_command_line", ColumnType::String),
];

/// How events of one family become rows.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(crate) family: Family,
    /// The kinds of the family that feed the view; empty means all.
    pub(crate) codes: Vec<u32>,
    /// For each column, where it comes from.
    pub(crate) columns: Vec<Option<Expr>>,
    /// What must not be missing for an event to be a row.
    pub(crate) require: Option<Expr>,
    /// Whether texts that mean that there is nothing are kept as they are.
    pub(crate) verbatim: bool,
    /// Whether empty text is a value, and audit records come decoded: as rules of Sigma mean them.
    pub(crate) logs: bool,
}

impl Feed {
    /// Whether it takes events of `kind`.
    pub(crate) fn takes(&self, kind: &Kind) -> bool {
        self.family == kind.family && (self.codes.is_empty() || self.codes.contains(&kind.code))
    }

    /// What it asks a reader for.
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        match self.codes.as_slice() {
            [] => vec![Kind::new(self.family, Kind::ANY)],
            codes => codes.iter().map(|c| Kind::new(self.family, *c)).collect(),
        }
    }
}

/// A table over telemetry. Cheap to clone.
#[derive(Clone, Debug)]
pub struct View {
    inner: Arc<Inner>,
}

/// How sources are read.
#[derive(Debug)]
struct Remembered {
    format: Format,
    settings: Settings,
    columns: Vec<String>,
    clauses: Vec<Clause>,
    prepared: Arc<Prepared>,
}

/// How many ways of reading are remembered: some queries may run side by side.
const REMEMBERED: usize = 8;

#[derive(Debug)]
struct Inner {
    name: String,
    columns: Vec<Column>,
    feeds: Vec<Feed>,
    nullable_strings: bool,
    /// The one source that the view is of, for tables of a source's own.
    only: Option<String>,
    /// How sources were read lately: thousands of small files come one after the other.
    prepared: Mutex<Vec<Remembered>>,
}

impl View {
    fn new(name: &str, columns: Vec<Column>, feeds: Vec<Feed>, nullable_strings: bool) -> Self {
        let inner =
            Inner { name: name.to_owned(), columns, feeds, nullable_strings, only: None, prepared: Mutex::default() };
        View { inner: Arc::new(inner) }
    }

    /// The view of those families alone for which `codes` says something; of each the events of these codes, all where
    /// there are none.
    pub(crate) fn narrowed(&self, codes: impl Fn(Family) -> Option<Vec<u32>>) -> View {
        let narrow = |feed: &Feed| {
            let codes = codes(feed.family)?;
            let both = match (feed.codes.as_slice(), codes.as_slice()) {
                (own, []) => own.to_vec(),
                ([], codes) => codes.to_vec(),
                (own, codes) => own.iter().filter(|c| codes.contains(c)).copied().collect(),
            };
            // None of its events is wanted.
            if both.is_empty() && !(feed.codes.is_empty() && codes.is_empty()) {
                return None;
            }
            Some(Feed { codes: both, ..feed.clone() })
        };
        let Inner { name, columns, feeds, nullable_strings, only, .. } = &*self.inner;
        let feeds = feeds.iter().filter_map(narrow).collect();
        let (name, columns, only) = (name.clone(), columns.clone(), only.clone());
        let (nullable_strings, prepared) = (*nullable_strings, Mutex::default());
        View { inner: Arc::new(Inner { name, columns, feeds, nullable_strings, only, prepared }) }
    }

    /// The typed table of that name, matched exactly.
    pub fn named(name: &str) -> Option<View> {
        mapping::table(name)
    }

    /// The names of the typed tables.
    pub fn names() -> &'static [&'static str] {
        &mapping::NAMES
    }

    /// The table that a source of a generic format is by itself, its schema inferred from the beginning. `None` for
    /// Parquet, whose schema the file declares, and for formats that feed only the typed tables.
    pub fn of(source: &Source, report: &Report) -> io::Result<Option<View>> {
        if matches!(source.format, Format::JsonLines | Format::Json | Format::Csv) {
            return generic::infer(source, report).map(Some);
        }
        Ok(None)
    }

    /// The view's name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The visible columns, in declared order.
    pub fn columns(&self) -> &[Column] {
        &self.inner.columns
    }

    /// Whether missing text is null (messages, tables of their own) and not `""` (typed tables).
    pub fn nullable_strings(&self) -> bool {
        self.inner.nullable_strings
    }

    /// Whether a source can hold rows of this view, by its format.
    ///
    /// Says yes where it may: a JSON-lines file can hold any product's rows further on. See [`View::seen_in`].
    pub fn fed_by(&self, source: &Source) -> bool {
        if let Some(only) = &self.inner.only {
            return *only == source.name;
        }
        self.inner.feeds.iter().any(|f| source.format.families().contains(&f.family))
    }

    /// Whether the beginning of a source shows events of a family that feeds this view. For formats whose family is
    /// decided by the format alone this is [`View::fed_by`].
    pub fn seen_in(&self, source: &Source) -> bool {
        self.fed_by(source)
            && (source.seen.is_empty() || self.inner.feeds.iter().any(|f| source.seen.contains(&f.family)))
    }

    /// A column's type, hidden ones included.
    pub fn column_type(&self, name: &str) -> Option<ColumnType> {
        let visible = self.inner.columns.iter().find(|c| c.name == name).map(|c| c.ty);
        visible.or_else(|| HIDDEN.iter().find(|(n, _)| *n == name).map(|(_, ty)| *ty))
    }

    /// The Arrow schema of some columns, as a scan delivers them. Unknown names are left out.
    pub fn schema_of(&self, columns: &[String]) -> SchemaRef {
        let field = |name: &String| Some(Field::new(name, self.column_type(name)?.arrow(), true));
        Arc::new(Schema::new(columns.iter().filter_map(field).collect::<Vec<_>>()))
    }

    /// The Arrow schema of the visible columns followed by the hidden ones.
    pub fn schema(&self) -> SchemaRef {
        let visible = self.inner.columns.iter().map(|c| c.name.clone());
        let names: Vec<String> = visible.chain(HIDDEN.iter().map(|(n, _)| (*n).to_owned())).collect();
        self.schema_of(&names)
    }

    /// The names of the columns, where they were inferred and there may be more.
    pub(crate) fn inferred(&self) -> Vec<String> {
        let only = self.inner.only.is_some();
        self.inner.columns.iter().filter(|_| only).map(|c| c.name.clone()).collect()
    }

    pub(crate) fn family_data(&self, feed: &Feed) -> &'static FamilyData {
        mapping::family(feed.family)
    }

    /// Whether it is [`logs`]: of many columns few are looked at, and audit records come after their events, decoded.
    pub(crate) fn is_logs(&self) -> bool {
        self.inner.feeds.iter().any(|f| f.logs)
    }

    /// What is remembered of a source like this one for these columns and clauses; else what `prepare` gives, from now on.
    pub(crate) fn remembered(
        &self,
        source: &Source,
        columns: &[String],
        clauses: &[Clause],
        prepare: impl FnOnce() -> Prepared,
    ) -> Arc<Prepared> {
        let Source { format, settings, .. } = source;
        let mut all = self.inner.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |r: &&Remembered| {
            r.format == *format && r.columns == columns && r.clauses == clauses && r.settings == *settings
        };
        if let Some(known) = all.iter().find(same) {
            return known.prepared.clone();
        }
        let prepared = Arc::new(prepare());
        if all.len() == REMEMBERED {
            all.remove(0);
        }
        let (format, settings) = (*format, settings.clone());
        let (columns, clauses) = (columns.to_vec(), clauses.to_vec());
        all.push(Remembered { format, settings, columns, clauses, prepared: prepared.clone() });
        prepared
    }

    /// Where the columns stand among the visible ones; nowhere for hidden ones.
    pub(crate) fn places(&self, columns: &[String]) -> Vec<Option<usize>> {
        let places = self.inner.columns.iter().enumerate().rev().map(|(place, c)| (c.name.as_str(), place));
        let places: HashMap<&str, usize> = places.collect();
        columns.iter().map(|name| places.get(name.as_str()).copied()).collect()
    }

    pub(crate) fn feeds(&self) -> &[Feed] {
        &self.inner.feeds
    }

    /// Where a column of a feed comes from, hidden ones included.
    pub(crate) fn source_of(&self, feed: &Feed, column: &str) -> Option<Expr> {
        if let Some(place) = self.inner.columns.iter().position(|c| c.name == column) {
            return feed.columns.get(place).cloned().flatten();
        }
        mapping::family(feed.family).hidden.get(column).cloned()
    }
}
