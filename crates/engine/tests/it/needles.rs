//! What a scan passes over undecoded never changes an answer.

use parallax_engine::value::value;
use parallax_engine::{Context, Dialect, Limits, Options, Session};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Conditions with literals, and the same where nothing can be known of literals: a text put together is no column.
pub(crate) const CONDITIONS: &[(&str, &str)] = &[
    ("FileName has 'lua'", "strcat(FileName, '') has 'lua'"),
    ("FileName == 'lua.exe'", "strcat(FileName, '') == 'lua.exe'"),
    ("FileName =~ 'LUA.EXE'", "strcat(FileName, '') =~ 'LUA.EXE'"),
    ("ProcessCommandLine contains 'os.execute('", "strcat(ProcessCommandLine, '') contains 'os.execute('"),
    (
        "ProcessCommandLine has_any ('dofile(', 'whoami')",
        "strcat(ProcessCommandLine, '') has_any ('dofile(', 'whoami')",
    ),
    ("FolderPath startswith @'C:\\Tools\\lua'", "strcat(FolderPath, '') startswith @'C:\\Tools\\lua'"),
    ("FolderPath contains @'\\tools/lua/run me.exe'", "strcat(FolderPath, '') contains @'\\tools/lua/run me.exe'"),
    ("tolower(FileName) == 'mask.exe'", "tolower(strcat(FileName, '')) == 'mask.exe'"),
    ("FileName matches regex 'mas\u{212a}'", "strcat(FileName, '') matches regex 'mas\u{212a}'"),
    ("AccountName in~ ('chlo\u{eb}', 'annabel')", "strcat(AccountName, '') in~ ('chlo\u{eb}', 'annabel')"),
    (
        "FileName has 'lua' and (ProcessCommandLine has 'whoami' or AccountName == 'root')",
        "strcat(FileName, '') has 'lua' and (strcat(ProcessCommandLine, '') has 'whoami' or strcat(AccountName, '') == 'root')",
    ),
    (
        "FileName !has 'lua' and AccountName == 'root'",
        "not(strcat(FileName, '') has 'lua') and strcat(AccountName, '') == 'root'",
    ),
    ("InitiatingProcessFileName in ('lua', 'bash')", "strcat(InitiatingProcessFileName, '') in ('lua', 'bash')"),
];

const NAMES: [&str; 8] =
    ["cmd.exe", "lua.exe", "LUA", r"\u006cua.exe", r"l\u0075ajit", "mask.exe", "mas\u{212a}.exe", r"MAS\u212a.exe"];
