//! The help texts, which `docs/cli.md` holds for those who have no program at hand.

use crate::command;
use std::path::PathBuf;

fn help(of: &[&str]) -> String {
    let output = command(&[of, &["--help"]].concat()).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// Set `PARALLAX_UPDATE_DOCS` to write the reference anew.
#[test]
fn the_reference_is_what_the_program_says() {
    let mut text =
        String::from("# The command line\n\nThis page is what `parallax --help` says; a test holds it to that.\n");
    let atomic = [&["atomic"][..], &["atomic", "list"], &["atomic", "show"], &["atomic", "run"]];
    let first = [&[][..], &["detect"], &["query"], &["test"]];
    let last = [&["check"][..], &["explain"], &["report"], &["ingest"], &["siem"]];
    for of in first.into_iter().chain(atomic).chain(last) {
        let name = [&["parallax"], of].concat().join(" ");
        text.push_str(&format!("\n## `{name}`\n\n```text\n{}```\n", help(of)));
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    if std::env::var_os("PARALLAX_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(page == text, "docs/cli.md is old; run this test with PARALLAX_UPDATE_DOCS=1");
}
