//! From records to an Insight.

use crate::support::{compile, event, over, rule};
use parallax_siem::InsightSeverity;
use serde_json::json;

#[test]
fn signals_of_several_rules_add_up() {
    let rules = json!([
        rule("Lua", json!({ "expression": "baseImage like '%lua.exe'", "score": 5 })),
        rule("Shell of Lua", json!({ "expression": "baseImage like '%cmd.exe'", "score": 4 })),
        rule("Prototype", json!({ "expression": "true", "score": 10, "is_prototype": true })),
        rule(
            "By the user",
            json!({
                "expression": "commandLine like '%whoami%'",
                "score_mapping": { "type": "fieldValueMapping", "default": 1, "field": "user_username",
                    "mapping": [{ "type": "equal", "from": "LAB\\anna", "to": 6 }] },
            })
        ),
    ]);
    let events = [event(0, "lua.exe", "lua"), event(1, "lua.exe", "lua"), event(2, "cmd.exe", "cmd /c whoami")];
    let came = over(rules, &events);
    let [insight] = came.insights.as_slice() else { panic!("{:?}", came.insights) };
    assert_eq!((insight.score, insight.severity), (15, InsightSeverity::Medium));
    let names: Vec<_> = insight.signals.iter().map(|(_, name, severity)| (name.as_str(), *severity)).collect();
    assert_eq!(names, [("Lua", 5), ("Shell of Lua", 4), ("By the user", 6)]);
    assert_eq!((came.run.suppressed, came.run.insights), (1, 1));
    assert!(came.run.entities.is_empty());
}

#[test]
fn a_rule_that_cannot_run_is_told_and_the_others_run() {
    let compiled = compile(json!([
        rule("good", json!({ "id": "A", "expression": "commandLine = 'x'" })),
        rule("bad", json!({ "id": "B", "expression": "nosuch(commandLine)" })),
        rule(
            "worse",
            json!({ "id": "C", "pattern_type": "chain", "window": "5m", "expressions_and_limits": [
            { "expression": "true", "limit": 1 }, { "expression": "a = ", "limit": 1 }] })
        ),
        rule("off", json!({ "id": "D", "expression": "true", "enabled": false })),
    ]));
    assert_eq!(compiled.len(), 1);
    let said: Vec<_> = compiled.said.iter().map(|w| (w.rule.as_str(), w.place, w.diagnostics.0[0].code)).collect();
    assert_eq!(said, [("B", "expression", "CSE0101"), ("C", "expressions_and_limits", "CSE0001")]);
}
