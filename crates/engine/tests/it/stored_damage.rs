//! Stores that are added to, damaged inputs, and stores that are damaged themselves.

use crate::stored::{answer, ingested, options, session};
use parallax_engine::{Context, Dialect, Session};
use parallax_store::ingest::{self, Failure};
use parallax_telemetry::Report;
use parallax_telemetry::source::{self, discover};
use std::fs;
use std::path::Path;

const ROWS: &str = "DeviceProcessEvents | project Timestamp, FileName, ProcessCommandLine";

fn line(n: usize) -> String {
    format!(
        r#"{{"Timestamp":"2026-01-01T00:00:{:02}Z","DeviceName":"h","ActionType":"ProcessCreated","FileName":"lua{n}.exe","FolderPath":"C:\\lua{n}.exe","ProcessCommandLine":"lua {n}","ReportId":{n}}}"#,
        n % 60
    ) + "\n"
}

fn lines(from: usize, to: usize) -> String {
    (from..to).map(line).collect()
}

fn all(session: &Session) -> String {
    let sumo = answer(session, Dialect::Sumo, "lua* | fields _raw, _source", 0);
    answer(session, Dialect::Kql, ROWS, 0) + &sumo
}

#[test]
fn what_cannot_be_read_is_told_as_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let (input, store) = (folder.path().join("in"), folder.path().join("store"));
    fs::create_dir(&input).unwrap();
    fs::write(input.join("a.jsonl"), lines(0, 40) + "{\"Timestamp\": \n" + &lines(40, 50) + "{\"cut").unwrap();
    // A packed file that breaks off.
    let mut packed = zstd::bulk::compress(lines(100, 4000).as_bytes(), 3).unwrap();
    packed.truncate(packed.len() - 20);
    fs::write(input.join("b.jsonl.zst"), packed).unwrap();
    fs::write(input.join("c.csv"), "a,b\n1,2\n3\n").unwrap();
    fs::write(input.join("empty.log"), "").unwrap();
    let (_, report) = ingested(&input, &options(&store));
    let (raw, stored) = (session(&input, 2), session(&store, 2));
    assert_eq!(all(&raw), all(&stored));
    let damages = |s: &Session| {
        let mut execution = s.query(Dialect::Kql, ROWS, &Context::at(0)).unwrap();
        execution.rows.by_ref().for_each(drop);
        (execution.report.damaged(), execution.report.damages())
    };
    assert_eq!(damages(&raw), damages(&stored));
    assert!(damages(&stored).0 >= 3);
    assert!(report.damaged() > damages(&stored).0, "an empty file is told when it is ingested");
}

fn append(input: &Path, store: &Path) -> (Result<ingest::Summary, Failure>, Report) {
    let report = Report::new();
    let sources = discover(&[input.display().to_string()], &source::Options::default(), &report);
    (ingest::run(sources, &ingest::Options { append: true, ..options(store) }, &report), report)
}

#[test]
fn a_store_is_added_to_when_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (input, store) = (folder.path().join("in"), folder.path().join("store"));
    fs::create_dir(&input).unwrap();
    fs::write(input.join("a.jsonl"), lines(0, 50)).unwrap();
    ingested(&input, &options(&store));

    let report = Report::new();
    let sources = discover(&[input.display().to_string()], &source::Options::default(), &report);
    assert!(matches!(ingest::run(sources, &options(&store), &report), Err(Failure::Exists(_))));

    let (summary, _) = append(&input, &store);
    let summary = summary.unwrap();
    assert_eq!((summary.known.len(), summary.segment), (1, None));

    fs::write(input.join("b.jsonl"), lines(50, 90)).unwrap();
    let (summary, _) = append(&input, &store);
    let summary = summary.unwrap();
    assert_eq!((summary.known.len(), summary.events, summary.segment.as_deref()), (1, 40, Some("0002")));
    assert_eq!(all(&session(&input, 2)), all(&session(&store, 2)));

    // A file that goes on: its events would be there twice.
    fs::write(input.join("b.jsonl"), lines(50, 95)).unwrap();
    let (summary, report) = append(&input, &store);
    assert_eq!(summary.unwrap().segment, None);
    assert_eq!(report.damages()[0].file, input.join("b.jsonl").display().to_string());
    assert!(!store.join(".lock").exists());

    // A store among other inputs, and within a folder, is read as one.
    let both = session(folder.path(), 2);
    let files: Vec<_> = both.sources().iter().map(|s| (s.name.clone(), s.stored.is_some())).collect();
    assert_eq!(files.iter().filter(|(_, stored)| *stored).count(), 2, "{files:?}");
    assert_eq!(files.len(), 4, "{files:?}");
    // … and is not ingested once more.
    let again = folder.path().join("again");
    let (summary, report) = ingested(folder.path(), &options(&again));
    assert_eq!(summary.files, 2);
    assert!(report.notes().keys().any(|n| n.contains("stores already")), "{:?}", report.notes());
}

