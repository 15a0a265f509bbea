//! A store has the answers of the files that were ingested: the same rows in the same order, with the same provenance.

use crate::needles;
use parallax_engine::value::value;
use parallax_engine::{Context, Dialect, Limits, Options, Session};
use parallax_store::ingest::{self, Partition, Summary};
use parallax_telemetry::source::{self, discover};
use parallax_telemetry::{Report, View};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn options(output: &Path) -> ingest::Options {
    ingest::Options {
        output: output.to_owned(),
        append: false,
        partition: Partition::Hour,
        tables: None,
        threads: 3,
        file_rows: ingest::FILE_ROWS,
    }
}

pub(crate) fn ingested(input: &Path, options: &ingest::Options) -> (Summary, Report) {
    let report = Report::new();
    let sources = discover(&[input.display().to_string()], &source::Options::default(), &report);
    (ingest::run(sources, options, &report).unwrap(), report)
}

pub(crate) fn session(input: &Path, threads: usize) -> Session {
    let limits = Limits { threads, ..Limits::default() };
    Session::open(&[input.display().to_string()], Options { limits, ..Options::default() }).unwrap()
}

/// All that a query gives: columns, rows with provenance, damages; or what is wrong with it.
pub(crate) fn answer(session: &Session, dialect: Dialect, query: &str, now: i64) -> String {
    let context = Context { provenance: true, ..Context::at(now) };
    let mut execution = match session.query(dialect, query, &context) {
        Ok(execution) => execution,
        Err(e) => return format!("{e:?}"),
    };
    let columns = execution.columns.clone();
    let mut out = format!("{:?}\n", columns.iter().map(|c| &c.name).collect::<Vec<_>>());
    for batch in &mut execution.rows {
        let batch = match batch {
            Ok(batch) => batch,
            Err(e) => return format!("{out}{e:?}"),
        };
        for row in 0..batch.num_rows() {
            for (output, column) in columns.iter().zip(batch.columns()) {
                write!(out, "{:?} | ", value(output, column, row)).unwrap();
            }
            for hidden in &batch.columns()[columns.len()..] {
                write!(out, "{} | ", arrow::util::display::array_value_to_string(hidden, row).unwrap()).unwrap();
            }
            out.push('\n');
        }
    }
    writeln!(out, "{:?} {:?}", execution.tables, execution.report.damages()).unwrap();
    out
}

/// Queries over every table, with and without an order, by time, by value.
fn queries() -> Vec<(Dialect, String)> {
    let mut all = Vec::new();
    for table in View::names() {
        for end in [
            "",
            "| take 5",
            "| where TimeGenerated > datetime(2026-11-22T00:30:00Z)",
            "| where TimeGenerated between (datetime(2026-11-21T09:00:00Z) .. datetime(2026-11-21T10:00:30Z))",
            "| sort by TimeGenerated desc | take 20",
            "| summarize n = count(), times = make_list(TimeGenerated, 50)",
            "| where * has 'lua'",
        ] {
            all.push((Dialect::Kql, format!("{table} {end}")));
        }
    }
    for query in [
        "DeviceProcessEvents | where FileName in ('lua', 'cmd.exe', 'redis-cli') or ProcessCommandLine has 'os.execute'",
        "DeviceProcessEvents | where FileName == 'lua5.4' | project Timestamp, DeviceName, ProcessCommandLine",
        "DeviceProcessEvents | where ProcessId == 1234 or ProcessId in (1, 2, 3)",
        "DeviceProcessEvents | where ProcessId in (1040, 1234, 5678, 612)",
        "DeviceProcessEvents | where InitiatingProcessFileName =~ 'BASH' | summarize count() by FileName",
        "DeviceProcessEvents | where DeviceName == 'nowhere'",
        "DeviceProcessEvents | join kind=inner DeviceNetworkEvents on DeviceName | take 30",
        "union DeviceProcessEvents, DeviceNetworkEvents | where isnotempty(DeviceName) | summarize dcount(DeviceName), count() by Type",
        "Event | where EventID == 1 | project TimeGenerated, EventData | take 9",
        "SecurityEvent | where EventID in (4688, 4624) | summarize count() by EventID, Computer",
    ] {
        all.push((Dialect::Kql, query.to_owned()));
    }
    for query in [
        "lua",
        "* | count by _sourceCategory, _sourceHost",
        "(os.execute OR whoami) | count",
        "_sourceCategory=linux/auditd lua | fields _messageTime, Image, CommandLine, _raw",
        "EventID=1 | json field=_raw \"EventData\" nodrop | limit 20",
    ] {
        all.push((Dialect::Sumo, query.to_owned()));
    }
    let sigma = "title: t\nlogsource: {category: process_creation, product: windows}\ndetection: {s: {Image|endswith: ['\\lua.exe', '\\cmd.exe']}, condition: s}";
    all.push((Dialect::Sigma, sigma.to_owned()));
    let sigma = "title: t\nlogsource: {product: linux, service: auditd}\ndetection: {s: {type: EXECVE}, condition: s}";
    all.push((Dialect::Sigma, sigma.to_owned()));
    all
}

