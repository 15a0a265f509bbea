//! Sessions over files.

use parallax_engine::value::value;
use parallax_engine::{Context, Dialect, Options, Session, Window};
use std::fs;
use std::path::Path;

fn write(folder: &Path, name: &str, lines: &[&str]) {
    fs::write(folder.join(name), lines.join("\n") + "\n").unwrap();
}

fn open(folder: &Path, window: Window) -> Session {
    let options = Options { window, ..Options::default() };
    Session::open(&[folder.display().to_string()], options).unwrap()
}

/// All rows as text, values separated by a bar.
fn rows(session: &Session, kql: &str) -> Vec<String> {
    let execution = session.query(Dialect::Kql, kql, &Context::at(0)).map_err(|e| e.to_string()).unwrap();
    let columns = execution.columns.clone();
    let mut rows = Vec::new();
    for batch in execution.rows {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let cells = columns
                .iter()
                .zip(batch.columns())
                .map(|(output, column)| value(output, column, row).text().unwrap_or_default().into_owned());
            rows.push(cells.collect::<Vec<_>>().join("|"));
        }
    }
    rows
}

#[test]
fn two_files_of_one_name_are_two_tables() {
    let folder = tempfile::tempdir().unwrap();
    for sub in ["a", "b"] {
        fs::create_dir(folder.path().join(sub)).unwrap();
        write(&folder.path().join(sub), "things.jsonl", &[&format!("{{\"from\":\"{sub}\"}}"), "{\"from\":\"x\"}"]);
    }
    let session = open(folder.path(), Window::default());
    assert_eq!(rows(&session, "things | take 1"), ["a"]);
    assert_eq!(rows(&session, "things_2 | take 1"), ["b"]);
}

#[test]
fn columns_may_depend_on_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let line = |device: &str, file: &str, more: &str| {
        format!(
            "{{\"Timestamp\":\"2026-01-01T00:00:00Z\",\"ActionType\":\"ProcessCreated\",\"DeviceName\":\"{device}\",\"FileName\":\"{file}\",\"AdditionalFields\":{more}}}"
        )
    };
    let lines = [line("b", "x", "{\"n\":1,\"s\":\"t\"}"), line("a", "x", "{\"n\":2}"), line("a", "y", "{}")];
    write(folder.path(), "events.jsonl", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    let session = open(folder.path(), Window::default());
    let pivot = "DeviceProcessEvents | evaluate pivot(DeviceName, count(), FileName) | sort by FileName asc";
    assert_eq!(rows(&session, pivot), ["x|1|1", "y|1|0"]);
    let unpacked =
        "DeviceProcessEvents | project d = parse_json(AdditionalFields) | evaluate bag_unpack(d) | where n > 1";
    assert_eq!(rows(&session, unpacked), ["2|"]);
    // What was read for the names alone is not counted.
    let execution = session.query(Dialect::Kql, pivot, &Context::at(0)).map_err(|e| e.to_string()).unwrap();
    let report = execution.report.clone();
    assert_eq!(execution.rows.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 2);
    assert_eq!(report.events(), 3);
    // Nothing is read for a check.
    session.check(Dialect::Kql, pivot, &Context::at(0)).map_err(|e| e.to_string()).unwrap();
}

#[test]
fn rows_without_a_time_are_rows() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "things.jsonl", &["{\"n\":1}", "{\"n\":2}"]);
    write(folder.path(), "names.jsonl", &["{\"n\":2,\"name\":\"two\"}"]);
    let session = open(folder.path(), Window::default());
    // A join hands on the hidden columns, the event's time among them.
    assert_eq!(rows(&session, "things | join kind=leftouter names on n | project n, name"), ["1|", "2|two"]);
    let context = Context { provenance: true, ..Context::at(0) };
    let execution = session.query(Dialect::Kql, "things", &context).map_err(|e| e.to_string()).unwrap();
    assert_eq!(execution.rows.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 2);
    let bounded = open(folder.path(), Window { from: Some(0), to: None });
    assert!(rows(&bounded, "things").is_empty());
}

