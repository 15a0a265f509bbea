//! The data files in `tests/cases/syntax`: a query, `----`, and what it is expected to become; cases are separated by
//! `====`. `PARALLAX_BLESS=1` writes what was found into the files.

use super::assert_round_trip;
use parallax_diagnostics::Style;
use std::path::Path;

/// Runs every case of a file.
fn check(file: &str, run: impl Fn(&str) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/syntax").join(file);
    let text = std::fs::read_to_string(&path).expect("the case file is there");
    let mut found = String::new();
    let mut wrong = Vec::new();
    for case in text.split("\n====\n") {
        let (query, expected) = case.split_once("\n----\n").unwrap_or((case.trim_end_matches('\n'), ""));
        let got = run(query);
        if got.trim_end() != expected.trim_end() {
            wrong.push(format!("query:\n{query}\nexpected:\n{}\nfound:\n{got}", expected.trim_end()));
        }
        if !found.is_empty() {
            found.push_str("\n====\n");
        }
        found.push_str(&format!("{query}\n----\n{}", got.trim_end()));
    }
    if std::env::var_os("PARALLAX_BLESS").is_some() {
        std::fs::write(&path, found + "\n").expect("the case file can be written");
    } else {
        assert!(wrong.is_empty(), "{} of {file} differ\n\n{}", wrong.len(), wrong.join("\n\n"));
    }
}

#[test]
fn accepted_queries_in_canonical_form() {
    check("canonical.txt", |query| match parallax_kql::parse(query) {
        Ok(tree) => {
            assert_round_trip(query, &tree);
            tree.to_string()
        }
        Err(e) => e.render(query, "<query>", Style::Plain),
    });
}

#[test]
fn refused_queries_and_what_is_said() {
    check("refused.txt", |query| match parallax_kql::parse(query) {
        Ok(tree) => format!("accepted: {tree}"),
        Err(e) => e.render(query, "<query>", Style::Plain),
    });
}

#[test]
fn expressions_with_their_grouping() {
    check("grouping.txt", |query| match parallax_kql::parse(query) {
        Ok(tree) => super::grouping::statements(&tree),
        Err(e) => e.render(query, "<query>", Style::Plain),
    });
}

#[test]
fn literals_and_their_values() {
    check("literals.txt", |query| match parallax_kql::parse(query) {
        Ok(tree) => super::grouping::literals(&tree),
        Err(e) => e.render(query, "<query>", Style::Plain),
    });
}
