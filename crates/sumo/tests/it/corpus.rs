//! Published queries, when the folder that holds them is named.

use crate::support::{Messages, NEWEST, context, run};
use parallax_diagnostics::Style;
use parallax_sumo::plan;
use parallax_sumo::syntax::{parse, print};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) fn published() -> Option<Vec<(String, String)>> {
    let Ok(folder) = std::env::var("PARALLAX_SHARED") else {
        eprintln!("skipped: PARALLAX_SHARED is not set");
        return None;
    };
    let text = std::fs::read_to_string(format!("{folder}/corpus/sumo/queries.jsonl")).expect("the corpus");
    let line = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        (text("id"), text("query"))
    };
    Some(text.lines().map(line).collect())
}

#[test]
fn published_queries_parse_and_print_back() {
    let Some(queries) = published() else { return };
    let mut failed = 0;
    for (id, query) in &queries {
        match parse(query) {
            Ok(tree) => {
                let printed = print(&tree.query);
                match parse(&printed) {
                    Ok(again) => assert!(again.query == tree.query, "{id}: printed as\n{printed}\nfrom\n{query}"),
                    Err(e) => panic!("{id}: printed as\n{printed}\n{}", e.render(&printed, id, Style::Plain)),
                }
            }
            Err(diagnostics) => {
                failed += 1;
                println!("{}", diagnostics.render(query, id, Style::Plain));
            }
        }
    }
    let total = queries.len();
    println!("{} of {total} published queries parse", total - failed);
    assert!(failed * 200 <= total, "{failed} of {total} published queries do not parse");
}

/// The documented examples: the columns that are expected must be there with the expected values.
#[test]
fn documented_examples_give_their_rows() {
    let Ok(folder) = std::env::var("PARALLAX_SHARED") else {
        eprintln!("skipped: PARALLAX_SHARED is not set");
        return;
    };
    let text = std::fs::read_to_string(format!("{folder}/corpus/sumo/examples.jsonl")).expect("the examples");
    let (mut right, mut misses, mut total) = (0, Vec::new(), 0);
    for line in text.lines() {
        let example: Value = serde_json::from_str(line).expect("a line of JSON");
        let (id, query) = (example["id"].as_str().unwrap_or_default(), example["query"].as_str().unwrap_or_default());
        // Expressions of Cloud SIEM rules and the text of `compose` are not searches.
        if example["input"].as_array().is_none_or(Vec::is_empty) || query == "compose-format" {
            continue;
        }
        total += 1;
        match example_agrees(&example, query) {
            Ok(()) => right += 1,
            Err(why) => misses.push(format!("{id} {}: {query}\n    {why}", example["kind"].as_str().unwrap_or(""))),
        }
    }
    println!("{right} of {total} documented examples give their rows; the others:");
    misses.iter().for_each(|m| println!("  {m}"));
    assert!(right * 100 >= total * 95, "{right} of {total} documented examples");
}

fn example_agrees(example: &Value, query: &str) -> Result<(), String> {
    let input = example["input"].as_array().cloned().unwrap_or_default();
    // The table of the lookup's page, which is part of its note.
    let user = |id: &str, name: &str, email: &str, cell: &str| serde_json::json!({ "id": id, "userName": name, "email": email, "cell": cell });
    let users = [
        user("1", "Joe", "joe@example.com", "650-123-4567"),
        user("2", "John", "john@example.com", "212-123-4567"),
        user("4", "John", "another_john@example.com", "408-123-4567"),
    ];
    let messages = Messages::new(&input).table("userTable", &users);
    let planned = parse(query)
        .and_then(|tree| plan(&tree, &messages, &context()))
        .map_err(|d| d.iter().map(|d| d.message.clone()).collect::<Vec<_>>().join("; "))?;
    let answer = run(&planned)?;
    let expected = example["expected"].as_array().cloned().unwrap_or_default();
    if expected.len() != answer.rows.len() {
        return Err(format!("{} rows, expected {}: {:?}", answer.rows.len(), expected.len(), answer.rows));
    }
    let mut left = answer.rows.clone();
    for row in &expected {
        let row = row.as_object().cloned().unwrap_or_default();
        let fits = |candidate: &Vec<Value>| {
            row.iter().all(|(name, want)| {
                let at = answer.columns.iter().position(|c| c.eq_ignore_ascii_case(name));
                at.is_some_and(|at| agree(&candidate[at], want))
            })
        };
        match left.iter().position(fits) {
            Some(at) => drop(left.remove(at)),
            None => return Err(format!("no row is {row:?}; the rows are {:?} {:?}", answer.columns, left)),
        }
    }
    Ok(())
}

/// Numbers agree to the decimals that are printed, JSON text as JSON.
fn agree(have: &Value, want: &Value) -> bool {
    if have == want {
        return true;
    }
    let number = |v: &Value| v.as_f64().or_else(|| v.as_str()?.parse().ok());
    if let (Some(a), Some(b)) = (number(have), number(want)) {
        let text = want.to_string();
        let decimals = text.trim_matches('"').split_once('.').map_or(0, |(_, d)| d.len());
        return (a - b).abs() <= 0.5 * 10f64.powi(-i32::try_from(decimals.min(14)).unwrap_or(0)) * 1.001;
    }
    let json = |v: &Value| serde_json::from_str::<Value>(v.as_str()?).ok();
    matches!((json(have), json(want)), (Some(a), Some(b)) if a == b)
}

/// How many published queries plan, and what keeps the others from it.
#[test]
fn published_queries_plan_or_are_refused_by_name() {
    let Some(queries) = published() else { return };
    let messages = Messages::new(&[]);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    // Metrics queries search other data than logs; a table that nobody gives keeps a query from running alone.
    let (mut planned, mut metrics, mut tables) = (0, 0, 0);
    for (id, query) in &queries {
        let Ok(tree) = parse(query) else {
            *reasons.entry("does not parse".to_owned()).or_default() += 1;
            continue;
        };
        let mut context = context();
        context.switches.insert("sumo.query-start".to_owned(), (NEWEST - 86_400_000).to_string());
        context.switches.insert("sumo.query-end".to_owned(), NEWEST.to_string());
        match plan(&tree, &messages, &context) {
            Ok(plan) => {
                planned += 1;
                tables += usize::from(!plan.unreached.is_empty());
            }
            Err(diagnostics) => {
                metrics += usize::from(diagnostics.iter().any(|d| d.message.contains("metrics queries")));
                for d in diagnostics.iter() {
                    assert_ne!(d.code, "SUMO0199", "{id}: {}\n{query}", d.message);
                    *reasons.entry(format!("{} {}", d.code, d.message)).or_default() += 1;
                }
            }
        }
    }
    let searches = queries.len() - metrics;
    println!("{metrics} of {} published queries are metrics queries", queries.len());
    println!("{planned} of {searches} searches plan, {tables} of them in need of a table; the others:");
    assert!(planned * 100 >= searches * 98, "{planned} of {searches} searches plan");
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    reasons.iter().for_each(|(why, n)| println!("  {n:4} {why}"));
}