#[test]
fn nothing_is_there_before_all_is() {
    let folder = tempfile::tempdir().unwrap();
    let (input, store) = (folder.path().join("in"), folder.path().join("store"));
    fs::create_dir(&input).unwrap();
    fs::create_dir(&store).unwrap();
    let (nothing, _) = append(&input, &store);
    assert!(matches!(nothing, Err(Failure::Nothing)));
    fs::write(input.join("a.jsonl"), lines(0, 50)).unwrap();
    let report = Report::new();
    let sources = discover(&[input.display().to_string()], &source::Options::default(), &report);
    let wrong = ingest::Options { tables: Some(vec!["NoSuchTable".to_owned()]), ..options(&store) };
    assert!(matches!(ingest::run(sources, &wrong, &report), Err(Failure::NoTable(_))));
    // An empty folder is a good place, and nothing else was left.
    assert_eq!(fs::read_dir(&store).unwrap().count(), 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    ingested(&input, &options(&store));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    let other = folder.path().join("in");
    assert!(matches!(append(&input, &other).0, Err(Failure::Occupied(_))));
}

fn damages(store: &Path) -> (usize, String) {
    let session = session(store, 2);
    let mut execution = match session.query(Dialect::Kql, ROWS, &Context::at(0)) {
        Ok(execution) => execution,
        Err(e) => return (0, format!("{e:?}")),
    };
    let rows = execution.rows.by_ref().map(|b| b.unwrap().num_rows()).sum();
    let told = session.discovery().damages().into_iter().chain(execution.report.damages());
    (rows, told.map(|d| d.reason).collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_store_that_is_not_understood_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (input, store) = (folder.path().join("a.jsonl"), folder.path().join("store"));
    fs::write(&input, lines(0, 50)).unwrap();
    ingested(&input, &options(&store));
    let manifest = store.join("parallax.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let with = |old: &str, new: &str| {
        assert!(text.contains(old), "{old}");
        fs::write(&manifest, text.replacen(old, new, 1)).unwrap();
        damages(&store)
    };
    for (old, new, told) in [
        ("\"parallax-store\":1", "\"parallax-store\":2", "a store of version 2"),
        ("\"folder\":\"0001\"", "\"folder\":\"../0001\"", "outside of the store"),
        ("originals.zst", "/etc/passwd", "outside of the store"),
        ("\"events\":50", "\"events\":\"x\"", "manifest is damaged"),
        ("\"format\":\"defender-json\"", "\"format\":\"other\"", "unknown format"),
        ("\"length\":", "\"length\":999999", "frames"),
    ] {
        let (rows, said) = with(old, new);
        assert!(rows == 0 && said.contains(told), "{new}: {rows} {said}");
    }
    // Of another version of the program: the originals are read.
    let (rows, said) = with("\"mappings\":\"", "\"mappings\":\"0");
    assert_eq!((rows, said.as_str()), (50, ""));
    let stale = session(&store, 2);
    assert!(stale.discovery().notes().keys().any(|n| n.contains("another version")));
    fs::write(&manifest, &text).unwrap();
    assert_eq!(damages(&store), (50, String::new()));
}

#[test]
fn files_of_a_store_that_are_damaged_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (input, store) = (folder.path().join("a.jsonl"), folder.path().join("store"));
    fs::write(&input, lines(0, 500)).unwrap();
    ingested(&input, &options(&store));
    let table = store.join("0001/DeviceProcessEvents");
    let file = fs::read_dir(&table).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&file).unwrap();
    // Cut off, with bytes changed in the pages, and away.
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let (rows, said) = damages(&store);
    assert!(rows == 0 && said.contains("not as it was written"), "{said}");
    // Bytes changed anywhere: pages, indexes, filters, metadata. Whatever comes of it, the program goes on.
    let mut random: usize = 12_345;
    for n in 0..80 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut bytes = whole.clone();
        // Every other time in the metadata at the end, which says where all else stands.
        let from = if n % 2 == 0 { whole.len() / 2 } else { 0 };
        let at = from + (random >> 16) % (whole.len() - from - 4);
        let length = 1 + n % 4;
        bytes[at..at + length].fill((random >> 8) as u8);
        fs::write(&file, bytes).unwrap();
        let (rows, said) = damages(&store);
        assert!(rows <= 500 && (rows > 0 || !said.is_empty()), "{n}, {at}: {rows} {said}");
    }
    fs::remove_file(&file).unwrap();
    assert!(damages(&store).1.contains(".parquet"));
    fs::write(&file, whole).unwrap();
    // The originals.
    let originals = store.join("0001/originals.zst");
    let whole = fs::read(&originals).unwrap();
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8].fill(0xff);
    fs::write(&originals, bytes).unwrap();
    let told = answer(&session(&store, 2), Dialect::Sumo, "lua*", 0);
    assert!(told.contains("damaged"), "{told}");
    fs::write(&originals, &whole[..middle]).unwrap();
    assert!(damages(&store).1.contains("cut off"));
}
