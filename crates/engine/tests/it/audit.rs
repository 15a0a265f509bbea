//! What a scan of audit logs passes over never changes an answer: the same log, packed, is read whole.

use flate2::Compression;
use flate2::write::GzEncoder;
use parallax_engine::value::value;
use parallax_engine::{Context, Dialect, Limits, Options, Session};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn pack() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/T1059.011")
}

/// The files of a folder with that ending, in the order of their names.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == ending));
    paths.sort();
    paths
}

/// Executions of a quiet machine, each by a shell that the log shows.
fn quiet(text: &mut String, from: usize, count: usize) {
    for n in from..from + count {
        let (second, pid) = (1_600_000_000 + n, 400 + n % 30_000);
        let stamp = format!("node=quiet type=T msg=audit({second}.000:{}):", n + 1);
        let mut line =
            |kind: &str, body: &str| writeln!(text, "{} {body}", stamp.replace("=T ", &format!("={kind} "))).unwrap();
        let (parent, exe, argument) = match n % 7 {
            0 => (1, "/usr/bin/bash", "-l"),
            1 => (pid - 1, "/usr/bin/ls", "/tmp"),
            2 => (pid - 2, "/usr/bin/id", "-u"),
            n => (1, "/usr/sbin/cron", if n == 3 { "-f" } else { "-n" }),
        };
        line(
            "SYSCALL",
            &format!(
                "arch=c000003e syscall=59 success=yes exit=0 a0=0 items=1 ppid={parent} pid={pid} auid=0 uid=0 comm=\"x\" exe=\"{exe}\" key=(null)"
            ),
        );
        line("EXECVE", &format!("argc=2 a0=\"{exe}\" a1=\"{argument}\""));
        line("PROCTITLE", "proctitle=2D62617368");
    }
}

/// A session over that log as it is, and one over it packed.
fn sessions(folder: &Path, log: &str) -> [Session; 2] {
    let (plain, packed) = (folder.join("plain"), folder.join("packed"));
    [&plain, &packed].into_iter().for_each(|f| fs::create_dir(f).unwrap());
    fs::write(plain.join("audit.log"), log).unwrap();
    let mut gz = GzEncoder::new(fs::File::create(packed.join("audit.log")).unwrap(), Compression::fast());
    gz.write_all(log.as_bytes()).unwrap();
    gz.finish().unwrap();
    [plain, packed].map(|folder| {
        let options = Options { limits: Limits { threads: 2, ..Limits::default() }, ..Options::default() };
        Session::open(&[folder.display().to_string()], options).unwrap()
    })
}

/// The rows, and how many events were passed over; `None` where the query can't be run as it stands.
fn rows(session: &Session, dialect: Dialect, query: &str) -> Option<(Vec<String>, u64)> {
    rows_with(session, dialect, query, &Context::at(0))
}

fn rows_with(session: &Session, dialect: Dialect, query: &str, context: &Context) -> Option<(Vec<String>, u64)> {
    let execution = session.query(dialect, query, context).ok()?;
    let (columns, report) = (execution.columns, execution.report);
    let mut out = Vec::new();
    for batch in execution.rows {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let cells = columns.iter().zip(batch.columns()).map(|(o, c)| value(o, c, row).json().to_string());
            out.push(cells.collect::<Vec<_>>().join("|"));
        }
    }
    assert_eq!(report.damaged(), 0, "{query}: {:?}", report.damages());
    Some((out, report.passed()))
}

/// Every query of the pack, and some more, over all of its captures with quiet machines around them.
#[test]
fn passing_over_events_of_audit_logs_changes_no_answer() {
    let mut log = String::new();
    quiet(&mut log, 0, 400);
    for (n, capture) in files(&pack().join("telemetry/auditd"), "log").iter().enumerate() {
        log.push_str(&fs::read_to_string(capture).unwrap());
        quiet(&mut log, 1_000 + 10 * n, 10);
    }
    quiet(&mut log, 20_000, 900);
    let folder = tempfile::tempdir().unwrap();
    let [plain, packed] = sessions(folder.path(), &log);
    let mut queries: Vec<(Dialect, String)> = Vec::new();
    for folder in ["published", "detections", "hunts"] {
        for (ending, dialect) in [("kql", Dialect::Kql), ("sumo", Dialect::Sumo)] {
            let all = files(&pack().join(folder), ending);
            queries.extend(all.iter().map(|path| (dialect, fs::read_to_string(path).unwrap())));
        }
    }
    for condition in [
        "ProcessCommandLine contains 'os.execute('",
        "ProcessCommandLine has_any ('dofile(', 'whoami')",
        "FolderPath endswith '/LUA5.4'",
        "FileName == 'luajit' and InitiatingProcessFileName == 'bash'",
        "tolower(FileName) == 'tshark'",
        "ProcessCommandLine has 'socket.tcp' or InitiatingProcessCommandLine has 'socket.tcp'",
        "InitiatingProcessFileName startswith 'lua'",
        "AccountName == 'analyst' and FileName has 'lua'",
    ] {
        queries.push((
            Dialect::Kql,
            format!("DeviceProcessEvents | where {condition} | sort by Timestamp asc, ReportId asc, DeviceName asc"),
        ));
    }
    for search in [
        "os.execute",
        "Image=*LUA*",
        "* | where exe matches \"*luajit\"",
        "* | where cmd matches \"*lua*\"",
        "type=EXECVE | where a1 matches \"*os.execute(*\"",
        "acct=nobody-here",
    ] {
        queries.push((
            Dialect::Sumo,
            format!("{search} | fields _messageTime, type, Image, ParentImage, CommandLine, ParentCommandLine, _raw"),
        ));
    }
    let (mut run, mut over, mut found) = (0, 0, 0);
    for (dialect, query) in queries {
        let Some((with, passed)) = rows(&plain, dialect, &query) else { continue };
        let (without, none) = rows(&packed, dialect, &query).unwrap();
        assert_eq!(none, 0, "{query}");
        assert_eq!(with, without, "{query}");
        (run, over, found) = (run + 1, over + u64::from(passed > 900), found + with.len());
    }
    eprintln!("{run} queries, {over} of which pass over most, {found} rows");
    assert!(run > 30 && over > 10 && found > 300, "{run} {over} {found}");
}

/// The same search over joined events and over records as they stand.
#[test]
fn records_are_passed_over_too() {
    let mut log = String::new();
    quiet(&mut log, 0, 400);
    for capture in files(&pack().join("telemetry/auditd"), "log").iter().filter(|p| p.to_string_lossy().contains("t1-"))
    {
        log.push_str(&fs::read_to_string(capture).unwrap());
    }
    quiet(&mut log, 5_000, 900);
    let folder = tempfile::tempdir().unwrap();
    let [plain, packed] = sessions(folder.path(), &log);
    for search in ["comm=*lua*", "os.execute", "* | where a2 matches \"*os.execute(*\""] {
        let query = format!("{search} | fields _messageTime, type, comm, exe, _raw");
        let mut raw = Context::at(0);
        raw.switches.insert("sumo.audit-records".to_owned(), "raw".to_owned());
        let Some((with, passed)) = rows_with(&plain, Dialect::Sumo, &query, &raw) else { panic!("{query}") };
        let (without, _) = rows_with(&packed, Dialect::Sumo, &query, &raw).unwrap();
        assert!(!with.is_empty(), "{query}");
        assert_eq!(with, without, "{query}");
        assert!(passed > 2_000, "{query}: {passed}");
    }
}
