//! What is passed over changes no answer: logs as they are and as nobody would write them, read with and without
//! needles.

use super::events::Events;
use super::{AuditReader, Settings};
use crate::event::Reader;
use crate::input::Compression;
use crate::needles::Needles;
use crate::{Event, Input, Kind, Report, Request, Value};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::ControlFlow;

/// Fields whose values stand in an event's own lines.
const SHOWN: [&str; 12] =
    ["exe", "comm", "cwd", "@cmdline", "a0", "a1", "key", "@user_cmd", "@name.0", "acct", "proctitle", "@raw"];

/// What else is asked.
const OTHERS: [&str; 8] =
    ["@time", "@id", "@host", "@argv", "@parent.exe", "@parent.cmdline", "@parent.parent.exe", "@process.exe"];

const NEEDLES: [&str; 4] = ["lua", "os.execute(", "mask", "4you2"];

const WORDS: [&str; 17] = [
    "/usr/bin/bash",
    "ls",
    "cat /tmp/a b",
    "/usr/bin/LUA5.4",
    "lua",
    "x lua y",
    "-e os.Execute('id')",
    "say \"os.execute(1)\"",
    "mas\u{212a}",
    "MA\u{17f}K it",
    "lu",
    "evaluate",
    "a",
    "4YOU2",
    "6you2",
    "gr\u{fc}n",
    "[ -f x ]=",
];

#[derive(Clone, Debug)]
struct Made {
    node: usize,
    pid: u32,
    ppid: u32,
    what: usize,
    words: Vec<(usize, bool)>,
    /// The word that is cut into two pieces.
    cut: usize,
    after: i64,
    late: usize,
}

fn made() -> impl Strategy<Value = Made> {
    let word = prop_oneof![60 => 0usize..3, 1 => 0..WORDS.len()];
    let words = prop::collection::vec((word, any::<bool>()), 5);
    (0usize..3, 300u32..306, 300u32..306, 0usize..15, words, 0..WORDS.len(), 0i64..900, 0usize..6).prop_map(
        |(node, pid, ppid, what, words, cut, after, late)| Made { node, pid, ppid, what, words, cut, after, late },
    )
}

/// A text as the kernel writes it, or in hex though it need not be.
fn encoded((word, hex): (usize, bool)) -> String {
    let text = WORDS[word];
    match hex || text.bytes().any(|b| !(b'!'..=b'~').contains(&b) || b == b'"') {
        true => text.bytes().map(|b| format!("{b:02X}")).collect(),
        false => format!("\"{text}\""),
    }
}

/// A log's lines. Events may be interleaved, come in pieces, and be damaged.
fn log(events: &[Made]) -> Vec<String> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let (mut time, mut before) = (1_700_000_000_000, 0);
    for (n, e) in events.iter().enumerate() {
        time += e.after;
        if e.what == 14 {
            // The machine begins anew, and counts from the beginning.
            (time, before) = (time + 3_000, n);
        }
        let node = ["", "node=web ", "Nov 21 19:00:00 web audispd: node=db "][e.node];
        let stamp = format!("audit({}.{:03}:{})", time / 1000, time % 1000, n - before + 10);
        let mut at = n * 3;
        let mut line = |kind: &str, body: String| {
            lines.push((at, format!("{node}type={kind} msg={stamp}: {body}")));
            at += e.late;
        };
        let w = |i: usize| encoded(e.words[i]);
        let syscall = |number: u32, exit: u32| {
            let (pid, ppid, comm, exe) = (e.pid, e.ppid, w(0), w(1));
            format!(
                "arch=c000003e syscall={number} success=yes exit={exit} a0=0 a1=7ffe items=2 ppid={ppid} pid={pid} uid=0 comm={comm} exe={exe} key={}",
                w(2)
            )
        };
        match e.what {
            0..=4 | 12 | 14 => {
                line("SYSCALL", syscall(59, 0));
                let half = WORDS[e.cut].len() / 2;
                match e.what {
                    0 | 12 | 14 => line("EXECVE", format!("argc=2 a0={} a1={}", w(3), w(4))),
                    1 => line("1309", format!("argc=2 a0={} a1={}", w(3), w(4))),
                    // An argument in two records.
                    2 => {
                        let hex: String = WORDS[e.cut].bytes().map(|b| format!("{b:02X}")).collect();
                        let (a, b) = hex.split_at(half * 2);
                        line("EXECVE", format!("argc=2 a0={} a1_len={} a1[0]={a}", w(3), hex.len()));
                        line("EXECVE", format!("a1[1]={b}"));
                    }
                    // A record that stands twice.
                    3 => {
                        line("EXECVE", format!("argc=2 a0={} a1={}", w(3), w(4)));
                        line("EXECVE", format!("argc=2 a0={} a1={}", w(3), w(4)));
                    }
                    _ => line("EXECVE", "argc=3 a0=\"l\" a0=\"ua\" a1=\"x".to_owned()),
                }
                line("CWD", format!("cwd={}", w(2)));
                line("PATH", format!("item=0 name={} inode=6", w(1)));
                if e.late < 5 {
                    line("PROCTITLE", format!("proctitle={}", w(4)));
                }
                if e.what == 12 {
                    line("EOE", String::new());
                }
            }
            5 => line("SYSCALL", syscall(56, e.ppid)),
            6 => line("SYSCALL", syscall(231, 0)),
            7 => {
                line("SYSCALL", syscall(42, 0));
                line("SOCKADDR", "saddr=0200115C7F0000010000000000000000".to_owned());
            }
            8 => line("USER_CMD", format!("pid=1 uid=0 msg='cwd=\"/\" cmd={} terminal=pts/0 res=success'", w(3))),
            9 => line("USER_LOGIN", format!("pid=1 uid=0 msg='op=login acct={} exe={}'", w(3), w(4))),
            10 => line("EOE", String::new()),
            13 => {
                line(["SYSTEM_BOOT", "DAEMON_ROTATE", "BPF"][e.late % 3], "pid=1 uid=0 msg='comm=\"lua\"'".to_owned());
            }
            _ => lines.push((
                at,
                ["", "no record", "type=X msg=audit(1/2/2026 1:2:3.4:5) : lua", "type=SYSCALL msg=audit("][e.late % 4]
                    .to_owned(),
            )),
        }
    }
    lines.sort_by_key(|(at, _)| *at);
    lines.into_iter().map(|(_, line)| line).collect()
}

