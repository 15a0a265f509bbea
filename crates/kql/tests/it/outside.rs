//! What queries take from outside, over the shared corpus: how many real queries plan because of it.

use crate::corpus::{report, shared};
use crate::support::{first_error, plan};
use std::collections::BTreeMap;

/// What only stands in queries that take something from outside.
const WORDS: [&str; 8] = [
    "externaldata",
    "FileProfile(",
    "_GetWatchlist",
    "geo_info_from_ip_address",
    "workspace(",
    "arg(",
    "imProcessCreate",
    "_Im_",
];

#[test]
fn queries_that_take_something_from_outside() {
    let Some(all) = shared("corpus/kql/queries.jsonl") else { return };
    let mut misses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut good, mut count) = (0, 0);
    let mut because: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &all {
        let query = case["query"].as_str().unwrap_or("");
        if !WORDS.iter().any(|w| query.contains(w)) {
            continue;
        }
        count += 1;
        match plan(query) {
            Ok(planned) => {
                good += 1;
                if !planned.unreached.is_empty() {
                    *because.entry("needs a file for an address").or_default() += 1;
                } else if planned.diagnostics.iter().any(|d| d.code == "KQL0404") {
                    *because.entry("needs a list, and runs with nulls").or_default() += 1;
                }
            }
            Err(d) => {
                let id = case["id"].as_str().unwrap_or("").to_string();
                misses.entry(first_error(query, &d)).or_default().push(id);
            }
        }
    }
    report("queries with something from outside planned", good, count, &misses);
    for (why, n) in because {
        eprintln!("  {n:4}  {why}");
    }
}
