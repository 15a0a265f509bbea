//! `parallax test`

use crate::{copy, fixtures, run};
use std::fs;

#[test]
fn every_expectation_holds() {
    insta::assert_snapshot!(run(&["test", "pack"]));
    insta::assert_snapshot!(run(&["test", "pack", "--format", "json", "--case", "attack"]));
}

#[test]
fn reality_that_differs_fails() {
    let folder = tempfile::tempdir().unwrap();
    copy(&fixtures().join("pack"), folder.path());
    let manifest = fs::read_to_string(folder.path().join("pack.yaml")).unwrap();
    let broken = manifest.replace("findings: 1", "findings: 2").replace("exactly: 1", "exactly: 3");
    fs::write(
        folder.path().join("pack.yaml"),
        broken.replace("outcome: silent }\n      - { d", "outcome: false-positive, reason: x }\n      - { d"),
    )
    .unwrap();
    insta::assert_snapshot!(run(&["test", &folder.path().display().to_string()]));
}

#[test]
fn a_wrong_pack() {
    insta::assert_snapshot!(run(&["test", "no-such-pack"]));
    insta::assert_snapshot!(run(&["test", "pack", "--case", "attac"]));
    insta::assert_snapshot!(run(&["test", "pack", "--detection", "files2"]));
}

#[test]
fn dialects_are_compared_and_hostile_cases_counted() {
    insta::assert_snapshot!(run(&["test", "evidence"]));
    insta::assert_snapshot!(run(&["test", "evidence", "--format", "json", "--detection", "child-kql", "child-sumo"]));
}

#[test]
fn lists_are_replaced_for_every_language() {
    insta::assert_snapshot!(run(&[
        "test",
        "evidence",
        "--case",
        "plain",
        "--list",
        "allow=evidence/allowed.csv",
        "-q"
    ]));
    insta::assert_snapshot!(run(&["test", "evidence", "--list", "alow=evidence/allowed.csv"]));
    insta::assert_snapshot!(run(&["check", "evidence"]));
    insta::assert_snapshot!(run(&[
        "query",
        "-f",
        "evidence/child.kql",
        "-i",
        "evidence/telemetry/plain.jsonl",
        "--format",
        "ndjson",
        "-q",
        "--list",
        "allow=evidence/allowed.csv"
    ]));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let one = run(&["test", "evidence", "pack", "--threads", "1", "--format", "json"]);
    for threads in ["2", "8"] {
        assert_eq!(one, run(&["test", "evidence", "pack", "--threads", threads, "--format", "json"]));
    }
}

/// The good pack, broken so that both cases fail, and with text that XML and a terminal would take for their own.
fn broken(folder: &std::path::Path) -> String {
    copy(&fixtures().join("pack"), folder);
    let manifest = fs::read_to_string(folder.join("pack.yaml")).unwrap();
    let manifest = manifest.replace("findings: 1", "findings: 2").replace("exactly: 1", "exactly: 3");
    let manifest = manifest.replace("child process whoami", "\"child <b> & ]]> \\x1b[31m\"");
    fs::write(folder.join("pack.yaml"), manifest.replace("silent }", "false-positive, reason: x }")).unwrap();
    folder.display().to_string()
}

#[test]
fn the_first_failure_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = broken(folder.path());
    for threads in ["1", "8"] {
        let said = run(&["test", &path, "--fail-fast", "--threads", threads]);
        assert!(said.starts_with("exit 1") && said.contains("1 case: 1 not as expected; ended there"), "{said}");
        assert!(!said.contains("demo/shell"), "{said}");
    }
}

