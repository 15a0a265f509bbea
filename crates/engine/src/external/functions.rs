//! Stored functions: `.kql` files below folders.

use parallax_catalog::external::StoredFunction;
use parallax_telemetry::Report;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

#[derive(Debug, Default)]
pub(super) struct Functions {
    folders: Vec<PathBuf>,
    /// Made when a query names something that is not known.
    index: OnceLock<Index>,
}

/// The files, and which of them gives a name.
#[derive(Debug, Default)]
struct Index {
    files: Vec<StoredFunction>,
    by_name: BTreeMap<String, usize>,
}

impl Functions {
    pub(super) fn new(folders: Vec<PathBuf>) -> Self {
        Functions { folders, index: OnceLock::new() }
    }

    fn index(&self, report: &Report) -> &Index {
        self.index.get_or_init(|| {
            let mut paths = Vec::new();
            for folder in &self.folders {
                gather(folder, &["kql", "csl", "kusto"], 0, &mut paths, report);
            }
            index(&paths, report)
        })
    }

    /// The file of that name, else the first one that declares the name.
    pub(super) fn find(&self, name: &str, report: &Report) -> Option<StoredFunction> {
        let index = self.index(report);
        index.by_name.get(name).and_then(|at| index.files.get(*at)).cloned()
    }

    pub(super) fn names(&self, report: &Report) -> Vec<String> {
        self.index(report).by_name.keys().cloned().collect()
    }
}

fn index(paths: &[PathBuf], report: &Report) -> Index {
    let mut index = Index::default();
    let mut declared = Vec::new();
    for path in paths {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) => {
                report.damage(&path.display().to_string(), None, e.to_string());
                continue;
            }
        };
        let at = index.files.len();
        if let Some(stem) = path.file_stem() {
            index.by_name.entry(stem.to_string_lossy().into_owned()).or_insert(at);
        }
        declared.extend(declarations(&text).map(|name| (name.to_owned(), at)));
        index.files.push(StoredFunction { file: path.display().to_string(), text: text.into() });
    }
    for (name, at) in declared {
        index.by_name.entry(name).or_insert(at);
    }
    index
}

/// The files below a folder with one of the endings, in the order of their names.
pub(super) fn gather(folder: &Path, endings: &[&str], depth: usize, files: &mut Vec<PathBuf>, report: &Report) {
    const DEEPEST: usize = 8;
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) => return report.damage(&folder.display().to_string(), None, e.to_string()),
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if depth < DEEPEST {
                gather(&path, endings, depth + 1, files, report);
            }
            continue;
        }
        let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        if ending.is_some_and(|e| endings.contains(&e.as_str())) {
            files.push(path);
        }
    }
}

/// The names behind `let` that a function may follow. Whether one does the language's parser finds out.
fn declarations(text: &str) -> impl Iterator<Item = &str> {
    text.split("let").skip(1).filter_map(|rest| {
        let after = rest.trim_start();
        let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
        let (name, tail) = after.split_at(end);
        let value = tail.trim_start().strip_prefix('=')?.trim_start();
        let function = value.starts_with('(') || value.starts_with("view");
        (after.len() < rest.len() && !name.is_empty() && function).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::declarations;

    #[test]
    fn declarations_are_found() {
        let text = "let a=1;\nlet Parser = (x:string) { T };let  V=view () { T }; letNot = () { 1 }; outlet (B)";
        assert_eq!(declarations(text).collect::<Vec<_>>(), ["Parser", "V"]);
    }
}