fn needles() -> Option<Needles> {
    Needles::new(NEEDLES.iter().map(|n| (*n, *n == "mask")))
}

fn request(needles: Option<Needles>, kinds: Vec<Kind>) -> Request {
    let fields = SHOWN.iter().chain(&OTHERS).map(|f| (*f).to_owned()).collect();
    Request { fields, needles, kinds, ..Request::default() }
}

/// An event's values, and whether somebody who looks for the needles would find one.
type Row = (Vec<String>, bool);

fn row(event: &Event<'_>) -> Row {
    let folded = |t: &str| t.replace('\u{212a}', "k").replace('\u{17f}', "s").to_lowercase();
    let holds = |v: &Value<'_>| match v {
        Value::Text(t) => NEEDLES.iter().any(|n| match *n {
            "mask" => folded(t).contains(n),
            n => t.to_ascii_lowercase().contains(n),
        }),
        _ => false,
    };
    let found = event.values[..SHOWN.len()].iter().any(holds);
    (
        event.values.iter().map(|v| format!("{v:?}")).chain([format!("{}@{}", event.position, event.file)]).collect(),
        found,
    )
}

/// That of the events the wanted ones are there, and no others than there are.
fn compare(some: &[Row], all: &[Row]) -> Result<(), TestCaseError> {
    let mut rest = all.iter();
    for row in some {
        let there = || all.iter().find(|r| r.0.last() == row.0.last());
        prop_assert!(rest.by_ref().any(|r| r == row), "not there, or not in order: {row:?} for {:?}", there());
    }
    let wanted = |rows: &[Row]| rows.iter().filter(|r| r.1).cloned().collect::<Vec<_>>();
    prop_assert_eq!(wanted(some), wanted(all));
    Ok(())
}

fn files(lines: &[String], cut: usize) -> (tempfile::TempDir, Vec<Input>) {
    files_with(lines, cut, "\n")
}

fn files_with(lines: &[String], cut: usize, end: &str) -> (tempfile::TempDir, Vec<Input>) {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = lines.split_at(cut % (lines.len() + 1));
    let write = |(i, part): (usize, &[String])| {
        let mut text = String::new();
        part.iter().for_each(|line| write!(text, "{line}{end}").unwrap());
        let path = folder.path().join(i.to_string());
        // The last line of a log may have no end.
        let text = if cut.is_multiple_of(2) { text.trim_end_matches('\n') } else { &text };
        // One that is packed is not searched.
        if cut % 10 == 7 + i {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(text.as_bytes()).unwrap();
            std::fs::write(&path, packed.finish().unwrap()).unwrap();
            return Input::file(path, Compression::Gzip);
        }
        std::fs::write(&path, text).unwrap();
        Input::file(path, Compression::None)
    };
    let inputs = [first, second].into_iter().enumerate().map(write).collect();
    (folder, inputs)
}

/// The rows of `inputs`, searched in chunks of `size` bytes on so many threads; decoded whole where there are no needles.
fn read(inputs: &[Input], request: &Request, size: u64, threads: usize) -> (Vec<Row>, Report) {
    let (mut rows, report) = (Vec::new(), Report::new());
    let settings = Settings { threads, ..Settings::default() };
    Events::new(inputs, &settings, request, &report).at_once(size).read(&mut |e: &Event<'_>| {
        rows.push(row(e));
        ControlFlow::Continue(())
    });
    (rows, report)
}

/// What is told of a reading.
fn counts(r: &Report) -> impl PartialEq + std::fmt::Debug + use<> {
    (r.bytes(), r.events(), r.passed(), r.damages(), r.notes())
}

