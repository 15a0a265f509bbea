//! The same behaviour seen through the views, whatever the product.

use crate::support::{rows, source};
use parallax_telemetry::{ColumnType, Report, Source, View, view};
use std::fs;

const AUDIT: &str = "\
node=web1 type=SYSCALL msg=audit(1715675415.123:77): arch=c000003e syscall=59 success=yes exit=0 ppid=10 pid=11 auid=1000 uid=1000 gid=1000 euid=1000 tty=pts0 ses=3 comm=\"lua\" exe=\"/usr/bin/lua5.4\" key=\"exec\"\u{1d}ARCH=x86_64 SYSCALL=execve AUID=\"anna\" UID=\"anna\"
node=web1 type=EXECVE msg=audit(1715675415.123:77): argc=3 a0=\"lua\" a1=\"-e\" a2=6F732E6578656375746528277827293B
node=web1 type=PROCTITLE msg=audit(1715675415.123:77): proctitle=\"stale\"
node=web1 type=SYSCALL msg=audit(1715675416.000:78): arch=c000003e syscall=42 success=no exit=-115 ppid=10 pid=11 uid=1000 comm=\"lua\" exe=\"/usr/bin/lua5.4\" key=\"net\"\u{1d}ARCH=x86_64 SYSCALL=connect UID=\"anna\"
node=web1 type=SOCKADDR msg=audit(1715675416.000:78): saddr=0200115C7F0000010000000000000000
node=web1 type=PROCTITLE msg=audit(1715675416.000:78): proctitle=\"stale\"
node=web1 type=SYSCALL msg=audit(1715675417.000:79): arch=c000003e syscall=42 success=yes exit=0 ppid=10 pid=11 uid=1000 comm=\"lua\" exe=\"/usr/bin/lua5.4\" key=\"net\"
node=web1 type=SOCKADDR msg=audit(1715675417.000:79): saddr=01002F72756E2F7800
node=web1 type=PROCTITLE msg=audit(1715675417.000:79): proctitle=\"stale\"
";

const SYSMON: &str = concat!(
    r#"{"Event":{"System":{"Provider":{"#,
    r##""#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":1,"TimeCreated":{"#attributes":{"SystemTime":"2024-05-14T08:30:15.200Z"}},"EventRecordID":501,"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"ws-17"},"##,
    r#""EventData":{"RuleName":"-","UtcTime":"2024-05-14 08:30:15.123","ProcessGuid":"{AB}","ProcessId":4312,"Image":"C:\\Tools\\lua.exe","CommandLine":"lua.exe -e x","User":"CORP\\anna","Hashes":"SHA1=AA,MD5=BB,SHA256=CC","ParentImage":"C:\\Windows\\cmd.exe","ParentProcessId":900,"ParentCommandLine":"-"}}}"#,
    "\n",
    r##"{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":3,"TimeCreated":{"#attributes":{"SystemTime":"2024-05-14T08:30:16Z"}},"EventRecordID":502,"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"ws-17"},"##,
    r#""EventData":{"UtcTime":"2024-05-14 08:30:16.000","ProcessId":4312,"Image":"C:\\Tools\\lua.exe","User":"CORP\\anna","Protocol":"tcp","Initiated":true,"SourceIp":"10.0.0.1","SourcePort":50000,"DestinationIp":"127.0.0.1","DestinationPort":4444}}}"#,
    "\n",
    r##"{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Security-Auditing"}},"EventID":4688,"TimeCreated":{"#attributes":{"SystemTime":"2024-05-14T08:30:17Z"}},"EventRecordID":9,"Channel":"Security","Computer":"ws-17"},"##,
    r#""EventData":{"SubjectUserSid":"S-1-5-21-1","SubjectUserName":"anna","SubjectDomainName":"CORP","SubjectLogonId":"0x3e7","NewProcessId":"0x1f4","NewProcessName":"C:\\Tools\\lua.exe","TokenElevationType":"%%1936","ProcessId":"0x10","CommandLine":"lua.exe -e y","TargetUserSid":"S-1-0-0","TargetUserName":"-","TargetDomainName":"-","TargetLogonId":"0x0","ParentProcessName":"C:\\Windows\\cmd.exe","MandatoryLabel":"S-1-16-8192"}}}"#,
    "\n",
);

