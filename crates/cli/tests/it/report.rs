//! `parallax report`, and the formats of findings.

use super::{command, run, said};
use serde_json::Value as Json;

fn pack() -> String {
    format!("{}/../../packs/T1059.011", env!("CARGO_MANIFEST_DIR"))
}

fn telemetry() -> String {
    format!("{}/telemetry/sysmon/atomic-1-os-execute.windows.xml", pack())
}

#[test]
fn a_report_is_one_file_that_needs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    let (pack, telemetry) = (pack(), telemetry());
    let args = ["report", &pack, "--rule", "*/sentinel", "*/sumo", "-i", &telemetry, "-o", file.to_str().unwrap()];
    let said = said(command(&args).output().unwrap());
    assert!(said.starts_with("exit 0\n--- stdout\n--- stderr\n"), "{said}");
    assert!(said.contains("2 findings by 2 of 2 detections"), "{said}");
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert!(page.contains("http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'"));
    assert!(page.contains("<mark>os.execute(</mark>"), "what matched is marked");
    assert_eq!(page.matches("<details id=\"f-").count(), 2);
    // What was there before is gone, however long it was.
    std::fs::write(&file, "x".repeat(10_000_000)).unwrap();
    command(&args).output().unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap().len(), page.len());
}

#[test]
fn detections_alone_need_no_input() {
    let pack = pack();
    let output = command(&["report", &pack, "--detections", "-o", "-", "-q"]).output().unwrap();
    assert!(output.status.success());
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.contains("Detect Lua in Microsoft Sentinel") && !page.contains("id=\"findings\""));
}

#[test]
fn usage() {
    assert!(run(&["report"]).starts_with("exit 3\n--- stdout\n--- stderr\nerror: no input"));
    let telemetry = telemetry();
    let said = run(&["report", "-i", &telemetry, "-o", "no-such-folder/report.html"]);
    assert!(said.starts_with("exit 3") && said.contains("no-such-folder/report.html can't be written"), "{said}");
}

#[test]
fn findings_in_the_formats_of_others() {
    let telemetry = telemetry();
    let found = |format: &str| {
        let output = command(&["detect", "--rule", "*/sentinel", "-i", &telemetry, "-q", "--format", format]).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let ocsf: Vec<Json> = found("ocsf").lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((ocsf.len(), &ocsf[0]["class_uid"]), (1, &Json::from(2004)));
    assert_eq!(ocsf[0]["evidences"][0]["process"]["cmd_line"], "lua.exe -e \"os.execute('whoami')\"");
    let layer: Json = serde_json::from_str(&found("navigator")).unwrap();
    assert_eq!(
        (&layer["techniques"][0]["techniqueID"], &layer["techniques"][0]["score"]),
        (&"T1059.011".into(), &1.into())
    );
    let log: Json = serde_json::from_str(&found("sarif")).unwrap();
    assert_eq!(log["runs"][0]["results"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_is_wrong_with_a_query_as_sarif() {
    let query = format!("{}/published/sumo.sumo", pack());
    let output = command(&["check", &query, "--format", "sarif"]).output().unwrap();
    let log: Json = serde_json::from_slice(&output.stdout).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(results.iter().any(|r| r["ruleId"] == "SUMO0201" && r["level"] == "warning"));
    let region = &results[0]["locations"][0]["physicalLocation"]["region"];
    assert!(region["startLine"].as_i64() > Some(1));
}
