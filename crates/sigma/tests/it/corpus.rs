//! The published rules, where they are: `PARALLAX_SIGMA` names a checkout of SigmaHQ/sigma.

use parallax_diagnostics::{Severity, Style};
use parallax_sigma::syntax::{Options, read};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// All rule files in the folders `rules*`.
pub(crate) fn files() -> Option<Vec<PathBuf>> {
    let Some(root) = std::env::var_os("PARALLAX_SIGMA").map(PathBuf::from) else {
        eprintln!("skipped: PARALLAX_SIGMA is not set");
        return None;
    };
    let mut out = Vec::new();
    for entry in std::fs::read_dir(&root).expect("the checkout").flatten() {
        if entry.file_name().to_string_lossy().starts_with("rules") {
            walk(&entry.path(), &mut out);
        }
    }
    out.sort();
    Some(out)
}

/// All YAML files below a folder.
pub(crate) fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, out);
        } else if path.extension().is_some_and(|e| e == "yml" || e == "yaml") {
            out.push(path);
        }
    }
}

/// Values for the placeholders that the published rules use.
pub(crate) fn options() -> Options {
    let mut placeholders = BTreeMap::new();
    for name in std::env::var("PARALLAX_SIGMA_PLACEHOLDERS").unwrap_or_default().split(',').filter(|n| !n.is_empty()) {
        placeholders.insert(name.to_owned(), vec!["value".to_owned()]);
    }
    Options { placeholders }
}

#[test]
fn published_rules_are_read() {
    let Some(files) = files() else { return };
    let start = std::time::Instant::now();
    let (mut rules, mut bytes) = (0, 0);
    let mut codes: BTreeMap<(Severity, &str), usize> = BTreeMap::new();
    for file in &files {
        let text = std::fs::read_to_string(file).expect("a text");
        bytes += text.len();
        let read = read(&text, &options());
        rules += read.documents.len();
        for d in read.diagnostics.iter() {
            *codes.entry((d.severity, d.code)).or_default() += 1;
            let show = std::env::var("PARALLAX_SHOW").is_ok_and(|c| c == d.code);
            if show || (d.severity == Severity::Error && d.code != "SIGMA0307") {
                eprintln!("{}", d.render(&text, &file.display().to_string(), Style::Plain));
            }
        }
    }
    eprintln!("{} files, {bytes} bytes: {rules} documents in {:?}; {codes:?}", files.len(), start.elapsed());
    assert!(files.len() > 3000 && rules + 200 > files.len());
}
