//! `parallax siem`

use crate::run;

/// Recorded process creations of one host: Lua, its shells, and other programs.
const TELEMETRY: &str = "../../../../packs/T1059.011/telemetry/sysmon";

#[test]
fn from_recorded_events_to_an_insight() {
    insta::assert_snapshot!(run(&["siem", "siem/lua.json", "--input", TELEMETRY, "--learn", "1m"]));
}

#[test]
fn as_json() {
    let args = ["siem", "siem/lua.json", "-i", TELEMETRY, "--format", "json", "-q", "--only", "LAB-2", "LAB-3"];
    insta::assert_snapshot!(run(&args));
}

#[test]
fn recordings_are_shorter_than_what_rules_learn() {
    let said = run(&["siem", "siem/lua.json", "-i", TELEMETRY, "--only", "LAB-4"]);
    assert!(said.contains("\n0 Signals (0 suppressed) and 0 Insights by 1 rule;"), "{said}");
}

#[test]
fn fail_on() {
    let args = ["siem", "siem/lua.json", "-i", TELEMETRY, "-q", "--format", "json", "--fail-on"];
    assert!(run(&[&args[..], &["signal"]].concat()).starts_with("exit 1\n"));
    assert!(run(&[&args[..], &["insight", "--threshold", "100"]].concat()).starts_with("exit 0\n"));
    assert!(run(&[&args[..], &["insight", "--threshold", "8"]].concat()).starts_with("exit 1\n"));
}

#[test]
fn a_wrong_rule_is_told_and_the_others_run() {
    insta::assert_snapshot!(run(&["siem", "siem/wrong.json", "-i", "defender.jsonl"]));
}

#[test]
fn check_marks_the_place_in_the_expression() {
    insta::assert_snapshot!(run(&["check", "siem/wrong.json", "siem/lua.json"]));
    insta::assert_snapshot!(run(&["check", "siem/wrong.json", "--format", "json", "-q"]));
}

/// A search whose scope names a partition of records reads them.
#[test]
fn records_in_a_search() {
    let query = "_index=sec_record_endpoint baseImage=*lua.exe metadata_vendor=Microsoft \
        | where %\"fields.IntegrityLevel\" = \"Medium\" | count by device_hostname, user_username, objectType, _index";
    insta::assert_snapshot!(run(&["query", "--sumo", query, "-i", TELEMETRY, "-q"]));
}
