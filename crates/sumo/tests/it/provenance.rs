//! The hidden columns that say which recorded event a row stands for.

use crate::support::{Messages, context, run};
use parallax_catalog::PROVENANCE;
use parallax_sumo::{parse, plan};
use serde_json::{Value, json};

fn records(query: &str) -> Option<Vec<Value>> {
    let input =
        [json!({ "k": "a", "_raw": "x=1 x=2" }), json!({ "k": "b", "_raw": "x=3" }), json!({ "k": "a", "_raw": "y" })];
    let mut context = context();
    context.provenance = true;
    let planned = plan(&parse(query).expect("it parses"), &Messages::new(&input), &context).expect("it plans");
    let answer = run(&planned).expect("it runs");
    if !planned.provenance {
        return None;
    }
    let names: Vec<String> = planned.plan.schema().fields().iter().map(|f| f.name().clone()).collect();
    let hidden: Vec<&str> = PROVENANCE.iter().map(|p| p.name).collect();
    assert_eq!(names[planned.columns.len()..], hidden, "{query}");
    let mut records: Vec<Value> = answer.rows.iter().map(|r| r[planned.columns.len() + 1].clone()).collect();
    records.sort_by_key(Value::to_string);
    Some(records)
}

#[test]
fn raw_operators_carry_the_hidden_columns() {
    for (query, expected) in [
        ("*", vec![0, 1, 2]),
        ("* | where k = \"a\" | k as j | fields j | sort by j", vec![0, 2]),
        ("* | parse \"x=*\" as x", vec![0, 1]),
        ("* | parse regex \"x=(?<x>\\d)\" multi | limit 2", vec![0, 0]),
        ("* | dedup by k", vec![0, 1]),
        ("* | dedup consecutive by k | json auto", vec![0, 1, 2]),
        ("* | topk(1, _messageTime) by k", vec![0, 1]),
        ("* | accum x | total x", vec![0, 1, 2]),
        ("* | filter k in (count by k | where _count > 1)", vec![0, 2]),
    ] {
        let expected: Vec<Value> = expected.into_iter().map(|n| json!(n)).collect();
        assert_eq!(records(query), Some(expected), "{query}");
    }
}

#[test]
fn an_aggregate_ends_them() {
    assert_eq!(records("* | count by k"), None);
    assert_eq!(records("* | join (where k = \"a\") as t, (where k = \"b\") as u on t.k = u.k"), None);
}
