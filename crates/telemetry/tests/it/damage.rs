//! What is damaged costs itself alone and is told: point 5 of the issue that asked for the first detections.

use crate::support::{rows, sources};
use parallax_telemetry::{Report, View};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

const ROW: &str = r#"{"Timestamp":"2024-05-14T08:30:15Z","DeviceName":"a","DeviceId":"1","ActionType":"ProcessCreated","ProcessCommandLine":"lua -e x"}"#;

/// The command lines of a folder's sources, and everything that was told.
fn read(path: &Path) -> (Vec<String>, Report) {
    let (found, report) = sources(path);
    let view = View::named("DeviceProcessEvents").unwrap();
    let lines = found.iter().flat_map(|s| rows(s, &view, &["ProcessCommandLine"], &report)).collect();
    (lines, report)
}

fn reasons(report: &Report) -> Vec<String> {
    report.damages().into_iter().map(|d| format!("{:?} {}", d.position, d.reason)).collect()
}

#[test]
fn a_line_cut_in_half() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    fs::write(&path, format!("{ROW}\n{}\n{ROW}\n", &ROW[..60])).unwrap();
    let (lines, report) = read(&path);
    assert_eq!(lines.len(), 2);
    assert_eq!(report.damaged(), 1);
    assert!(
        reasons(&report)[0].starts_with(&format!("Some({}) damaged JSON", ROW.len() + 1)),
        "{:?}",
        reasons(&report)
    );
}

#[test]
fn the_first_and_the_last_line_cut() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    fs::write(&path, format!("{}\n{ROW}\n{ROW}\n{}", &ROW[..60], &ROW[..60])).unwrap();
    let (lines, report) = read(&path);
    assert_eq!((lines.len(), report.damaged()), (2, 2), "{:?}", reasons(&report));
}

#[test]
fn a_line_of_100_mb() {
    let dir = tempfile::tempdir().unwrap();
    for (name, before) in [("first.jsonl", false), ("second.jsonl", true)] {
        let path = dir.path().join(name);
        let mut file = BufWriter::new(File::create(&path).unwrap());
        if before {
            writeln!(file, "{ROW}").unwrap();
        }
        write!(file, "{{\"x\":\"").unwrap();
        let block = vec![b'a'; 1 << 20];
        for _ in 0..100 {
            file.write_all(&block).unwrap();
        }
        write!(file, "\"}}\n{ROW}\n{ROW}\n").unwrap();
        file.flush().unwrap();
        let (lines, report) = read(&path);
        assert_eq!(lines.len(), if before { 3 } else { 2 }, "{name}: {:?}", reasons(&report));
        assert_eq!(report.damaged(), 1, "{name}: {:?}", reasons(&report));
        assert!(reasons(&report)[0].contains("16 MiB"), "{name}: {:?}", reasons(&report));
    }
}

#[test]
fn an_empty_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.jsonl"), "").unwrap();
    fs::write(dir.path().join("b.jsonl"), format!("{ROW}\n")).unwrap();
    let (lines, report) = read(dir.path());
    assert_eq!(lines, ["lua -e x"]);
    assert_eq!(reasons(&report), ["None empty file"]);
}

#[test]
#[cfg(unix)]
fn a_directory_without_permission() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let closed = dir.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::write(dir.path().join("b.jsonl"), format!("{ROW}\n")).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&closed).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    let (lines, report) = read(dir.path());
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(lines, ["lua -e x"]);
    assert_eq!(reasons(&report), ["None permission denied"]);
}

#[test]
fn a_path_that_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let (_, report) = sources(&dir.path().join("nothing.evtx"));
    assert_eq!(reasons(&report), ["None no such file or folder"]);
    let (_, report) = sources(&dir.path().join("*.evtx"));
    assert_eq!(reasons(&report), ["None matches no file"]);
}

#[test]
fn a_gzip_bomb() {
    let dir = tempfile::tempdir().unwrap();
    let block = vec![b' '; 1 << 20];
    let mut out =
        flate2::write::GzEncoder::new(File::create(dir.path().join("bomb.gz")).unwrap(), flate2::Compression::best());
    writeln!(out, "{ROW}").unwrap();
    for _ in 0..80 {
        out.write_all(&block).unwrap();
    }
    out.finish().unwrap();
    let mut out =
        flate2::write::GzEncoder::new(File::create(dir.path().join("fine.gz")).unwrap(), flate2::Compression::fast());
    writeln!(out, "{ROW}").unwrap();
    out.finish().unwrap();
    let (lines, report) = read(dir.path());
    // What stood before the bomb went off is kept.
    assert_eq!(lines.len(), 2);
    assert_eq!(report.damaged(), 1);
    assert!(reasons(&report)[0].contains("decompression bomb"), "{:?}", reasons(&report));
}

