//! Expressions of Cloud SIEM rules.

use arrow::array::{ArrayRef, AsArray, BooleanArray, Float64Array, StringViewArray};
use arrow::datatypes::{DataType, Field, Float64Type, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::prelude::SessionContext;
use parallax_diagnostics::{Diagnostics, Style};
use parallax_sumo::siem::{self, Bound, Names, Scope, Switches, Ty};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The fields of one record; any other name is missing text.
struct Record(Map<String, Value>);

impl Names for Record {
    fn ty(&self, name: &str) -> Option<Ty> {
        Some(match self.0.get(name) {
            Some(Value::Bool(_)) => Ty::Bool,
            Some(Value::Number(_)) => Ty::Number,
            _ => Ty::Text,
        })
    }
}

fn bind(text: &str, record: &Record, switches: Switches) -> Result<Bound, Diagnostics> {
    siem::plan(&siem::parse(text)?, &Scope { names: record, switches })
}

fn evaluate(text: &str, record: Map<String, Value>, switches: Switches) -> Result<Value, Diagnostics> {
    let record = Record(record);
    let bound = bind(text, &record, switches)?;
    let mut fields = vec![Field::new("one", DataType::Boolean, true)];
    let mut columns: Vec<ArrayRef> = vec![Arc::new(BooleanArray::from(vec![true]))];
    for name in &bound.reads {
        let column: ArrayRef = match record.0.get(name) {
            Some(Value::Bool(b)) => Arc::new(BooleanArray::from(vec![*b])),
            Some(Value::Number(n)) => Arc::new(Float64Array::from(vec![n.as_f64()])),
            Some(Value::String(text)) => Arc::new(StringViewArray::from(vec![text.as_str()])),
            None | Some(Value::Null) => Arc::new(StringViewArray::from(vec![None::<&str>])),
            Some(other) => Arc::new(StringViewArray::from(vec![other.to_string()])),
        };
        fields.push(Field::new(name, column.data_type().clone(), true));
        columns.push(column);
    }
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema.clone(), columns).expect("a batch");
    let schema = DFSchema::try_from_qualified_schema("records", &schema).expect("a schema");
    let physical = SessionContext::new().create_physical_expr(bound.expr, &schema).expect(text);
    let array = physical.evaluate(&batch).expect(text).into_array(1).expect("an array");
    Ok(match ScalarValue::try_from_array(&array, 0).expect("a value") {
        value if value.is_null() => Value::Null,
        ScalarValue::Boolean(b) => json!(b),
        ScalarValue::Float64(_) => json!(array.as_primitive::<Float64Type>().value(0)),
        _ => json!(array.as_string_view().value(0)),
    })
}

#[derive(Deserialize)]
struct Case {
    expression: String,
    #[serde(default)]
    record: Map<String, Value>,
    gives: Option<toml::Value>,
    error: Option<String>,
    warns: Option<String>,
    #[serde(default)]
    plain_backslash: bool,
    #[serde(rename = "rule")]
    _rule: String,
}

#[test]
fn cases() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/siem.toml")).expect("cases");
    let cases: BTreeMap<String, Vec<Case>> = toml::from_str(&text).expect("cases");
    let mut wrong = Vec::new();
    for case in &cases["case"] {
        let switches = Switches { plain_backslash: case.plain_backslash };
        let found = evaluate(&case.expression, case.record.clone(), switches);
        let right = match (&found, &case.gives, &case.error) {
            (Ok(value), Some(wanted), _) => {
                let wanted = serde_json::to_value(wanted).expect("a value");
                // The file has no null.
                *value == wanted
                    || value.as_f64().zip(wanted.as_f64()).is_some_and(|(a, b)| (a - b).abs() < 1e-9)
                    || (value.is_null() && wanted == "null")
            }
            (Err(diagnostics), _, Some(code)) => diagnostics.iter().any(|d| d.code == code),
            _ => false,
        };
        if !right {
            wrong.push(format!("{}: {found:?}", case.expression));
        }
        if let Some(code) = &case.warns {
            let bound = bind(&case.expression, &Record(case.record.clone()), switches).expect("bound");
            assert!(bound.diagnostics.iter().any(|d| d.code == code), "{}: no {code}", case.expression);
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases["case"].len(), wrong.join("\n"));
}