#[test]
fn junit_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = broken(folder.path());
    let (junit, json) = (folder.path().join("junit.xml"), folder.path().join("result.json"));
    let files = [junit.display().to_string(), json.display().to_string()];
    let said = run(&["test", &path, "evidence", "--junit", &files[0], "--json", &files[1], "--format", "junit", "-q"]);
    let text = fs::read_to_string(&junit).unwrap();
    let document = xml::parse(&text).unwrap();
    assert_eq!(document.name, "testsuites");
    let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    let count = |key: &str, of: &xml::Element| of.attribute(key).parse::<usize>().unwrap();
    let suites: Vec<_> = document.children.iter().filter(|s| s.name == "testsuite").collect();
    assert_eq!(suites.len(), 5);
    let (mut tests, mut failures) = (0, 0);
    for suite in suites {
        let failed = suite.children.iter().filter(|t| t.children.iter().any(|f| f.name == "failure")).count();
        assert_eq!((count("tests", suite), count("failures", suite)), (suite.children.len(), failed));
        assert_eq!((count("errors", suite), count("skipped", suite)), (0, 0));
        for test in &suite.children {
            assert!(test.name == "testcase" && test.attribute("time").parse::<f64>().is_ok());
            assert_eq!(test.attribute("classname"), suite.attribute("name"));
        }
        tests += suite.children.len();
        failures += failed;
    }
    assert_eq!((count("tests", &document), count("failures", &document)), (tests, failures));
    assert_eq!(failures, 3);
    let signal = document.children[0].children.iter().find(|t| t.attribute("name").starts_with("signal")).unwrap();
    assert_eq!(signal.attribute("name"), "signal: child <b> & ]]> \u{fffd}[31m");
    assert_eq!(signal.children[0].attribute("message"), "exactly 3 expected, found 1");
    assert_eq!(json["packs"].as_array().map(Vec::len), Some(2));
    assert_eq!((&json["holds"], &json["packs"][1]["holds"]), (&false.into(), &true.into()));
    assert!(said.starts_with("exit 1\n--- stdout\n<?xml"), "{said}");
}

/// As much of XML as there is in JUnit's files, strictly.
mod xml {
    #[derive(Debug, Default)]
    pub(super) struct Element {
        pub(super) name: String,
        attributes: Vec<(String, String)>,
        pub(super) children: Vec<Element>,
    }

    impl Element {
        pub(super) fn attribute(&self, name: &str) -> &str {
            self.attributes.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
        }
    }

    pub(super) fn parse(text: &str) -> Result<Element, String> {
        let rest = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").ok_or("no declaration")?;
        if let Some(c) = rest.chars().find(|c| c.is_control() && *c != '\n') {
            return Err(format!("{c:?} can't stand in XML"));
        }
        let (element, rest) = element(rest.trim_start())?;
        if rest.trim().is_empty() { Ok(element) } else { Err(format!("behind the end: {rest}")) }
    }

    fn element(text: &str) -> Result<(Element, &str), String> {
        let rest = text.strip_prefix('<').ok_or_else(|| format!("no element: {text}"))?;
        let end = rest.find('>').ok_or("no end of a tag")?;
        let (tag, mut rest) = (&rest[..end], &rest[end + 1..]);
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |t| (t, true));
        let (name, mut list) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut out = Element { name: name.to_owned(), ..Element::default() };
        while let Some((key, value)) = list.trim().split_once("=\"") {
            let (value, more) = value.split_once('"').ok_or("an open attribute")?;
            out.attributes.push((key.to_owned(), plain(value)?));
            list = more;
        }
        if empty {
            return Ok((out, rest));
        }
        loop {
            let at = rest.find('<').ok_or("an open element")?;
            plain(&rest[..at])?;
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("</") {
                let after =
                    after.strip_prefix(name).and_then(|a| a.strip_prefix('>')).ok_or("another element's end")?;
                return Ok((out, after));
            }
            let (child, after) = element(rest)?;
            out.children.push(child);
            rest = after;
        }
    }

    fn plain(text: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('&') {
            out.push_str(&rest[..at]);
            let (name, after) = rest[at + 1..].split_once(';').ok_or("an open reference")?;
            out.push(match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                "#10" => '\n',
                other => return Err(format!("&{other};")),
            });
            rest = after;
        }
        if text.contains('<') { Err("a bare <".to_owned()) } else { Ok(out + rest) }
    }
}
