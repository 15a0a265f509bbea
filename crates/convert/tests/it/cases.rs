//! Conversions as data: each file of `tests/cases` has a text, the languages that it is written in, and for each of them
//! the result and what is said of it. Set `PARALLAX_UPDATE_CASES` to write the results anew.
//!
//! ```text
//! from: sigma
//! # what this shows
//! ----- source
//! …
//! ----- kql
//! …
//! ----- kql said
//! CONV0101 narrowed 7:23 `…`: …
//! ```

use parallax_convert::{Language, Loss, Options, convert, read};
use parallax_diagnostics::Diagnostic;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

fn language(name: &str) -> Language {
    match name {
        "kql" => Language::Kql,
        "sumo" => Language::Sumo,
        "sigma" => Language::Sigma,
        other => panic!("{other} is no language"),
    }
}

fn said(diagnostics: &[(Diagnostic, &str)], text: &str) -> String {
    diagnostics.iter().fold(String::new(), |mut out, (d, effect)| {
        let (line, column) = d.position(text);
        let _ = writeln!(out, "{} {effect} {line}:{column} `{}`: {}", d.code, d.span.of(text), d.message);
        out
    })
}

/// A case, its results written anew.
fn renewed(text: &str) -> String {
    let (head, rest) = text.split_once("----- source\n").expect("a source");
    let source = rest.split("\n----- ").next().unwrap_or(rest).trim_end_matches('\n');
    let source = format!("{source}\n");
    let from = head.lines().find_map(|l| l.strip_prefix("from: ")).expect("from: …");
    let mut out = format!("{head}----- source\n{source}");
    for to in ["kql", "sumo", "sigma"].into_iter().filter(|to| *to != from) {
        for found in read(&source, language(from), None, &BTreeMap::new()) {
            let converted = found.and_then(|(d, losses)| convert(&d, losses, language(to), &Options::default()));
            let (text, notes) = match &converted {
                Ok(c) => {
                    let losses: Vec<_> = c.losses.iter().map(|l: &Loss| (l.diagnostic(), l.effect.word())).collect();
                    (c.text.as_str(), said(&losses, &source))
                }
                Err(refused) => {
                    let refused: Vec<_> = refused.iter().map(|d| (d.clone(), "refused")).collect();
                    ("", said(&refused, &source))
                }
            };
            if !text.is_empty() {
                let _ = write!(out, "----- {to}\n{text}");
            }
            if !notes.is_empty() {
                let _ = write!(out, "----- {to} said\n{notes}");
            }
        }
    }
    out
}

#[test]
fn each_is_converted_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 10);
    let mut old = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let fresh = renewed(&text);
        if fresh != text {
            if std::env::var_os("PARALLAX_UPDATE_CASES").is_some() {
                std::fs::write(&file, fresh).unwrap();
            } else {
                old.push(format!("{}:\n{fresh}", file.display()));
            }
        }
    }
    assert!(old.is_empty(), "run with PARALLAX_UPDATE_CASES=1 and look at the difference\n{}", old.join("\n"));
}