/// Whatever the text, the answer is a plan or a diagnostic, and comes soon.
#[test]
fn mutated_and_hostile_expressions_are_answered() {
    let text = include_str!("../cases/siem.toml");
    let cases: BTreeMap<String, Vec<Case>> = toml::from_str(text).expect("cases");
    let mut all: Vec<String> = Vec::new();
    for case in &cases["case"] {
        let chars: Vec<char> = case.expression.chars().collect();
        for at in 0..chars.len() {
            let (before, after) = (&chars[..at], &chars[at + 1..]);
            all.push(before.iter().collect());
            all.push(before.iter().chain(after).collect());
            let put = ['(', '\'', '"', '/', '[', 'ä', '\\'][at % 7];
            all.push(before.iter().chain([&put]).chain(after).collect());
        }
    }
    let long = |part: &str| part.repeat(100_000 / part.len());
    all.extend(
        ["(", "not ", "- ", "a(", "a[", "1+", "1*", "a or ", "a and ", "/* ", "'", "json field=f \"a\" as a "]
            .map(long),
    );
    all.push(format!("{}a{}", "(".repeat(60), ")".repeat(60)));
    all.push(format!("a in ({}1)", long("'x', 2, ")));
    all.push(format!("a like '{}'", long("%_")));
    all.push(format!("a rlike '{}'", long("(a*)*")));
    let (mut planned, count) = (0, all.len());
    for text in all {
        let record = Record(Map::new());
        match bind(&text, &record, Switches::default()) {
            Ok(_) => planned += 1,
            Err(d) => assert!(d.0[0].span.end <= text.len(), "{text}"),
        }
    }
    println!("{planned} of {count} mutations plan");
}

/// The vendor documentation's own examples, where the folder that holds them is given.
#[test]
fn documented_examples() {
    let Ok(folder) = std::env::var("PARALLAX_SHARED") else {
        eprintln!("skipped: PARALLAX_SHARED is not set");
        return;
    };
    let text = std::fs::read_to_string(format!("{folder}/corpus/sumo/examples.jsonl")).expect("the examples");
    let examples = text.lines().map(|l| serde_json::from_str::<Value>(l).expect("a line of JSON"));
    let siem = examples.filter(|e| e["note"].as_str().is_some_and(|n| n.contains("Cloud SIEM")));
    let (mut right, mut wrong) = (0, Vec::new());
    for example in siem {
        let query = example["query"].as_str().expect("a query");
        let input = example["input"].as_array().and_then(|rows| rows.first()?.as_object().cloned());
        match evaluate(query, input.unwrap_or_default(), Switches::default()) {
            Ok(value) if same(&value, &example["expected"]) => right += 1,
            other => wrong.push(format!("{query}: {other:?}, expected {}", example["expected"])),
        }
    }
    println!("{right} documented examples of rule expressions hold");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Numbers as the documentation rounds them.
fn same(found: &Value, expected: &Value) -> bool {
    let near = |(a, b): (f64, f64)| (a - b).abs() <= 1e-4 * b.abs().max(1.0);
    found == expected || found.as_f64().zip(expected.as_f64()).is_some_and(near)
}

/// All expressions of the vendor's published rules, with the rule and the place of each.
fn published() -> Option<Vec<(String, String)>> {
    let Ok(folder) = std::env::var("PARALLAX_CLOUD_SIEM") else {
        eprintln!("skipped: PARALLAX_CLOUD_SIEM is not set");
        return None;
    };
    let text = std::fs::read_to_string(format!("{folder}/audit/rules.json")).expect("the rules");
    let rules: BTreeMap<String, Value> = serde_json::from_str(&text).expect("JSON");
    let mut all = Vec::new();
    for (id, rule) in &rules {
        let keys = ["expression", "match_expression", "filter_expression", "value_expression", "score_expression"];
        let mut add =
            |text: Option<&str>| all.extend(text.filter(|t| !t.is_empty()).map(|t| (id.clone(), t.to_owned())));
        keys.iter().for_each(|key| add(rule[key].as_str()));
        let lists = [("expressions_and_limits", "expression"), ("aggregation_functions", "arguments")];
        for (list, key) in lists {
            for item in rule[list].as_array().into_iter().flatten() {
                add(item[key].as_str());
                item[key].as_array().into_iter().flatten().for_each(|a| add(a.as_str()));
            }
        }
        add(rule["trigger_expression"].as_str());
    }
    Some(all)
}

#[test]
fn published_expressions_parse_and_plan() {
    let Some(all) = published() else { return };
    let (mut parsed, mut planned, mut refusals) = (0, 0, BTreeMap::<&str, Vec<String>>::new());
    for (id, text) in &all {
        let bound = siem::parse(text).and_then(|tree| {
            parsed += 1;
            siem::plan(&tree, &Scope { names: &Record(Map::new()), switches: Switches::default() })
        });
        match bound {
            Ok(_) => planned += 1,
            Err(d) => refusals.entry(d.0[0].code).or_default().push(d.render(text, id, Style::Plain)),
        }
    }
    let total = all.len();
    println!("{parsed} of {total} published expressions parse, {planned} plan");
    for (code, list) in &refusals {
        println!("{code}: {}\n{}", list.len(), list.join("\n"));
    }
    assert!(planned * 100 >= total * 98, "{planned} of {total} plan");
}
