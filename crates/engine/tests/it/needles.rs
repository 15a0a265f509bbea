//! What a scan passes over undecoded never changes an answer.

use parallax_engine::value::value;
use parallax_engine::{Context, Dialect, Limits, Options, Session};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Conditions with literals, and the same where nothing can be known of literals: a text put together is no column.
const CONDITIONS: &[(&str, &str)] = &[
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
fn telemetry(path: &Path) {
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
fn ids(session: &Session, condition: &str) -> (Vec<String>, u64) {
    let kql = format!("DeviceProcessEvents | where {condition} | project ReportId");
    let execution = session.query(Dialect::Kql, &kql, &Context::at(0)).map_err(|e| format!("{kql}: {e}")).unwrap();
    let (columns, report) = (execution.columns, execution.report);
    let mut out = Vec::new();
    for batch in execution.rows {
        let batch = batch.unwrap();
        out.extend((0..batch.num_rows()).map(|row| value(&columns[0], batch.column(0), row).json().to_string()));
    }
    assert_eq!(report.events(), 6_000, "{condition}");
    (out, report.passed())
}

#[test]
fn passing_over_events_changes_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    telemetry(&folder.path().join("events.json"));
    let options = Options { limits: Limits { threads: 2, ..Limits::default() }, ..Options::default() };
    let session = Session::open(&[folder.path().display().to_string()], options).unwrap();
    for (known, unknown) in CONDITIONS {
        let (found, passed) = ids(&session, known);
        let (expected, none) = ids(&session, unknown);
        assert_eq!(none, 0, "{unknown}");
        assert!(passed > 3_000, "{known}: only {passed} passed over");
        assert!(!expected.is_empty(), "{known}");
        assert_eq!(found, expected, "{known}");
    }
}
