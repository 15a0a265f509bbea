//! `parallax test`

use crate::{copy, fixtures, run};
use std::fs;

#[test]
fn every_expectation_holds() {
    insta::assert_snapshot!(run(&["test", "pack"]));
    insta::assert_snapshot!(run(&["test", "pack", "--format", "json", "--only", "attack"]));
}

#[test]
fn reality_that_differs_fails() {
    let folder = tempfile::tempdir().unwrap();
    copy(&fixtures().join("pack"), folder.path());
    let manifest = fs::read_to_string(folder.path().join("pack.yaml")).unwrap();
    let broken = manifest.replace("findings: 1", "findings: 2").replace("exactly: 1", "exactly: 3");
    fs::write(
        folder.path().join("pack.yaml"),
        broken.replace("outcome: silent }\n      - { d", "outcome: false-positive, reason: x }\n      - { d"),
    )
    .unwrap();
    insta::assert_snapshot!(run(&["test", &folder.path().display().to_string()]));
}

#[test]
fn a_wrong_pack() {
    insta::assert_snapshot!(run(&["test", "no-such-pack"]));
    insta::assert_snapshot!(run(&["test", "pack", "--only", "nothing"]));
}
