//! What must never change what an audit log decodes to: how its records are interleaved and cut into files.

use parallax_telemetry::formats::auditd::{AuditReader, Settings};
use parallax_telemetry::input::Compression;
use parallax_telemetry::{Input, Reader, Report, Request};
use proptest::prelude::*;
use std::ops::ControlFlow;
use std::path::Path;

const FIELDS: [&str; 24] = [
    "@time",
    "@id",
    "@host",
    "@type",
    "pid",
    "ppid",
    "uid",
    "UID",
    "exe",
    "comm",
    "@argv",
    "@cmdline",
    "a1",
    "cwd",
    "@name.1",
    "key",
    "@addr.ip",
    "@addr.path",
    "@parent.exe",
    "@parent.comm",
    "@parent.cmdline",
    "@parent.time",
    "@user_cmd",
    "@raw",
];

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/auditd").join(name)).unwrap()
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|&b| b == b'\n').collect()
}

/// What `files` decode to, as text, in order.
fn decode(files: &[Vec<u8>], records: bool) -> (Vec<String>, Report) {
    let dir = tempfile::tempdir().unwrap();
    let inputs = files.iter().enumerate().map(|(i, bytes)| {
        let path = dir.path().join(i.to_string());
        std::fs::write(&path, bytes).unwrap();
        Input::file(path, Compression::None)
    });
    let request =
        Request { fields: FIELDS.iter().map(|f| (*f).to_owned()).collect(), kinds: vec![], ..Request::default() };
    let report = Report::new();
    let mut rows = vec![];
    AuditReader::new(inputs.collect(), Settings { records, ..Settings::default() })
        .read(&request, &report, &mut |e: &parallax_telemetry::Event<'_>| {
            rows.push(format!("{:?} {:?}", e.kind, e.values));
            ControlFlow::Continue(())
        })
        .unwrap();
    (rows, report)
}

fn of_host(rows: &[String], host: &str) -> Vec<String> {
    rows.iter().filter(|r| r.contains(&format!("Text(\"{host}\")"))).cloned().collect()
}

/// The stamp of a record: what its event is known by.
fn stamp(line: &[u8]) -> &[u8] {
    let start = line.windows(6).position(|w| w == b"audit(").unwrap_or(0);
    let end = line[start..].iter().position(|&b| b == b')').unwrap_or(0);
    &line[start..start + end]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nodes_do_not_touch_each_other(runs in prop::collection::vec(1usize..40, 1..200)) {
        let (web, db) = (fixture("atomics.enriched.log"), fixture("atomics.raw.log"));
        let mut merged = Vec::new();
        let mut queues = [lines(&web), lines(&db)].map(std::collections::VecDeque::from);
        for (i, n) in runs.iter().cycle().enumerate() {
            if queues.iter().all(|q| q.is_empty()) {
                break;
            }
            for _ in 0..*n {
                merged.extend_from_slice(queues[i % 2].pop_front().unwrap_or_default());
            }
        }
        let (rows, _) = decode(&[merged], false);
        prop_assert_eq!(of_host(&rows, "web01"), decode(&[web], false).0);
        prop_assert_eq!(of_host(&rows, "db02"), decode(&[db], false).0);
    }

    #[test]
    fn files_are_one_stream(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let whole = fixture("traps.raw-no-node.log");
        let all = lines(&whole);
        let mut cuts: Vec<usize> = cuts.iter().map(|c| c.index(all.len())).collect();
        cuts.sort_unstable();
        cuts.push(all.len());
        let mut from = 0;
        let files: Vec<Vec<u8>> = cuts.iter().map(|&to| all[std::mem::replace(&mut from, to)..to].concat()).collect();
        prop_assert_eq!(decode(&files, false).0, decode(std::slice::from_ref(&whole), false).0);
        prop_assert_eq!(decode(&files, true).0, decode(&[whole], true).0);
    }

    /// Records of several processors reach the log interleaved: an event's first record stays in its place, the others
    /// come later.
    #[test]
    fn events_interleave(delays in prop::collection::vec(0usize..12, 64)) {
        let whole = fixture("traps.enriched.log");
        let all = lines(&whole);
        let mut keyed: Vec<(usize, &[u8])> = Vec::new();
        let mut last = 0;
        for (i, line) in all.iter().enumerate() {
            let first = i == 0 || stamp(all[i - 1]) != stamp(line);
            // An event's own records keep their order.
            last = if first { i } else { (i + delays[i % delays.len()]).max(last) };
            keyed.push((last, line));
        }
        keyed.sort_by_key(|(at, _)| *at);
        let mixed: Vec<u8> = keyed.iter().flat_map(|(_, line)| line.iter().copied()).collect();
        prop_assert_eq!(decode(&[mixed], false).0, decode(&[whole], false).0);
    }

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), records: bool) {
        decode(&[bytes], records);
    }

    /// A real log with bytes overwritten, dropped and doubled.
    #[test]
    fn damage_never_panics(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..60),
        records: bool,
    ) {
        let mut bytes = fixture("traps.enriched.log");
        for (at, byte, how) in edits {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.drain(at..(at + usize::from(byte)).min(bytes.len()))),
                _ => bytes.extend_from_within(at..(at + 500).min(bytes.len())),
            }
        }
        decode(&[bytes], records);
    }
}

#[test]
fn damaged_lines_cost_themselves_alone() {
    let whole = fixture("atomics.enriched.log");
    let mut broken = b"not a record\ntype=SYSCALL msg=audit(\n\n".to_vec();
    broken.extend_from_slice(&whole);
    let (rows, report) = decode(&[broken], false);
    assert_eq!(rows, decode(&[whole], false).0);
    assert_eq!(report.damaged(), 2);
    assert_eq!(report.damages()[1].position, Some(13));
}

#[test]
fn a_missing_file_is_damage_and_the_rest_is_read() {
    let missing = Input::file("/nonexistent/audit.log", Compression::None);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/auditd/atomics.raw.log");
    let there = Input::file(path, Compression::None);
    let report = Report::new();
    let mut n = 0;
    AuditReader::new(vec![missing, there], Settings::default())
        .read(&Request::default(), &report, &mut |_: &parallax_telemetry::Event<'_>| {
            n += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((n, report.damaged()), (115, 1));
}
