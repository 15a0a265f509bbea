//! The rules of the audit reader, one by one, on small logs written for each.

use parallax_telemetry::formats::auditd::{AuditReader, Settings};
use parallax_telemetry::input::Compression;
use parallax_telemetry::{Event, Input, Kind, Reader, Report, Request, Value};
use std::ops::ControlFlow;

const EXEC: &str = "arch=c000003e syscall=59 success=yes exit=0 a0=5 a1=6 a2=7 a3=8 items=2";

fn read(log: &[u8], fields: &[&str], settings: Settings) -> (Vec<String>, Report) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    std::fs::write(&path, log).unwrap();
    let request =
        Request { fields: fields.iter().map(|f| (*f).to_owned()).collect(), kinds: vec![], ..Request::default() };
    let report = Report::new();
    let mut rows = vec![];
    AuditReader::new(vec![Input::file(path, Compression::None)], settings)
        .read(&request, &report, &mut |e: &Event<'_>| {
            rows.push(row(&e.kind, e.values));
            ControlFlow::Continue(())
        })
        .unwrap();
    (rows, report)
}

fn row(kind: &Kind, values: &[Value<'_>]) -> String {
    let show = |v: &Value<'_>| match v {
        Value::Missing => "-".to_owned(),
        Value::Text(t) | Value::Json(t) => t.to_string(),
        Value::Int(n) | Value::Time(n) => n.to_string(),
        other => format!("{other:?}"),
    };
    std::iter::once(kind.code.to_string()).chain(values.iter().map(show)).collect::<Vec<_>>().join(" | ")
}

fn events(log: &str, fields: &[&str]) -> Vec<String> {
    read(log.as_bytes(), fields, Settings::default()).0
}

/// An execution by `pid`, child of `ppid`, at `time` seconds.
fn exec(time: u32, serial: u32, ppid: u32, pid: u32, exe: &str) -> String {
    let stamp = format!("msg=audit({time}.000:{serial}):");
    format!(
        "type=SYSCALL {stamp} {EXEC} ppid={ppid} pid={pid} uid=0 comm=\"c\" exe=\"{exe}\" key=(null)\n\
         type=EXECVE {stamp} argc=2 a0=\"{exe}\" a1=\"x\"\ntype=PROCTITLE {stamp} proctitle=\"other\"\n"
    )
}

/// Another system call.
fn call(time: u32, serial: u32, number: u32, ppid: u32, pid: u32, exe: &str, exit: &str) -> String {
    let result = if exit.is_empty() { String::new() } else { format!("success=yes exit={exit} ") };
    let stamp = format!("msg=audit({time}.000:{serial}):");
    format!(
        "type=SYSCALL {stamp} arch=c000003e syscall={number} {result}a0=11 ppid={ppid} pid={pid} uid=0 comm=\"c\" \
         exe=\"{exe}\"\ntype=PROCTITLE {stamp} proctitle=\"c\"\n"
    )
}

#[test]
fn case_tells_the_number_from_the_name() {
    let enriched = format!(
        "type=SYSCALL msg=audit(1.0:1): {EXEC} ppid=1 pid=2 uid=1000 exe=\"/e\"\u{1d}ARCH=x86_64 SYSCALL=execve UID=\"al\"\n"
    );
    let raw = enriched.split('\u{1d}').next().unwrap();
    let fields = ["uid", "UID", "Uid", "syscall", "SYSCALL", "ARCH", "PID"];
    assert_eq!(events(&enriched, &fields), ["0 | 1000 | al | 1000 | 59 | execve | x86_64 | 2"]);
    assert_eq!(events(raw, &fields), ["0 | 1000 | - | 1000 | 59 | execve | x86_64 | 2"]);
}

#[test]
fn arguments_are_a_n_only_in_executions() {
    assert_eq!(events(&exec(1, 1, 1, 2, "/e"), &["a0", "a1", "a2", "@argc"]), ["1 | /e | x | - | 2"]);
    assert_eq!(events(&call(1, 1, 0, 1, 2, "/e", "0"), &["a0", "a1", "@argc"]), ["0 | 11 | - | -"]);
}

