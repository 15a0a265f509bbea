//! `parallax query`

use crate::{command, fixtures, run, said};
use std::io::{Read, Write};
use std::process::Stdio;

#[test]
fn a_table_for_people() {
    let kql =
        "DeviceProcessEvents | project Timestamp, DeviceName, ProcessId, ProcessCommandLine | sort by Timestamp asc";
    insta::assert_snapshot!(run(&["query", "--kql", kql, "--input", "defender.jsonl"]));
}

#[test]
fn json_has_columns_types_and_rows() {
    let kql = "DeviceProcessEvents | where ProcessId < 1003 | project Timestamp, ProcessId, IsLua = FileName startswith 'lua', Bag = dynamic({\"a\":[1,null]}), Span = 90m, Nothing = int(null), Half = 0.5 | sort by Timestamp asc";
    insta::assert_snapshot!(run(&["query", "--kql", kql, "--input", "defender.jsonl", "--format", "json"]));
}

#[test]
fn one_object_a_line() {
    let kql = "DeviceProcessEvents | summarize n = count() by DeviceName";
    insta::assert_snapshot!(run(&["query", "--kql", kql, "--input", "defender.jsonl", "--format", "ndjson"]));
}

#[test]
fn csv_has_no_formulas() {
    let kql = "DeviceProcessEvents | project ProcessCommandLine, Minus = -1 | sort by ProcessCommandLine asc";
    insta::assert_snapshot!(run(&["query", "--kql", kql, "--input", "defender.jsonl", "--format", "csv"]));
}

#[test]
fn parquet_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.parquet");
    let kql = "DeviceProcessEvents | project Timestamp, DeviceName, ProcessId, Lua = FileName startswith 'lua' | sort by Timestamp asc";
    let output =
        command(&["query", "--kql", kql, "--input", "defender.jsonl", "--format", "parquet"]).output().unwrap();
    assert!(output.status.success(), "{}", said(output));
    std::fs::write(&file, output.stdout).unwrap();
    let path = file.display().to_string();
    insta::assert_snapshot!(run(&["query", "--kql", "rows | where Lua or ProcessId == 1004", "--input", &path]));
}

#[test]
fn sumo_over_messages() {
    let sumo = "lua* | where ProcessId < 1002 | fields _messageTime, FileName, ProcessCommandLine";
    insta::assert_snapshot!(run(&["query", "--sumo", sumo, "--input", "defender.jsonl", "--format", "json"]));
}

#[test]
fn generic_files_are_tables_of_their_own() {
    let kql = "orders | extend day = bin(at, 1d) | summarize n = count(), total = sum(price) by day, item | sort by day asc, item asc";
    insta::assert_snapshot!(run(&["query", "--kql", kql, "--input", "orders.jsonl", "people.csv"]));
    let kql = "people | where age > 40 | project name, age";
    insta::assert_snapshot!(run(&["query", "--kql", kql, "--input", "orders.jsonl", "people.csv"]));
}

#[test]
fn now_is_a_parameter() {
    let kql = "print now(), ago(1d)";
    insta::assert_snapshot!(run(&["query", "--kql", kql, "--now", "2026-03-01T12:00:00Z", "--format", "json"]));
}

#[test]
fn looking_back_from_the_wrong_now_is_said() {
    let kql = "DeviceProcessEvents | where Timestamp > ago(1d) | project FileName";
    let args = ["query", "--kql", kql, "--input", "defender.jsonl", "--now"];
    insta::assert_snapshot!(run(&[&args[..], &["2027-01-01"]].concat()));
    insta::assert_snapshot!(run(&[&args[..], &["latest", "-v"]].concat()));
}

#[test]
fn from_and_to_restrict_event_time() {
    let kql = "DeviceProcessEvents | project Timestamp, FileName";
    let args = ["query", "--kql", kql, "--input", "defender.jsonl", "--format", "csv"];
    insta::assert_snapshot!(run(
        &[&args[..], &["--from", "2026-03-01T10:00:00Z", "--to", "2026-03-01T11:00:00.2Z"]].concat()
    ));
}

#[test]
fn rows_without_a_time_are_in_no_time_range() {
    let args = ["query", "--kql", "people | project name", "--input", "people.csv", "--from", "2026-01-01"];
    insta::assert_snapshot!(run(&args));
    let args = ["query", "--kql", "orders | project id, at", "--input", "orders.jsonl", "--from", "2026-03-02"];
    insta::assert_snapshot!(run(&args));
}

#[test]
fn a_table_that_nothing_feeds() {
    insta::assert_snapshot!(run(&[
        "query",
        "--kql",
        "DeviceFileEvents | take 1 | project FileName",
        "--input",
        "people.csv"
    ]));
}

#[test]
fn damage_costs_itself_alone() {
    let kql = "DeviceProcessEvents | project FileName";
    insta::assert_snapshot!(run(&["query", "--kql", kql, "--input", "damaged.jsonl", "--format", "csv"]));
    insta::assert_snapshot!(run(&[
        "query",
        "--kql",
        kql,
        "--input",
        "nowhere.jsonl",
        "defender.jsonl",
        "--format",
        "csv"
    ]));
}

