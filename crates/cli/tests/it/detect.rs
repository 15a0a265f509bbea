//! `parallax detect`

use crate::{copy, fixtures, run};
use std::fs;

#[test]
fn findings_for_people() {
    insta::assert_snapshot!(run(&["detect", "pack", "--input", "defender.jsonl"]));
}

#[test]
fn findings_as_json() {
    insta::assert_snapshot!(run(&["detect", "pack", "--input", "defender.jsonl", "--format", "json"]));
    insta::assert_snapshot!(run(&["detect", "pack", "--input", "defender.jsonl", "--format", "csv", "-q"]));
}

#[test]
fn a_detection_that_could_not_apply_is_named() {
    insta::assert_snapshot!(run(&["detect", "pack", "--input", "people.csv"]));
}

#[test]
fn the_reference_time_can_be_given() {
    insta::assert_snapshot!(run(&["detect", "pack", "--input", "defender.jsonl", "--now", "2026-06-01T00:00:00Z"]));
}

#[test]
fn fail_on() {
    let args = ["detect", "pack", "--input", "defender.jsonl", "-q", "--format", "ndjson", "--fail-on"];
    assert!(run(&[&args[..], &["medium"]].concat()).starts_with("exit 1\n"));
    assert!(run(&[&args[..], &["high"]].concat()).starts_with("exit 0\n"));
}

#[test]
fn some_input_unreadable() {
    insta::assert_snapshot!(run(&[
        "detect",
        "pack",
        "--input",
        "damaged.jsonl",
        "nowhere",
        "--only",
        "lua",
        "--format",
        "csv"
    ]));
}

/// The packs that are built in are read without a file.
#[test]
fn built_in_packs() {
    let said = run(&["detect", "--input", "defender.jsonl", "--only", "sentinel", "--format", "ndjson"]);
    assert!(said.starts_with("exit 0\n"), "{said}");
    assert!(said.contains("\"rule\":\"T1059.011/sentinel\""), "{said}");
}

/// A query that looks back for a day finds what was recorded in other months too, each event once: in one run where it
/// looks at each event alone, in several otherwise.
#[test]
fn all_recorded_time_is_gone_through() {
    let folder = tempfile::tempdir().unwrap();
    let line = fs::read_to_string(fixtures().join("defender.jsonl")).unwrap().lines().next().unwrap().to_owned();
    let at = |time: &&str| line.replace("2026-03-01T11:00:00.1234567Z", time) + "\n";
    let times =
        ["2024-02-29T00:00:00Z", "2026-02-28T11:00:00Z", "2026-02-28T11:00:00.0000001Z", "2026-03-01T11:00:00Z"];
    fs::create_dir(folder.path().join("input")).unwrap();
    fs::write(folder.path().join("input/a.jsonl"), times[..2].iter().map(at).collect::<String>()).unwrap();
    fs::write(folder.path().join("input/b.jsonl"), times[2..].iter().map(at).collect::<String>()).unwrap();
    let input = folder.path().join("input").display().to_string();
    copy(&fixtures().join("pack"), folder.path());
    let pack = folder.path().display().to_string();
    let query = fs::read_to_string(folder.path().join("lua.kql")).unwrap();
    let again = [
        (query.clone(), "ran over all recorded time"),
        (query.clone() + "| take 100", "ran at 3 reference times"),
        // Another condition on time: whether the bound may be lifted is not certain.
        (query.clone() + "| where Timestamp < now(1h)", "ran at 3 reference times"),
    ];
    for (query, how) in again {
        fs::write(folder.path().join("lua.kql"), query).unwrap();
        let args = ["detect", &pack, "--only", "lua", "--format", "csv", "--input", &input];
        let all = run(&args);
        assert_eq!(all.lines().filter(|l| l.contains(",demo/lua,")).count(), 4, "{all}");
        assert!(all.contains(how), "{how}: {all}");
        assert!(run(&[&args[..], &["--now", "latest"]].concat()).contains("\n2 findings"));
    }
    // A date is part of what the query asks.
    fs::write(folder.path().join("lua.kql"), query.replace("ago(24h)", "datetime(2026-02-28T11:00:00Z)")).unwrap();
    let all = run(&["detect", &pack, "--only", "lua", "--format", "csv", "--input", &input]);
    assert_eq!(all.lines().filter(|l| l.contains(",demo/lua,")).count(), 2, "{all}");
}

