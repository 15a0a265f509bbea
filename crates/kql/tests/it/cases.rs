//! Language cases: `tests/cases/plan/*.kql`, one file a subject.
//!
//! A case is a name, a query, and what comes of it:
//!
//! ```text
//! ## name
//! query
//! --
//! name:type, name:type        the columns
//! [1,"a"]                     a row, as JSON; rows of an unsorted query come in any order
//! ```
//!
//! or, for a query that is refused, `! KQL0202 "text" part of the sentence` in place of the columns.

use crate::support::{first_error, plan, run};
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;

#[tokio::test]
async fn language_cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/plan");
    let mut failures = String::new();
    let mut count = 0;
    let mut files: Vec<_> = std::fs::read_dir(&folder).expect("the folder of cases").flatten().collect();
    files.sort_by_key(std::fs::DirEntry::path);
    for file in files {
        let text = std::fs::read_to_string(file.path()).expect("a readable file");
        for case in text.split("\n## ").skip(1) {
            count += 1;
            if let Err(why) = check(case).await {
                let _ = writeln!(failures, "{}: {}\n", file.file_name().to_string_lossy(), why);
            }
        }
    }
    assert!(count > 0, "no cases found");
    assert!(failures.is_empty(), "{failures}");
}

async fn check(case: &str) -> Result<(), String> {
    let (name, rest) = case.split_once('\n').ok_or("a case without a query")?;
    let (query, expected) = rest.split_once("\n--\n").ok_or_else(|| format!("{name}: no `--` line"))?;
    let mut lines = expected.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#'));
    let head = lines.next().unwrap_or("");
    if let Some(refusal) = head.strip_prefix("! ") {
        let refused = plan(query).and_then(|planned| match planned.unreached.is_empty() {
            true => Ok(planned),
            false => Err(planned.unreached),
        });
        return match refused {
            Ok(_) => Err(format!("{name}: planned, and should be refused: {refusal}")),
            Err(d) => {
                let got = first_error(query, &d);
                let mut parts = refusal.splitn(2, ' ');
                let code = parts.next().unwrap_or("");
                let text = parts.next().unwrap_or("");
                if got.starts_with(code) && got.contains(text) {
                    Ok(())
                } else {
                    Err(format!("{name}: refused with {got}\n  expected {refusal}"))
                }
            }
        };
    }
    let answer = run(query).await.map_err(|e| format!("{name}: {e}"))?;
    let columns: Vec<String> = answer.planned.columns.iter().map(|c| format!("{}:{}", c.name, c.type_name)).collect();
    let columns = columns.join(", ");
    if columns != head {
        return Err(format!("{name}: columns\n  got      {columns}\n  expected {head}"));
    }
    let mut expected: Vec<String> = Vec::new();
    for line in lines {
        let row: Value = serde_json::from_str(line).map_err(|e| format!("{name}: {e}: {line}"))?;
        expected.push(row.to_string());
    }
    let mut got: Vec<String> = answer.rows.iter().map(|r| Value::Array(r.clone()).to_string()).collect();
    if !answer.planned.ordered {
        expected.sort();
        got.sort();
    }
    if got == expected {
        return Ok(());
    }
    Err(format!(
        "{name}: rows\n  got      {}\n  expected {}",
        got.join("\n           "),
        expected.join("\n           ")
    ))
}
