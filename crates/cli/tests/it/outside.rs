//! What queries take from outside: `tests/cases/outside/*.kql`, run by the program in `tests/fixtures/outside`, where a
//! `parallax.toml` lies.
//!
//! A case is a name, a query, `--`, and what comes of it: the columns with their types and a row a line (in any order),
//! or `! CODE part of the sentence` for a refusal. `# says …` is part of what is said on standard error.

use crate::{fixtures, run};
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};

fn outside(args: &[&str]) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    command.args(args).current_dir(fixtures().join("outside")).stdin(Stdio::null());
    let output = command.output().expect("the program runs");
    (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/outside");
    let (mut failures, mut count) = (String::new(), 0);
    let mut files: Vec<_> = std::fs::read_dir(&folder).expect("the folder of cases").flatten().collect();
    files.sort_by_key(std::fs::DirEntry::path);
    for file in files {
        let text = std::fs::read_to_string(file.path()).expect("a readable file");
        for case in text.split("\n## ").skip(1) {
            count += 1;
            if let Err(why) = check(case) {
                let _ = writeln!(failures, "{}: {why}\n", file.file_name().to_string_lossy());
            }
        }
    }
    assert!(count > 40, "only {count} cases found");
    assert!(failures.is_empty(), "{failures}");
}

fn check(case: &str) -> Result<(), String> {
    let (name, rest) = case.split_once('\n').ok_or("a case without a query")?;
    let (query, expected) = rest.split_once("\n--\n").ok_or_else(|| format!("{name}: no `--` line"))?;
    let (out, said) = outside(&["query", "--kql", query, "--format", "json", "--input", "../defender.jsonl"]);
    let mut lines = Vec::new();
    for line in expected.lines().filter(|l| !l.trim().is_empty()) {
        match line.strip_prefix("# says ") {
            Some(part) if !said.contains(part) => return Err(format!("{name}: did not say {part:?} but\n{said}")),
            Some(_) => {}
            None => lines.push(line),
        }
    }
    let head = lines.first().copied().unwrap_or("");
    if let Some(refusal) = head.strip_prefix("! ") {
        let (code, part) = refusal.split_once(' ').unwrap_or((refusal, ""));
        let refused = said.contains(&format!("error[{code}]")) && said.contains(part);
        return if refused { Ok(()) } else { Err(format!("{name}: expected {refusal}\n{out}{said}")) };
    }
    let answer: Value = serde_json::from_str(&out).map_err(|e| format!("{name}: {e}\n{out}{said}"))?;
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let columns = answer["columns"].as_array().into_iter().flatten();
    let columns: Vec<String> = columns.map(|c| format!("{}:{}", text(&c["name"]), text(&c["type"]))).collect();
    let mut got: Vec<String> = answer["rows"].as_array().into_iter().flatten().map(Value::to_string).collect();
    let mut wanted = Vec::new();
    for line in &lines[1..] {
        let row: Value = serde_json::from_str(line).map_err(|e| format!("{name}: {e}: {line}"))?;
        wanted.push(row.to_string());
    }
    got.sort();
    wanted.sort();
    match columns.join(", ") == head && got == wanted {
        true => Ok(()),
        false => Err(format!(
            "{name}\n  got {}\n      {}\n  for {head}\n      {}\n{said}",
            columns.join(", "),
            got.join("\n      "),
            wanted.join("\n      ")
        )),
    }
}

/// Without a configuration, what is not given is null, and said once.
#[test]
fn nothing_is_given() {
    let kql = "DeviceProcessEvents | invoke FileProfile(SHA1) | extend a = geo_info_from_ip_address('192.0.2.1'), b = geo_info_from_ip_address('192.0.2.2') | summarize n = count() by GlobalPrevalence, ProfileAvailability, tostring(a), tostring(b)";
    insta::assert_snapshot!(run(&["query", "--kql", kql, "--input", "defender.jsonl", "--format", "json"]));
}

/// A query that needs an address is right, and a warning says what it needs.
#[test]
fn check_names_the_address() {
    insta::assert_snapshot!(run(&["check", "outside/feed.kql"]));
    insta::assert_snapshot!(run(&["check", "outside/feed.kql", "--config", "outside/mapped.toml"]));
}

#[test]
fn a_wrong_configuration_is_pointed_at() {
    insta::assert_snapshot!(run(&["query", "--kql", "print 1", "--config", "outside/wrong.toml"]));
    insta::assert_snapshot!(run(&["query", "--kql", "print 1", "--config", "outside/nowhere.toml"]));
}

/// Lookup tables and macros of Sumo searches: CSV without regard to case, JSON, networks, an argument.
#[test]
fn sumo_searches() {
    let start = "* | limit 1 | \"10.1.2.3\" as ip | \"JO\" as user";
    let rows = |rest: &str| {
        let query = format!("{start} | {rest}");
        let (out, said) = outside(&["query", "--sumo", &query, "--format", "json", "--input", "../defender.jsonl"]);
        let answer: Value = serde_json::from_str(&out).unwrap_or_default();
        (answer["rows"].to_string(), said)
    };
    let oncall = "lookup team from path://\"/Library/Users/me@example.org/On Call\" on user=name";
    assert_eq!(rows(&format!("{oncall} | `only(blue)` | fields team")).0, "[[\"blue\"]]");
    assert_eq!(rows(&format!("{oncall} | `only(red)` | fields team")).0, "[]");
    assert_eq!(rows("lookup level from shared/iocs on ip=ioc | fields level").0, "[[\"5\"]]");
    assert_eq!(rows("geoip ip | fields city, country_code, state").0, "[[\"Eleven\",\"XB\",null]]");
    let (_, said) = rows("lookup level from elsewhere/iocs on ip=ioc | fields level");
    assert!(said.contains("error[SUMO0106]"), "{said}");
}