#[test]
fn a_wrong_query_is_pointed_at() {
    insta::assert_snapshot!(run(&["query", "-f", "wrong.kql", "--input", "defender.jsonl"]));
    insta::assert_snapshot!(run(&["query", "-f", "rule.yml", "--input", "defender.jsonl"]));
}

#[test]
fn sigma_rules() {
    insta::assert_snapshot!(run(&["query", "-f", "rules/lua.yml", "--input", "lua.jsonl"]));
    insta::assert_snapshot!(run(&["query", "-f", "rules/lua.yml", "--input", "lua.jsonl", "--format", "json"]));
    insta::assert_snapshot!(run(&["query", "-f", "rules/deep/several.yml", "--input", "lua.jsonl"]));
}

/// A Parquet file says at its end how long its metadata is; what it says may be nonsense.
#[test]
fn damaged_parquet_is_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let ends: [(&[u8], &str); 4] = [
        (b"", "the file ends within its beginning"),
        (b"\xff\xff\xff\xffPAR1", "its metadata is said to be longer than the file"),
        (b"rows rows rows", "the file breaks off, its metadata is missing"),
        (b"\0\0\0\0PARE", "encrypted Parquet can't be read"),
    ];
    for (end, why) in ends {
        let file = folder.path().join("rows.parquet");
        std::fs::write(&file, [b"PAR1", end].concat()).unwrap();
        let said = run(&["query", "--kql", "rows", "--input", &file.display().to_string()]);
        assert!(said.contains(why), "{said}");
        assert!(said.contains("error[KQL0201]: there is no table `rows`"), "{said}");
    }
}

#[test]
fn switches_are_not_misspelt_in_silence() {
    let all = [
        run(&["query", "--kql", "print 1", "--set", "kql.databse=x"]),
        run(&["query", "--sumo", "x", "--set", "sumo.matches-questoin=any"]),
        run(&["query", "--kql", "print 1", "--set", "matches-question=any"]),
        run(&["query", "--kql", "print x = current_database()", "--set", "kql.database=Hunting"]),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn usage() {
    let all = [
        run(&["query"]),
        run(&["query", "--kql", "print 1", "--sumo", "x"]),
        run(&["query", "-f", "people.csv"]),
        run(&["query", "--kql", "print 1", "--now", "soon"]),
        run(&["query", "--kql", "print 1", "--memory", "lots"]),
        run(&["query", "--kql", "print 1", "--format", "xml"]),
        run(&["query", "--kql", "print 1", "--from", "2026-01-02", "--to", "2026-01-01"]),
        run(&["query", "--kql", "print 1", "--input-format", "word"]),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn standard_input() {
    let mut child = command(&["query", "--kql", "DeviceProcessEvents | count", "--input", "-", "--format", "csv"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let events = std::fs::read(fixtures().join("defender.jsonl")).unwrap();
    child.stdin.take().unwrap().write_all(&events).unwrap();
    insta::assert_snapshot!(said(child.wait_with_output().unwrap()));
}

/// `parallax query … | head -1`
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let kql = "range x from 1 to 3000000 step 1 | extend y = strcat('abcdefghijklmnopqrstuvwxyz', tostring(x))";
    let mut child = command(&["query", "--kql", kql, "--format", "csv"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 3];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(said(output), "exit 0\n--- stdout\n--- stderr\n");
}

/// The rows and their order do not depend on the number of threads.
#[test]
fn threads_change_nothing() {
    let queries = [
        "DeviceProcessEvents | project FileName, DeviceName",
        "DeviceProcessEvents | sort by DeviceName asc | project FileName, DeviceName",
        "DeviceProcessEvents | summarize count(), make_set(FileName) by DeviceName",
        "DeviceProcessEvents | take 3 | project FileName",
        "DeviceProcessEvents | summarize count() by FileName | take 2",
        "union DeviceProcessEvents, DeviceProcessEvents | project FileName, DeviceName | take 30",
        "union DeviceProcessEvents, DeviceProcessEvents | summarize make_list(FileName)",
        "DeviceProcessEvents | distinct FileName, DeviceName",
        "union DeviceProcessEvents, DeviceProcessEvents | project FileName, DeviceName",
        "DeviceProcessEvents | join kind=inner (DeviceProcessEvents | project DeviceName, Other = FileName) on DeviceName | project FileName, Other",
    ];
    let folder = tempfile::tempdir().unwrap();
    for i in 0..7 {
        std::fs::copy(fixtures().join("defender.jsonl"), folder.path().join(format!("{i}.jsonl"))).unwrap();
    }
    let folder = folder.path().display().to_string();
    for kql in queries {
        let with = |n: &str| run(&["query", "--kql", kql, "--input", &folder, "--format", "csv", "--threads", n]);
        let one = with("1");
        assert!(one.starts_with("exit 0"), "{kql}: {one}");
        for n in ["2", "3", "8"] {
            assert_eq!(one, with(n), "{kql} with {n} threads");
        }
    }
}
