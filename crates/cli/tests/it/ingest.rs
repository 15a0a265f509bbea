//! `parallax ingest`: a store in the place of the files, for every command.

use crate::{command, fixtures, said};
use std::fs;
use std::path::Path;

const PACK: &str = "../../../../packs/T1059.011";

/// A run over a store in a folder of its own; its name is left out of what is said.
fn over(folder: &Path, args: &[&str]) -> String {
    let args: Vec<String> =
        args.iter().map(|a| a.replace("STORE", &folder.join("store").display().to_string())).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    said(command(&args).output().unwrap()).replace(&folder.display().to_string(), "FOLDER")
}

/// What is said without what is said of the folder that was ingested: notes of files that are no telemetry.
fn without_notes(text: &str) -> String {
    text.lines().filter(|l| !l.contains("no known telemetry format")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_command_says_the_same_of_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let telemetry = format!("{PACK}/telemetry");
    let ingested = over(folder.path(), &["ingest", "--input", &telemetry, "--output", "STORE", "--threads", "2"]);
    assert!(ingested.starts_with("exit 0\n--- stdout\n--- stderr\n"), "{ingested}");
    assert!(
        ingested.contains("850 events of 164 files") && ingested.contains("DeviceProcessEvents: 421 rows"),
        "{ingested}"
    );
    let (kql, sumo) = (format!("{PACK}/published/sentinel.kql"), format!("{PACK}/published/sumo.sumo"));
    let sigma = format!("{PACK}/sigma/linux");
    let find = "ProcessCommandLine has \"os.execute\"";
    for command in [
        &["query", "-f", &kql, "--now", "2026-11-22T09:00:00Z", "--format", "csv"][..],
        &["query", "-f", &kql, "--now", "latest", "--format", "json"],
        &["query", "-f", &sumo, "--now", "2026-11-22T09:00:00Z", "--format", "ndjson"],
        &["query", "--kql", "DeviceProcessEvents | take 3", "--from", "2026-11-22T00:00:00Z"],
        &["detect", PACK, "--format", "ndjson", "--list", "lua-hosts=none.csv"],
        &["detect", PACK, "--format", "ndjson"],
        &["detect", &sigma, "--format", "ndjson"],
        &["rules", PACK],
        &["explain", "-f", &kql, "--find", find, "--now", "2026-11-22T09:00:00Z"],
    ] {
        let raw = over(folder.path(), &[command, &["--input", &telemetry]].concat());
        let stored = over(folder.path(), &[command, &["--input", "STORE"]].concat());
        assert!(without_notes(&raw) == without_notes(&stored), "{command:?}: {raw}\n\n{stored}");
    }
    // A report says how and when it was made; everything else in it is the same.
    let report = |input: &str| -> Vec<String> {
        let text = over(folder.path(), &["report", "-o", "-", "--title", "t", "--limit", "20", "-q", "--input", input]);
        let told = ["parallax report", "Made by", "no known telemetry"];
        let pieces = text.split('<').filter(|piece| !told.iter().any(|t| piece.contains(t)));
        pieces.filter(|piece| !piece.trim_start_matches('/').starts_with(['u', 'l'])).map(str::to_owned).collect()
    };
    let (raw, stored) = (report(&telemetry), report("STORE"));
    assert!(raw.len() > 5_000 && raw == stored, "{} pieces and {}", raw.len(), stored.len());
}

#[test]
fn a_second_run_is_refused_or_adds() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in");
    fs::create_dir(&input).unwrap();
    fs::copy(fixtures().join("defender.jsonl"), input.join("a.jsonl")).unwrap();
    let input = input.display().to_string();
    let run = |more: &[&str]| over(folder.path(), &[&["ingest", "-i", &input, "-o", "STORE"], more].concat());
    assert!(run(&["--partition", "day"]).starts_with("exit 0"));
    insta::assert_snapshot!(run(&[]));
    insta::assert_snapshot!(run(&["--append", "-v"]));
    fs::copy(fixtures().join("damaged.jsonl"), Path::new(&input).join("b.jsonl")).unwrap();
    let added = run(&["--append"]);
    assert!(added.starts_with("exit 4") && added.contains("1 file is in the store already"), "{added}");
    assert!(added.contains("FOLDER/store/0002"), "{added}");
    let count = |path: &str| {
        over(folder.path(), &["query", "-i", path, "--kql", "DeviceProcessEvents | count", "--format", "csv", "-q"])
    };
    assert_eq!(count(&input), count("STORE"));
}

#[test]
fn wrong_uses() {
    let folder = tempfile::tempdir().unwrap();
    for args in [
        &["ingest", "-o", "STORE"][..],
        &["ingest", "-i", "defender.jsonl", "-o", "STORE", "--tables", "Nonsense"],
        &["ingest", "-i", "defender.jsonl", "-o", "STORE", "--threads", "0"],
        &["ingest", "-i", "people.csv.none", "-o", "STORE"],
        &["ingest", "-i", "defender.jsonl", "-o", "rules"],
    ] {
        let text = over(folder.path(), args);
        assert!(text.starts_with("exit 3"), "{args:?}: {text}");
        assert!(!folder.path().join("store").exists(), "{args:?}");
    }
}
