//! Log sources and field names of Sigma rules. The cases stand in `fixtures/logs/*.toml`.

use crate::support::{fixture, source, sources};
use parallax_telemetry::logsource::Sorter;
use parallax_telemetry::{Event, LogSource, Report, Request, Source, Value, scan, view};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::ops::ControlFlow;

/// A log source as `process_creation/windows/`: category, product, service.
fn log_source(text: &str) -> LogSource {
    let mut parts = text.split('/').map(|t| (!t.is_empty()).then(|| t.to_owned()));
    let mut next = || parts.next().flatten();
    LogSource { category: next(), product: next(), service: next() }
}

fn shown(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Missing => return None,
        Value::Text(text) | Value::Json(text) => text.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Real(x) => x.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Time(t) => parallax_telemetry::time::format(*t),
    })
}

/// Of each event that belongs to a log source: the log sources, and its fields.
fn sorted(source: &Source, wanted: &[LogSource], fields: &[&str]) -> Vec<(Vec<u32>, Vec<Option<String>>)> {
    let mut sorter = Sorter::new(wanted);
    let mut columns: Vec<String> = fields.iter().map(|f| (*f).to_owned()).collect();
    columns.extend(sorter.columns().iter().filter(|c| !fields.contains(&c.as_str())).cloned());
    sorter.rows_of(&columns);
    let view = sorter.narrow(&view::logs(&columns));
    let mut out = Vec::new();
    scan::rows(source, &view, &columns, &Report::new(), &mut |row| {
        let belongs = sorter.of(row).to_vec();
        if !belongs.is_empty() {
            out.push((belongs, (0..fields.len()).map(|place| shown(&row.value(place))).collect()));
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    out
}

/// Every shape of Windows events gives the same events, log sources and values, with nothing said about the shape.
#[test]
fn windows_events_of_every_shape_are_alike() {
    let wanted = [
        "process_creation/windows/",
        "network_connection/windows/",
        "file_event/windows/",
        "image_load/windows/",
        "/windows/security",
        "/windows/system",
        "/windows/sysmon",
        "process_creation/windows/sysmon",
        "process_creation/linux/",
    ]
    .map(log_source);
    let fields = [
        "EventID",
        "Channel",
        "Computer",
        "Image",
        "CommandLine",
        "ParentImage",
        "ParentCommandLine",
        "User",
        "OriginalFileName",
        "Hashes",
        "md5",
        "sha256",
        "imphash",
        "LogonId",
        "IntegrityLevel",
        "CurrentDirectory",
        "TargetFilename",
        "ImageLoaded",
        "DestinationIp",
        "DestinationPort",
        "Initiated",
        "NewProcessName",
        "SubjectUserName",
        "ServiceName",
        "ImagePath",
        "param1",
        "Data",
    ];
    let of = |file: &str| sorted(&source(&fixture(&format!("windows/{file}"))), &wanted, &fields);
    let reference = of("events.evtx");
    assert_eq!(reference.len(), 6);
    let seen: BTreeSet<u32> = reference.iter().flat_map(|(s, _)| s.clone()).collect();
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7]);
    let mut files: Vec<String> = std::fs::read_dir(fixture("windows"))
        .unwrap()
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(|n| n != "README.md" && !n.starts_with('.'))
        .collect();
    files.sort();
    for file in &files {
        let events = of(file);
        let mut expected = reference.clone();
        if file == "sumo-legacy.txt" {
            // WMI's text names the fields of Sysmon and of the Security channel alone.
            expected[5].1[3] = None;
        }
        if file == "sysmon-in-syslog.log" {
            expected.truncate(4);
        }
        assert_eq!(events, expected, "{file}");
    }
    assert!(files.len() > 20);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

/// Telemetry, and for some log sources the values of its events that belong to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// The file's text, `␝` for the separator of enriched audit records; or a fixture.
    #[serde(default)]
    text: String,
    file: Option<String>,
    /// The fields to show.
    fields: Vec<String>,
    /// For each log source the events: fields separated by ` | `, `∅` for missing.
    events: BTreeMap<String, Vec<String>>,
}

#[test]
fn cases() {
    for file in ["linux.toml", "defender.toml", "windows.toml", "rows.toml"] {
        let text = std::fs::read_to_string(fixture("logs").join(file)).unwrap();
        let cases: Cases = toml::from_str(&text).unwrap_or_else(|e| panic!("{file}: {e}"));
        for case in cases.case {
            run(file, &case);
        }
    }
}

fn run(file: &str, case: &Case) {
    let mut written = tempfile::NamedTempFile::new().unwrap();
    written.write_all(case.text.replace('␝', "\u{1D}").as_bytes()).unwrap();
    let path = case.file.as_ref().map_or_else(|| written.path().to_owned(), |f| fixture(f));
    let (sources, report) = sources(&path);
    assert_eq!(sources.len(), 1, "{file}: {}: {:?}", case.name, report.damages());
    let fields: Vec<&str> = case.fields.iter().map(String::as_str).collect();
    let mut found = BTreeMap::new();
    for wanted in case.events.keys() {
        let events = sorted(&sources[0], &[log_source(wanted)], &fields);
        let line = |values: Vec<Option<String>>| {
            values.into_iter().map(|v| v.unwrap_or_else(|| "∅".to_owned())).collect::<Vec<_>>().join(" | ")
        };
        found.insert(wanted.clone(), events.into_iter().map(|(_, values)| line(values)).collect::<Vec<_>>());
    }
    assert_eq!(found, case.events, "{file}: {}", case.name);
}

/// Values that are decoded when they are looked at are those that are decoded at once.
#[test]
fn late_values_are_the_values() {
    let fields = [
        "@time",
        "@host",
        "@id",
        "@raw",
        "@fields",
        "@channel",
        "@provider",
        "@eventid",
        "@table",
        "@type",
        "@cmdline",
        "@parent.exe",
        "@user",
        "Image",
        "image",
        "CommandLine",
        "EventData.Image",
        "User",
        "Hashes",
        "EventID",
        "Channel",
        "Computer",
        "param1",
        "ProcessId",
        "ProcessID",
        "FileName",
        "FolderPath",
        "ProcessCommandLine",
        "ActionType",
        "AdditionalFields",
        "AdditionalFields.x",
        "properties.FileName",
        "exe",
        "a0",
        "a1",
        "SYSCALL",
        "name",
        "type",
        "NoSuchField",
    ];
    let values = |source: &Source, late: bool| {
        let request = Request { fields: fields.map(str::to_owned).to_vec(), late, ..Request::default() };
        let mut out = Vec::new();
        let mut sink = |event: &Event<'_>| {
            let value = |slot| event.late.map_or_else(|| event.values.get(slot).cloned(), |l| Some(l.value(slot)));
            let values: Vec<_> = (0..fields.len()).map(|slot| shown(&value(slot).unwrap_or_default())).collect();
            out.push((event.kind, event.position, values));
            ControlFlow::Continue(())
        };
        source.reader().unwrap().read(&request, &Report::new(), &mut sink).unwrap();
        out
    };
    let mut events = 0;
    for folder in ["windows", "defender", "auditd"] {
        for source in sources(&fixture(folder)).0 {
            let (now, late) = (values(&source, false), values(&source, true));
            assert_eq!(now, late, "{}", source.name);
            events += now.len();
        }
    }
    assert!(events > 500, "{events}");
}
