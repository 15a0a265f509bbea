//! Sources that are tables of their own.

use crate::support::{rows, source};
use parallax_telemetry::{Report, View};
use std::fs;

/// The columns with their types, and the rows.
fn table(name: &str, text: &str) -> (Vec<String>, Vec<String>, Report) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    let source = source(&path);
    let report = Report::new();
    let view = View::of(&source, &report).unwrap().unwrap();
    let types = view.columns().iter().map(|c| format!("{}:{}", c.name, c.ty.name())).collect();
    let names: Vec<&str> = view.columns().iter().map(|c| c.name.as_str()).collect();
    let rows = rows(&source, &view, &names, &report);
    (types, rows, report)
}

#[test]
fn json_lines() {
    let text = concat!(
        "{\"n\":1,\"x\":1,\"t\":\"2024-01-02T03:04:05Z\",\"s\":\"a\",\"b\":true,\"d\":{\"k\": [1, 2]},\"mixed\":1}\n",
        "{\"n\":2,\"x\":1.5,\"t\":null,\"s\":\"\",\"b\":false,\"d\":[],\"mixed\":\"two\"}\n",
    );
    let (types, rows, report) = table("events.jsonl", text);
    assert_eq!(types, ["n:long", "x:real", "t:datetime", "s:string", "b:bool", "d:dynamic", "mixed:string"]);
    assert_eq!(
        rows,
        ["1 | 1.0 | 2024-01-02T03:04:05.000Z | a | true | {\"k\":[1,2]} | 1", "2 | 1.5 | ∅ |  | false | [] | two"]
    );
    assert_eq!(report.damaged(), 0);
}

#[test]
fn csv() {
    let (types, rows, report) =
        table("events.csv", "n,zip,s,when\n1,007,\"a,\"\"b\"\"\",2024-01-02 03:04:05\n-2,1,,\n");
    assert_eq!(types, ["n:long", "zip:string", "s:string", "when:datetime"]);
    assert_eq!(rows, ["1 | 007 | a,\"b\" | 2024-01-02T03:04:05.000Z", "-2 | 1 |  | ∅"]);
    assert_eq!(report.damaged(), 0);
}

#[test]
fn what_comes_after_the_inferred_prefix_is_told() {
    let mut text = String::new();
    for i in 0..1_200 {
        text.push_str(&format!("{{\"n\":{i}}}\n"));
    }
    text.push_str("{\"n\":\"word\",\"late\":1}\n");
    let (types, rows, report) = table("events.jsonl", &text);
    assert_eq!((types, rows.len()), (vec!["n:long".to_owned()], 1_201));
    assert_eq!(rows[1_200], "∅");
    let notes: Vec<String> = report.notes().into_keys().collect();
    assert!(notes.iter().any(|n| n.contains("`late`")), "{notes:?}");
    assert!(notes.iter().any(|n| n.contains("not of their column's type")), "{notes:?}");
}
