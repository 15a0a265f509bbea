//! Published rules over recorded events. Needs `PARALLAX_SIGMA` (a checkout of SigmaHQ/sigma) and `PARALLAX_HAYABUSA`
//! (one of Yamato-Security/hayabusa-sample-evtx).

use parallax_engine::{HitsAsked, Limits, Options, Session};
use parallax_sigma::matcher::Search;
use parallax_sigma::tree::{Document, Rule};
use parallax_sigma::{Rules, read};
use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
}

fn rules(folder: &Path) -> Vec<Rule> {
    let mut paths = Vec::new();
    files(folder, "yml", &mut paths);
    let documents = |path: PathBuf| read(&fs::read_to_string(path).unwrap(), &Default::default()).documents;
    let documents = paths.into_iter().flat_map(documents).map(|located| located.document);
    documents.filter_map(|d| if let Document::Rule(rule) = d { Some(rule) } else { None }).collect()
}

fn matches(rules: &[Rule], inputs: &[String], search: Search) -> BTreeSet<(String, i64, u32)> {
    let limits = Limits { threads: 4, ..Limits::default() };
    let session = Session::open(inputs, Options { limits, ..Options::default() }).unwrap();
    let rules = Arc::new(Rules::with(rules, search));
    assert_eq!(rules.refused(), []);
    let asked = HitsAsked { rules, wanted: Vec::new(), reasons: true, census: false };
    let mut matches = BTreeSet::new();
    let seen = session.hits(asked, &mut |hit| {
        // A rule of nothing but negations has nothing to show.
        for (rule, reasons) in hit.rules.iter().zip(hit.reasons) {
            for reason in reasons {
                assert!(reason.marks.iter().all(|(from, to)| reason.value.get(*from..*to).is_some()), "{reason:?}");
            }
            matches.insert((hit.event.source.clone(), hit.event.record.unwrap_or(-1), *rule));
        }
        ControlFlow::Continue(())
    });
    seen.unwrap();
    matches
}

#[test]
fn rules_found_by_their_literals_are_all_rules() {
    let (Ok(sigma), Ok(events)) = (std::env::var("PARALLAX_SIGMA"), std::env::var("PARALLAX_HAYABUSA")) else {
        eprintln!("skipped: PARALLAX_SIGMA or PARALLAX_HAYABUSA is not set");
        return;
    };
    let rules = rules(&Path::new(&sigma).join("rules"));
    assert!(rules.len() > 3_000, "{}", rules.len());
    let mut paths = Vec::new();
    files(Path::new(&events), "evtx", &mut paths);
    // All of them take long where every rule is evaluated on every event.
    let paths: Vec<String> = paths.iter().step_by(7).map(|p| p.display().to_string()).collect();
    let found = matches(&rules, &paths, Search::Indexed);
    assert!(found.len() > 100, "{}", found.len());
    assert_eq!(found, matches(&rules, &paths, Search::Every));
    eprintln!("{} matches in {} files", found.len(), paths.len());
}
