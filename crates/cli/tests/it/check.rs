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
fn sigma_rules() {
    insta::assert_snapshot!(run(&["check", "rules/lua.yml"]));
    insta::assert_snapshot!(run(&["check", "rules"]));
    insta::assert_snapshot!(run(&["check", "rules", "-v"]));
    insta::assert_snapshot!(run(&["check", "rules/analytics.yaml"]));
    insta::assert_snapshot!(run(&["check", "rules/deep/several.yml", "--format", "json"]));
}

#[test]
fn usage() {
    insta::assert_snapshot!(run(&["check", "people.csv"]));
}

/// A table that nobody described, and a text without a query: there is something to check, and nothing to run.
#[test]
fn what_cannot_run_can_be_checked() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text, said) in [
        ("custom.kql", "Nobody_CL | where size_d > 1 | project name_s", "there is no table `Nobody_CL`"),
        ("declared.kql", "let f = (n:long) { n + 1 };", "there is no query in this text"),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        let path = file.display().to_string();
        let checked = run(&["check", &path]);
        assert!(checked.starts_with("exit 0\n") && checked.contains("warning") && checked.contains(said), "{checked}");
        let refused = run(&["query", "-f", &path]);
        assert!(refused.starts_with("exit 2\n") && refused.contains(said), "{refused}");
    }
}
