//! The published rules, where they are: `PARALLAX_SIGMA` names a checkout of SigmaHQ/sigma.

use parallax_diagnostics::{Severity, Style};
use parallax_sigma::syntax::{Options, read};
use parallax_sigma::tree::{self, Document};
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

/// Every rule has a plan and is taken by the matcher. Placeholders have a value here: what it is does not matter.
#[test]
fn published_rules_are_planned() {
    let Some(files) = files() else { return };
    let logs = crate::support::Logs::new(&[]);
    let context = parallax_catalog::Context::at(0);
    let placeholder = |_: &str| Some(vec!["value".to_owned()]);
    let (mut rules, mut wrong) = (Vec::new(), Vec::new());
    let start = std::time::Instant::now();
    for file in &files {
        let text = std::fs::read_to_string(file).expect("a text");
        let read = parallax_sigma::read_with(&text, &placeholder);
        let correlations = read.documents.iter().any(|l| !matches!(l.document, Document::Rule(_)));
        let failed = read.diagnostics.iter().any(|d| d.severity == Severity::Error);
        let planned = parallax_sigma::plan_all(&read, &logs, &context);
        if failed || (!correlations && planned.is_err()) {
            wrong.push(format!("{}: {} {:?}", file.display(), read.diagnostics, planned.err()));
        }
        rules.extend(read.documents.into_iter().filter_map(|l| match l.document {
            Document::Rule(rule) => Some(rule),
            _ => None,
        }));
    }
    eprintln!("{} rules planned in {:?}", rules.len(), start.elapsed());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let matcher = parallax_sigma::Rules::new(&rules);
    assert!(matcher.refused().is_empty(), "{:?}", matcher.refused());
    assert!(rules.len() > 3000);
}

/// The same detections as the parser of the crate that reads conditions finds, by their names, in every rule.
#[test]
fn published_rules_have_the_detections_that_another_parser_finds() {
    let Some(files) = files() else { return };
    let mut rules = 0;
    for file in &files {
        let text = std::fs::read_to_string(file).expect("a text");
        let Ok(theirs) = rsigma_parser::parse_sigma_yaml(&text) else { panic!("{}", file.display()) };
        let read = parallax_sigma::read_with(&text, &|_| Some(vec!["value".to_owned()]));
        let ours: Vec<&tree::Rule> = read
            .documents
            .iter()
            .filter_map(|l| if let Document::Rule(rule) = &l.document { Some(rule) } else { None })
            .collect();
        assert_eq!(ours.len(), theirs.rules.len(), "{}", file.display());
        for (our, their) in ours.iter().zip(&theirs.rules) {
            assert_eq!(our.meta.title, their.title.trim());
            assert_eq!(our.meta.id, their.id);
            assert_eq!(our.meta.tags, their.tags);
            assert_eq!(our.meta.level.as_deref(), their.level.as_ref().map(|l| l.as_str()));
            assert_eq!(our.conditions, their.detection.condition_strings);
            let mut names: Vec<&String> = our.detections.iter().map(|(name, _)| name).collect();
            let mut other: Vec<&String> = their.detection.named.keys().collect();
            names.sort();
            other.sort();
            assert_eq!(names, other, "{}", file.display());
            rules += 1;
        }
    }
    eprintln!("{rules} rules have the same names");
}
