//! A union that reads one file once gives what reading it for each of its branches gives.

use crate::threads::{as_parquet, rows};
use parallax_engine::{Context, Dialect, Limits, Options, Session};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};

const BRANCHES: [&str; 10] = [
    "a",
    "a | where key % 7 == 1",
    "a | where small == 2 and pad contains 'fe'",
    "a | where pad startswith '0' | extend key = key + 1000",
    "a | where id < 100 | extend key = strlen(pad), small = small + 1",
    "a | where id > 31990 or key == 3 | extend part = part * 2",
    "a | where id < 0",
    "a | extend doubled = key * 2 | where doubled < 40 | where small != 1",
    "a | where tolong(substring(pad, 0, 1)) == 3",
    "b | extend id = key, small = key % 5, part = 0.5, pad = tag",
];

const AGGREGATES: [&str; 9] = [
    "count()",
    "sum(part)",
    "min(id)",
    "make_list(id, 30)",
    "make_set(key)",
    "make_set(substring(pad, 0, 2))",
    "dcount(key)",
    "arg_max(id, key, part)",
    "take_any(key)",
];

fn query() -> impl Strategy<Value = String> {
    let keys = select(&["", " by small", " by small, half = key % 2", " by key", " by id"][..]);
    (vec(select(&BRANCHES[..]), 2..5), subsequence(&AGGREGATES[..], 1..5), keys).prop_map(|(branches, of, by)| {
        let branches: Vec<String> =
            branches.iter().map(|b| format!("({b} | project id, key, small, part, pad)")).collect();
        format!("union {} | summarize {}{by}", branches.join(", "), of.join(", "))
    })
}

#[test]
fn unions_of_one_file_are_read_once() {
    let folder = tempfile::tempdir().unwrap();
    as_parquet(folder.path());
    let open = |threads, memory| {
        let options = Options { limits: Limits { threads, memory, ..Limits::default() }, ..Options::default() };
        Session::open(&[folder.path().display().to_string()], options).unwrap()
    };
    // With a limit, each branch reads for itself.
    let (each, once, on_one) = (open(2, Some(2 << 30)), open(3, None), open(1, None));
    let plan = |session: &Session, query: &str| {
        session.explain(Dialect::Kql, query, &Context::at(0)).map(|e| e.physical).unwrap()
    };
    let shown = "union (a | where small == 1), (a | where key < 9) | summarize count() by small";
    assert!(plan(&once, shown).contains("NumberedUnionExec"), "{}", plan(&once, shown));
    assert!(!plan(&each, shown).contains("NumberedUnionExec"));
    let mut runner = TestRunner::new(Config { cases: 16, failure_persistence: None, ..Config::default() });
    runner
        .run(&query(), |query| {
            let expected = rows(&each, &query);
            prop_assert_eq!(&rows(&once, &query), &expected, "{}", query);
            prop_assert_eq!(&rows(&on_one, &query), &expected, "{}", query);
            Ok(())
        })
        .unwrap();
}