#[test]
fn a_document_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.json");
    fs::write(&path, format!("[\n{ROW},\n{}", &ROW[..60])).unwrap();
    let (lines, report) = read(&path);
    assert_eq!(lines.len(), 1);
    assert_eq!(reasons(&report), [format!("Some({}) the element is cut off", ROW.len() + 4)]);
}

#[test]
fn a_csv_row_of_another_length() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    let head = "Timestamp,DeviceName,ActionType,ProcessCommandLine\n";
    let row = "2024-05-14T08:30:15Z,a,ProcessCreated,lua -e x\n";
    fs::write(&path, format!("{head}{row}2024,b\n{row}")).unwrap();
    let (lines, report) = read(&path);
    assert_eq!(lines.len(), 2);
    assert_eq!(reasons(&report), [format!("Some({}) a row of 2 cells under 4 columns", head.len() + row.len())]);
}

#[test]
fn objects_that_share_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    fs::write(&path, format!("{ROW}\n{ROW},{ROW}\n{ROW}{ROW}\n{ROW} oops\n")).unwrap();
    let (lines, report) = read(&path);
    assert_eq!(lines.len(), 6);
    assert_eq!(reasons(&report), [format!("Some({}) text after the JSON object", 6 * ROW.len() + 5)]);
}

#[test]
fn an_envelope_whose_rows_stand_one_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.json");
    fs::write(&path, format!("{{\"Schema\":[],\"Results\":[{ROW},\n{ROW},{ROW},\n{ROW}]}}\n")).unwrap();
    let (lines, report) = read(&path);
    assert_eq!((lines.len(), reasons(&report)), (4, vec![]));
}

#[test]
fn nesting_without_end() {
    let dir = tempfile::tempdir().unwrap();
    let deep = |open: &str, n: usize| open.repeat(n);
    let n = 1 << 16;
    let within = |text: String| {
        format!("{{\"EventID\":1,\"Channel\":\"Security\",\"EventData\":\"{}\"}}", text.replace('"', "\\\""))
    };
    let text = format!(
        "{ROW}\n{}\n{}\n{}\n{{\"a\":{}}}\n{}\n{ROW}\n",
        within(format!("{{\"a\":{}", deep("[", n))),
        deep("[", n),
        deep("{\"records\":[", n),
        deep("[", n) + &deep("]", n),
        deep("{}", n),
    );
    fs::write(dir.path().join("a.jsonl"), &text).unwrap();
    let (lines, report) = read(dir.path());
    assert_eq!(lines.len(), 2);
    assert!(report.damaged() >= 2, "{:?}", reasons(&report));
    fs::write(dir.path().join("a.jsonl"), format!("{}\n", deep("[", n))).unwrap();
    let (lines, report) = read(dir.path());
    assert_eq!((lines.len(), report.damaged() > 0 || !report.notes().is_empty()), (0, true));
}

#[test]
fn a_csv_quote_that_does_not_close() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    let head = "Timestamp,DeviceName,ActionType,ProcessCommandLine\n2024-05-14T08:30:15Z,a,ProcessCreated,lua -e x\n";
    fs::write(&path, format!("{head}2024-05-14T08:30:15Z,\"{}", "a,b\n".repeat(5 << 20))).unwrap();
    let (lines, report) = read(&path);
    assert_eq!(lines.len(), 1);
    assert!(reasons(&report)[0].contains("16 MiB"), "{:?}", reasons(&report));
}

#[test]
fn a_gzip_file_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl.gz");
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..1_000 {
        writeln!(out, "{ROW}").unwrap();
    }
    let packed = out.finish().unwrap();
    fs::write(&path, &packed[..packed.len() - 20]).unwrap();
    let (lines, report) = read(&path);
    assert!(lines.len() > 100, "{}", lines.len());
    assert!(report.damaged() > 0);
}

#[test]
fn nothing_but_half_a_row() {
    let dir = tempfile::tempdir().unwrap();
    for text in [&ROW[..60], &format!("[\n  {}", &ROW[..60])] {
        fs::write(dir.path().join("a.json"), text).unwrap();
        let (lines, report) = read(dir.path());
        assert_eq!((lines.len(), report.damaged()), (0, 1), "{text}: {:?}", report.notes());
    }
}
