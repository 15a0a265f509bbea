//! `parallax detect`

use crate::run;

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
