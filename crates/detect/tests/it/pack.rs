//! Reading packs: what is refused, and how it is said.

use parallax_detect::Pack;
use parallax_detect::pack::{CaseKind, Outcome, Reference, Rows};
use std::fs;

const GOOD: &str = r#"format: 1
id: T1059.011
title: Lua
version: 1.0
technique: { id: T1059.011, name: Lua, tactics: [Execution] }
detections:
  - id: sentinel
    title: Lua, KQL
    query: q.kql
    severity: medium
    confidence: low
cases:
  - id: one
    title: It runs
    kind: attack
    telemetry: [a.log]
    signals:
      - { title: seen, kql: DeviceProcessEvents, exactly: 2 }
    expect:
      - { detection: sentinel, outcome: fires, findings: 1 }
"#;

fn open(manifest: &str) -> Result<Pack, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pack.yaml"), manifest).unwrap();
    fs::write(folder.path().join("q.kql"), "DeviceProcessEvents\n").unwrap();
    fs::write(folder.path().join("a.log"), "").unwrap();
    Pack::open(folder.path()).map_err(|e| e.to_string().replace(&folder.path().display().to_string(), "PACK"))
}

/// The message for the good manifest with one piece replaced.
fn refused(piece: &str, by: &str) -> String {
    assert!(GOOD.contains(piece), "{piece}");
    open(&GOOD.replacen(piece, by, 1)).map(|_| ()).expect_err("refused")
}

#[test]
fn a_good_pack() {
    let pack = open(GOOD).unwrap();
    assert_eq!(pack.version, "1.0");
    let d = pack.detection("sentinel").unwrap();
    assert_eq!((d.dialect.as_str(), d.query.as_str()), ("kql", "DeviceProcessEvents\n"));
    assert_eq!(d.attack, ["T1059.011"]);
    let case = &pack.cases[0];
    assert_eq!((case.kind, case.now), (CaseKind::Attack, Reference::LatestEvent));
    assert_eq!(case.signals[0].rows, Rows::Exactly(2));
    assert_eq!(case.expect[0].outcome, Outcome::Fires(Some(1)));
}

#[test]
fn refusals_have_places() {
    let cases = [
        ("title: Lua, KQL", "titel: Lua, KQL"),
        ("severity: medium", "severity: meduim"),
        ("query: q.kql", "query: ../q.kql"),
        ("query: q.kql", "query: other.kql"),
        ("query: q.kql", "query: q.txt"),
        ("[a.log]", "[b.log]"),
        ("detection: sentinel", "detection: sentinle"),
        ("outcome: fires, findings: 1", "outcome: misses"),
        ("outcome: fires, findings: 1", "outcome: silent"),
        ("outcome: fires, findings: 1", "outcome: fires, findings: 0"),
        ("exactly: 2", "sumo: x"),
        ("format: 1", "format: 2"),
        ("id: T1059.011, name", "id: T1059.11, name"),
        ("kind: attack", "kind: attack\n    now: yesterday"),
        ("cases:", "cases: {"),
    ];
    let all: Vec<_> = cases.iter().map(|(a, b)| format!("# {a} -> {b}\n{}", refused(a, b))).collect();
    insta::assert_snapshot!(all.join("\n\n"));
}
