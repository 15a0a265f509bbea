//! The published Sumo detection and the query that Sumo takes.

use crate::{fixtures, run};
use std::fs;
use std::path::{Path, PathBuf};

fn pack() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/T1059.011")
}

/// The published query, mended by `check --fix`, in a file.
fn mended(folder: &Path) -> String {
    let file = folder.join("mended.sumo");
    fs::copy(pack().join("published/sumo.sumo"), &file).unwrap();
    let file = file.display().to_string();
    assert!(run(&["check", &file, "--fix", "-q"]).starts_with("exit 0\n"));
    let strict = run(&["check", &file, "--strict"]);
    assert!(strict.starts_with("exit 0\n"), "{strict}");
    file
}

#[test]
fn check_prints_the_query_as_sumo_takes_it() {
    let published = pack().join("published/sumo.sumo").display().to_string();
    let said = run(&["check", &published]);
    let folder = tempfile::tempdir().unwrap();
    let mended = fs::read_to_string(mended(folder.path())).unwrap();
    assert!(said.contains("`eval` is not part of Sumo's documented search language"), "{said}");
    assert!(said.contains("an operator of metrics queries: the real product rejects the search"), "{said}");
    assert!(said.contains("the query as Sumo takes it, with the same result (`--fix` writes it):"), "{said}");
    assert!(said.contains(mended.trim_end()), "{said}");
    assert!(!mended.contains("eval"), "{mended}");
}

/// On all telemetry of the repository, and on the shared folder's where it is given.
#[test]
fn the_published_query_and_the_mended_one_give_identical_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mended = mended(folder.path());
    let published = pack().join("published/sumo.sumo").display().to_string();
    let mut inputs: Vec<PathBuf> =
        fs::read_dir(pack().join("telemetry")).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    inputs.push(pack().join("telemetry"));
    inputs.push(fixtures());
    match std::env::var_os("PARALLAX_SHARED") {
        Some(shared) => inputs.push(PathBuf::from(shared).join("telemetry")),
        None => eprintln!("skipped: the shared telemetry, PARALLAX_SHARED is not set"),
    }
    inputs.sort();
    let mut rows = 0;
    for input in inputs {
        let input = input.display().to_string();
        for switch in ["sumo.audit-records=joined", "sumo.audit-records=raw"] {
            let answer = |query: &str| {
                let said = run(&["query", "-f", query, "--input", &input, "--set", switch, "--format", "json", "-q"]);
                // What is said of the query's text differs, as it should.
                said.split("--- stderr").next().unwrap_or_default().to_owned()
            };
            let (one, other) = (answer(&published), answer(&mended));
            assert!(one.starts_with("exit 0\n") || one.starts_with("exit 4\n"), "{input}: {one}");
            assert_eq!(one, other, "{input} with {switch}");
            rows += one.matches("SuspicionScore").count();
        }
    }
    assert!(rows > 0, "the detection finds something");
}
