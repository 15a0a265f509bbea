//! A source in parts is the source.

use parallax_telemetry::source::{self, discover};
use parallax_telemetry::{Report, Source, scan, view};
use std::fmt::Write as _;
use std::fs;
use std::ops::ControlFlow;

const COLUMNS: [&str; 5] = ["_raw", "_messageTime", "_sourceHost", "Image", "$record"];

/// The rows of a source, as text.
fn rows(source: &Source, columns: &[&str], report: &Report) -> Vec<String> {
    let columns: Vec<String> = columns.iter().map(|c| (*c).to_owned()).collect();
    let fields: Vec<String> = columns.iter().filter(|c| !c.starts_with('$')).cloned().collect();
    let mut out = Vec::new();
    scan::scan(source, &view::messages(&fields, false), &columns, 7, report, &mut |batch| {
        out.extend((0..batch.num_rows()).map(|at| format!("{:?}", batch.slice(at, 1).columns())));
        ControlFlow::Continue(())
    })
    .unwrap();
    out
}

fn lines() -> String {
    let mut text = String::new();
    for at in 0..200 {
        let line = match at % 7 {
            0 => format!(
                r#"{{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","UtcTime":"2026-03-01 00:00:00.{at:03}","Image":"C:\\{at}.exe"}}"#
            ),
            1 => format!(
                r#"{{"Timestamp":"2026-03-01T00:00:00Z","ActionType":"ProcessCreated","DeviceName":"d{at}","FileName":"x","FolderPath":"c:\\x","DeviceId":"1","ReportId":{at}}}"#
            ),
            2 => "{\"cut\":".to_owned(),
            3 => format!(r#"{{"records":[{{"a":{at}}},{{"a":"b"}}]}}"#),
            4 => String::new(),
            5 => format!(r#"{{"host":"h","message":"{}"}} trailing"#, "é".repeat(at)),
            _ => format!("{{\"n\":{at},\"time\":\"2026-03-01T00:00:00Z\"}}\r"),
        };
        writeln!(text, "{line}").unwrap();
    }
    text.push_str(r#"{"the last":"line has no end"}"#);
    text
}

#[test]
fn the_parts_of_a_source_one_after_the_other_are_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mixed.json");
    fs::write(&path, lines()).unwrap();
    let found = discover(&[path.display().to_string()], &source::Options::default(), &Report::new());
    let [source] = found.as_slice() else { panic!("one source") };
    for columns in [&COLUMNS[..], &["_raw"], &["_raw", "$record"], &[]] {
        let whole_report = Report::new();
        let whole = rows(source, columns, &whole_report);
        assert!(whole.len() > 100 || columns.is_empty());
        for size in [1, 100, 1_000, 4_096, u64::MAX] {
            let report = Report::new();
            let parts = source.parts(size);
            assert_eq!(parts.len() > 1, size < 10_000, "{size}");
            let all: Vec<String> = parts.iter().flat_map(|part| rows(part, columns, &report)).collect();
            assert_eq!(all, whole, "in parts of {size}");
            assert_eq!(report.damages(), whole_report.damages());
            assert_eq!(report.notes(), whole_report.notes());
            assert_eq!((report.bytes(), report.events()), (whole_report.bytes(), whole_report.events()));
        }
    }
}

/// Nothing but the text is asked, so that nobody finds out what an event is; the text is the same.
#[test]
fn text_alone_is_the_text_among_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mixed.json");
    fs::write(&path, lines()).unwrap();
    let found = discover(&[path.display().to_string()], &source::Options::default(), &Report::new());
    let (report, other) = (Report::new(), Report::new());
    let alone = rows(&found[0], &["_raw"], &report);
    let columns = rows(&found[0], &["_raw", "_sourceCategory"], &other);
    assert_eq!(alone.len(), columns.len());
    assert_eq!(report.damages(), other.damages());
}

#[test]
fn documents_and_packed_files_stay_whole() {
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("document.json");
    fs::write(&document, format!("[\n{}\n]", vec!["{\"a\":1}"; 50].join(",\n"))).unwrap();
    let found = discover(&[document.display().to_string()], &source::Options::default(), &Report::new());
    assert_eq!(found[0].parts(10).len(), 1);
}
