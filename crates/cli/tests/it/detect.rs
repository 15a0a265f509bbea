//! `parallax detect`

use crate::{fixtures, run};
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

/// A query that looks back for a day finds what was recorded in other months too, each event once.
#[test]
fn all_recorded_time_is_gone_through() {
    let folder = tempfile::tempdir().unwrap();
    let line = fs::read_to_string(fixtures().join("defender.jsonl")).unwrap().lines().next().unwrap().to_owned();
    let at = |time: &str| line.replace("2026-03-01T11:00:00.1234567Z", time) + "\n";
    let times =
        ["2024-02-29T00:00:00Z", "2026-02-28T11:00:00Z", "2026-02-28T11:00:00.0000001Z", "2026-03-01T11:00:00Z"];
    fs::write(folder.path().join("a.jsonl"), times[..2].iter().map(|t| at(t)).collect::<String>()).unwrap();
    fs::write(folder.path().join("b.jsonl"), times[2..].iter().map(|t| at(t)).collect::<String>()).unwrap();
    let input = folder.path().display().to_string();
    let args = ["detect", "pack", "--only", "lua", "--format", "csv", "--input", &input];
    let all = run(&args);
    for time in times {
        let times_found = all.lines().filter(|l| l.contains(",demo/lua,") && l.contains(&time[..19])).count();
        assert!(times_found > 0, "{time}: {all}");
    }
    assert!(all.contains("\n4 findings by 1 of 1 detection"), "{all}");
    assert!(run(&[&args[..], &["--now", "latest"]].concat()).contains("\n2 findings"), "{all}");
}
