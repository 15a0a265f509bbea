//! Each kind of rule, at the edges of its window.

use crate::support::{Event, event, over, rule};
use serde_json::json;

const LUA: &str = "C:\\Tools\\lua.exe";
const CMD: &str = "C:\\Windows\\System32\\cmd.exe";
const DAY: i64 = 86_400;

#[test]
fn a_match_rule_fires_on_each_entity_that_the_record_has() {
    let rules = json!([rule(
        "Lua by {{user_username}}",
        json!({
            "name_expression": "Lua by {{user_username}}",
            "summary_expression": "{{baseImage}} on {{fields['Computer']}}{{fields[\"EventData.Nothing\"]}}",
            "expression": "lower(baseImage) like '%\\\\lua.exe' and metadata_deviceEventId = 'Microsoft-Windows-Sysmon/Operational-1'",
            "entity_selectors": [
                { "entity_type": "_hostname", "expression": "device_hostname" },
                { "entity_type": "_username", "expression": "user_username" },
                { "entity_type": "_ip", "expression": "device_ip" },
            ],
        })
    )]);
    let came = over(rules, &[event(0, LUA, "lua"), event(1, CMD, "cmd")]);
    let found: Vec<_> =
        came.signals.iter().map(|s| (s.name.as_str(), s.summary.as_str(), s.entity.to_string())).collect();
    assert_eq!(
        found,
        [
            ("Lua by LAB\\anna", "C:\\Tools\\lua.exe on ws-1", "hostname ws-1".to_owned()),
            ("Lua by LAB\\anna", "C:\\Tools\\lua.exe on ws-1", "username LAB\\anna".to_owned()),
        ]
    );
    assert_eq!(came.events, 2);
}

#[test]
fn a_threshold_slides_and_starts_again() {
    let rules = json!([rule(
        "t",
        json!({
            "pattern_type": "threshold", "expression": "baseImage like '%lua.exe'", "limit": 3, "window": "5m",
            "group_by_fields": ["user_username"],
        })
    )]);
    let other = Event { user: "LAB\\ben", ..event(20, LUA, "x") };
    let elsewhere = Event { host: "ws-2", ..event(30, LUA, "x") };
    // 0, 200, 300 lie within 300 seconds, both ends included; the fourth begins anew; 700..1001 is a second too long.
    let events =
        [event(300, LUA, "c"), event(0, LUA, "a"), other, elsewhere, event(200, LUA, "b"), event(301, LUA, "d")]
            .into_iter()
            .chain([700, 800, 1001].map(|at| event(at, LUA, "e")));
    let came = over(rules, &events.collect::<Vec<_>>());
    assert_eq!(came.times(), [300]);
    assert_eq!((came.signals[0].count, came.signals[0].records.len()), (3, 3));
}

#[test]
fn a_threshold_of_distinct_values() {
    let rules = json!([rule(
        "t",
        json!({
            "expression": "true", "limit": 3, "window": "T60M", "count_distinct": true, "count_field": "commandLine",
        })
    )]);
    let came =
        over(rules, &["a", "a", "b", "a", "c"].iter().zip(0..).map(|(l, at)| event(at, CMD, l)).collect::<Vec<_>>());
    assert_eq!(came.times(), [4]);
}

#[test]
fn a_chain_in_order_and_in_any() {
    let chain = |ordered: bool| {
        json!([rule(
            "c",
            json!({
                "pattern_type": "chain", "ordered": ordered, "window": "CUSTOM", "window_size": 60_000,
                "expressions_and_limits": [
                    { "expression": "baseImage like '%lua.exe'", "limit": 2 },
                    { "expression": "baseImage like '%cmd.exe'", "limit": 1 },
                ],
            })
        )])
    };
    let backwards = [event(0, CMD, "x"), event(10, LUA, "x"), event(20, LUA, "x")];
    assert_eq!(over(chain(false), &backwards).times(), [20]);
    assert!(over(chain(true), &backwards).signals.is_empty());
    let forwards = [event(0, LUA, "x"), event(10, LUA, "x"), event(20, CMD, "x"), event(30, CMD, "x")];
    assert_eq!(over(chain(true), &forwards).times(), [20]);
    let too_far = [event(0, LUA, "x"), event(10, LUA, "x"), event(61, CMD, "x")];
    assert!(over(chain(true), &too_far).signals.is_empty());
}

#[test]
fn an_aggregation() {
    let rules = json!([rule(
        "a",
        json!({
            "pattern_type": "aggregation", "match_expression": "!isNull(commandLine)", "window": "T30M", "group_by_asset": true,
            "aggregation_functions": [
                { "name": "bad", "function": "count", "arguments": ["baseImage like '%lua.exe'"] },
                { "name": "good", "function": "count", "arguments": ["baseImage like '%cmd.exe'"] },
                { "name": "longest", "function": "max", "arguments": ["length(commandLine)"] },
            ],
            "trigger_expression": "good + bad >= 4 and (bad / (good + bad)) * 100 > 60 and longest = 4",
        })
    )]);
    let events = [(CMD, "a"), (LUA, "bbbb"), (LUA, "c"), (LUA, "d"), (LUA, "e")];
    let came = over(rules, &events.iter().zip(0..).map(|((i, l), at)| event(at, i, l)).collect::<Vec<_>>());
    assert_eq!(came.times(), [3]);
}

