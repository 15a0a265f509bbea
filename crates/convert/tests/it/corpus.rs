//! Published queries to Sigma: how many convert, and why the others do not. `PARALLAX_SHARED` names the folder with
//! `corpus/kql/queries.jsonl` and `corpus/sumo/queries.jsonl`.

use parallax_convert::{Language, Options, convert, read};
use std::collections::BTreeMap;

fn queries(language: &str) -> Option<Vec<String>> {
    let Some(shared) = std::env::var_os("PARALLAX_SHARED") else {
        eprintln!("skipped: PARALLAX_SHARED is not set");
        return None;
    };
    let file = std::path::Path::new(&shared).join(format!("corpus/{language}/queries.jsonl"));
    let text = std::fs::read_to_string(file).ok()?;
    let query = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).ok()?;
        row.get("query").or_else(|| row.get("text"))?.as_str().map(str::to_owned)
    };
    Some(text.lines().filter_map(query).collect())
}

fn all(language: &str, from: Language, to: Language) {
    let Some(queries) = queries(language) else { return };
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for query in &queries {
        let found = read(query, from, None, &BTreeMap::new()).remove(0);
        let converted = found.and_then(|(detection, losses)| convert(&detection, losses, to, &Options::default()));
        let outcome = match &converted {
            Ok(converted) if converted.losses.iter().all(|l| l.effect.word() == "shown") => "the same events",
            Ok(_) => "with losses",
            Err(refused) => {
                let first = refused.iter().next();
                let (code, message) = first.map_or(("", ""), |d| (d.code, d.message.as_str()));
                let words = |c: char| c.is_alphanumeric() || "(…)-_ :".contains(c);
                let message: String = message.chars().filter(|c| words(*c)).take(70).collect();
                *reasons.entry(format!("{code} {message}")).or_default() += 1;
                if code == "CONV0299" {
                    wrong.push(format!("{refused}\n{query}"));
                }
                if code.starts_with("CONV") { "refused" } else { "no query" }
            }
        };
        *outcomes.entry(outcome).or_default() += 1;
    }
    eprintln!("{language} -> {to:?}: {} queries, {outcomes:?}", queries.len());
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    for (reason, n) in reasons.iter().take(40) {
        eprintln!("{n:6} {reason}");
    }
    assert!(wrong.is_empty(), "{}", wrong[0]);
}

#[test]
fn kql_to_sigma() {
    all("kql", Language::Kql, Language::Sigma);
}

#[test]
fn kql_to_sumo() {
    all("kql", Language::Kql, Language::Sumo);
}

#[test]
fn sumo_to_sigma() {
    all("sumo", Language::Sumo, Language::Sigma);
}

#[test]
fn sumo_to_kql() {
    all("sumo", Language::Sumo, Language::Kql);
}
