//! The columns of tables that have no rows here: a JSON file a table, named after it.

use super::failed;
use parallax_catalog::external::Unreached;
use parallax_catalog::{Column, ColumnType};
use parallax_telemetry::Report;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

#[derive(Debug, Default)]
pub(super) struct Schemas {
    folders: Vec<PathBuf>,
    /// The files by name; made when a query names a table that the configuration does not.
    files: OnceLock<BTreeMap<String, PathBuf>>,
}

impl Schemas {
    pub(super) fn new(folders: Vec<PathBuf>) -> Self {
        Schemas { folders, files: OnceLock::new() }
    }

    fn files(&self, report: &Report) -> &BTreeMap<String, PathBuf> {
        self.files.get_or_init(|| {
            let mut paths = Vec::new();
            for folder in &self.folders {
                super::functions::gather(folder, &["json"], 0, &mut paths, report);
            }
            let mut files = BTreeMap::new();
            for path in paths {
                if let Some(stem) = path.file_stem().map(|s| s.to_string_lossy().into_owned()) {
                    files.entry(stem).or_insert(path);
                }
            }
            files
        })
    }

    pub(super) fn has(&self, table: &str, report: &Report) -> bool {
        self.files(report).contains_key(table)
    }

    /// The columns of the table; none where no file has its name.
    pub(super) fn find(&self, table: &str, report: &Report) -> Result<Option<Vec<Column>>, Unreached> {
        let Some(path) = self.files(report).get(table) else { return Ok(None) };
        let text = std::fs::read_to_string(path).map_err(|e| failed(path, &e))?;
        columns(&text).map(Some).map_err(|why| Unreached::Failed(format!("{}: {why}", show(path))))
    }
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

/// The columns that a file lists: an object of names and types; a list of objects with `Name` and `Type`; or such a list
/// under `Properties` or `FunctionResultColumns`, as published content describes its tables and functions.
fn columns(text: &str) -> Result<Vec<Column>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let value: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let listed = |list: &Value| -> Result<Vec<(String, String)>, String> {
        let items = list.as_array().ok_or("a list of columns is expected")?;
        items.iter().map(named).collect()
    };
    let pairs = match &value {
        Value::Array(_) => listed(&value)?,
        Value::Object(members) => match members.get("Properties").or_else(|| members.get("FunctionResultColumns")) {
            Some(list) => listed(list)?,
            None => {
                let pair = |(name, ty): (&String, &Value)| match ty.as_str() {
                    Some(ty) => Ok((name.clone(), ty.to_owned())),
                    None => Err(format!("the type of `{name}` is no text")),
                };
                members.iter().map(pair).collect::<Result<_, String>>()?
            }
        },
        _ => return Err("an object or a list is expected".to_owned()),
    };
    let mut columns: Vec<Column> = Vec::new();
    for (name, ty) in pairs {
        let ty = ColumnType::from_name(&ty).ok_or_else(|| format!("`{ty}` of `{name}` is no type"))?;
        if columns.iter().all(|c| c.name != name) {
            columns.push(Column { name, ty });
        }
    }
    if columns.is_empty() {
        return Err("it lists no columns".to_owned());
    }
    Ok(columns)
}

/// `{"Name": …, "Type": …}`, in either case.
fn named(item: &Value) -> Result<(String, String), String> {
    let text = |key: &str| {
        let value = item.get(key).or_else(|| item.get(key.to_ascii_lowercase()));
        value.and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("a column without `{key}`"))
    };
    Ok((text("Name")?, text("Type")?))
}

#[cfg(test)]
mod tests {
    use super::columns;
    use parallax_catalog::ColumnType;

    #[test]
    fn the_forms_of_a_schema_say_the_same() {
        for text in [
            r#"{"At": "datetime", "Size_d": "real"}"#,
            r#"[{"name": "At", "type": "datetime"}, {"name": "Size_d", "type": "double"}]"#,
            r#"{"Name": "T", "Properties": [{"Name": "At", "Type": "DateTime"}, {"Name": "Size_d", "Type": "Double"}]}"#,
            r#"{"FunctionName": "T", "FunctionParameters": [],
                "FunctionResultColumns": [{"Name": "At", "Type": "datetime"}, {"Name": "Size_d", "Type": "Real"},
                                          {"Name": "At", "Type": "datetime"}]}"#,
        ] {
            let found = columns(text).expect(text);
            let mut shown: Vec<_> = found.iter().map(|c| (c.name.as_str(), c.ty)).collect();
            shown.sort_by_key(|(name, _)| *name);
            assert_eq!(shown, [("At", ColumnType::DateTime), ("Size_d", ColumnType::Real)]);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("{", "EOF"),
            ("{}", "no columns"),
            (r#"{"a": "text"}"#, "`text` of `a` is no type"),
            (r#"{"a": 1}"#, "is no text"),
            (r#"[{"Name": "a"}]"#, "without `Type`"),
            ("3", "an object or a list"),
        ] {
            assert!(columns(text).is_err_and(|why| why.contains(part)), "{text}");
        }
    }
}
