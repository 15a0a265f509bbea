//! `parallax explain`

use crate::run;

/// The published detections over an event that they find and one that they do not find.
const PACK: &str = "../../../../packs/T1059.011";

fn published(query: &str, event: &[&str], more: &[&str]) -> String {
    let query = format!("{PACK}/published/{query}");
    let input = format!("{PACK}/telemetry/auditd/t1-lua5.4.log");
    let args = ["explain", "-q", "--file", &query, "--input", &input, "--now", "latest"];
    run(&[&args[..], event, more].concat())
}

#[test]
fn why_the_published_kql_finds_an_event() {
    insta::assert_snapshot!(published("sentinel.kql", &["--record", "t1-lua5.4.log@24658"], &[]));
}

#[test]
fn why_the_published_kql_does_not_find_an_event() {
    insta::assert_snapshot!(published("sentinel.kql", &["--find", "FileName == 'whoami'"], &[]));
}

#[test]
fn why_the_published_sumo_search_finds_an_event() {
    insta::assert_snapshot!(published("sumo.sumo", &["--record", "t1-lua5.4.log@24658"], &[]));
}

#[test]
fn why_the_published_sumo_search_does_not_find_an_event() {
    let find = "comm = \"whoami\" and type = \"EXECVE\"";
    insta::assert_snapshot!(published("sumo.sumo", &["--find", find], &["--events", "1"]));
}

#[test]
fn what_a_query_is_and_reads() {
    let kql = "DeviceProcessEvents|where FileName startswith 'lua' and Timestamp>ago(1d)|project Timestamp,FileName,Line=strlen(ProcessCommandLine)";
    let args = ["explain", "--kql", kql, "--input", "defender.jsonl", "--now", "latest", "--threads", "1"];
    insta::assert_snapshot!(run(&args));
    let sumo = "lua* | where ProcessId<1002 | count by FileName";
    insta::assert_snapshot!(run(&["explain", "--sumo", sumo, "--input", "defender.jsonl", "--threads", "1"]));
}

#[test]
fn as_json() {
    let kql = "DeviceProcessEvents | where FileName in ('lua', 'x') or ProcessId < 5 | count";
    let args = ["explain", "--kql", kql, "--input", "defender.jsonl", "--threads", "1", "--format", "json"];
    // Plans have all columns of the table; the text form's tests show some.
    let said = run(&[&args[..], &["--find", "true", "--events", "1"]].concat());
    let said: Vec<&str> = said.lines().filter(|l| !l.contains("plan\": ")).collect();
    insta::assert_snapshot!(said.join("\n"));
}

/// `docs/explain.md` shows what the program says; set `PARALLAX_UPDATE_DOCS` to write its examples anew.
#[test]
fn the_examples_in_the_documentation_are_what_the_program_says() {
    let root = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("docs/explain.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut fresh = String::new();
    // An example is a block whose first line is the command.
    for (index, block) in page.split("```").enumerate() {
        let command = block.strip_prefix("text\n$ parallax ").and_then(|b| b.lines().next());
        let said = command.map(|c| {
            let output = crate::command(&words(c)).current_dir(&root).output().unwrap();
            assert!(output.status.success(), "{c}: {}", String::from_utf8_lossy(&output.stderr));
            format!("text\n$ parallax {c}\n{}", String::from_utf8_lossy(&output.stdout))
        });
        fresh.push_str(if index > 0 { "```" } else { "" });
        fresh.push_str(said.as_deref().unwrap_or(block));
    }
    if std::env::var_os("PARALLAX_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    } else {
        assert!(page == fresh, "docs/explain.md is old; run this test with PARALLAX_UPDATE_DOCS=1");
    }
}

/// A command line's words; `'…'` is one.
fn words(line: &str) -> Vec<&str> {
    let parts = line.split('\'').enumerate();
    parts.flat_map(|(i, part)| if i % 2 == 1 { vec![part] } else { part.split_whitespace().collect() }).collect()
}

#[test]
fn wrong_usage() {
    let of = |args: &[&str]| {
        run(&[&["explain", "--kql", "DeviceProcessEvents | where FileName == 'x'", "--input", "defender.jsonl"], args]
            .concat())
    };
    insta::assert_snapshot!(of(&["--record", "here"]));
    insta::assert_snapshot!(of(&["--record", "other.jsonl@0"]));
    insta::assert_snapshot!(of(&["--record", "defender.jsonl@999999"]));
    insta::assert_snapshot!(of(&["--find", "Filename =="]));
    insta::assert_snapshot!(of(&["--find", "Filename == 'x'"]));
    insta::assert_snapshot!(of(&["--where-time", "2026-03-01T10:00:00Z", "--format", "text"]));
    insta::assert_snapshot!(run(&["explain", "--kql", "DeviceProcessEvents | where Filename == 'x'"]));
}
