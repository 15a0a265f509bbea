//! The shared corpora: real queries, and queries with the rows that the product returned.
//!
//! They are not part of the repository: `PARALLAX_SHARED` names the folder, and without it these tests say that they
//! were skipped.

use crate::support::{first_error, plan, run};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub(crate) fn shared(file: &str) -> Option<Vec<Value>> {
    let Some(folder) = std::env::var_os("PARALLAX_SHARED") else {
        eprintln!("skipped: PARALLAX_SHARED is not set ({file})");
        return None;
    };
    let path = PathBuf::from(folder).join(file);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) => {
            eprintln!("skipped: {}: {e}", path.display());
            return None;
        }
    };
    Some(text.lines().filter_map(|l| serde_json::from_str(l).ok()).collect())
}

pub(crate) fn report(title: &str, good: usize, all: usize, misses: &BTreeMap<String, Vec<String>>) {
    eprintln!("{title}: {good} of {all} ({:.1} %)", 100.0 * good as f64 / all.max(1) as f64);
    let mut sorted: Vec<_> = misses.iter().collect();
    sorted.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
    for (why, ids) in sorted {
        eprintln!("  {:4}  {why}   e.g. {}", ids.len(), ids.first().map_or("", String::as_str));
    }
}

/// The share of real queries that plan. Issue 3 asks for 97 %.
#[test]
fn real_queries_plan() {
    let Some(all) = shared("corpus/kql/queries.jsonl") else { return };
    let mut misses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut good = 0;
    let mut unreached: BTreeMap<&str, usize> = BTreeMap::new();
    // The schemas that were planned, a line of JSON a query, for comparison with the official binder.
    let mut schemas = String::new();
    for case in &all {
        let query = case["query"].as_str().unwrap_or("");
        let start = std::time::Instant::now();
        let planned = plan(query);
        if std::env::var_os("PARALLAX_SLOW").is_some() && start.elapsed().as_millis() > 300 {
            eprintln!("{:?} {}", start.elapsed(), case["id"]);
        }
        let columns =
            planned.as_ref().map(|p| p.columns.iter().map(|c| json!([c.name, c.type_name])).collect::<Vec<_>>());
        let error = planned.as_ref().err().map(|d| first_error(query, d));
        schemas.push_str(&json!({"id": case["id"], "result": columns.ok(), "error": error}).to_string());
        schemas.push('\n');
        match planned {
            Ok(planned) => {
                good += 1;
                if let Some(d) = planned.unreached.iter().next() {
                    *unreached.entry(d.code).or_default() += 1;
                }
            }
            Err(d) => {
                let id = case["id"].as_str().unwrap_or("").to_string();
                misses.entry(first_error(query, &d)).or_default().push(id);
            }
        }
    }
    if let Some(path) = std::env::var_os("PARALLAX_SCHEMAS") {
        std::fs::write(path, schemas).expect("the file can be written");
    }
    report("real queries planned", good, all.len(), &misses);
    eprintln!("  of those planned, by what they still need to run: {unreached:?}");
}

/// The rows of the product for queries of its documentation, the geo functions aside.
#[tokio::test]
async fn documented_results() {
    let Some(all) = shared("corpus/kql/emulator.jsonl") else { return };
    let mut misses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut good, mut count) = (0, 0);
    for case in &all {
        let id = case["id"].as_str().unwrap_or("").to_string();
        let query = case["query"].as_str().unwrap_or("");
        if query.contains("geo_") {
            continue;
        }
        count += 1;
        match compare(case, query).await {
            Ok(()) => good += 1,
            Err(why) => misses.entry(why).or_default().push(id),
        }
    }
    report("documented results", good, count, &misses);
}

async fn compare(case: &Value, query: &str) -> Result<(), String> {
    let answer = run(query).await?;
    let names: Vec<&str> = answer.planned.columns.iter().map(|c| c.name.as_str()).collect();
    let expected: Vec<&str> = case["columns"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if names != expected {
        return Err(format!("columns: got {names:?}, expected {expected:?}"));
    }
    for (c, t) in answer.planned.columns.iter().zip(case["column_types"].as_array().into_iter().flatten()) {
        let ty = match t.as_str().unwrap_or("") {
            "Object" => "dynamic",
            "SByte" => "bool",
            "Int64" => "long",
            "Int32" => "int",
            "Double" => "real",
            "String" => "string",
            "DateTime" => "datetime",
            "TimeSpan" => "timespan",
            "Guid" => "guid",
            _ => "decimal",
        };
        if c.type_name != ty {
            return Err(format!("type of {}: got {}, expected {ty}", c.name, c.type_name));
        }
    }
    let mut got: Vec<Vec<String>> = answer.rows.iter().map(|r| r.iter().map(normal).collect()).collect();
    let mut want: Vec<Vec<String>> = case["rows"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|r| r.as_array().into_iter().flatten().map(normal).collect())
        .collect();
    if !answer.planned.ordered {
        got.sort();
        want.sort();
    }
    if got == want {
        return Ok(());
    }
    let at = got.iter().zip(&want).position(|(g, w)| g != w);
    match at {
        Some(at) => Err(format!("row {at}: got {:?}, expected {:?}", got[at], want[at])),
        None => Err(format!("{} rows, expected {}", got.len(), want.len())),
    }
}

/// A value in one spelling: numbers by value (to 12 digits), text in JSON parsed.
fn normal(value: &Value) -> String {
    match value {
        Value::Number(n) => match n.as_f64() {
            Some(f) if f.fract() != 0.0 || f.abs() > 9e15 => format!("{f:.11e}"),
            Some(f) => format!("{f}"),
            None => n.to_string(),
        },
        Value::Array(items) => format!("[{}]", items.iter().map(normal).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let mut all: Vec<String> = members.iter().map(|(k, v)| format!("{k}:{}", normal(v))).collect();
            all.sort();
            format!("{{{}}}", all.join(","))
        }
        other => other.to_string(),
    }
}

/// The string operators, one haystack and one needle at a time.
#[tokio::test]
async fn string_operators() {
    let Some(all) = shared("corpus/kql/string_operators.jsonl") else { return };
    let mut misses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut good = 0;
    for case in &all {
        // A list may hold a null, which only a dynamic array can.
        let quote = |v: &Value| match v {
            Value::Array(_) => format!("dynamic({v})"),
            other => other.to_string(),
        };
        let op = case["op"].as_str().unwrap_or("");
        let mut needle = quote(&case["needle"]);
        if matches!(op, "has_any" | "has_all" | "in" | "!in" | "in~" | "!in~") {
            needle = format!("({needle})");
        }
        let query = format!("print x = {} {op} {needle}", quote(&case["haystack"]));
        match run(&query).await {
            Ok(a) if a.rows == vec![vec![case["expected"].clone()]] => good += 1,
            Ok(a) => misses.entry(format!("{query} gave {:?}", a.rows)).or_default().push(case["id"].to_string()),
            Err(e) => misses.entry(format!("{query}: {e}")).or_default().push(case["id"].to_string()),
        }
    }
    report("string operators", good, all.len(), &misses);
}
