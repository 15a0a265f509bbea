//! The shared string operator cases, measured or documented for the real engine.

use crate::call::{Shape, call};
use serde_json::Value;
use std::path::Path;

#[test]
fn string_operators_are_exact() {
    let Some(shared) = std::env::var_os("PARALLAX_SHARED") else {
        eprintln!("skipped: PARALLAX_SHARED is not set");
        return;
    };
    let file = Path::new(&shared).join("corpus/kql/string_operators.jsonl");
    let (mut cases, mut wrong) = (0, Vec::new());
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        cases += 1;
        let operator = case["op"].as_str().unwrap();
        let (operator, negated) = match operator.strip_prefix('!') {
            Some(o) => (o, true),
            None => (operator, false),
        };
        let function = match operator {
            "==" | "=" => {
                let equal = case["haystack"] == case["needle"];
                assert_eq!(equal != negated, case["expected"].as_bool().unwrap());
                continue;
            }
            "=~" | "~" => "equals_ci",
            "in~" => "in_ci",
            other => other,
        };
        let args = [case["haystack"].clone(), case["needle"].clone()];
        for shape in [Shape::Constants, Shape::FirstIsColumn, Shape::Columns] {
            let got = call(&format!("kql_{function}"), &args, shape);
            if got != Ok(Value::from(case["expected"].as_bool().unwrap() != negated)) {
                wrong.push(format!("{line}\n    {shape:?}: {got:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases >= 100);
}