#[test]
fn rows_without_a_sort_come_in_source_order() {
    let folder = tempfile::tempdir().unwrap();
    for file in 0..20 {
        let line = |n: usize| {
            format!(
                "{{\"Timestamp\":\"2026-01-01T00:00:00Z\",\"ActionType\":\"ProcessCreated\",\"DeviceName\":\"h\",\"ProcessCommandLine\":\"{file}-{n}\",\"FileName\":\"f\"}}"
            )
        };
        let lines: Vec<String> = (0..50).map(line).collect();
        write(folder.path(), &format!("{file:02}.jsonl"), &lines.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let session = open(folder.path(), Window::default());
    let expected: Vec<String> = (0..20).flat_map(|f| (0..50).map(move |n| format!("{f}-{n}"))).collect();
    assert_eq!(rows(&session, "DeviceProcessEvents | project ProcessCommandLine"), expected);
    // All times are equal: rows that tie come in the order of their sources too.
    let sorted = rows(&session, "DeviceProcessEvents | sort by Timestamp desc | project ProcessCommandLine");
    assert_eq!(sorted, expected);
    assert_eq!(rows(&session, "DeviceProcessEvents | take 60 | project ProcessCommandLine"), expected[..60]);
}

#[test]
fn a_scan_sees_rows_in_the_order_of_their_sources() {
    let folder = tempfile::tempdir().unwrap();
    for file in 0..8 {
        let line = |n: usize| {
            format!(
                "{{\"Timestamp\":\"2026-01-01T00:00:00Z\",\"ActionType\":\"ProcessCreated\",\"DeviceName\":\"h{}\",\"ProcessCommandLine\":\"{file}-{n}\",\"FileName\":\"f\"}}",
                n % 2
            )
        };
        let lines: Vec<String> = (0..20).map(line).collect();
        write(folder.path(), &format!("{file:02}.jsonl"), &lines.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let session = open(folder.path(), Window::default());
    let expected: Vec<String> = (0..8).flat_map(|f| (0..20).map(move |n| format!("{f}-{n}"))).collect();
    let steps = "scan with (step s: true;) | project ProcessCommandLine";
    assert_eq!(rows(&session, &format!("DeviceProcessEvents | serialize | {steps}")), expected);
    // Rows that tie come in the order of their sources.
    assert_eq!(rows(&session, &format!("DeviceProcessEvents | sort by Timestamp asc | {steps}")), expected);
    // Each row after the one before it on the same host.
    let before = "DeviceProcessEvents
        | partition by DeviceName (sort by Timestamp asc | scan declare (was:string) with (step s: true => was = s.ProcessCommandLine;))
        | where was == '0-19' or was == '0-18'
        | project ProcessCommandLine";
    let mut found = rows(&session, before);
    found.sort();
    assert_eq!(found, ["1-0", "1-1"]);
    // Only what is read of an event is decoded.
    let explained =
        session.explain(Dialect::Kql, &format!("DeviceProcessEvents | serialize | {steps}"), &Context::at(0));
    let explained = format!("{:?}", explained.map_err(|e| e.to_string()).unwrap().tables);
    assert!(explained.contains("ProcessCommandLine") && !explained.contains("FolderPath"), "{explained}");
}

#[test]
fn the_census_knows_the_latest_event_within_the_window() {
    let folder = tempfile::tempdir().unwrap();
    let line = |time: &str| {
        format!(
            "{{\"Timestamp\":\"{time}\",\"ActionType\":\"ProcessCreated\",\"DeviceName\":\"h\",\"FileName\":\"f\"}}"
        )
    };
    write(folder.path(), "a.jsonl", &[&line("2026-01-01T00:00:00Z"), &line("2026-01-03T00:00:00Z")]);
    let day = 86_400_000_000_000;
    let first = 1_767_225_600_000_000_000;
    let census = open(folder.path(), Window::default()).census();
    assert_eq!(census.latest, Some(first + 2 * day));
    assert_eq!(census.before(first + day), Some(first + 7_200_000_000_000));
    assert_eq!(census.before(first - day), None);
    assert_eq!(open(folder.path(), Window { from: None, to: Some(first + day) }).census().latest, Some(first));
}

/// Only whoever asks for it writes what a search saves.
#[test]
fn a_query_that_is_not_run_for_it_saves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "things.jsonl", &["{\"a\": 1}", "{\"a\": 2}"]);
    let config = parallax_engine::Config::parse("[sumo]\nsave = \"saved\"", folder.path()).unwrap();
    let input = folder.path().join("things.jsonl").display().to_string();
    let session = Session::open(&[input], Options { config, ..Options::default() }).unwrap();
    let (query, saved) = ("* | count by a | save shared/a", folder.path().join("saved"));
    let told = |e: parallax_engine::Error| e.to_string();
    let execution = session.query(Dialect::Sumo, query, &Context::at(0)).map_err(told).unwrap();
    assert!(execution.saving.is_none() && execution.diagnostics.iter().any(|d| d.code == "SUMO0214"));
    assert_eq!(execution.rows.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 2);
    assert!(!saved.exists());
    // A table that is not finished is not there, and leaves nothing behind.
    let execution = session.query_saving(Dialect::Sumo, query, &Context::at(0)).map_err(told).unwrap();
    let mut saving = execution.saving.unwrap();
    for batch in execution.rows {
        saving.add(&batch.unwrap()).unwrap();
    }
    drop(saving);
    assert_eq!(fs::read_dir(saved.join("shared")).unwrap().count(), 0);
}