fn with(name: &str, text: &str, f: impl FnOnce(&Source)) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    f(&source(&path));
}

fn table(source: &Source, name: &str, columns: &[&str]) -> Vec<String> {
    rows(source, &View::named(name).unwrap(), columns, &Report::new())
}

#[test]
fn auditd_executions_and_connections() {
    with("audit.log", AUDIT, |s| {
        let columns = [
            "Timestamp",
            "DeviceName",
            "FileName",
            "FolderPath",
            "ProcessId",
            "ProcessCommandLine",
            "AccountName",
            "LogonId",
            "ReportId",
        ];
        assert_eq!(
            table(s, "DeviceProcessEvents", &columns),
            [
                "2024-05-14T08:30:15.123Z | web1 | lua5.4 | /usr/bin/lua5.4 | 11 | lua -e os.execute('x'); | anna | 3 | 77"
            ]
        );
        // The second connection is to a Unix socket.
        let columns = ["ActionType", "RemoteIP", "RemotePort", "InitiatingProcessFileName", "InitiatingProcessId"];
        assert_eq!(table(s, "DeviceNetworkEvents", &columns), ["ConnectionAttempt | 127.0.0.1 | 4444 | lua5.4 | 11"]);
        assert!(!View::named("DeviceFileEvents").unwrap().fed_by(s));
    });
}

#[test]
fn sysmon_and_security() {
    with("events.jsonl", SYSMON, |s| {
        let columns = [
            "Timestamp",
            "FileName",
            "FolderPath",
            "ProcessId",
            "ProcessCommandLine",
            "AccountDomain",
            "AccountName",
            "SHA256",
            "InitiatingProcessFileName",
            "InitiatingProcessId",
            "InitiatingProcessCommandLine",
            "ProcessIntegrityLevel",
            "LogonId",
        ];
        assert_eq!(
            table(s, "DeviceProcessEvents", &columns),
            [
                r"2024-05-14T08:30:15.123Z | lua.exe | C:\Tools\lua.exe | 4312 | lua.exe -e x | CORP | anna | cc | cmd.exe | 900 |  |  | ∅",
                r"2024-05-14T08:30:17.000Z | lua.exe | C:\Tools\lua.exe | 500 | lua.exe -e y | CORP | anna |  | cmd.exe | 16 |  | Medium | 999",
            ]
        );
        assert_eq!(
            table(s, "DeviceNetworkEvents", &["ActionType", "RemoteIP", "RemotePort", "LocalIP", "Protocol"]),
            ["ConnectionSuccess | 127.0.0.1 | 4444 | 10.0.0.1 | Tcp"]
        );
        assert_eq!(
            table(s, "SecurityEvent", &["EventID", "Account", "NewProcessName", "TargetUserName", "Process"]),
            [r"4688 | CORP\anna | C:\Tools\lua.exe | - | lua.exe"]
        );
        assert_eq!(table(s, "Event", &["EventID", "Source"]).len(), 2);
        assert_eq!(table(s, "WindowsEvent", &["EventID"]), ["1", "3", "4688"]);
    });
}

#[test]
fn event_data_is_wrapped_as_log_analytics_does() {
    with("events.jsonl", SYSMON, |s| {
        let data = table(s, "Event", &["EventData"]);
        assert!(data[0].starts_with("<DataItem type=\"System.XmlData\"><EventData"), "{}", data[0]);
        assert!(data[0].ends_with("</EventData></DataItem>"), "{}", data[0]);
    });
}

