//! Normalised records of Cloud SIEM.

use crate::support::{fixture, rows, source};
use parallax_telemetry::{Report, view};

/// The rows of a fixture's records.
fn records(file: &str, names: &[&str]) -> Vec<String> {
    let owned: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let source = source(&fixture(file));
    rows(&source, &view::records(&owned), names, &Report::new())
}

const KIND: [&str; 5] = ["_index", "objectType", "metadata_vendor", "metadata_product", "metadata_deviceEventId"];
const PROCESS: [&str; 9] = [
    "device_hostname",
    "user_username",
    "baseImage",
    "commandLine",
    "parentBaseImage",
    "pid",
    "parentPid",
    "normalizedAction",
    "success",
];

#[test]
fn what_kind_of_record_an_event_is() {
    let all = ["windows/sumo.jsonl", "defender/lines.jsonl", "auditd/atomics.enriched.log"]
        .iter()
        .flat_map(|file| records(file, &KIND))
        .fold(std::collections::BTreeMap::<String, usize>::new(), |mut counts, row| {
            *counts.entry(row).or_default() += 1;
            counts
        });
    let all: Vec<String> = all.into_iter().map(|(row, n)| format!("{n} {row}")).collect();
    let (microsoft, laurel): (Vec<&String>, Vec<&String>) = all.iter().partition(|r| r.contains("Microsoft"));
    assert_eq!(
        microsoft,
        [
            "2 sec_record_audit | Audit | Microsoft | Defender Advanced Hunting | AdvancedHunting-DeviceProcessEvents",
            "1 sec_record_endpoint | Endpoint | Microsoft | Windows | Microsoft-Windows-Sysmon/Operational-7",
            "1 sec_record_endpoint | EndpointProcess | Microsoft | Windows | Microsoft-Windows-Sysmon/Operational-1",
            "1 sec_record_endpoint | EndpointProcess | Microsoft | Windows | Microsoft-Windows-Sysmon/Operational-11",
            "1 sec_record_endpoint | EndpointProcess | Microsoft | Windows | Security-4688",
            "1 sec_record_network | Network | Microsoft | Defender Advanced Hunting | AdvancedHunting-DeviceNetworkEvents",
            "1 sec_record_network | Network | Microsoft | Windows | Microsoft-Windows-Sysmon/Operational-3",
        ]
    );
    let exec = "36 sec_record_endpoint | Endpoint | Laurel | Laurel Linux Audit | System Call-59".to_owned();
    assert!(laurel.contains(&&exec), "{laurel:?}");
    assert!(laurel.iter().any(|r| r.ends_with("| Audit | Laurel | Laurel Linux Audit | LOGIN")), "{laurel:?}");
}

#[test]
fn processes() {
    let first = |file: &str| records(file, &PROCESS).into_iter().find(|r| r.contains("lua")).unwrap_or_default();
    let files = ["windows/sumo.jsonl", "defender/lines.jsonl", "auditd/atomics.enriched.log"];
    assert_eq!(
        files.map(first),
        [
            r#"WS-042.corp.example | CORP\ann | C:\Tools\lua\lua54.exe | lua54.exe -e "os.execute('whoami > C:\Users\ann\AppData\Local\Temp\o & type o')" | C:\Windows\System32\cmd.exe | 7316 | 6120 | create | ∅"#,
            r#"ws-17.example.test | anna | C:\Tools\Lua\lua.exe | "lua.exe" -e "os.execute('whoami')" | C:\Windows\System32\cmd.exe | 4312 | 900 | ∅ | ∅"#,
            "web01 | analyst | /usr/bin/lua5.4 | lua5.4 -e os.execute('whoami') | /usr/bin/bash | 30482 | 30481 | create | true",
        ]
    );
}

#[test]
fn own_fields() {
    let names = [
        "fields['EventData.Image']",
        "fields['Provider.Name']",
        "fields.EventID",
        "fields['SYSCALL.auid']",
        "fields['PATH.1.name']",
        "fields['nothing']",
        "nosuchattribute",
        "USER_USERNAME",
    ];
    let sysmon = records("windows/sumo.jsonl", &names);
    assert_eq!(sysmon[0], r"C:\Tools\lua\lua54.exe | Microsoft-Windows-Sysmon | 1 | ∅ | ∅ | ∅ | ∅ | CORP\ann");
    let audit = records("auditd/atomics.enriched.log", &names);
    assert_eq!(audit[1], "∅ | ∅ | ∅ | 1001 | /usr/bin/setpriv | ∅ | ∅ | analyst");
    let socket = records("auditd/atomics.enriched.log", &["metadata_deviceEventId", "fields['SYSCALL.ARGV.1']"]);
    let connect = socket.iter().find(|r| r.starts_with("System Call-42")).expect("a connect");
    assert_eq!(connect, "System Call-42 | 0x3");
}
