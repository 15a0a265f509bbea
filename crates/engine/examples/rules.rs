//! Runs Sigma rules over telemetry and says what it costs: `cargo run --release -p parallax-engine --example rules --
//! [--threads N] [--every] [--list] [--census] [--reasons] RULES… -- INPUTS…`. Rules are files and folders.
//!
//! With `--list` every match is a line: the rule's id, the source, the place in it.

use parallax_engine::{HitsAsked, Limits, Options, Session};
use parallax_sigma::matcher::Search;
use parallax_sigma::tree::{Document, Rule};
use parallax_sigma::{Rules, read};
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

fn main() {
    let (mut threads, mut search, mut list, mut census, mut reasons) = (1, Search::Indexed, false, false, false);
    let (mut rules, mut inputs, mut behind) = (Vec::new(), Vec::new(), false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--threads" => threads = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1),
            "--every" => search = Search::Every,
            "--list" => list = true,
            "--census" => census = true,
            "--reasons" => reasons = true,
            "--" => behind = true,
            _ if behind => inputs.push(argument),
            _ => rules.push(PathBuf::from(argument)),
        }
    }
    let began = Instant::now();
    let rules = load(&rules, threads);
    let read = began.elapsed();
    let compiled = Arc::new(Rules::with(&rules, search));
    let ready = began.elapsed();
    for refused in compiled.refused() {
        eprintln!("refused: {}: {}", rules[refused.rule].meta.title, refused.why);
    }
    eprintln!(
        "{} rules, {} without an anchor, {} fields, {} log sources; read {read:.1?}, compiled {:.1?}",
        compiled.len(),
        compiled.unanchored().count(),
        compiled.fields().len(),
        compiled.sources().len(),
        ready - read,
    );
    if inputs.is_empty() {
        return;
    }
    let limits = Limits { threads, ..Limits::default() };
    let session = Session::open(&inputs, Options { limits, ..Options::default() }).expect("a session");
    let opened = began.elapsed();
    let (mut events, mut matches) = (0u64, 0u64);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let asked = HitsAsked { rules: compiled, wanted: Vec::new(), reasons, census };
    let seen = session.hits(asked, &mut |hit| {
        events += 1;
        matches += hit.rules.len() as u64;
        if list {
            for rule in &hit.rules {
                let id = rules[*rule as usize].meta.id.as_deref().unwrap_or("-");
                let written = writeln!(out, "{id}\t{}\t{}", hit.event.source, hit.event.record.unwrap_or(-1));
                if written.is_err() {
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    });
    let seen = seen.expect("a reading");
    drop(out);
    let took = began.elapsed() - opened;
    let bytes = session.size() as f64 / 1e6;
    eprintln!(
        "{matches} matches of {events} events among {} of {} in {} sources, {bytes:.0} MB; opened in {:.1?}, read in {took:.2?} \
         ({:.0} MB/s), {} damaged",
        seen.sources.iter().sum::<u64>(),
        seen.report.events(),
        session.sources().len(),
        opened - ready,
        bytes / took.as_secs_f64(),
        seen.report.damaged(),
    );
    for (note, times) in seen.report.notes() {
        eprintln!("note: {note} ({times})");
    }
}

/// All rules of files and folders, read by several threads, in the order of the paths.
fn load(paths: &[PathBuf], threads: usize) -> Vec<Rule> {
    let mut files = Vec::new();
    paths.iter().for_each(|path| find(path, &mut files));
    files.sort();
    let next = AtomicUsize::new(0);
    let mut read: Vec<(usize, Vec<Rule>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut own = Vec::new();
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(file) = files.get(at) else { break own };
                        own.push((at, rules_of(file)));
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|w| w.join().expect("a worker")).collect()
    });
    read.sort_by_key(|(at, _)| *at);
    read.into_iter().flat_map(|(_, rules)| rules).collect()
}

fn rules_of(file: &Path) -> Vec<Rule> {
    let text = std::fs::read_to_string(file).expect("a readable file");
    let read = read(&text, &parallax_sigma::Options::default());
    for diagnostic in read.diagnostics.iter().filter(|d| d.severity == parallax_diagnostics::Severity::Error) {
        eprintln!("{}: {}", file.display(), diagnostic.message);
    }
    let documents = read.documents.into_iter().map(|located| located.document);
    documents.filter_map(|document| if let Document::Rule(rule) = document { Some(rule) } else { None }).collect()
}

fn find(path: &Path, files: &mut Vec<PathBuf>) {
    if !path.is_dir() {
        files.push(path.to_owned());
        return;
    }
    for entry in std::fs::read_dir(path).expect("a readable folder").flatten() {
        let path = entry.path();
        if path.is_dir() || path.extension().is_some_and(|e| e == "yml" || e == "yaml") {
            find(&path, files);
        }
    }
}