#[test]
fn messages_by_any_name() {
    let fields: Vec<String> = [
        "_sourcecategory",
        "_sourcehost",
        "EventID",
        "type",
        "Image",
        "CommandLine",
        "cmd",
        "user",
        "ParentImage",
        "EventData.Image",
        "Event.EventData.CommandLine",
        "nothing",
    ]
    .map(str::to_owned)
    .to_vec();
    let names: Vec<&str> = fields.iter().map(String::as_str).collect();
    let view = view::messages(&fields, false);
    with("events.jsonl", SYSMON, |s| {
        assert_eq!(
            rows(s, &view, &names, &Report::new())[0],
            r"windows/sysmon | ws-17 | 1 | ∅ | C:\Tools\lua.exe | lua.exe -e x | lua.exe -e x | CORP\anna | C:\Windows\cmd.exe | C:\Tools\lua.exe | lua.exe -e x | ∅"
        );
        assert_eq!(rows(s, &view, &names, &Report::new()).len(), 3);
    });
    with("audit.log", AUDIT, |s| {
        let found = rows(s, &view, &names, &Report::new());
        assert_eq!(
            found[0],
            "linux/auditd | web1 | ∅ | EXECVE | /usr/bin/lua5.4 | lua -e os.execute('x'); | lua -e os.execute('x'); | anna | ∅ | ∅ | ∅ | ∅"
        );
        assert_eq!(found.len(), 3);
        assert_eq!(rows(s, &view::messages(&fields, true), &names, &Report::new()).len(), 9);
    });
}

#[test]
fn a_batch_without_columns_counts() {
    with("audit.log", AUDIT, |s| {
        let mut n = 0;
        let view = View::named("DeviceProcessEvents").unwrap();
        parallax_telemetry::scan::scan(s, &view, &[], 100, &Report::new(), &mut |b| {
            n += b.num_rows();
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(n, 1);
    });
}

#[test]
fn an_unknown_column_is_an_error() {
    with("audit.log", AUDIT, |s| {
        let view = View::named("DeviceProcessEvents").unwrap();
        let columns = ["Nothing".to_owned()];
        let error = parallax_telemetry::scan::scan(s, &view, &columns, 1, &Report::new(), &mut |_| {
            std::ops::ControlFlow::Continue(())
        });
        assert_eq!(error.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    });
}

/// The tables as Microsoft documents them; the counts are of the reference's columns.
#[test]
fn tables_are_complete() {
    for (name, count) in [
        ("DeviceProcessEvents", 75),
        ("DeviceNetworkEvents", 52),
        ("DeviceFileEvents", 65),
        ("DeviceImageLoadEvents", 49),
        ("Event", 22),
        ("SecurityEvent", 228),
        ("Syslog", 17),
        ("WindowsEvent", 26),
    ] {
        let view = View::named(name).unwrap();
        assert_eq!(view.columns().len(), count, "{name}");
        assert_eq!(view.column_type("TimeGenerated"), Some(ColumnType::DateTime), "{name}");
        assert_eq!(view.schema().fields().len(), count + view::HIDDEN.len());
    }
}

#[test]
fn syslog_lines_and_rows() {
    let columns =
        ["TimeGenerated", "Computer", "Facility", "SeverityLevel", "ProcessName", "ProcessID", "SyslogMessage"];
    let expected = ["2024-01-02T03:04:05.000Z | web1 | auth | crit | sshd | 77 | Failed: x"];
    with("a.log", "<34>1 2024-01-02T03:04:05Z web1 sshd 77 - - Failed: x\n", |s| {
        assert_eq!(table(s, "Syslog", &columns), expected);
    });
    let row = r#"{"TimeGenerated":"2024-01-02T03:04:05Z","Computer":"web1","Facility":"auth","SeverityLevel":"crit","ProcessName":"sshd","ProcessID":77,"SyslogMessage":"Failed: x"}"#;
    with("a.jsonl", &format!("{row}\n{{\"other\":1}}\n"), |s| {
        assert_eq!(table(s, "Syslog", &columns), expected);
        assert!(View::named("Syslog").unwrap().seen_in(s));
    });
}
