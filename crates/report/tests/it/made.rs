//! Small sessions and their reports.

use parallax_detect::{Detections, Job, Pack, Reading, run_all};
use parallax_engine::{Options, Session};
use parallax_report::collect::Collector;
use parallax_report::model::{Document, Made};
use parallax_report::{assemble, html};
use serde_json::json;
use std::path::Path;

/// A pack of one KQL and one Sumo detection for command lines with `os.execute(`.
const PACK: &str = r#"
format: 2
id: small
title: Small <b>pack</b>
version: 1.0.0
summary: What a report shows of a pack.
technique:
  id: T1059.011
  name: "Command and Scripting Interpreter: Lua"
  tactics: [Execution]
  url: https://attack.mitre.org/techniques/T1059/011/
detections:
  - id: lines
    title: Lua runs a command
    query: lines.kql
    severity: high
    confidence: medium
    description: A <i>paragraph</i>.
    references: ["https://example.org/a/very/long/address/LONG", "javascript:alert(1)"]
    data_sources: ["Process: Process Creation"]
    false_positives: ["Editors with Lua, such as </li><script>alert(1)</script>"]
documents:
  playbook: playbook.md
hunts:
  - id: hunt
    title: Parents
    purpose: Who starts it.
    kql: lines.kql
cases: []
"#;

const QUERY: &str = "DeviceProcessEvents // all of them\n| where ProcessCommandLine contains \"os.execute(\" and FileName startswith \"lua\"\n| project Timestamp, DeviceName, ProcessCommandLine\n";
const PLAYBOOK: &str =
    "# Contain\n\n1. Isolate <script>alert(1)</script> the host\n\n```kql\nDeviceProcessEvents | take 1\n```\n";

/// The pack in a folder.
pub(crate) fn pack(folder: &Path) -> Pack {
    let manifest = PACK.replace("LONG", &"x".repeat(300));
    for (name, text) in [("pack.yaml", manifest.as_str()), ("lines.kql", QUERY), ("playbook.md", PLAYBOOK)] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    Pack::open(folder).unwrap_or_else(|e| panic!("{}", e.render(parallax_diagnostics::Style::Plain)))
}

/// Process creations as Defender exports them: a shell starts each command line, and each starts `id`.
pub(crate) fn defender(lines: &[&str]) -> String {
    let mut out = String::new();
    let mut put = |minute: usize, host: &str, id: usize, parent: (usize, &str), image: &str, line: &str| {
        let row = json!({
            "Timestamp": format!("2026-03-01T{:02}:{:02}:00Z", 8 + minute / 60, minute % 60), "ActionType": "ProcessCreated",
            "DeviceName": host, "AccountName": "al<i>ce", "FileName": image, "FolderPath": format!("/usr/bin/{image}"),
            "ProcessId": id, "ProcessCommandLine": line, "InitiatingProcessId": parent.0,
            "InitiatingProcessFileName": parent.1, "InitiatingProcessFolderPath": format!("/usr/bin/{}", parent.1),
            "InitiatingProcessCommandLine": parent.1, "ReportId": id,
        });
        out.push_str(&format!("{row}\n"));
    };
    put(0, "web-01", 100, (1, "sshd"), "bash", "-bash");
    put(0, "<b>db</b>", 100, (1, "sshd"), "bash", "-bash");
    for (n, line) in lines.iter().enumerate() {
        let host = if n % 3 == 2 { "<b>db</b>" } else { "web-01" };
        put(1 + n * 7, host, 200 + n * 2, (100, "bash"), "lua5.4", line);
        put(2 + n * 7, host, 201 + n * 2, (200 + n * 2, "lua5.4"), "id", "id -u <x>");
    }
    out
}

/// The document of a run of the pack over these lines.
pub(crate) fn document(lines: &[&str], limit: usize) -> Document {
    let folder = tempfile::tempdir().unwrap();
    let pack = pack(folder.path());
    let input = folder.path().join("events.json");
    std::fs::write(&input, defender(lines)).unwrap();
    let session = Session::open(&[input.display().to_string()], Options::default()).unwrap();
    let now = session.census().latest.unwrap();
    let mut reading = Reading::default();
    let mut collector = Collector::new(limit);
    let mut document =
        Document { title: "A </title><script>alert(1)</script> report".to_owned(), ..Document::default() };
    document.made =
        Made { program: "Parallax".to_owned(), command: "parallax report <x>".to_owned(), ..Made::default() };
    let detections = Detections::of_pack(&pack, &Default::default());
    let chosen = vec![true; detections.rules.len()];
    let job = Job { session: &session, detections: &detections, chosen: &chosen, now: Some(now), wall: now };
    let sink = &mut |f: &parallax_detect::Finding| {
        collector.add(f);
        Ok(())
    };
    let ran = run_all(&job, &mut reading, &mut |_, _| {}, sink).unwrap();
    document.runs = ran.runs.iter().map(assemble::run_line).collect();
    document.pages =
        (0..detections.rules.len()).map(|at| assemble::page(&session, &detections, at, &|_| None)).collect();
    document.packs.push(assemble::pack_page(&pack, None));
    let (totals, findings) = collector.finish();
    (document.entries, document.remarks) = assemble::entries(&session, findings, now);
    document.totals = totals;
    document.inputs = Some(assemble::inputs(&session, &reading));
    document
}

/// The document as a page.
pub(crate) fn page(document: &Document) -> String {
    let mut out = Vec::new();
    html::write(document, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A page of what these lines say.
pub(crate) fn hostile(lines: &[&str]) -> String {
    let document = document(lines, 1000);
    assert_eq!(document.entries.len(), lines.len());
    page(&document)
}