/// Holds a store against the files.
fn same(raw: &Session, stored: &Session) {
    let (times, known) = (raw.census(), stored.census());
    assert_eq!((times.latest, times.earliest()), (known.latest, known.earliest()));
    assert_eq!(times.report.events(), known.report.events());
    let now = times.latest.unwrap_or(0);
    for (dialect, query) in queries() {
        assert_eq!(answer(raw, dialect, &query, now), answer(stored, dialect, &query, now), "{query}");
    }
    let names = |s: &Session| s.sources().iter().map(|s| (s.name.clone(), s.format)).collect::<Vec<_>>();
    assert_eq!(names(raw), names(stored));
}

fn pack() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/T1059.011/telemetry")
}

#[test]
fn the_pack_s_telemetry_in_all_formats() {
    let folder = tempfile::tempdir().unwrap();
    let raw = session(&pack(), 2);
    for (partition, file_rows, threads) in [(Partition::Hour, 7, 3), (Partition::Day, ingest::FILE_ROWS, 1)] {
        let store = folder.path().join(format!("{partition:?}{file_rows}"));
        let (summary, _) = ingested(&pack(), &ingest::Options { partition, file_rows, ..options(&store) });
        assert_eq!(summary.events, raw.census().report.events());
        same(&raw, &session(&store, threads));
    }
}

#[test]
fn tables_that_were_not_written_are_read_from_the_originals() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let tables = Some(vec!["DeviceNetworkEvents".to_owned()]);
    ingested(&pack(), &ingest::Options { tables, ..options(&store) });
    same(&session(&pack(), 2), &session(&store, 2));
}

/// Whoever says something of the sources that was not said before gets what the files would give.
#[test]
fn a_host_that_is_said_later_counts() {
    let folder = tempfile::tempdir().unwrap();
    let (input, store) = (folder.path().join("audit.log"), folder.path().join("store"));
    let record = "type=SYSCALL msg=audit(1767225600.123:7): arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 \
                  a3=4 items=2 ppid=1 pid=2 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 \
                  ses=1 comm=\"lua\" exe=\"/usr/bin/lua\" key=(null)\n\
                  type=EXECVE msg=audit(1767225600.123:7): argc=1 a0=\"lua\"\n\
                  type=EOE msg=audit(1767225600.123:7): \n";
    fs::write(&input, record).unwrap();
    ingested(&input, &options(&store));
    let open = |path: &Path| {
        let settings = source::Settings { host: Some("given".to_owned()), ..source::Settings::default() };
        let telemetry = source::Options { settings, ..source::Options::default() };
        Session::open(&[path.display().to_string()], Options { telemetry, ..Options::default() }).unwrap()
    };
    let query = "DeviceProcessEvents | summarize count() by DeviceName";
    let (raw, stored) = (open(&input), open(&store));
    let of = |s: &Session| answer(s, Dialect::Kql, query, 0);
    assert_eq!(of(&raw), of(&stored));
    assert!(of(&stored).contains("given"));
}

