//! What a query names that is neither in its text nor in the inputs: files, reference lists, stored functions.
//!
//! A person gives these through the configuration. A language asks for them by the names that the query uses and is
//! never told where they lie; nothing here reaches over a network.

use crate::Table;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// How the bytes of a file become records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// Values between separators, quoted with `"` where need be.
    Delimited(u8),
    /// A record a line, which is its one value; empty lines are no records.
    Lines,
    /// The whole file is one record of one value.
    Raw,
    /// A JSON object a line.
    JsonLines,
    /// JSON objects one after the other, or in arrays, over any number of lines.
    Json,
}

/// A value of a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The one at that place of a line, from 0.
    At(usize),
    /// The one to which these members and elements lead; of no steps, the whole record.
    Path(Vec<Step>),
}

/// A step into a JSON value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The member of that name.
    Member(String),
    /// The element at that place, from 0.
    Element(usize),
}

/// What is wanted of a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    /// How it is read.
    pub format: FileFormat,
    /// Its first record is a header.
    pub skip_first: bool,
    /// The wanted values: the columns of the table, in this order, named `f0`, `f1`, …
    pub fields: Vec<Field>,
}

/// A reference list that the configuration gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum List<'a> {
    /// The watchlist of that alias.
    Watchlist(&'a str),
    /// What is known of files, by their hashes.
    FileProfiles,
    /// The table of that name.
    Table(&'a str),
    /// The lookup table at that place, as [`lookup_place`] writes it.
    Lookup(&'a str),
}

/// The rows of a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Columns have the names that the file gives them. [`crate::ColumnType::String`] is a value as it was written;
    /// [`crate::ColumnType::Dynamic`] is JSON.
    pub table: Table,
    /// Names and types that the configuration declares; empty where it leaves that to the file and the query.
    pub declared: Vec<crate::Column>,
    /// The column that is the key of a watchlist.
    pub key: Option<String>,
}

/// Why something from outside can't be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreached {
    /// A URL that the configuration maps to no file.
    Remote,
    /// A file that is not there, can't be read or must not be read: the sentence says which and why.
    Failed(String),
}

/// The text of a stored function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFunction {
    /// The file, for people.
    pub file: String,
    /// What stands in it.
    pub text: Arc<str>,
}

/// A field extraction rule of Sumo Logic: fields that are taken out of messages before any query sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtractionRule {
    /// Its name.
    pub name: String,
    /// The messages that it is for: what stands before the first pipe of a search.
    pub scope: String,
    /// The operators that take the fields out, with pipes between them.
    pub expression: String,
}

/// Gives what a query asks for from outside. By default there is nothing.
pub trait Externals: Send + Sync {
    /// The records of the file at a place that the query names.
    ///
    /// # Errors
    /// The place is not reached.
    fn data(&self, place: &str, layout: &Layout) -> Result<Table, Unreached> {
        let _ = layout;
        Err(if is_url(place) { Unreached::Remote } else { Unreached::Failed(format!("{place}: no files are given")) })
    }

    /// A reference list; none where the configuration has none of that name.
    ///
    /// # Errors
    /// The list's file can't be read.
    fn list(&self, list: List<'_>) -> Result<Option<Listed>, Unreached> {
        let _ = list;
        Ok(None)
    }

