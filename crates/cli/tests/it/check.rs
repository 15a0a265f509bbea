//! `parallax check`

use crate::{fixtures, run};
use std::fs;

#[test]
fn wrong_and_right() {
    insta::assert_snapshot!(run(&["check", "wrong.kql", "pack"]));
    insta::assert_snapshot!(run(&["check", "wrong.kql", "--format", "json"]));
}

#[test]
fn portability_and_its_fix() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("eval.sumo");
    fs::copy(fixtures().join("eval.sumo"), &file).unwrap();
    insta::assert_snapshot!(run(&["check", "eval.sumo"]));
    insta::assert_snapshot!(run(&["check", "eval.sumo", "--strict"]));
    let path = file.display().to_string();
    assert!(run(&["check", &path, "--fix", "-q"]).starts_with("exit 0\n"));
    insta::assert_snapshot!(fs::read_to_string(&file).unwrap());
    let again = run(&["check", &path]);
    assert!(again.ends_with("1 query: no errors\n") && !again.contains("warning"), "{again}");
}

#[test]
fn usage() {
    insta::assert_snapshot!(run(&["check", "people.csv"]));
}
