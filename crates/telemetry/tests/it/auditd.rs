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
    eprintln!("{} executions, {parents} with a parent, notes {:?}", rows.len(), report.notes());
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
    eprintln!("{} executions, runs of {sizes:?} markers, notes {:?}", rows.len(), report.notes());
    assert_eq!(sizes, [37, 1500, 3000]);
    assert!(runs.values().flat_map(HashMap::values).all(|&n| n == 1));
    assert_eq!(report.damaged(), 0, "{:?}", report.damages());
}

#[test]
fn shared_loss_capture_reads() {
    let Some(folder) = shared() else { return };
    let report = Report::new();
    let rows = read(&[folder.join("kernel-loss.log")], Settings::default(), &[], &["@type", "@fields"], &report);
    eprintln!("{} events, {:?}, {:?}", rows.len(), report.notes(), report.damages());
    let executions = rows.iter().filter(|(k, _)| *k == exec()).count();
    assert_eq!(executions, 40);
    // Three successful calls lost their EXECVE record in the kernel.
    assert_eq!(report.notes().values().copied().collect::<Vec<_>>(), [3]);
    assert_eq!(report.damaged(), 0, "{:?}", report.damages());
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/auditd").join(name)
}

/// Executions as a person would write them down: who, what, and from whom.
fn executions(files: &[PathBuf], settings: Settings) -> (Vec<String>, Report) {
    let report = Report::new();
    let fields = [
        "@host",
        "@id",
        "ppid",
        "pid",
        "uid",
        "@user",
        "exe",
        "comm",
        "@argv",
        "@parent.exe",
        "@parent.cmdline",
        "ARCH",
    ];
    let rows = read(files, settings, &[exec()], &fields, &report);
    let lines = rows.iter().filter(|(kind, _)| *kind == exec()).map(|(_, row)| {
        let f = |name: &str| row[name].as_deref().unwrap_or("-");
        let argv = match f("@argv") {
            long if long.len() > 300 => format!("{}… {} bytes", &long[..60], long.len()),
            short => short.to_owned(),
        };
        let at = format!(
            "{}#{} {}→{} {} {}({})",
            f("@host"),
            f("@id"),
            f("ppid"),
            f("pid"),
            f("ARCH"),
            f("uid"),
            f("@user")
        );
        format!("{at} {} [{}] {argv}\n    from {} ({})", f("exe"), f("comm"), f("@parent.exe"), f("@parent.cmdline"))
    });
    (lines.collect(), report)
}

#[test]
fn fixtures_decode() {
    for name in ["atomics.enriched", "atomics.raw", "evasions.enriched", "traps.enriched", "traps.raw-no-node"] {
        let (lines, report) = executions(&[fixture(&format!("{name}.log"))], Settings::default());
        assert_eq!(report.damaged(), 0, "{:?}", report.damages());
        let notes = format!("{:?}", report.notes());
        insta::assert_snapshot!(name, format!("{}\n\nnotes {notes}", lines.join("\n")));
    }
}

#[test]
fn fixtures_connections() {
    let fields = ["@id", "success", "exit", "exe", "@addr.family", "@addr.ip", "@addr.port", "@addr.path"];
    let mut lines = vec![];
    for name in ["atomics.enriched.log", "traps.raw-no-node.log"] {
        let connect = Kind::new(Family::Auditd, audit::CONNECT);
        let rows = read(&[fixture(name)], Settings::default(), std::slice::from_ref(&connect), &fields, &Report::new());
        for (_, row) in rows.iter().filter(|(kind, _)| *kind == connect) {
            if row["@addr.path"].as_deref() != Some("/var/run/nscd/socket") {
                lines.push(fields.map(|f| row[f].as_deref().unwrap_or("-")).join(" "));
            }
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn fixtures_user_commands() {
    let user_cmd = Kind::new(Family::Auditd, audit::USER_CMD);
    let fields =
        ["@user_cmd", "cmd", "cwd", "exe", "uid", "UID", "@user", "res", "terminal", "@process.cmdline", "@parent.exe"];
    for (name, passwd) in
        [("traps.enriched.log", false), ("traps.raw-no-node.log", false), ("traps.raw-no-node.log", true)]
    {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("passwd");
        std::fs::write(&file, "root:x:0:0::/root:/bin/sh\nanalyst:x:1001:1001::/home/analyst:/bin/bash\n").unwrap();
        let settings = Settings { passwd: passwd.then_some(file), ..Settings::default() };
        let rows = read(&[fixture(name)], settings, std::slice::from_ref(&user_cmd), &fields, &Report::new());
        let rows: Vec<&Row> = rows.iter().filter(|(kind, _)| *kind == user_cmd).map(|(_, row)| row).collect();
        assert_eq!(rows.len(), 3);
        let f = |name: &str| rows[1][name].as_deref();
        assert_eq!(f("@user_cmd"), Some(r"/usr/bin/printf %s\n two words"));
        assert_eq!((f("cmd"), f("cwd"), f("exe")), (f("@user_cmd"), Some("/home/analyst"), Some("/usr/bin/sudo")));
        assert_eq!((f("uid"), f("res"), f("terminal")), (Some("1001"), Some("success"), None));
        assert_eq!(f("@process.cmdline"), Some(r"sudo -n /usr/bin/printf %s\n two words"));
        assert_eq!(f("@parent.exe"), Some("/usr/bin/bash"));
        // The number never stands for the name.
        let named = (name == "traps.enriched.log" || passwd).then_some("analyst");
        assert_eq!((f("UID"), f("@user")), (named, named));
    }
}
