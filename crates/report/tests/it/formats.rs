//! Findings in the formats that others read.

use crate::hostile::LINES;
use crate::made;
use parallax_detect::{Event, Finding, Related};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
use parallax_report::navigator::Layer;
use parallax_report::ocsf::{Maker, Ocsf, event};
use parallax_report::sarif::{Diagnosed, Found};
use serde_json::{Value as Json, json};

fn findings(lines: &[&str]) -> Vec<Finding> {
    made::document(lines, 1000).entries.into_iter().map(|e| e.finding).collect()
}

fn maker() -> Maker {
    Maker { version: "1.2.3".to_owned(), now: 1_772_366_400_000 }
}

/// Holds an object to the facts of the schema: no attribute that is unknown, none missing that is required, types and
/// values of enumerations.
fn hold(facts: &Json, class: &str, value: &Json, place: &str) {
    let fact = &facts[class];
    let known = fact["attributes"].as_object().unwrap_or_else(|| panic!("{place}: no facts of {class}"));
    let object = value.as_object().unwrap_or_else(|| panic!("{place} is no object: {value}"));
    for (name, rule) in known {
        assert!(rule["required"] != true || object.contains_key(name), "{place}.{name} is required");
    }
    if let Some(names) = fact["at_least_one"].as_array() {
        assert!(names.iter().any(|n| object.contains_key(n.as_str().unwrap())), "{place}: one of {names:?}");
    }
    for (name, value) in object {
        let place = format!("{place}.{name}");
        let rule = known.get(name).unwrap_or_else(|| panic!("{place} is not known"));
        assert!((rule["array"] == true) == value.is_array(), "{place}: {value}");
        let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        for value in &values {
            match rule["type"].as_str().unwrap() {
                "integer_t" | "long_t" | "timestamp_t" => assert!(value.is_i64(), "{place}: {value}"),
                "boolean_t" => assert!(value.is_boolean(), "{place}: {value}"),
                "json_t" | "object" => {}
                text if text.ends_with("_t") => assert!(value.is_string(), "{place}: {value}"),
                object => hold(facts, object, value, &place),
            }
            if let Some(all) = rule["enum"].as_object() {
                let caption = all.get(&value.to_string()).unwrap_or_else(|| panic!("{place}: {value} of {all:?}"));
                // The word beside a number says the same.
                let word = name.strip_suffix("_id").and_then(|sibling| object.get(sibling));
                assert!(word.is_none_or(|w| w == caption), "{place}: {word:?} is not {caption}");
            }
        }
    }
}

#[test]
fn ocsf_is_what_its_schema_says() {
    let facts: Json = serde_json::from_str(include_str!("../data/ocsf-1.8.json")).unwrap();
    let mut all = findings(LINES);
    let mut bare = all[0].clone();
    bare.event = None;
    bare.confidence = None;
    bare.count = 3;
    bare.window = Some((639_080_000_000_000_000, 639_080_000_600_000_000));
    bare.related = vec![Related { rule: "a".to_owned(), event: all[1].event.clone().unwrap() }];
    bare.attack.clear();
    let mut without_id = all[0].clone();
    without_id.event = Some(Event { image: Some("/usr/bin/lua".to_owned()), ..Event::default() });
    let mut empty = all[0].clone();
    (empty.event, empty.columns, empty.tactics, empty.attack) = (None, Vec::new(), Vec::new(), Vec::new());
    all.extend([bare, without_id, empty]);
    for finding in &all {
        let event = event(finding, &maker());
        hold(&facts, "detection_finding", &event, "finding");
        assert_eq!(
            event["type_uid"],
            json!(event["class_uid"].as_i64().unwrap() * 100 + event["activity_id"].as_i64().unwrap())
        );
        // What an observable names is there, and has that value.
        for observable in event["observables"].as_array().into_iter().flatten() {
            let path = observable["name"].as_str().unwrap().replace("[0]", "/0").replace('.', "/");
            let value = event.pointer(&format!("/{path}")).unwrap_or_else(|| panic!("{observable}"));
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            assert_eq!(observable["value"], json!(text));
        }
    }
}

#[test]
fn an_ocsf_finding() {
    let mut out = Vec::new();
    let writer = Ocsf::new(maker());
    findings(&LINES[..1]).iter().for_each(|finding| writer.write(finding, &mut out));
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.lines().count(), 1);
    let mut event: Json = serde_json::from_str(&text).unwrap();
    event["metadata"]["log_name"] = json!("FILE");
    insta::assert_snapshot!(serde_json::to_string_pretty(&event).unwrap());
}

#[test]
fn a_layer_scores_techniques_by_their_findings() {
    let mut layer = Layer::default();
    let mut all = findings(LINES);
    all[0].attack = vec!["T1105".to_owned(), "no technique".to_owned()];
    all[1].attack.clear();
    all.iter().for_each(|f| layer.add(f));
    let json = layer.json("name", "text");
    assert_eq!(layer.without(), 1);
    assert_eq!((&json["versions"]["layer"], &json["domain"]), (&json!("4.5"), &json!("enterprise-attack")));
    let scores: Vec<(&str, i64)> = json["techniques"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| (t["techniqueID"].as_str().unwrap(), t["score"].as_i64().unwrap()))
        .collect();
    assert_eq!(scores, [("T1059.011", LINES.len() as i64 - 2), ("T1105", 1)]);
    assert!(json["gradient"]["maxValue"].as_i64() > json["gradient"]["minValue"].as_i64());
}

#[test]
fn sarif_of_findings_and_of_what_is_wrong_with_rules() {
    let mut found = Found::default();
    findings(LINES).iter().for_each(|f| found.add(f));
    let log = found.json("1.2.3");
    let run = &log["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), LINES.len());
    assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), 1);
    assert_eq!((&run["results"][0]["ruleIndex"], &run["results"][0]["level"]), (&json!(0), &json!("error")));

    let mut wrong = Diagnosed::default();
    let text = "a\nbé c";
    let d = Diagnostic::warning("X0001", Span::new(6, 7), "c is wrong").help("write d").fix(Span::new(6, 7), "d");
    wrong.add("rules/a b.kql", text, &Diagnostics::from(d.clone()));
    wrong.add_within("pack.yaml", "case x", &Diagnostics::from(d));
    insta::assert_snapshot!(serde_json::to_string_pretty(&wrong.json("1.2.3")).unwrap());
}
