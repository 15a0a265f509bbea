//! Queries from outside the repository: they are read from the folders that environment variables name.

use super::assert_round_trip;
use std::path::{Path, PathBuf};

fn folder(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: {variable} is not set");
    }
    folder
}

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

/// Published detections and the documentation's examples, all of which the reference parser accepts.
#[test]
fn published_queries_parse_and_print() {
    let Some(shared) = folder("PARALLAX_SHARED") else { return };
    for file in ["queries.jsonl", "emulator.jsonl"] {
        for line in lines(&shared.join("corpus/kql").join(file)) {
            let query = line["query"].as_str().expect("a query is text");
            match parallax_kql::parse(query) {
                Ok(tree) => assert_round_trip(query, &tree),
                Err(e) => panic!("{}: {e}", line["id"]),
            }
        }
    }
}

/// `verdicts.jsonl` in the folder: `{"query": …, "accepted": …}` a line, as the reference parser decided. A literal
/// that is no value of its type, a bound, and what is refused by name are ours alone.
#[test]
fn the_reference_parser_agrees() {
    let Some(folder) = folder("PARALLAX_KQL_VERDICTS") else { return };
    let ours = ["KQL0014", "KQL0015", "KQL0016", "KQL0019"];
    let (mut compared, mut differ) = (0_usize, Vec::new());
    for line in lines(&folder.join("verdicts.jsonl")) {
        let query = line["query"].as_str().expect("a query is text");
        let accepted = line["accepted"].as_bool().expect("a verdict is true or false");
        let result = parallax_kql::parse(query);
        if accepted && matches!(&result, Err(e) if ours.contains(&e.0[0].code)) {
            continue;
        }
        compared += 1;
        if result.is_ok() != accepted {
            differ.push(query.to_owned());
        }
    }
    eprintln!("{compared} compared, {} differ", differ.len());
    assert!(
        differ.len() * 1000 <= compared,
        "more than one in a thousand differ, such as {:?}",
        &differ[..differ.len().min(5)]
    );
}
