//! Hundreds of rules over events: `cargo bench -p parallax-sigma`. Throughput is in bytes of JSON lines; reading them is part of it.

#![allow(missing_docs, reason = "made by macros")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use parallax_generate::{Plan, Size, What, bytes};
use parallax_sigma::tree::{Document, Rule};
use parallax_sigma::{Options, Rules, Scratch, read};
use parallax_telemetry::logsource::Sorter;
use parallax_telemetry::source::{self, discover};
use parallax_telemetry::{Report, scan, view};
use std::io::Write;
use std::ops::ControlFlow;
use std::time::Duration;

/// Made-up rules for process creations, of the forms that published ones have.
fn rules(n: usize) -> Vec<Rule> {
    let rule = |n: usize| {
        let test = match n % 4 {
            0 => format!(
                "    Image|endswith:\n      - '\\tool-{n}.exe'\n      - '\\agent{n}.exe'\n    CommandLine|contains: '-p{n}'"
            ),
            1 => format!("    CommandLine|contains|all:\n      - 'Invoke-{n}x'\n      - '-enc {n}'"),
            2 => format!(
                "    ParentImage|endswith: '\\p{n}.exe'\n    CommandLine|contains:\n      - ' /q{n} '\n      - '{n}.dll'"
            ),
            _ => format!("    CommandLine|re: '(?i)run{n}\\s+(/|-)[a-z]{{2,8}}\\s+now'"),
        };
        let text = format!(
            "title: Rule {n}\nlogsource:\n  category: process_creation\n  product: windows\ndetection:\n  selection:\n{test}\n  filter:\n    User|contains: 'svc{n}'\n  condition: selection and not filter\n"
        );
        read(&text, &Options::default()).documents.into_iter().find_map(|d| match d.document {
            Document::Rule(rule) => Some(rule),
            _ => None,
        })
    };
    (0..n).filter_map(rule).collect()
}

fn matcher(c: &mut Criterion) {
    let mut group = c.benchmark_group("rules over JSON lines");
    for (name, only_processes) in [("process creations", true), ("mixed", false)] {
        let plan = Plan { only_processes, ..Plan::new(What::SysmonJson) };
        let text = bytes(&plan, Size::Bytes(2_000_000));
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&text).unwrap();
        let path = file.path().to_string_lossy().into_owned();
        let source = discover(&[path], &source::Options::default(), &Report::new()).remove(0);
        group.throughput(Throughput::Bytes(text.len() as u64));
        for count in [1, 1_000] {
            let rules = rules(count);
            let matcher = Rules::new(&rules);
            assert_eq!(matcher.len(), count);
            let mut sorter = Sorter::new(matcher.sources());
            let mut columns = matcher.fields().to_vec();
            columns.extend(sorter.columns().iter().filter(|c| !matcher.fields().contains(c)).cloned());
            sorter.rows_of(&columns);
            let view = sorter.narrow(&view::logs(&columns));
            let mut scratch = Scratch::new();
            group.bench_function(format!("{count} rules, {name}"), |b| {
                b.iter(|| {
                    let mut hits = 0;
                    scan::rows(&source, &view, &columns, &Report::new(), &mut |row| {
                        hits += matcher.matches_of(row, sorter.of(row), &mut scratch).len();
                        ControlFlow::Continue(())
                    })
                    .unwrap();
                    hits
                });
            });
        }
    }
    group.finish();
}

/// Compiling the rules.
fn compiling(c: &mut Criterion) {
    let rules = rules(300);
    c.bench_function("compiling 300 rules", |b| b.iter(|| Rules::new(&rules).len()));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = matcher, compiling
}
criterion_main!(benches);
