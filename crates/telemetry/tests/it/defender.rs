//! Every shape in which advanced hunting rows arrive gives the same rows.

use crate::support::{fixture, rows, source};
use parallax_telemetry::{Format, Report, View, view};

const COLUMNS: [&str; 12] = [
    "Timestamp",
    "DeviceName",
    "ActionType",
    "FileName",
    "FolderPath",
    "ProcessId",
    "ProcessCommandLine",
    "AccountName",
    "InitiatingProcessFileName",
    "InitiatingProcessFolderPath",
    "AdditionalFields",
    "ReportId",
];

const EXPECTED: [&str; 2] = [
    r#"2024-05-14T08:30:15.123Z | ws-17.example.test | ProcessCreated | lua.exe | C:\Tools\Lua\lua.exe | 4312 | "lua.exe" -e "os.execute('whoami')" | anna | cmd.exe | C:\Windows\System32\cmd.exe | {"note":"a \"b\""} | 1001"#,
    r"2024-05-14T08:30:16.1234567Z | ws-17.example.test | ProcessCreated | whoami.exe | C:\Windows\System32\whoami.exe | 5120 | whoami | anna | lua.exe | C:\Tools\Lua\lua.exe | ∅ | 1002",
];

fn check(file: &str, format: Format) {
    let source = source(&fixture(&format!("defender/{file}")));
    assert_eq!(source.format, format, "{file}");
    let view = View::named("DeviceProcessEvents").unwrap();
    assert!(view.fed_by(&source) && view.seen_in(&source), "{file}");
    let report = Report::new();
    let found = rows(&source, &view, &COLUMNS, &report);
    assert_eq!(found, EXPECTED, "{file}");
    assert_eq!(report.damages(), vec![], "{file}");
}

#[test]
fn hunting_json_lines() {
    check("lines.jsonl", Format::DefenderJson);
}

#[test]
fn hunting_json_array() {
    check("array.json", Format::DefenderJson);
}

#[test]
fn api_results() {
    check("api.json", Format::DefenderJson);
}

#[test]
fn log_analytics_tables() {
    check("tables.json", Format::DefenderJson);
}

#[test]
fn streaming_envelope_and_bare_records() {
    check("streaming.json", Format::DefenderJson);
    check("streaming.jsonl", Format::DefenderJson);
    check("records.jsonl", Format::DefenderJson);
}

#[test]
fn portal_csv() {
    check("portal.csv", Format::DefenderCsv);
}

#[test]
fn device_timeline_folders_lack_the_name() {
    check("timeline.jsonl", Format::DefenderJson);
}

#[test]
fn provenance() {
    let source = source(&fixture("defender/lines.jsonl"));
    let view = View::named("DeviceProcessEvents").unwrap();
    let hidden: Vec<&str> = view::HIDDEN.iter().map(|(n, _)| *n).filter(|n| *n != "$source").collect();
    assert_eq!(
        rows(&source, &view, &hidden, &Report::new())[1],
        r"566 | 2024-05-14T08:30:16.1234567Z | ws-17.example.test | CORP\anna | 5120 | C:\Windows\System32\whoami.exe | whoami | C:\Tools\Lua\lua.exe | lua.exe -e os.execute"
    );
}

#[test]
fn messages() {
    let source = source(&fixture("defender/lines.jsonl"));
    let fields: Vec<String> =
        ["_sourceCategory", "_messageTime", "_SOURCEHOST", "image", "cmd", "User", "EventCode", "devicename"]
            .map(str::to_owned)
            .to_vec();
    let view = view::messages(&fields, false);
    let names: Vec<&str> = fields.iter().map(String::as_str).collect();
    assert_eq!(
        rows(&source, &view, &names, &Report::new()),
        [
            r#"endpoint/mde | 1715675415123 | ws-17.example.test | C:\Tools\Lua\lua.exe | "lua.exe" -e "os.execute('whoami')" | CORP\anna | ∅ | ws-17.example.test"#,
            r"endpoint/mde | 1715675416123 | ws-17.example.test | C:\Windows\System32\whoami.exe | whoami | CORP\anna | ∅ | ws-17.example.test",
            r"endpoint/mde | 1715675417000 | ws-17.example.test | C:\Tools\Lua\lua.exe | ∅ | CORP\anna | ∅ | ws-17.example.test",
        ]
    );
}

/// The portal's local times: moved by the configured offset; taken for UTC, and said so, without one.
#[test]
fn local_times_of_the_portal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    let read = |text: &str, minutes: i32| {
        std::fs::write(&path, text).unwrap();
        let mut source = source(&path);
        source.settings.utc_offset_minutes = minutes;
        let report = Report::new();
        let view = View::named("DeviceProcessEvents").unwrap();
        (rows(&source, &view, &["Timestamp"], &report).remove(0), report.notes().len())
    };
    let local = "Timestamp [Local Time],DeviceName,ActionType\n\"10/25/2023, 9:43:21.994 AM\",a,ProcessCreated\n";
    assert_eq!(read(local, 120), ("2023-10-25T07:43:21.994Z".to_owned(), 0));
    assert_eq!(read(local, 0), ("2023-10-25T09:43:21.994Z".to_owned(), 1));
    let both = "Timestamp [Local Time],Timestamp [UTC],DeviceName,ActionType\n\
        \"10/25/2023, 9:43:21.994 AM\",\"10/25/2023, 7:43:21.994 AM\",a,ProcessCreated\n";
    assert_eq!(read(both, 0), ("2023-10-25T07:43:21.994Z".to_owned(), 0));
}
