//! `parallax convert` and `parallax export`, over the telemetry of the pack.

use super::{command, run};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

const PACK: &str = "../../../../packs/T1059.011";

fn json(args: &[&str]) -> Value {
    let output = command(args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

type Events = BTreeSet<(String, i64)>;

/// The events of findings that a query or rule has over the telemetry.
fn detected(detections: &[&str]) -> Events {
    let telemetry = format!("{PACK}/telemetry");
    let args = [&["detect"], detections, &["--input", &telemetry, "--format", "ndjson", "-q"]].concat();
    let output = command(&args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| place(&serde_json::from_str(line).unwrap())).collect()
}

fn place(event: &Value) -> (String, i64) {
    (event["source"].as_str().unwrap().to_owned(), event["record"].as_i64().unwrap())
}

#[test]
fn published_queries_find_the_same_as_rules() {
    for (file, both) in [("published/sentinel.kql", 100), ("published/sumo.sumo", 20)] {
        let path = format!("{PACK}/{file}");
        let out = json(&["convert", &path, "--to", "sigma", "--verify", "--format", "json"]);
        let one = &out["conversions"][0];
        assert_eq!(one["verified"]["explained"], true, "{one}");
        assert_eq!(one["verified"]["only_source"].as_array().map(Vec::len), Some(0), "{one}");
        assert!(one["verified"]["both"].as_u64() > Some(both), "{one}");
    }
}

#[test]
fn a_loss_is_told_with_its_place_and_refused_under_strict() {
    let query = "DeviceProcessEvents | where Timestamp > ago(1d) and FileName == \"lua\"";
    let said = run(&["convert", "--kql", query, "--to", "sigma"]);
    assert!(said.contains("exit 0") && said.contains("warning[CONV0105]") && said.contains("widened"), "{said}");
    assert!(said.contains("Image|endswith|cased:"), "{said}");
    let said = run(&["convert", "--kql", query, "--to", "sigma", "--strict"]);
    assert!(said.starts_with("exit 2\n--- stdout\n--- stderr") && said.contains("error[CONV0209]"), "{said}");
}

#[test]
fn what_cannot_be_said_is_refused_by_name() {
    let said = run(&["convert", "--kql", "DeviceProcessEvents | join (DeviceInfo) on DeviceId", "--to", "sigma"]);
    assert!(
        said.starts_with("exit 2") && said.contains("error[CONV0204]: `join` looks beyond the single row"),
        "{said}"
    );
    let said = run(&["convert", "--kql", "DeviceProcessEvents | take 1", "--to", "kql"]);
    assert!(said.starts_with("exit 3") && said.contains("this is KQL already"), "{said}");
}

/// Rules of Sentinel are read by `detect`, and find what the query finds.
#[test]
fn sentinel_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let said = run(&["export", PACK, "--to", "sentinel", "-o", out, "--only", "sentinel", "sumo"]);
    assert!(said.contains("exit 0") && said.contains("2 files written"), "{said}");
    let file = folder.path().join("t1059_011_sentinel.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    for key in [
        "id",
        "name",
        "description",
        "severity",
        "requiredDataConnectors",
        "queryFrequency",
        "queryPeriod",
        "triggerOperator",
        "triggerThreshold",
        "tactics",
        "relevantTechniques",
        "query",
        "entityMappings",
        "version",
        "kind",
    ] {
        assert!(text.lines().any(|l| l.starts_with(&format!("{key}:"))), "{key}\n{text}");
    }
    assert!(text.contains("queryPeriod: 1d") && text.contains("columnName: DeviceName"), "{text}");
    let said = run(&["rules", file.to_str().unwrap()]);
    assert!(said.contains("exit 0") && said.contains("Detect Lua in Microsoft Sentinel"), "{said}");
    // The query of a rule is the query.
    let query = text.split("query: |\n").nth(1).unwrap().split("entityMappings:").next().unwrap();
    let query: String = query.lines().map(|l| format!("{}\n", l.strip_prefix("  ").unwrap_or(l))).collect();
    let copy = folder.path().join("copy.kql");
    std::fs::write(&copy, query).unwrap();
    let original = detected(&[&format!("{PACK}/published/sentinel.kql")]);
    assert!(original.len() > 100);
    assert_eq!(detected(&[copy.to_str().unwrap()]), original);
}

/// Rules of Cloud SIEM are read by `siem`, and their Signals are of the same events.
#[test]
fn cloud_siem_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let exact = ["sentinel", "child-sigma", "connection-sigma", "host-sigma", "one-liner-sigma"];
    let only = [&["export", PACK, "--to", "cloud-siem", "-o", out, "--only"][..], &exact].concat();
    let said = run(&only);
    assert!(said.contains("exit 0") && said.contains("5 files written"), "{said}");
    let telemetry = format!("{PACK}/telemetry");
    for id in exact {
        let file = folder.path().join(format!("t1059_011_{}.json", id.replace('-', "_")));
        let signals = json(&["siem", file.to_str().unwrap(), "--input", &telemetry, "--format", "json", "-q"]);
        let signals = signals["signals"].as_array().unwrap();
        let events: Events = signals.iter().map(|s| place(&s["records"][0])).collect();
        assert_eq!(events, detected(&[PACK, "--only", id]), "{id}");
        assert!(signals[0]["tags"].as_array().unwrap().iter().any(|t| t == "_mitreAttackTechnique:T1059.011"));
    }
}

/// The pack's rules as queries: the same events.
#[test]
fn rules_of_the_pack_are_queries() {
    for id in ["child", "connection", "host", "library", "one-liner", "renamed"] {
        let path = format!("{PACK}/detections/{id}.yml");
        let telemetry = format!("{PACK}/telemetry");
        let args = ["convert", &path, "--to", "kql", "--strict", "--verify", &telemetry, "--format", "json"];
        let one = &json(&args)["conversions"][0];
        assert_eq!(one["verified"]["only_source"].as_array().map(Vec::len), Some(0), "{one}");
        assert_eq!(one["verified"]["only_result"].as_array().map(Vec::len), Some(0), "{one}");
        assert!(one["verified"]["both"].as_u64() > Some(0), "{one}");
    }
}

#[test]
fn files_for_sigmahq_and_atomic_red_team() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let said = run(&["export", PACK, "--to", "sigma-regression", "-o", out, "--only", "sentinel"]);
    assert!(said.contains("exit 0"), "{said}");
    let data = folder.path().join("regression_data/rules/category/process_creation/proc_creation_t1059_011_sentinel");
    let info = std::fs::read_to_string(data.join("info.yml")).unwrap();
    for line in info.lines().filter_map(|l| l.trim().strip_prefix("path: ")) {
        assert!(folder.path().join(line).is_file(), "{line}");
    }
    let said = run(&["export", PACK, "--to", "atomic", "-o", out]);
    assert!(said.contains("1 file written"), "{said}");
    assert!(Path::new(out).join("atomics/T1059.011/T1059.011.yaml").is_file());
}
