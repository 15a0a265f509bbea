//! Which columns are read, and when, does not show in what a query gives.

use crate::threads::rows;
use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use parallax_engine::{Context, Dialect, Limits, Options, Session};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

const ROWS: i64 = 2_500;
const TEXTS: [&str; 6] = ["host", "user", "file", "folder", "line", "more"];

fn number(of: i64) -> i64 {
    ((of as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) as i64
}

fn text(column: usize, of: i64) -> String {
    match column {
        0 => format!("host-{}.corp.example", number(of) % 40),
        1 => ["chen", "SYSTEM", "alice", "bruno"][number(of + 7) as usize % 4].to_owned(),
        // Long, and mostly different.
        4 => format!("C:/{}/tool.exe --number {of} --again {}", number(of) % 3, number(of)),
        column => format!("{column}-{}", number(of + column as i64) % 9),
    }
}

/// The same rows: `a`, with many columns, and `b`, with keys of which few are in `a`.
fn write(folder: &Path, parquet: bool) {
    let times: Vec<i64> = (0..ROWS).map(|of| number(of * 3) % 1000).collect();
    if !parquet {
        let mut lines = String::new();
        for (of, at) in (0..).zip(&times) {
            write!(lines, r#"{{"id":{of},"at":{at}"#).unwrap();
            for (i, name) in TEXTS.iter().enumerate() {
                write!(lines, r#","{name}":"{}""#, text(i, of)).unwrap();
            }
            lines.push_str("}\n");
        }
        fs::write(folder.join("a.jsonl"), lines).unwrap();
        let keys = (0..60).map(|n| format!("{{\"host\":\"host-{}.corp.example\",\"tag\":\"t{n}\"}}\n", n * 3));
        return fs::write(folder.join("b.jsonl"), keys.collect::<String>()).unwrap();
    }
    let mut a: Vec<(String, ArrayRef)> = vec![
        ("id".to_owned(), Arc::new(Int64Array::from_iter_values(0..ROWS))),
        ("at".to_owned(), Arc::new(Int64Array::from(times))),
    ];
    for (i, name) in TEXTS.iter().enumerate() {
        let texts = (0..ROWS).map(|of| Some(text(i, of))).collect::<StringArray>();
        a.push(((*name).to_owned(), Arc::new(texts)));
    }
    let hosts = (0..60).map(|n| Some(format!("host-{}.corp.example", n * 3))).collect::<StringArray>();
    let tags = (0..60).map(|n| Some(format!("t{n}"))).collect::<StringArray>();
    let b: Vec<(String, ArrayRef)> = vec![("host".to_owned(), Arc::new(hosts)), ("tag".to_owned(), Arc::new(tags))];
    for (name, columns) in [("a.parquet", a), ("b.parquet", b)] {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(900)).build();
        let file = File::create(folder.join(name)).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }
}

const QUERIES: &[&str] = &[
    "b | join kind=inner a on host",
    "b | join kind=inner (a | where user != 'SYSTEM' and line has 'tool') on host",
    "a | join kind=inner b on host | project id, at, host, user, file, folder, line, more, tag",
    "b | join a on host",
    "b | join kind=rightsemi a on host",
    "b | join kind=rightanti a on host",
    "b | join kind=leftouter a on host",
    "b | where tag == 'nothing' | join kind=inner a on host",
    "b | join kind=inner (a | extend both = strcat(user, file)) on host | where both endswith '-3'",
    "a | summarize arg_max(at, *) by host",
    "a | summarize arg_max(at, *) by host | project host, line, user",
    "a | summarize arg_max(at, *) by host | where user == 'alice' | summarize count(), make_set(file) by folder",
    "a | summarize arg_min(at, *), n = count() by host, user | project host, n, more",
    "a | summarize arg_max(at, *) by host | project host",
    "a | summarize arg_max(at, *) by host | extend t = at | where t > 990 | project t, strcat(line, more)",
    "a | summarize arg_max(at, *), arg_min(id, *) by host | project host, line, file1, at",
    "a | summarize take_any(*) by host, user | project host, id, more",
    "a | summarize count(), dcount(user), make_set(user), make_list(id, 3), arg_max(at, line) by host, file",
];

#[test]
fn parquet_gives_what_lines_give() {
    let [parquet, lines] = [true, false].map(|parquet| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), parquet);
        folder
    });
    for threads in [1, 3] {
        let [parquet, lines] = [&parquet, &lines].map(|folder| {
            let options = Options { limits: Limits { threads, ..Limits::default() }, ..Options::default() };
            Session::open(&[folder.path().display().to_string()], options).unwrap()
        });
        for query in QUERIES {
            let [mut expected, mut found] = [&lines, &parquet].map(|session| rows(session, query));
            // The order of rows that nothing sorts is that of the sources.
            expected.sort();
            found.sort();
            let differs = expected.iter().zip(&found).find(|(a, b)| a != b);
            assert!(
                differs.is_none() && expected.len() == found.len(),
                "{query}: {} and {} rows; {differs:?}",
                expected.len(),
                found.len()
            );
        }
    }
}

#[test]
fn of_picked_rows_only_what_is_used_is_read() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), true);
    let session = Session::open(&[folder.path().display().to_string()], Options::default()).unwrap();
    let read = |kql: &str| {
        let explained = session.explain(Dialect::Kql, kql, &Context::at(0)).unwrap();
        let mut names: Vec<String> = explained.tables[0].columns.iter().map(|c| c.name.clone()).collect();
        names.sort();
        names.join(" ")
    };
    let picked = "a | summarize arg_max(at, *) by host";
    assert_eq!(read(picked), "at file folder host id line more user");
    assert_eq!(read(&format!("{picked} | project host, line")), "at host line");
    assert_eq!(read(&format!("{picked} | where user == 'alice' | summarize count() by folder")), "at folder host user");
    assert_eq!(read("a | summarize take_any(*) by host | project more"), "host id more");
}