const LINES: [&str; 5] =
    ["cmd /c dir", "lua -e os.execute('id')", "WHOAMI", r"os.Execute(\u0027x\u0027)", r#"x dofile(\"a\")"#];
const FOLDERS: [&str; 5] = [
    r"C:\\Windows\\cmd.exe",
    r"C:\/Tools\/lua",
    r"c:\u005ctools\u005CLUA.exe",
    r"\\TOOLS/lua/RUN\u0020me.exe",
    r"C:\\Tools\\lua\\a.exe",
];
const ACCOUNTS: [&str; 5] = ["ann2", "root", r"Chlo\u00eb", "CHLO\u{eb}", "ANNABEL"];
const PARENTS: [&str; 4] = ["explorer.exe", "lua", "BASH", "bash"];

/// Rows of Defender, one a line, in the spellings that JSON allows; what is looked for is rare.
pub(crate) fn telemetry(path: &Path) {
    let mut text = String::new();
    for i in 0..6_000_usize {
        let rare = i > 1_200 && i.is_multiple_of(19);
        let pick = |of: &[&'static str], salt: usize| if rare { of[(i / 19 * salt) % of.len()] } else { of[0] };
        writeln!(
            text,
            r#"{{"Timestamp":"2026-01-01T00:00:{:02}.000Z","DeviceName":"host{}","ActionType":"ProcessCreated","FileName":"{}","FolderPath":"{}","ProcessCommandLine":"{}","AccountName":"{}","InitiatingProcessFileName":"{}","ProcessId":{i},"ReportId":{i}}}"#,
            i % 60,
            i % 500,
            pick(&NAMES, 1),
            pick(&FOLDERS, 3),
            pick(&LINES, 2),
            pick(&ACCOUNTS, 7),
            pick(&PARENTS, 5),
        )
        .unwrap();
    }
    fs::write(path, text).unwrap();
}

/// The ids of the rows, and how many events were passed over.
fn ids(session: &Session, dialect: Dialect, query: &str) -> (Vec<String>, u64) {
    let execution = session.query(dialect, query, &Context::at(0)).map_err(|e| format!("{query}: {e}")).unwrap();
    let (columns, report) = (execution.columns, execution.report);
    let mut out = Vec::new();
    for batch in execution.rows {
        let batch = batch.unwrap();
        out.extend((0..batch.num_rows()).map(|row| value(&columns[0], batch.column(0), row).json().to_string()));
    }
    assert_eq!(report.events(), 6_000, "{query}");
    (out, report.passed())
}

/// That both find the same, the first without looking at most events.
fn compare(dialect: Dialect, cases: &[(&str, &str)], query: impl Fn(&str) -> String) {
    let folder = tempfile::tempdir().unwrap();
    telemetry(&folder.path().join("events.json"));
    let options = Options { limits: Limits { threads: 2, ..Limits::default() }, ..Options::default() };
    let session = Session::open(&[folder.path().display().to_string()], options).unwrap();
    for (known, unknown) in cases {
        let (found, passed) = ids(&session, dialect, &query(known));
        let (expected, none) = ids(&session, dialect, &query(unknown));
        assert_eq!(none, 0, "{unknown}");
        assert!(passed > 3_000, "{known}: only {passed} passed over");
        assert!(!expected.is_empty(), "{known}");
        assert_eq!(found, expected, "{known}");
    }
}

#[test]
fn passing_over_events_changes_no_answer() {
    compare(Dialect::Kql, CONDITIONS, |c| format!("DeviceProcessEvents | where {c} | project ReportId"));
}

/// The same of Sumo, where filters stand above what is parsed.
#[test]
fn filters_over_computed_columns_reach_the_scan() {
    let cases = [
        (
            "* | parse field=ProcessCommandLine \"*\" as line nodrop | where line matches \"*os.Execute(*\" or line matches \"*dofile(*\"",
            "* | where concat(ProcessCommandLine, \"\") matches \"*os.Execute(*\" or concat(ProcessCommandLine, \"\") matches \"*dofile(*\"",
        ),
        (
            "* | parse regex field=FolderPath \"(?<leaf>[^/]+)$\" | where leaf = \"RUN me.exe\"",
            "* | parse regex field=FolderPath \"(?<leaf>[^/]+)$\" | where concat(leaf, \"\") = \"RUN me.exe\"",
        ),
        ("FileName=LUA*", "* | where tolowercase(concat(FileName, \"\")) matches \"lua*\""),
        ("FileName=mask.exe", "* | where tolowercase(concat(FileName, \"\")) = \"mask.exe\""),
        (
            "* | toLowerCase(AccountName) as who | where who matches \"*annabel\" | where FileName matches \"*\"",
            "* | concat(toLowerCase(AccountName), \"\") as who | where who matches \"*annabel\"",
        ),
    ];
    compare(Dialect::Sumo, &cases, |search| format!("{search} | fields ReportId"));
}

/// On event logs that nobody here wrote.
#[test]
fn passing_over_records_of_event_logs_changes_no_answer() {
    let Some(folder) = std::env::var_os("PARALLAX_HAYABUSA") else {
        eprintln!("skipped: PARALLAX_HAYABUSA is not set");
        return;
    };
    let options = Options { limits: Limits { threads: 2, ..Limits::default() }, ..Options::default() };
    let session = Session::open(&[folder.to_string_lossy().into_owned()], options).unwrap();
    let columns = [
        ("DeviceProcessEvents", "ProcessCommandLine"),
        ("DeviceProcessEvents", "FileName"),
        ("DeviceProcessEvents", "AccountName"),
        ("DeviceProcessEvents", "InitiatingProcessFolderPath"),
        ("DeviceImageLoadEvents", "FolderPath"),
        ("SecurityEvent", "TargetUserName"),
        ("SecurityEvent", "Process"),
        ("SecurityEvent", "CommandLine"),
        ("Event", "EventData"),
        ("Event", "RenderedDescription"),
    ];
    let words = ["powershell", "whoami", "lsass", "administrator", "cmd.exe", "-enc", "system", "net.exe", "rundll32"];
    let (mut rows, mut over) = (0, 0);
    for (table, column) in columns {
        for word in words {
            let query = |value: &str| {
                let kql = format!("{table} | where {value} contains '{word}' | project {column}, When=Timestamp");
                let kql = if table.starts_with("Device") { kql } else { kql.replace("Timestamp", "TimeGenerated") };
                let execution =
                    session.query(Dialect::Kql, &kql, &Context::at(0)).map_err(|e| format!("{kql}: {e}")).unwrap();
                let (columns, report) = (execution.columns, execution.report);
                let mut out = Vec::new();
                for batch in execution.rows {
                    let batch = batch.unwrap();
                    for row in 0..batch.num_rows() {
                        let cells = columns.iter().zip(batch.columns()).map(|(o, c)| value_of(o, c, row));
                        out.push(cells.collect::<Vec<_>>().join("|"));
                    }
                }
                (out, report.passed())
            };
            let (found, passed) = query(column);
            let (expected, _) = query(&format!("strcat({column}, '')"));
            assert_eq!(found, expected, "{table}.{column} {word}");
            rows += expected.len();
            over += passed;
        }
    }
    eprintln!("{rows} rows, {over} events passed over");
    assert!(rows > 1_000 && over > 10_000, "{rows} {over}");
}

fn value_of(output: &parallax_engine::Output, column: &arrow::array::ArrayRef, row: usize) -> String {
    value(output, column, row).json().to_string()
}