#[test]
fn first_seen_learns_keeps_and_forgets() {
    let first = |kind: &str| {
        json!([rule(
            "f",
            json!({
                "pattern_type": "first_seen", "filter_expression": "objectType = 'EndpointProcess'",
                "value_fields": ["baseImage"], "baseline_type": kind, "group_by_fields": ["user_username"],
                "baseline_window_size": 3 * DAY * 1000, "retention_window_size": 10 * DAY * 1000,
            })
        )])
    };
    let ben = |at: i64| Event { user: "LAB\\ben", ..event(at, LUA, "x") };
    let events = [
        event(0, CMD, "x"),           // learned
        event(2 * DAY, CMD, "x"),     // known
        event(3 * DAY, LUA, "x"),     // new
        event(3 * DAY + 1, LUA, "x"), // known now
        ben(4 * DAY),                 // another entity: its own baseline begins, the global one knows it
        event(20 * DAY, LUA, "x"),    // forgotten, and new again
    ];
    for kind in ["GLOBAL", "PER_ENTITY"] {
        assert_eq!(over(first(kind), &events).times(), [3 * DAY, 20 * DAY], "{kind}");
    }
}

#[test]
fn an_outlier_lies_above_the_mean() {
    let rules = json!([rule(
        "o",
        json!({
            "pattern_type": "outlier", "match_expression": "true", "window": "T24H", "window_size": DAY * 1000,
            "aggregation_functions": [{ "name": "current", "function": "count", "arguments": ["true"] }],
            "group_by_fields": ["device_hostname"], "deviation_threshold": 2, "floor_value": 3,
            "baseline_window_size": 3 * DAY * 1000, "retention_window_size": 30 * DAY * 1000,
        })
    )]);
    // Two a day for four days, then five: mean 2, deviation 0, so the third is one, once.
    let days = (0..4).flat_map(|day| [day * DAY + 10, day * DAY + 20]);
    let events: Vec<_> = days.chain((0..5).map(|i| 4 * DAY + i)).map(|at| event(at, CMD, "x")).collect();
    assert_eq!(over(rules, &events).times(), [4 * DAY + 2]);
}

#[test]
fn tuning_expressions_are_joined() {
    let rules = json!({
        "rules": [rule("r", json!({ "id": "R-1", "expression": "true" }))],
        "tuningExpressions": [
            { "name": "only lua", "expression": "baseImage like '%lua.exe'", "exclude": false, "isGlobal": true },
            { "name": "not build", "expression": "commandLine = 'build'", "exclude": true, "ruleIds": ["R-1"] },
            { "name": "off", "expression": "false", "enabled": false, "isGlobal": true },
            { "name": "of another", "expression": "false", "ruleIds": ["R-2"] },
        ],
    });
    let came = over(rules, &[event(0, CMD, "x"), event(1, LUA, "build"), event(2, LUA, "x")]);
    assert_eq!(came.times(), [2]);
}

#[test]
fn match_lists_are_compared_with_records() {
    let rules = json!({
        "rules": [
            rule("not of a scanner", json!({ "expression": "not array_contains(listMatches, 'scanners')" })),
            rule("of anna", json!({
                "expression": "array_contains(listMatches, 'people') and array_contains(listMatches, 'column:Username')",
                "summary_expression": "{{listMatches}}",
            })),
            rule("of nobody", json!({ "expression": "array_contains(listMatches, 'no such list')" })),
        ],
        "matchLists": [
            { "name": "scanners", "targetColumn": "Hostname", "items": ["ws-2", { "value": "ws-3" }] },
            { "name": "people", "targetColumn": "Username", "items": ["LAB\\anna"] },
            { "name": "tools", "targetColumn": "baseImage", "items": [LUA] },
        ],
    });
    let scanner = Event { host: "ws-3", user: "LAB\\ben", ..event(5, CMD, "x") };
    let came = over(rules, &[event(0, LUA, "x"), scanner]);
    let found: Vec<_> = came.signals.iter().map(|s| (s.name.as_str(), s.summary.as_str())).collect();
    let on = r#"["people","column:Username","tools","column:baseImage"]"#;
    assert_eq!(found, [("not of a scanner", ""), ("of anna", on)]);
}

#[test]
fn rules_share_one_reading() {
    let one = |i: i64| rule(&format!("r{i}"), json!({ "expression": format!("commandLine = '{i}'") }));
    let rules = serde_json::Value::Array((0..200).map(one).collect());
    let events: Vec<_> = (0..100).map(|i| event(i, CMD, &i.to_string())).collect();
    let came = over(rules, &events);
    assert_eq!((came.signals.len(), came.events, came.run.matched), (100, 100, 100));
    assert_eq!(came.times(), (0..100).collect::<Vec<_>>());
}

#[test]
fn what_is_open_is_let_go() {
    // Many hosts, each far below the limit: what is remembered is what the window holds.
    let rules = json!([rule("t", json!({ "expression": "true", "limit": 3, "window": "5m" }))]);
    let hosts: Vec<&'static str> = (0..50).map(|i| &*Box::leak(format!("h{i}").into_boxed_str())).collect();
    let events: Vec<_> = (0..9000).map(|i| Event { host: hosts[i % 50], ..event(i as i64 * 10, CMD, "x") }).collect();
    assert!(over(rules, &events).signals.is_empty());
}
