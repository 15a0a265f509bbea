//! Text that a row of a table of its own does not have is "" in KQL, whose text is never null.

use crate::threads::rows;
use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use parallax_engine::{Options, Session};
use parquet::arrow::ArrowWriter;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

fn lines(folder: &Path) {
    let text = r#"{"n":1,"user":""}
{"n":2,"user":"SYSTEM"}
{"n":3}
{"n":4,"user":null}
{"n":5,"user":"bob"}
"#;
    fs::write(folder.join("t.jsonl"), text).unwrap();
}

fn cells(folder: &Path) {
    fs::write(folder.join("t.csv"), "n,user\n1,\"\"\n2,SYSTEM\n3,\n4,\n5,bob\n").unwrap();
}

fn parquet(folder: &Path) {
    let users = StringArray::from(vec![Some(""), Some("SYSTEM"), None, None, Some("bob")]);
    let columns: [(&str, ArrayRef); 2] =
        [("n", Arc::new(Int64Array::from_iter_values(1..=5))), ("user", Arc::new(users))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(folder.join("t.parquet")).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

const CASES: &[(&str, &[&str])] = &[
    ("t | where user != 'SYSTEM' | project n", &["1", "3", "4", "5"]),
    ("t | where user !in ('SYSTEM', 'bob') | project n", &["1", "3", "4"]),
    ("t | where not(user has 'bob') | project n", &["1", "2", "3", "4"]),
    ("t | where user == '' | project n", &["1", "3", "4"]),
    ("t | where isempty(user) and not(isnull(user)) | project n", &["1", "3", "4"]),
    ("t | summarize count() by user | sort by user asc", &["|3", "SYSTEM|1", "bob|1"]),
    ("t | summarize dcount(user), countif(strlen(user) == 0)", &["3|3"]),
    ("t | where user == 'bob' | project n, s = strcat(user, '!')", &["5|bob!"]),
    ("t | sort by user asc, n asc | project n", &["1", "3", "4", "2", "5"]),
];

#[test]
fn missing_text_is_empty() {
    for write in [lines, cells, parquet] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path());
        let session = Session::open(&[folder.path().display().to_string()], Options::default()).unwrap();
        let inputs = session.sources().iter().map(|s| s.format.name()).collect::<Vec<_>>();
        for (query, expected) in CASES {
            assert_eq!(rows(&session, query), *expected, "{query} over {inputs:?}");
        }
    }
}
