//! The rules of some files and folders over some inputs: `hits RULES… -- INPUTS…`.
//!
//! Prints a line a hit (rule, file, place) or, with `--count`, how many of each; then what was read.

#![allow(clippy::print_stdout, reason = "a program whose output is what it finds")]

use parallax_sigma::tree::{Document, Rule};
use parallax_sigma::{Rules, Scratch, read};
use parallax_telemetry::logsource::Sorter;
use parallax_telemetry::source::{self, discover};
use parallax_telemetry::{Report, scan, view};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count = arguments.iter().any(|a| a == "--count");
    let arguments: Vec<String> = arguments.into_iter().filter(|a| a != "--count").collect();
    let (rules, inputs) = arguments.split_at(arguments.iter().position(|a| a == "--").unwrap_or(arguments.len()));
    let began = Instant::now();
    let rules = load(rules)?;
    let matcher = Rules::new(&rules);
    let mut sorter = Sorter::new(matcher.sources());
    let mut columns = matcher.fields().to_vec();
    columns.extend(sorter.columns().iter().filter(|c| !matcher.fields().contains(c)).cloned());
    sorter.rows_of(&columns);
    let view = sorter.narrow(&view::logs(&columns));
    let report = Report::new();
    let sources = discover(&inputs[1.min(inputs.len())..], &source::Options::default(), &report);
    let loaded = began.elapsed();
    let mut scratch = Scratch::new();
    let (mut hits, mut events) = (BTreeMap::<&str, u64>::new(), 0u64);
    for source in &sources {
        scan::rows(source, &view, &columns, &report, &mut |row| {
            let sources = sorter.of(row);
            events += u64::from(!sources.is_empty());
            for &rule in matcher.matches_of(row, sources, &mut scratch) {
                let meta = &rules[rule as usize].meta;
                *hits.entry(meta.id.as_deref().unwrap_or(&meta.title)).or_default() += 1;
                if !count {
                    let id = meta.id.as_deref().unwrap_or_default();
                    println!("{id}\t{}\t{}\t{}\t{}", row.kind().code, row.file(), row.position(), meta.title);
                }
            }
            ControlFlow::Continue(())
        })?;
    }
    if count {
        hits.iter().for_each(|(rule, n)| println!("{n}\t{rule}"));
    }
    let (total, all) = (hits.values().sum::<u64>(), began.elapsed());
    eprintln!(
        "{} rules, {} refused, {} fields, {} sources",
        rules.len(),
        matcher.refused().len(),
        columns.len(),
        sources.len()
    );
    eprintln!(
        "{total} hits of {} rules, {events} events of their log sources; prepared in {loaded:?}, all in {all:?}",
        hits.len()
    );
    for (note, n) in report.notes() {
        eprintln!("note: {note}: {n}");
    }
    for damage in report.damages().iter().take(5) {
        eprintln!("damage: {damage:?}");
    }
    Ok(())
}

fn load(paths: &[String]) -> std::io::Result<Vec<Rule>> {
    let mut files = Vec::new();
    paths.iter().try_for_each(|p| collect(Path::new(p), &mut files))?;
    files.sort();
    let mut rules = Vec::new();
    for file in files {
        let read = read(&std::fs::read_to_string(&file)?, &parallax_sigma::Options::default());
        if read.diagnostics.has_errors() {
            eprintln!("{}: not read", file.display());
        }
        for document in read.documents {
            if let Document::Rule(rule) = document.document {
                rules.push(rule);
            }
        }
    }
    Ok(rules)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_dir() || path.extension().is_some_and(|e| e == "yml") {
            collect(&path, files)?;
        }
    }
    Ok(())
}