const INPUTS: [&str; 3] = ["--input", "defender.jsonl", "logons.jsonl"];

fn rules(more: &[&str]) -> String {
    run(&[&["detect", "mixed"], &INPUTS[..], more].concat())
}

/// Sigma, KQL, Sumo and analytics rules of one folder; what is wrong is told and the rest runs.
#[test]
fn detections_of_every_kind() {
    insta::assert_snapshot!(rules(&[]));
}

/// What the loaded rules are, and which of them the inputs have something for.
#[test]
fn a_list_of_detections() {
    let list = |more: &[&str]| run(&[&["rules", "mixed", "--format", "csv"], &INPUTS[..], more].concat());
    insta::assert_snapshot!(list(&["--placeholders", "placeholders.yaml"]));
    insta::assert_snapshot!(list(&["--level", "medium", "--tag", "attack.t1110*"]));
}

#[test]
fn filters_say_what_they_leave_out() {
    let only = |more: &[&str]| {
        let said = rules(&[&["--format", "csv", "-q"], more].concat());
        let lines = said.lines().skip_while(|l| !l.starts_with("id,")).skip(1).take_while(|l| *l != "--- stderr");
        let mut titles: Vec<String> = lines.filter_map(|l| Some(l.split(',').nth(2)?.to_owned())).collect();
        titles.dedup();
        titles
    };
    assert_eq!(only(&["--rule", "*lua runs*"]), ["Lua runs a command"]);
    assert_eq!(only(&["--only", "shell", "whoami"]), ["A shell started by Lua", "whoami"]);
    assert_eq!(only(&["--tag", "attack.t1059*", "--exclude", "shell", "2222*"]), ["Lua runs a command"]);
    assert_eq!(only(&["--status", "experimental"]), ["Guessed password"]);
    assert_eq!(
        only(&["--only-level", "low"]),
        ["A shell started by Lua", "2 failed logons of ann", "2 failed logons of cid"]
    );
    assert!(rules(&["--level", "high"]).contains("left out: 7 by --level"));
    assert!(rules(&["--rule", "nothing"]).starts_with("exit 3"));
}

/// All rules of Sigma look at the inputs in one reading; queries that look at each event share one a table.
#[test]
fn inputs_are_read_once() {
    let said = rules(&["-v", "--rule", "*logon*", "Guessed*", "Lua runs*", "--exclude", "2222*"]);
    assert!(said.contains("inputs were read 1 time\n"), "{said}");
    let said = rules(&["-v", "--rule", "shell", "whoami", "Lua runs*"]);
    assert!(said.contains("inputs were read 3 times\n"), "{said}");
}

/// An analytics rule runs at each time of its schedule, or once.
#[test]
fn analytics_rules() {
    let at = |more: &[&str]| rules(&[&["--rule", "2222*", "--format", "ndjson", "-q"], more].concat());
    insta::assert_snapshot!(at(&[]));
    insta::assert_snapshot!(at(&["--now", "2026-03-01T10:30:00Z"]));
}

/// What is found does not depend on how many threads look.
#[test]
fn threads_find_the_same() {
    for format in ["ndjson", "json", "csv", "table", "ocsf", "navigator", "sarif"] {
        // An OCSF finding says when it was made.
        let with = |n: &str| {
            let said = rules(&["--format", format, "--threads", n]);
            said.split(',')
                .filter(|part| !part.contains("\"time\":") && !part.contains("created_time"))
                .collect::<String>()
        };
        assert_eq!(with("1"), with("7"), "{format}");
    }
    // Several files, and rows of several queries in one reading.
    let telemetry = fixtures().join("../../../../packs/T1059.011/telemetry/sysmon").display().to_string();
    let pack = |n: &str| {
        run(&["detect", "--input", &telemetry, "--only", "sentinel", "*kql", "--threads", n, "--format", "csv"])
    };
    let said = pack("1");
    assert_eq!(said, pack("5"));
    assert!(said.contains("T1059.011/sentinel"));
}

#[test]
fn what_cannot_be_loaded() {
    insta::assert_snapshot!(run(&["detect", "mixed/sigma/broken.yml", "nowhere.yml", "--input", "defender.jsonl"]));
}
