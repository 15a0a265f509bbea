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
