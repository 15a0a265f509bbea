//! The program's configuration: a TOML file, `parallax.toml`.
//!
//! It gives queries what is neither in their text nor in the inputs. Everything in it is read strictly: a key that is
//! not known is an error with its place, because a misspelt one would change results in silence.

mod read;
mod reader;
mod rules;

use parallax_catalog::Column;
pub use parallax_catalog::external::lookup_place;
use parallax_catalog::external::{ExtractionRule, Macro};
use parallax_diagnostics::{Diagnostics, Style};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The name under which the file is looked for in the working directory.
pub const FILE_NAME: &str = "parallax.toml";

/// What the file says. Paths are resolved against its folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// `[kql]`
    pub kql: Kql,
    /// `[sumo]`
    pub sumo: Sumo,
    /// `[sigma]`
    pub sigma: Sigma,
    /// `[lists]`: files that take the place of a pack's lists, by their ids.
    pub lists: BTreeMap<String, PathBuf>,
}

/// What Sigma rules take from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sigma {
    /// `[sigma.placeholders]`: the values of each name.
    pub placeholders: BTreeMap<String, Vec<Placeholder>>,
}

/// A value that a placeholder of Sigma stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholder {
    /// The value; `*` and `?` in it are wildcards.
    pub value: String,
    /// The time from which on it counts no more, in nanoseconds since the Unix epoch.
    pub until: Option<i64>,
}

/// What Sumo Logic searches take from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sumo {
    /// `[sumo.lookups]`: files for the places of lookup tables, as queries write them. `*`, once, stands for any text; in
    /// the file's path it is what it stood for in the place.
    pub lookups: BTreeMap<String, PathBuf>,
    /// `[sumo.save]`, or `save = "folder"`: where `save` writes tables. Without it nothing is written.
    pub save: Option<SavedTables>,
    /// `[sumo.macros]`: by name.
    pub macros: BTreeMap<String, Macro>,
    /// `[[sumo.field-extraction]]`: those that are enabled, in the order in which they count.
    pub extraction_rules: Vec<ExtractionRule>,
}

/// Where `save` writes tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedTables {
    /// The folder that holds them.
    pub folder: PathBuf,
    /// By the places of tables, the columns that tell their rows apart.
    pub keys: BTreeMap<String, Vec<String>>,
}

/// What KQL takes from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kql {
    /// `[kql.externaldata]`
    pub externaldata: ExternalData,
    /// `[kql.watchlists]`: by alias.
    pub watchlists: BTreeMap<String, Watchlist>,
    /// `[kql.file_profiles]`
    pub file_profiles: Option<PathBuf>,
    /// `[kql.geo]`
    pub networks: Option<PathBuf>,
    /// `[kql.user_agents]`
    pub user_agents: Option<PathBuf>,
    /// `[kql.functions]`: folders, in the order in which they are searched.
    pub functions: Vec<PathBuf>,
    /// `[kql.schemas]`: folders, in the order in which they are searched.
    pub schemas: Vec<PathBuf>,
    /// `[kql.tables]`: by name.
    pub tables: BTreeMap<String, NamedTable>,
}

/// Where `externaldata` finds files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExternalData {
    /// The folder that holds the files that queries name by a path; the working directory where it is not given.
    pub folder: Option<PathBuf>,
    /// Files for addresses. `*`, once, stands for any text; in the file's path it is what it stood for in the address.
    pub addresses: BTreeMap<String, PathBuf>,
}

/// A watchlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watchlist {
    /// CSV with a header, or JSON.
    pub file: PathBuf,
    /// The column that is its `SearchKey`.
    pub search_key: Option<String>,
}

/// A table that queries may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedTable {
    /// CSV with a header, or JSON; without it the table has no rows.
    pub file: Option<PathBuf>,
    /// Its columns; empty where the file says them.
    pub columns: Vec<Column>,
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It can't be read.
    #[error("{}: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// It says what it can't say.
    #[error("{diagnostics}")]
    Wrong {
        /// The file.
        file: PathBuf,
        /// What stands in it.
        text: String,
        /// What is wrong with that.
        diagnostics: Diagnostics,
    },
}

impl ConfigError {
    /// As a person reads it.
    pub fn render(&self, style: Style) -> String {
        match self {
            ConfigError::Unreadable { .. } => format!("error: {self}"),
            ConfigError::Wrong { file, text, diagnostics } => {
                diagnostics.render(text, &file.display().to_string(), style)
            }
        }
    }
}

impl Config {
    /// The configuration in a file.
    ///
    /// # Errors
    /// It can't be read, or is wrong.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let unreadable = |reason| ConfigError::Unreadable { file: file.to_owned(), reason };
        let text = std::fs::read_to_string(file).map_err(unreadable)?;
        let folder = file.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder).map_err(|diagnostics| ConfigError::Wrong {
            file: file.to_owned(),
            text,
            diagnostics,
        })
    }

    /// The values of a placeholder of Sigma at a time, in nanoseconds since the Unix epoch; none where nobody gives it.
    pub fn placeholder(&self, name: &str, now: i64) -> Option<Vec<String>> {
        let values = self.sigma.placeholders.get(name)?;
        Some(values.iter().filter(|v| v.until.is_none_or(|t| now < t)).map(|v| v.value.clone()).collect())
    }

    /// The configuration in a text; paths in it lie in `folder`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, Diagnostics> {
        read::config(text, folder)
    }
}