#[test]
fn what_is_passed_over_never_changes_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (input, store) = (folder.path().join("rows.jsonl"), folder.path().join("store"));
    needles::telemetry(&input);
    ingested(&input, &ingest::Options { file_rows: 500, ..options(&store) });
    let (raw, stored) = (session(&input, 2), session(&store, 2));
    for (condition, unknown) in needles::CONDITIONS {
        let query = |c: &str| format!("DeviceProcessEvents | where {c} | project Timestamp, FileName, ReportId");
        let expected = answer(&raw, Dialect::Kql, &query(unknown), 0);
        assert_eq!(answer(&stored, Dialect::Kql, &query(condition), 0), expected, "{condition}");
        assert_eq!(answer(&stored, Dialect::Kql, &query(unknown), 0), expected, "{unknown}");
    }
    let explained = |condition: &str| {
        let query = format!("DeviceProcessEvents | where {condition}");
        let explained = stored.explain(Dialect::Kql, &query, &Context::at(0)).unwrap();
        let [read] = explained.tables[0].stores.as_slice() else { panic!("{condition}") };
        (read.typed, read.passed > 0, read.passed == read.all)
    };
    assert_eq!(explained("Timestamp < datetime(2025-01-01)"), (true, true, true));
    assert_eq!(explained("DeviceName == 'none'"), (true, true, true));
    assert_eq!(explained("ProcessCommandLine has 'none'"), (true, false, false));
    for condition in [
        "Timestamp == datetime(2026-01-01T00:00:07Z)",
        "Timestamp >= datetime(2026-01-01T00:00:50Z) and ProcessId in (59, 119, 120)",
        "DeviceName == 'host77' and ProcessId < 3000",
        "DeviceName in ('host1', 'host499', 'none')",
        "Timestamp < datetime(2025-01-01)",
    ] {
        let query = format!("DeviceProcessEvents | where {condition} | project Timestamp, ReportId");
        assert_eq!(answer(&stored, Dialect::Kql, &query, 0), answer(&raw, Dialect::Kql, &query, 0), "{condition}");
    }
}

/// Frames of the originals in which nothing is that a query looks for are not unpacked: what is damaged in them, nobody
/// sees.
#[test]
fn frames_that_hold_nothing_are_not_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let (input, store) = (folder.path().join("rows.jsonl"), folder.path().join("store"));
    let mut text = String::new();
    for n in 0..60_000u64 {
        let word = match n {
            41_000..41_003 => "Os.Execute(1)",
            33_333 => "lua\\u006ait",
            _ => "svchost",
        };
        let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        writeln!(text, r#"{{"n":{n},"text":"{word} {mixed:016x}","more":"{:032x}"}}"#, u128::from(mixed) << 7).unwrap();
    }
    fs::write(&input, &text).unwrap();
    ingested(&input, &options(&store));
    let queries = [
        (Dialect::Sumo, "\"os.execute(\" | fields _raw", 4),
        (Dialect::Sumo, "_raw=*luajit*", 2),
        (Dialect::Kql, "rows | where text contains 'execute(' | project n, text", 4),
        (Dialect::Kql, "rows | where text has 'luajit' | project n", 2),
        (Dialect::Kql, "rows | where text has 'nowhere' or text has 'nobody' | count", 0),
        (Dialect::Kql, "rows | where text matches regex 'lua.it|Os.exe' | summarize make_list(n)", 0),
    ];
    let raw = session(&input, 2);
    let expected: Vec<String> = queries.iter().map(|(d, query, _)| answer(&raw, *d, query, 0)).collect();
    for threads in [1, 3] {
        let stored = session(&store, threads);
        for ((dialect, query, _), expected) in queries.iter().zip(&expected) {
            assert_eq!(answer(&stored, *dialect, query, 0), *expected, "{query}");
        }
    }
    let explained = |query: &str, dialect| {
        let explained = session(&store, 2).explain(dialect, query, &Context::at(0)).unwrap();
        explained.tables.iter().flat_map(|t| t.stores.clone()).map(|s| (s.typed, s.all, s.passed)).collect::<Vec<_>>()
    };
    assert_eq!(explained(queries[0].1, Dialect::Sumo), [(false, 6, 3)]);
    assert_eq!(explained("rows | where n > 3", Dialect::Kql), [(false, 6, 0)]);
    // Read are the first frame, those that have something to show, and the one before: their first line begins there.
    let originals = store.join("0001/originals.zst");
    let mut bytes = fs::read(&originals).unwrap();
    let (from, to) = (bytes.len() / 8 * 7, bytes.len() / 10 * 9);
    bytes[from..to].fill(0xff);
    fs::write(&originals, &bytes).unwrap();
    for threads in [1, 3] {
        let stored = session(&store, threads);
        for ((dialect, query, rows), expected) in queries.iter().zip(&expected) {
            if *rows > 0 {
                assert_eq!(answer(&stored, *dialect, query, 0), *expected, "{query}");
            }
        }
        let all = answer(&stored, Dialect::Kql, "rows | count", 0);
        assert!(all.contains("damaged"), "{all}");
    }
    // Without the index everything is read.
    fs::remove_file(store.join("0001/originals.index")).unwrap();
    let told = answer(&session(&store, 2), Dialect::Kql, queries[2].1, 0);
    assert!(told.contains("damaged"), "{told}");
}