#[test]
fn process_titles_are_no_command_lines() {
    assert_eq!(events(&exec(1, 1, 1, 2, "/e"), &["@cmdline", "proctitle"]), ["1 | /e x | other"]);
    assert_eq!(events(&call(1, 1, 59, 1, 2, "/e", "0"), &["@cmdline"]), ["0 | -"]);
}

#[test]
fn failed_executions_are_no_creations_and_change_no_image() {
    let failed = exec(2, 2, 1, 2, "/b").replace("success=yes exit=0", "success=no exit=-2");
    let log = exec(1, 1, 1, 2, "/a") + &failed.replace("exe=\"/b\"", "exe=\"/a\"") + &exec(3, 3, 2, 4, "/c");
    assert_eq!(events(&log, &["exe", "@parent.exe"]), ["1 | /a | -", "0 | /a | -", "1 | /c | /a"]);
}

#[test]
fn an_execution_that_lost_its_arguments_is_counted_and_names_its_children() {
    let log = call(1, 1, 59, 1, 2, "/a", "0") + &exec(2, 2, 2, 3, "/b");
    let (rows, report) = read(log.as_bytes(), &["exe", "@parent.exe", "@parent.cmdline"], Settings::default());
    assert_eq!(rows, ["0 | /a | - | -", "1 | /b | /a | -"]);
    assert_eq!(report.notes().len(), 1);
}

#[test]
fn an_execve_record_alone_is_an_execution() {
    let log = "type=EXECVE msg=audit(1.0:1): argc=2 a0=\"lua\" a1=\"-v\"\n";
    assert_eq!(events(log, &["@cmdline", "pid", "exe", "type"]), ["1 | lua -v | - | - | EXECVE"]);
}

#[test]
fn an_event_ends_two_seconds_later_when_nothing_ends_it() {
    let part = |t: &str| format!("type=CWD msg=audit({t}:7): cwd=\"/{t}\"\n");
    let many: String = (10..40).map(|s| call(4, s, 0, 1, 2, "/e", "0")).collect();
    // The second record is of the same event while it waits, and of no event once it was given on.
    assert_eq!(events(&(part("1.000") + &part("1.000")), &["@type", "cwd"]).len(), 1);
    let rows = events(&(part("1.000") + &many + &part("1.000")), &["cwd"]);
    assert_eq!(rows.iter().filter(|r| r.contains("1.000")).count(), 2);
    assert_eq!(rows[0], "0 | /1.000");
}

#[test]
fn later_events_wait_for_earlier_ones() {
    let (first, second) = (exec(1, 1, 9, 10, "/parent"), exec(1, 2, 10, 11, "/child"));
    let first: Vec<&str> = first.lines().collect();
    let log = format!("{}\n{second}{}\n{}\n", first[0], first[1], first[2]);
    assert_eq!(events(&log, &["exe", "@parent.exe"]), ["1 | /parent | -", "1 | /child | /parent"]);
}

#[test]
fn an_eoe_ends_its_event_or_says_nothing() {
    let eoe = "type=EOE msg=audit(1.000:1): \n";
    assert_eq!(events(&(exec(1, 1, 1, 2, "/e") + eoe), &["exe"]), ["1 | /e"]);
    let open = exec(1, 1, 1, 2, "/e").lines().take(2).map(|l| format!("{l}\n")).collect::<String>();
    assert_eq!(events(&(open + eoe), &["exe"]), ["1 | /e"]);
}

#[test]
fn login_and_its_system_call_are_one_event() {
    let log =
        "type=LOGIN msg=audit(1.000:1): pid=7 uid=0 old-auid=4294967295 auid=1000 res=1\u{1d}UID=\"root\" AUID=\"al\"\n"
            .to_owned() + &call(1, 1, 1, 1, 7, "/bin/login", "5");
    assert_eq!(events(&log, &["@type", "auid", "AUID", "exe"]), ["0 | LOGIN | 1000 | al | /bin/login"]);
}