/// Recorded logs, wherever they are cut and on however many threads.
#[test]
fn captures() {
    let Some(folder) = std::env::var_os("PARALLAX_SHARED") else {
        eprintln!("skipped: PARALLAX_SHARED is not set");
        return;
    };
    let folder = std::path::Path::new(&folder).join("telemetry/auditd");
    let file = |path| Input::file(path, Compression::None);
    let mut logs: Vec<Vec<Input>> = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            logs.push(vec![file(path)]);
        }
    }
    let rotated = (1..5).rev().map(|n| format!("audit.log.{n}")).chain(["audit.log".to_owned()]);
    logs.push(rotated.map(|name| file(folder.join("rotation").join(name))).collect());
    for inputs in logs {
        let (all, whole) = read(&inputs, &request(None, Vec::new()), 1, 1);
        for size in [700, 9_000, 300_000] {
            let request = request(needles(), Vec::new());
            let (some, report) = read(&inputs, &request, size, 1);
            compare(&some, &all).unwrap();
            assert_eq!(report.bytes().abs_diff(whole.bytes()) / 3, 0);
            let (others, same) = read(&inputs, &request, size, 4);
            assert_eq!(others, some);
            assert_eq!(counts(&same), counts(&report));
        }
        eprintln!("{}: {} events", inputs[0].name(), all.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn events(
        events in prop::collection::vec(made(), 0..60),
        cut in 0usize..200,
        size in 1u64..3000,
        execs: bool,
        titles: bool,
        returns: bool,
    ) {
        let (_folder, inputs) = files_with(&log(&events), cut, if returns { "\r\n" } else { "\n" });
        let kinds = if execs { vec![Kind::new(crate::Family::Auditd, crate::event::audit::EXEC)] } else { Vec::new() };
        let asked = |needles: Option<Needles>| {
            let mut request = request(needles, kinds.clone());
            if !titles {
                // Somebody who never looks at the titles.
                request.fields.iter_mut().filter(|f| matches!(f.as_str(), "proctitle" | "@raw")).for_each(|f| f.clear());
                request.needles = request.needles.map(|needles| needles.with_titles(false));
            }
            request
        };
        let (all, whole) = read(&inputs, &asked(None), size, 1);
        let (some, report) = read(&inputs, &asked(needles()), size, 1);
        compare(&some, &all)?;
        // A last line without an end is counted as if it had one.
        prop_assert!(returns || report.bytes().abs_diff(whole.bytes()) <= 2);
        prop_assert_eq!(whole.passed(), 0);
        // What is no record is told, whether anybody looks at what stands around it or not.
        let told = |report: &Report| {
            report.damages().into_iter().filter(|d| d.reason.contains("audit")).collect::<Vec<_>>()
        };
        prop_assert_eq!(told(&report), told(&whole));
        // Nothing depends on the number of threads.
        let (others, same) = read(&inputs, &asked(needles()), size, 4);
        prop_assert_eq!(others, some);
        prop_assert_eq!(counts(&same), counts(&report));
    }

    #[test]
    fn times(events in prop::collection::vec(made(), 0..60), cut in 0usize..200) {
        let (_folder, inputs) = files(&log(&events), cut);
        let (whole, report) = (Report::new(), Report::new());
        let (mut all, mut stamps) = (BTreeSet::new(), BTreeSet::new());
        let request = Request { fields: vec!["@time".to_owned()], ..Request::default() };
        Events::new(&inputs, &Settings::default(), &request, &whole).read(&mut |e: &Event<'_>| {
            all.extend(e.values[0].to_instant());
            ControlFlow::Continue(())
        });
        super::times(&inputs, &report, &mut |time| stamps.extend([time]));
        prop_assert_eq!(stamps, all);
        prop_assert_eq!(report.bytes(), whole.bytes());
    }

    #[test]
    fn records(events in prop::collection::vec(made(), 0..40), cut in 0usize..200) {
        // The first lines are read whatever they hold.
        let mut lines = vec!["type=BPF msg=audit(1.000:1): prog-id=1 op=LOAD".to_owned(); 1_000];
        lines.extend(log(&events));
        let (_folder, inputs) = files(&lines, cut);
        let read = |needles| {
            let (mut rows, report) = (Vec::new(), Report::new());
            let settings = Settings { records: true, ..Settings::default() };
            let read = AuditReader::new(inputs.clone(), settings).read(&request(needles, Vec::new()), &report, &mut |e: &Event<'_>| {
                rows.push(row(e));
                ControlFlow::Continue(())
            });
            read.map(|()| (rows, report)).unwrap()
        };
        let ((all, whole), (some, report)) = (read(None), read(needles()));
        compare(&some, &all)?;
        prop_assert!(report.bytes().abs_diff(whole.bytes()) <= 2);
        prop_assert_eq!(report.events(), whole.events());
        prop_assert_eq!(report.damages(), whole.damages());
    }
}
