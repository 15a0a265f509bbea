//! The audit reader over captures.

use parallax_telemetry::event::audit;
use parallax_telemetry::formats::auditd::{AuditReader, Settings};
use parallax_telemetry::input::Compression;
use parallax_telemetry::{Family, Input, Kind, Reader, Report, Request, Value};
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// An event's asked values, as text; `None` where missing.
type Row = HashMap<String, Option<String>>;

fn input(path: &Path) -> Input {
    Input::file(path, Compression::None)
}

fn read(paths: &[PathBuf], settings: Settings, kinds: &[Kind], fields: &[&str], report: &Report) -> Vec<(Kind, Row)> {
    let request = Request {
        fields: fields.iter().map(|f| (*f).to_owned()).collect(),
        kinds: kinds.to_vec(),
        ..Request::default()
    };
    let mut rows = vec![];
    AuditReader::new(paths.iter().map(|p| input(p)).collect(), settings)
        .read(&request, report, &mut |e: &parallax_telemetry::Event<'_>| {
            let row = request.fields.iter().cloned().zip(e.values.iter().map(show)).collect();
            rows.push((e.kind, row));
            ControlFlow::Continue(())
        })
        .unwrap();
    rows
}

fn show(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Missing => None,
        Value::Text(t) | Value::Json(t) => Some(t.to_string()),
        Value::Int(n) | Value::Time(n) => Some(n.to_string()),
        other => Some(format!("{other:?}")),
    }
}

fn exec() -> Kind {
    Kind::new(Family::Auditd, audit::EXEC)
}

/// The folder of shared captures, or `None` (said) where the variable is not set.
fn shared() -> Option<PathBuf> {
    let found = std::env::var_os("PARALLAX_SHARED").map(|p| PathBuf::from(p).join("telemetry/auditd"));
    if found.is_none() {
        eprintln!("skipped: PARALLAX_SHARED is not set");
    }
    found
}

#[test]
fn shared_capture_decodes_as_expected() {
    let Some(folder) = shared() else { return };
    let report = Report::new();
    let fields = [
        "@id",
        "pid",
        "ppid",
        "uid",
        "auid",
        "exe",
        "comm",
        "@argv",
        "success",
        "@parent.exe",
        "@parent.argv",
        "@user",
    ];
    let rows = read(&[folder.join("atomics-and-evasions.enriched.log")], Settings::default(), &[], &fields, &report);
    let rows: Vec<Row> = rows.into_iter().filter(|(k, _)| *k == exec()).map(|(_, r)| r).collect();
    let expected = std::fs::read_to_string(folder.join("atomics-and-evasions.expected.jsonl")).unwrap();
    let expected: Vec<serde_json::Value> = expected.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(rows.len(), expected.len());
    let mut images: HashMap<String, String> = HashMap::new();
    let mut parents = 0;
    for (row, want) in rows.iter().zip(&expected) {
        for (field, key) in [("@id", "serial"), ("pid", "pid"), ("ppid", "ppid"), ("uid", "uid"), ("auid", "auid")] {
            assert_eq!(row[field], Some(want[key].to_string()), "{field} of {want}");
        }
        for field in ["exe", "comm"] {
            assert_eq!(row[field].as_deref(), want[field].as_str(), "{field} of {want}");
        }
        let argv: Vec<String> = serde_json::from_str(row["@argv"].as_deref().unwrap()).unwrap();
        // The file of expectations writes bytes that are no UTF-8 as `\\xff`.
        let wanted = want["argv"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a.as_str().unwrap().replace("\\xff\\xfe", "\u{fffd}\u{fffd}"));
        assert_eq!(argv, wanted.collect::<Vec<_>>());
        assert_eq!(row["success"].as_deref(), Some("yes"));
        // What the capture tells of parents are their own executions: it has no fork records.
        let parent = images.get(row["ppid"].as_deref().unwrap());
        assert_eq!(row["@parent.exe"].as_ref(), parent, "parent of {want}");
        parents += usize::from(parent.is_some());
        images.insert(row["pid"].clone().unwrap(), row["exe"].clone().unwrap());
    }
    println!("{} executions, {parents} with a parent, notes {:?}", rows.len(), report.notes());
    assert_eq!(report.damaged(), 0, "{:?}", report.damages());
}

#[test]
fn shared_rotation_is_one_stream() {
    let Some(folder) = shared() else { return };
    let files = ["audit.log.4", "audit.log.3", "audit.log.2", "audit.log.1", "audit.log"];
    let files: Vec<PathBuf> = files.iter().map(|f| folder.join("rotation").join(f)).collect();
    let report = Report::new();
    let rows = read(&files, Settings::default(), &[exec()], &["a1", "@id", "@time", "ppid"], &report);
    // The capture holds several runs of the marking loop, told apart by the shell that ran it.
    let mut runs: HashMap<String, HashMap<String, usize>> = HashMap::new();
    let mut stamps: HashSet<(String, String)> = HashSet::new();
    for (_, row) in rows.iter().filter(|(kind, _)| *kind == exec()) {
        let text = |f: &str| row[f].clone().unwrap_or_default();
        assert!(stamps.insert((text("@id"), text("@time"))), "twice: {row:?}");
        if text("a1").starts_with("marker_") {
            *runs.entry(text("ppid")).or_default().entry(text("a1")).or_default() += 1;
        }
    }
    let mut sizes: Vec<usize> = runs.values().map(HashMap::len).collect();
    sizes.sort_unstable();
    println!("{} executions, runs of {sizes:?} markers, notes {:?}", rows.len(), report.notes());
    assert_eq!(sizes, [37, 1500, 3000]);
    assert!(runs.values().flat_map(HashMap::values).all(|&n| n == 1));
    assert_eq!(report.damaged(), 0, "{:?}", report.damages());
}

#[test]
fn shared_loss_capture_reads() {
    let Some(folder) = shared() else { return };
    let report = Report::new();
    let rows = read(&[folder.join("kernel-loss.log")], Settings::default(), &[], &["@type", "@fields"], &report);
    println!("{} events, {:?}, {:?}", rows.len(), report.notes(), report.damages());
    let executions = rows.iter().filter(|(k, _)| *k == exec()).count();
    assert_eq!(executions, 40);
    // Three successful calls lost their EXECVE record in the kernel.
    assert_eq!(report.notes().values().copied().collect::<Vec<_>>(), [3]);
    assert_eq!(report.damaged(), 0, "{:?}", report.damages());
}