    /// The names of the tables of the configuration that a wildcard stands for.
    fn tables(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether a [`List::Table`] of that name is given, here or by its columns alone.
    fn has_table(&self, name: &str) -> bool {
        self.tables().iter().any(|t| t == name)
    }

    /// The aliases of the watchlists.
    fn watchlists(&self) -> Vec<String> {
        Vec::new()
    }

    /// Where networks are; none where the configuration does not say.
    ///
    /// # Errors
    /// The list's file can't be read.
    fn networks(&self) -> Result<Option<Arc<Networks>>, Unreached> {
        Ok(None)
    }

    /// What a lookup table that has a column `network` says about addresses, all its columns as a JSON object; none
    /// where there is no such table, or it has no such column.
    ///
    /// # Errors
    /// The table's file can't be read.
    fn lookup_networks(&self, place: &str) -> Result<Option<Arc<Networks>>, Unreached> {
        let _ = place;
        Ok(None)
    }

    /// Whether a query may write tables: there is a folder for them.
    fn saves(&self) -> bool {
        false
    }

    /// The text of a macro and the names of its arguments.
    fn macro_text(&self, name: &str) -> Option<Macro> {
        let _ = name;
        None
    }

    /// The values that a placeholder of Sigma stands for at a time, in nanoseconds since the Unix epoch; none where
    /// nobody gives them.
    fn placeholder(&self, name: &str, now: i64) -> Option<Vec<String>> {
        let _ = (name, now);
        None
    }

    /// The text of a file of patterns of user agents; none where the configuration does not say.
    ///
    /// # Errors
    /// The file can't be read.
    fn user_agents(&self) -> Result<Option<Arc<str>>, Unreached> {
        Ok(None)
    }

    /// The file that defines the function of that name.
    fn function(&self, name: &str) -> Option<StoredFunction> {
        let _ = name;
        None
    }

    /// The field extraction rules, in the order in which they count.
    fn extraction_rules(&self) -> Vec<ExtractionRule> {
        Vec::new()
    }

    /// The names of the stored functions, for "did you mean".
    fn functions(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A part of a query that has a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Macro {
    /// What it stands for; `{{name}}` in it is an argument.
    pub text: String,
    /// The names of its arguments, in order.
    pub arguments: Vec<String>,
}

/// The place of a lookup table without what queries write around it: `path://"/Library/a"` is `/Library/a`.
pub fn lookup_place(written: &str) -> &str {
    let place = written.trim();
    place.strip_prefix("path://").unwrap_or(place).trim().trim_matches('"').trim()
}

/// Nothing from outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoExternals;

impl Externals for NoExternals {}

/// Whether a place is one on a network: it begins with a scheme.
pub fn is_url(place: &str) -> bool {
    let Some((scheme, _)) = place.split_once("://") else { return false };
    let mut chars = scheme.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// Networks, and a JSON text about each.
#[derive(Clone, Debug, Default)]
pub struct Networks {
    /// For each length of prefix the networks of that length.
    by_length: Vec<(u8, HashMap<u128, Arc<str>>)>,
}

impl Networks {
    /// Adds the network `address/length`; an earlier entry for the same network stays.
    pub fn add(&mut self, address: IpAddr, length: u8, about: Arc<str>) {
        let (bits, length) = bits(address, length);
        let at = match self.by_length.binary_search_by(|(l, _)| length.cmp(l)) {
            Ok(at) => at,
            Err(at) => {
                self.by_length.insert(at, (length, HashMap::new()));
                at
            }
        };
        self.by_length[at].1.entry(bits & mask(length)).or_insert(about);
    }

    /// What is said about the smallest network that holds the address.
    pub fn find(&self, address: IpAddr) -> Option<&str> {
        let (bits, _) = bits(address, 0);
        // The longest prefixes come first.
        self.by_length.iter().find_map(|(length, all)| all.get(&(bits & mask(*length)))).map(|about| &**about)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_length.iter().map(|(_, all)| all.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_length.is_empty()
    }
}

/// An address among all addresses of both kinds: version 4 lies where its mapped form does.
fn bits(address: IpAddr, length: u8) -> (u128, u8) {
    match address {
        IpAddr::V4(v4) => (u128::from(v4.to_ipv6_mapped()), length.min(32) + 96),
        IpAddr::V6(v6) => (u128::from(v6), length.min(128)),
    }
}

fn mask(length: u8) -> u128 {
    match length {
        0 => 0,
        length => u128::MAX << (128 - u32::from(length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_network_is_found() {
        let mut networks = Networks::default();
        for (address, length) in [("10.0.0.0", 8), ("10.1.0.0", 16), ("2001:db8::", 32), ("0.0.0.0", 0)] {
            networks.add(address.parse().unwrap(), length, format!("{address}/{length}").into());
        }
        let find = |address: &str| networks.find(address.parse().unwrap());
        assert_eq!(find("10.1.2.3"), Some("10.1.0.0/16"));
        assert_eq!(find("10.2.2.3"), Some("10.0.0.0/8"));
        assert_eq!(find("192.0.2.1"), Some("0.0.0.0/0"));
        assert_eq!(find("::ffff:10.1.2.3"), Some("10.1.0.0/16"));
        assert_eq!(find("2001:db8::1"), Some("2001:db8::/32"));
        assert_eq!(find("2001:db9::1"), None);
        assert_eq!(networks.len(), 4);
    }

    #[test]
    fn urls_have_a_scheme() {
        assert!(is_url("https://example.org/a.csv") && is_url("abfss://x"));
        assert!(!is_url("lists/a.csv") && !is_url("C:\\a.csv") && !is_url("://a"));
    }
}