/// Several hosts tell of the same hours: the files overlap in the order of the sources.
#[test]
fn files_that_overlap_are_brought_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (input, store) = (folder.path().join("hosts"), folder.path().join("store"));
    fs::create_dir(&input).unwrap();
    for host in 0..9 {
        let mut text = String::new();
        for i in 0..400 {
            // Now and then an event comes late, and one has no time.
            let hour = if i % 37 == 0 { (i / 50 + 5) % 8 } else { i / 50 };
            let time = match i % 41 {
                3 => String::new(),
                _ => format!(r#""Timestamp":"2026-01-01T{hour:02}:{:02}:00Z","#, i % 50),
            };
            writeln!(text, r#"{{{time}"DeviceName":"h{host}","ActionType":"ProcessCreated","FileName":"f{}.exe","FolderPath":"x","ProcessCommandLine":"{i}","ReportId":{i}}}"#, i % 13).unwrap();
        }
        fs::write(input.join(format!("{host}.jsonl")), text).unwrap();
    }
    ingested(&input, &ingest::Options { file_rows: 64, ..options(&store) });
    let files = fs::read_dir(store.join("0001/DeviceProcessEvents")).unwrap().count();
    assert!(files > 20, "{files}");
    for threads in [1, 4] {
        let (raw, stored) = (session(&input, 2), session(&store, threads));
        for query in [
            "DeviceProcessEvents",
            "DeviceProcessEvents | take 700 | summarize make_list(ReportId, 1000)",
            "DeviceProcessEvents | where FileName has 'f7' or FileName == 'f12.exe'",
            "DeviceProcessEvents | where Timestamp > datetime(2026-01-01T03:20:00Z)",
            "DeviceProcessEvents | summarize arg_max(Timestamp, ReportId) by DeviceName, FileName",
        ] {
            let of = |s: &Session| answer(s, Dialect::Kql, query, 0);
            assert_eq!(of(&raw), of(&stored), "{query}");
        }
        let window = Options {
            window: parallax_engine::Window {
                from: Some(1_767_232_800_000_000_000),
                to: Some(1_767_240_000_000_000_000),
            },
            ..Options::default()
        };
        let open = |path: &Path| Session::open(&[path.display().to_string()], window.clone()).unwrap();
        let of = |s: &Session| answer(s, Dialect::Kql, "DeviceProcessEvents | project ReportId, DeviceName", 0);
        assert_eq!(of(&open(&input)), of(&open(&store)));
    }
}

/// How many events lie before the time from which a query looks is told of a store too.
#[test]
fn events_before_the_query_s_time_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (input, store) = (folder.path().join("rows.jsonl"), folder.path().join("store"));
    needles::telemetry(&input);
    ingested(&input, &ingest::Options { file_rows: 500, ..options(&store) });
    for from in ["2026-01-01T00:00:31.5Z", "2026-01-02", "2025-01-01"] {
        let counts = |path: &Path| {
            let session = session(path, 2);
            let query = format!("DeviceProcessEvents | where Timestamp >= datetime({from})");
            let mut execution = session.query(Dialect::Kql, &query, &Context::at(0)).unwrap();
            let rows: usize = (&mut execution.rows).map(|b| b.unwrap().num_rows()).sum();
            (rows, execution.outside.counts())
        };
        assert_eq!(counts(&input), counts(&store), "{from}");
    }
}

/// Over telemetry that nobody here wrote.
#[test]
fn recorded_attacks() {
    for (variable, below) in [("PARALLAX_HAYABUSA", ""), ("PARALLAX_OTRF", "atomic")] {
        let Some(path) = std::env::var_os(variable) else {
            eprintln!("skipped: {variable} is not set");
            continue;
        };
        let input = Path::new(&path).join(below);
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        ingested(&input, &options(&store));
        let (raw, stored) = (session(&input, 3), session(&store, 3));
        for (dialect, query) in queries() {
            // All rows of a table are much text: what counts is that they are the same.
            let of = |s: &Session| answer(s, dialect, &query, 0);
            assert!(of(&raw) == of(&stored), "{variable}: {query}");
        }
    }
}
