//! Values of the file, each read as what its key takes; what is wrong is told at its place.

use parallax_catalog::{Column, ColumnType};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A key that is not known.
const KEY: &str = "CONF0002";
/// A value that the key can't have.
pub(super) const VALUE: &str = "CONF0003";

pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// Reads values and keeps what is wrong with them.
pub(super) struct Reader<'f> {
    /// Against which paths are resolved.
    pub(super) folder: &'f Path,
    /// What is wrong so far.
    pub(super) wrong: Diagnostics,
}

/// A table of the file.
pub(super) struct Section<'s, 't> {
    pub(super) table: &'s DeTable<'t>,
    /// Its keys, as they are written: `kql.tables`; empty for the file.
    pub(super) name: &'s str,
}

pub(super) fn span<T>(value: &Spanned<T>) -> Span {
    let range = value.span();
    Span::new(range.start, range.end)
}

impl<'s, 't> Section<'s, 't> {
    /// Goes through the keys; one that is not among `known` is an error.
    pub(super) fn each(
        &self,
        r: &mut Reader<'_>,
        known: &[&str],
        mut f: impl FnMut(&mut Reader<'_>, &str, Span, &Value<'t>),
    ) {
        for (key, value) in self.table.iter() {
            let (name, at) = (key.get_ref().as_ref(), span(key));
            if known.contains(&name) {
                f(r, name, at, value);
                continue;
            }
            let place = if self.name.is_empty() { String::new() } else { format!(" in `{}`", self.name) };
            let message = format!("there is no key `{name}`{place}");
            let all: Vec<String> = known.iter().map(|k| format!("`{k}`")).collect();
            let diagnostic = match parallax_diagnostics::did_you_mean(name, known.iter().copied()) {
                Some(near) => Diagnostic::error(KEY, at, message).help(format!("did you mean `{near}`?")),
                None => Diagnostic::error(KEY, at, message).help(format!("known are {}", all.join(", "))),
            };
            r.wrong.push(diagnostic);
        }
    }

    /// A value for each key, whatever the keys are.
    pub(super) fn all<T>(
        &self,
        r: &mut Reader<'_>,
        f: impl Fn(&mut Reader<'_>, &str, Span, &Value<'t>) -> Option<T>,
    ) -> BTreeMap<String, T> {
        let each = self.table.iter().filter_map(|(key, value)| {
            let name = key.get_ref().as_ref();
            Some((name.to_owned(), f(r, name, span(key), value)?))
        });
        each.collect()
    }

    /// The `file` of a section that has nothing else.
    pub(super) fn file(&self, r: &mut Reader<'_>) -> Option<PathBuf> {
        let mut file = None;
        self.each(r, &["file"], |r, _, _, value| file = r.path(value));
        file
    }
}

impl Reader<'_> {
    pub(super) fn say(&mut self, code: &'static str, at: Span, message: impl Into<String>) {
        self.wrong.push(Diagnostic::error(code, at, message));
    }

    pub(super) fn section<'s, 't>(&mut self, name: &'s str, value: &'s Value<'t>) -> Option<Section<'s, 't>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(Section { table, name }),
            _ => {
                self.say(VALUE, span(value), format!("`{name}` is a table: `[{name}]`"));
                None
            }
        }
    }

    pub(super) fn text(&mut self, value: &Value<'_>) -> Option<String> {
        match value.get_ref().as_str() {
            Some(text) if !text.is_empty() => Some(text.to_owned()),
            _ => {
                self.say(VALUE, span(value), "a text is expected here");
                None
            }
        }
    }

    pub(super) fn path(&mut self, value: &Value<'_>) -> Option<PathBuf> {
        self.text(value).map(|text| self.folder.join(text))
    }

    pub(super) fn texts(&mut self, value: &Value<'_>) -> Vec<String> {
        match value.get_ref() {
            DeValue::Array(items) => items.iter().filter_map(|item| self.text(item)).collect(),
            _ => {
                self.say(VALUE, span(value), "a list of texts is expected here: `[\"name\"]`");
                Vec::new()
            }
        }
    }

    pub(super) fn paths(&mut self, value: &Value<'_>) -> Vec<PathBuf> {
        match value.get_ref() {
            DeValue::Array(items) => items.iter().filter_map(|item| self.path(item)).collect(),
            _ => {
                self.say(VALUE, span(value), "a list of folders is expected here: `[\"functions\"]`");
                Vec::new()
            }
        }
    }

    /// `"TimeGenerated:datetime, Computer:string"`
    pub(super) fn schema(&mut self, value: &Value<'_>) -> Vec<Column> {
        let Some(text) = self.text(value) else { return Vec::new() };
        let mut columns: Vec<Column> = Vec::new();
        for item in text.split(',').map(str::trim).filter(|i| !i.is_empty()) {
            let (name, ty) = item.split_once(':').map_or((item, ""), |(n, t)| (n.trim(), t.trim()));
            match ColumnType::from_name(ty) {
                Some(_) if columns.iter().any(|c| c.name == name) => {
                    self.say(VALUE, span(value), format!("the column `{name}` stands twice"));
                }
                Some(ty) => columns.push(Column { name: name.to_owned(), ty }),
                None => self.say(VALUE, span(value), format!("`{item}` is no column: write `name:type`")),
            }
        }
        columns
    }
}
