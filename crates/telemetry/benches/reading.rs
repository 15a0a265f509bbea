//! Finding and decoding: `cargo bench -p parallax-telemetry`. Throughput is of the input's bytes.

#![allow(missing_docs, reason = "made by macros")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use parallax_generate::{Plan, Shape, Size, Table, What, bytes};
use parallax_telemetry::formats::json::Members;
use parallax_telemetry::lines::Lines;
use parallax_telemetry::needles::{Clause, Finder, Literal, Needles};
use parallax_telemetry::source::{Options, discover};
use parallax_telemetry::{Report, Source, View, scan};
use std::hint::black_box;
use std::io::{BufReader, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

const PROCESS: What = What::Table(Table::Process, Shape::Json);
const SIZE: u64 = 4_000_000;
const RATES: [f64; 3] = [0.0, 0.01, 0.5];
/// Some of what the published query looks for.
const WORDS: [&str; 8] = ["lua.exe", "luajit", "lua5", "os.execute", "io.popen", "loadstring", "dofile", "socket.tcp"];

/// A file that stays as long as this.
struct Made {
    source: Source,
    bytes: u64,
    _file: Option<tempfile::NamedTempFile>,
}

fn source(path: &str) -> Source {
    discover(&[path.to_owned()], &Options::default(), &Report::new()).remove(0)
}

fn made(what: What, matching: f64) -> Made {
    let text = bytes(&Plan::new(what).matching(matching), Size::Bytes(SIZE));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&text).unwrap();
    Made { source: source(&file.path().to_string_lossy()), bytes: text.len() as u64, _file: Some(file) }
}

/// The rows of the process table that a query over file names and command lines takes.
fn processes(made: &Made, clauses: &[Clause]) -> usize {
    let columns = ["Timestamp", "FileName", "ProcessCommandLine"].map(str::to_owned);
    let view = View::named("DeviceProcessEvents").unwrap();
    let mut rows = 0;
    scan::scan_for(&made.source, &view, &columns, clauses, 8192, &Report::new(), &mut |batch| {
        rows += batch.num_rows();
        ControlFlow::Continue(())
    })
    .unwrap();
    rows
}

fn clauses() -> Vec<Clause> {
    vec![WORDS.map(|word| Literal::new("ProcessCommandLine", word)).to_vec()]
}

/// Lines that show one of some words, in memory.
fn needles(c: &mut Criterion) {
    let mut group = c.benchmark_group("needles in lines");
    let needles = Needles::new(WORDS.map(|word| (word, false))).unwrap();
    let finder = Arc::new(Finder::new(&needles).unwrap());
    for rate in RATES {
        let text = bytes(&Plan::new(PROCESS).matching(rate), Size::Bytes(SIZE));
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(rate), &text, |b, text| {
            b.iter(|| {
                let reader = BufReader::with_capacity(256 * 1024, text.as_slice());
                let mut lines = Lines::new(reader).screened(Some(finder.clone()), |_| true);
                let mut left = 0;
                while let Some(line) = lines.next().unwrap() {
                    left += black_box(line.bytes.len());
                }
                left
            });
        });
    }
    group.finish();
}

/// The members of objects, without decoding them.
fn members(c: &mut Criterion) {
    let mut group = c.benchmark_group("members of JSON lines");
    let text = String::from_utf8(bytes(&Plan::new(What::SysmonJson), Size::Bytes(SIZE))).unwrap();
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("sysmon", |b| {
        b.iter(|| {
            let mut seen = 0;
            for line in text.lines() {
                let mut members = Members::new(line).unwrap();
                while let Some((name, value)) = members.next().unwrap() {
                    seen += usize::from(name.len() > value.len());
                }
            }
            seen
        });
    });
    group.finish();
}

/// From files to Arrow, of all events.
fn decoding(c: &mut Criterion) {
    let mut group = c.benchmark_group("decoding to Arrow");
    let cases = [
        ("defender", PROCESS),
        ("auditd", What::Auditd { enriched: true }),
        ("auditd-raw", What::Auditd { enriched: false }),
        ("sysmon-json", What::SysmonJson),
        ("sysmon-xml", What::SysmonXml),
        ("sysmon-linux", What::SysmonLinux),
        ("defender-csv", What::Table(Table::Process, Shape::Csv)),
    ];
    for (name, what) in cases {
        let made = made(what, 0.01);
        group.throughput(Throughput::Bytes(made.bytes));
        group.bench_function(name, |b| b.iter(|| processes(&made, &[])));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/windows/events.evtx");
    let made = Made { source: source(path), bytes: std::fs::metadata(path).unwrap().len(), _file: None };
    group.throughput(Throughput::Bytes(made.bytes));
    group.bench_function("evtx", |b| b.iter(|| processes(&made, &[])));
    group.finish();
}

/// The same for somebody who looks only at what shows some words.
fn screening(c: &mut Criterion) {
    let mut group = c.benchmark_group("screened to Arrow");
    let clauses = clauses();
    for (name, what) in [("defender", PROCESS), ("auditd", What::Auditd { enriched: true })] {
        for rate in RATES {
            let made = made(what, rate);
            group.throughput(Throughput::Bytes(made.bytes));
            group.bench_with_input(BenchmarkId::new(name, rate), &made, |b, made| b.iter(|| processes(made, &clauses)));
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = needles, members, decoding, screening
}
criterion_main!(benches);
