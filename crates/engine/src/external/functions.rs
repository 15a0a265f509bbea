//! Stored functions: `.kql` files below folders.

use parallax_catalog::external::StoredFunction;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

#[derive(Debug, Default)]
pub(super) struct Functions {
    folders: Vec<PathBuf>,
    /// Looked for when a query names something that is not known.
    files: OnceLock<Vec<File>>,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    stem: String,
    text: OnceLock<Option<Arc<str>>>,
}

impl File {
    fn text(&self) -> Option<Arc<str>> {
        self.text.get_or_init(|| std::fs::read_to_string(&self.path).ok().map(Arc::from)).clone()
    }
}

impl Functions {
    pub(super) fn new(folders: Vec<PathBuf>) -> Self {
        Functions { folders, files: OnceLock::new() }
    }

    fn files(&self) -> &[File] {
        self.files.get_or_init(|| {
            let mut files = Vec::new();
            for folder in &self.folders {
                gather(folder, 0, &mut files);
            }
            files
        })
    }

    /// The file of that name, else the first one that declares the name.
    pub(super) fn find(&self, name: &str) -> Option<StoredFunction> {
        let of = |file: &File| Some(StoredFunction { file: file.path.display().to_string(), text: file.text()? });
        if let Some(file) = self.files().iter().find(|f| f.stem == name) {
            return of(file);
        }
        self.files().iter().find(|f| f.text().is_some_and(|text| declares(&text, name))).and_then(of)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.files().iter().map(|f| f.stem.clone()).collect()
    }
}

/// The files below a folder, in the order of their names.
fn gather(folder: &Path, depth: usize, files: &mut Vec<File>) {
    const DEEPEST: usize = 8;
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if depth < DEEPEST {
                gather(&path, depth + 1, files);
            }
            continue;
        }
        let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        if let (Some("kql" | "csl" | "kusto"), Some(stem)) = (ending.as_deref(), path.file_stem()) {
            let stem = stem.to_string_lossy().into_owned();
            files.push(File { path, stem, text: OnceLock::new() });
        }
    }
}

/// Whether a text has `let name =`. Whether that is a declaration the language's parser finds out.
fn declares(text: &str, name: &str) -> bool {
    text.split("let").skip(1).any(|rest| {
        let after = rest.trim_start();
        after.len() < rest.len() && after.strip_prefix(name).is_some_and(|tail| tail.trim_start().starts_with('='))
    })
}

#[cfg(test)]
mod tests {
    use super::declares;

    #[test]
    fn declarations_are_found() {
        assert!(declares("let a=1;\nlet Parser = (x:string) { T };", "Parser"));
        assert!(!declares("let Parser2 = 1; letParser = 2; outlet (Parser)", "Parser"));
    }
}