#[test]
fn forks_exits_and_reused_pids() {
    let log = exec(1, 1, 1, 10, "/bash")
        + &call(2, 2, 56, 1, 10, "/bash", "11")
        + &exec(3, 3, 11, 12, "/from-subshell")
        + &call(4, 4, 231, 10, 11, "/bash", "")
        + &exec(5, 5, 11, 13, "/from-nobody-known")
        + &call(6, 6, 56, 1, 10, "/bash", "11")
        + &exec(7, 7, 11, 14, "/from-next");
    let rows = events(&log, &["exe", "@parent.exe", "@parent.time", "@parent.cmdline", "@parent.parent.pid"]);
    let execs: Vec<&String> = rows.iter().filter(|r| r.starts_with('1')).collect();
    assert_eq!(
        execs,
        [
            "1 | /bash | - | - | - | -",
            "1 | /from-subshell | /bash | 2000000000 | /bash x | 10",
            "1 | /from-nobody-known | - | - | - | -",
            "1 | /from-next | /bash | 6000000000 | /bash x | 10",
        ]
    );
}

#[test]
fn processes_are_followed_though_only_executions_are_asked_for() {
    let log = exec(1, 1, 1, 10, "/a") + &call(2, 2, 56, 1, 10, "/a", "11") + &exec(3, 3, 11, 12, "/b");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    std::fs::write(&path, log).unwrap();
    let kinds = vec![Kind::new(parallax_telemetry::Family::Auditd, parallax_telemetry::event::audit::EXEC)];
    let request = Request { fields: vec!["@parent.exe".to_owned()], kinds, ..Request::default() };
    let mut rows = vec![];
    AuditReader::new(vec![Input::file(path, Compression::None)], Settings::default())
        .read(&request, &Report::new(), &mut |e: &Event<'_>| {
            rows.push(row(&e.kind, e.values));
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(rows, ["1 | -", "1 | /a"]);
}

#[test]
fn threads_are_no_processes() {
    // a0=11 above lacks CLONE_THREAD; with it the new task is a thread.
    let thread = call(2, 2, 56, 1, 10, "/a", "11").replace("a0=11", "a0=3d0f00");
    let log = exec(1, 1, 1, 10, "/a") + &thread + &exec(3, 3, 11, 12, "/b");
    assert_eq!(events(&log, &["@parent.exe"])[2], "1 | -");
}

#[test]
fn a_restart_forgets_processes() {
    let boot = "type=SYSTEM_BOOT msg=audit(50.000:1): pid=1 uid=0 msg=' comm=\"systemd\" res=success'\n";
    for between in ["", boot] {
        let log = exec(1, 900, 1, 10, "/before") + between + &exec(60, 5, 10, 11, "/after");
        assert_eq!(events(&log, &["exe", "@parent.exe"]).last().unwrap(), "1 | /after | -");
    }
}

#[test]
fn nodes_have_their_own_processes_and_serials() {
    let a = exec(1, 1, 1, 10, "/a").replace("type=", "node=a type=");
    let b = exec(1, 1, 10, 11, "/b").replace("type=", "node=b type=");
    let mixed: String = a.lines().zip(b.lines()).map(|(a, b)| format!("{a}\n{b}\n")).collect();
    assert_eq!(events(&mixed, &["@host", "exe", "@parent.exe"]), ["1 | a | /a | -", "1 | b | /b | -"]);
}

#[test]
fn a_configured_host_stands_in_for_node() {
    let settings = Settings { host: Some("gate".to_owned()), ..Settings::default() };
    let (rows, _) = read(exec(1, 1, 1, 2, "/e").as_bytes(), &["@host", "node"], settings);
    assert_eq!(rows, ["1 | gate | -"]);
}

#[test]
fn records_alone_stay_as_they_are() {
    let log = "node=n type=EXECVE msg=audit(1.500:9): argc=3 a0=\"lua\" a1=2D65 a2=\"\"\n\
        node=n type=SYSCALL msg=audit(1.500:9): syscall=59 comm=6120 key=(null)\u{1d}SYSCALL=execve UID=\"al\"\n";
    let fields = ["type", "node", "msg", "@id", "a1", "a2", "comm", "key", "SYSCALL", "UID", "@cmdline", "@parent.exe"];
    let (rows, _) = read(log.as_bytes(), &fields, Settings { records: true, ..Settings::default() });
    assert_eq!(
        rows,
        [
            "1 | EXECVE | n | audit(1.500:9) | 9 | 2D65 |  | - | - | - | - | - | -",
            "0 | SYSCALL | n | audit(1.500:9) | 9 | - | - | 6120 | - | execve | al | - | -",
        ]
    );
    let (rows, _) = read(log.as_bytes(), &["@fields"], Settings { records: true, ..Settings::default() });
    assert_eq!(
        rows[1],
        r#"0 | {"node":"n","type":"SYSCALL","msg":"audit(1.500:9)","syscall":"59","comm":"6120","SYSCALL":"execve","UID":"al"}"#
    );
}

#[test]
fn all_fields_as_json() {
    let rows = events(&exec(1, 1, 1, 2, "/e"), &["@fields"]);
    let json: serde_json::Value = serde_json::from_str(rows[0].strip_prefix("1 | ").unwrap()).unwrap();
    assert_eq!(json["type"], "EXECVE");
    assert_eq!((&json["a0"], &json["a1"], &json["argc"]), (&"/e".into(), &"x".into(), &2.into()));
    assert_eq!((&json["pid"], &json["exe"]), (&"2".into(), &"/e".into()));
    assert!(json.get("key").is_none());
    assert!(json.get("a2").is_none(), "a register is no argument");
}

#[test]
fn several_keys() {
    let log = "type=SYSCALL msg=audit(1.0:1): pid=1 key=610162\n";
    assert_eq!(events(log, &["key", "@keys"]), [r#"0 | a,b | ["a","b"]"#]);
}

#[test]
fn kernel_messages_and_syslog_lines_hold_records_too() {
    let log = "Nov 21 19:00:00 web kernel: audit: type=1309 audit(1.000:1): argc=1 a0=\"id\"\n";
    assert_eq!(events(log, &["type", "@cmdline"]), ["1 | EXECVE | id"]);
}

#[test]
fn output_of_ausearch_is_told_from_damage() {
    let log = format!("----\ntime->Sat Nov 21 19:00:00 2026\n{}", exec(1, 1, 1, 2, "/e"));
    let (rows, report) = read(log.as_bytes(), &["exe"], Settings::default());
    assert_eq!((rows.len(), report.damaged()), (1, 0));
    let interpreted =
        "type=SYSCALL msg=audit(21/11/26 19:00:00.123:45) : arch=x86_64 syscall=execve success=yes exe=/e\n";
    let (_, report) = read(interpreted.as_bytes(), &["exe"], Settings::default());
    assert!(report.damages()[0].reason.contains("ausearch -i"), "{:?}", report.damages());
}

#[test]
fn a_record_cut_off_within_an_argument_is_damage() {
    let log = "type=EXECVE msg=audit(1.000:1): argc=2 a0=\"lua\" a1=\"os.exe\n";
    let (rows, report) = read(log.as_bytes(), &["@cmdline"], Settings::default());
    assert_eq!(rows, ["1 | lua os.exe"]);
    assert_eq!(report.damages()[0].position, Some(0));
}

#[test]
fn serials_that_begin_again_are_no_restart() {
    let log = exec(1, u32::MAX, 1, 10, "/before") + &exec(9, 0, 10, 11, "/after") + &exec(9, 1, 11, 12, "/last");
    assert_eq!(
        events(&log, &["exe", "@parent.exe"]),
        ["1 | /before | -", "1 | /after | /before", "1 | /last | /after"]
    );
}

#[test]
fn a_vfork_may_stand_after_what_its_child_did() {
    let late = |serial| call(2, serial, 58, 1, 10, "/sh", "11");
    let log = exec(1, 1, 1, 10, "/sh") + &exec(3, 2, 10, 11, "/tool") + &late(3) + &exec(4, 4, 11, 12, "/child");
    let rows = events(&log, &["exe", "@parent.exe", "@parent.time"]);
    assert_eq!(rows.last().unwrap(), "1 | /child | /tool | 3000000000");
}

#[test]
fn a_multiplexed_connect_and_its_address() {
    let log = "type=SYSCALL msg=audit(1.000:1): arch=40000003 syscall=102 success=no exit=-111 a0=3 ppid=1 pid=2 exe=\"/e\"\n\
        type=SOCKADDR msg=audit(1.000:1): saddr=0200115C7F0000010000000000000000\n";
    let fields = ["exit", "@addr.family", "@addr.ip", "@addr.port", "SYSCALL", "ARCH"];
    assert_eq!(events(log, &fields), ["2 | -111 | inet | 127.0.0.1 | 4444 | socketcall | i386"]);
    assert_eq!(events(&log.replace("a0=3", "a0=2"), &["exit"]), ["0 | -111"]);
}
