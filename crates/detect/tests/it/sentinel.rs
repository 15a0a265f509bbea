//! Analytics rules over recorded time. Rules and events written for these cases; what the service does is documented in
//! “Scheduled analytics rules in Microsoft Sentinel” and “Customize alert details”.

use parallax_detect::source::Found;
use parallax_detect::{Finding, Job, Reading, run_all};
use parallax_engine::{Options, Session};
use std::fs;

const QUERY: &str = "DeviceProcessEvents | project TimeGenerated, DeviceName, FileName, ProcessCommandLine";

/// Events: when (on a day), host, program, what is on its command line.
type Event<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Runs a rule of those keys over the events.
fn run(keys: &str, query: &str, events: &[Event<'_>], now: Option<&str>) -> (Vec<Finding>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let rule = format!("id: r\nname: A rule\nseverity: Low\ntactics: [Execution]\n{keys}\nquery: |\n  {query}\n");
    fs::write(folder.path().join("rule.yaml"), rule).unwrap();
    let line = |(n, (time, host, file, command)): (usize, &Event<'_>)| {
        format!(
            r#"{{"Timestamp":"2026-03-01T{time}Z","DeviceId":"d","DeviceName":"{host}","ActionType":"ProcessCreated","FileName":"{file}","FolderPath":"/bin/{file}","ProcessId":{n},"ProcessCommandLine":"{command}","AccountName":"ann","InitiatingProcessFileName":"sh","ReportId":{n}}}"#
        ) + "\n"
    };
    let lines: String = events.iter().enumerate().map(line).collect();
    fs::write(folder.path().join("events.jsonl"), lines).unwrap();
    let detections = Found::at(&[folder.path().join("rule.yaml").display().to_string()], &[]).load(&Default::default());
    assert!(detections.faults.is_empty(), "{:?}", detections.faults);
    let inputs = [folder.path().join("events.jsonl").display().to_string()];
    let session = Session::open(&inputs, Options::default()).unwrap();
    let now = now.map(|t| {
        let time: jiff::Timestamp = format!("2026-03-01T{t}Z").parse().unwrap();
        time.as_nanosecond() as i64
    });
    let job = Job { session: &session, detections: &detections, chosen: &[true], now, wall: 0 };
    let mut found = Vec::new();
    let mut sink = |f: &Finding| {
        found.push(f.clone());
        Ok(())
    };
    let ran = run_all(&job, &mut Reading::default(), &mut |_, _| {}, &mut sink).unwrap();
    let times = ran.runs[0].times;
    assert!(format!("{:?}", ran.runs[0].outcome) == "Ran", "{:?}", ran.runs[0].outcome);
    (found, times)
}

/// Title, number of rows, and until when was looked.
fn shown(found: &[Finding]) -> Vec<(String, u64, String)> {
    let until = |f: &Finding| parallax_engine::value::datetime(f.window.unwrap().1)[11..16].to_owned();
    found.iter().map(|f| (f.title.clone(), f.count, until(f))).collect()
}

fn alert(title: &str, rows: u64, until: &str) -> (String, u64, String) {
    (title.to_owned(), rows, until.to_owned())
}

const HOURLY: &str = "kind: Scheduled\nqueryFrequency: 1h\nqueryPeriod: 1h";

#[test]
fn a_run_is_one_alert_at_each_whole_interval() {
    let events = [
        ("10:10:00", "a", "lua", "x"),
        ("11:00:00", "a", "lua", "y"),
        ("11:00:01", "b", "lua", "z"),
        ("15:30:00", "b", "lua", "z"),
    ];
    let (found, times) = run(HOURLY, QUERY, &events, None);
    assert_eq!(shown(&found), [alert("A rule", 2, "11:00"), alert("A rule", 1, "12:00"), alert("A rule", 1, "16:00")]);
    // Hours without events are left out.
    assert_eq!(times, 3);
    assert_eq!(found[0].related.len(), 2);
    assert_eq!(found[0].columns.iter().find(|c| c.0 == "ProcessCommandLine").unwrap().1, "x, y");
}

#[test]
fn the_trigger_counts_rows() {
    let events = [("10:10:00", "a", "lua", "x"), ("10:20:00", "a", "lua", "x"), ("11:30:00", "a", "lua", "x")];
    let with = |trigger: &str| shown(&run(&format!("{HOURLY}\n{trigger}"), QUERY, &events, None).0);
    assert_eq!(with("triggerOperator: gt\ntriggerThreshold: 1"), [alert("A rule", 2, "11:00")]);
    assert_eq!(with("triggerOperator: eq\ntriggerThreshold: 1"), [alert("A rule", 1, "12:00")]);
    assert_eq!(with("triggerOperator: LessThan\ntriggerThreshold: 2"), [alert("A rule", 1, "12:00")]);
}

/// What does not happen is seen by a run without rows.
#[test]
fn no_rows_can_be_an_alert() {
    let events = [("10:10:00", "a", "lua", "x"), ("12:30:00", "a", "lua", "x")];
    let (found, times) = run(&format!("{HOURLY}\ntriggerOperator: eq\ntriggerThreshold: 0"), QUERY, &events, None);
    assert_eq!(shown(&found), [alert("A rule", 0, "12:00")]);
    assert_eq!(times, 3);
}

#[test]
fn windows_that_overlap_see_an_event_again() {
    let keys = "kind: Scheduled\nqueryFrequency: 1h\nqueryPeriod: 2h";
    let (found, _) = run(keys, QUERY, &[("10:10:00", "a", "lua", "x"), ("14:00:00", "a", "lua", "y")], None);
    assert_eq!(shown(&found), [alert("A rule", 1, "11:00"), alert("A rule", 1, "12:00"), alert("A rule", 1, "14:00")]);
    assert_ne!(found[0].id, found[1].id);
}

#[test]
fn suppression_stops_the_rule_for_a_time() {
    let events = [("10:10:00", "a", "lua", "x"), ("11:10:00", "a", "lua", "x"), ("13:10:00", "a", "lua", "x")];
    let keys = format!("{HOURLY}\nsuppressionEnabled: true\nsuppressionDuration: 2h");
    assert_eq!(shown(&run(&keys, QUERY, &events, None).0), [alert("A rule", 1, "11:00"), alert("A rule", 1, "14:00")]);
    let off = format!("{HOURLY}\nsuppressionEnabled: false\nsuppressionDuration: 2h");
    assert_eq!(run(&off, QUERY, &events, None).0.len(), 3);
}

const DETAILS: &str = "eventGroupingSettings: { aggregationKind: AlertPerResult }
entityMappings:
  - entityType: Host
    fieldMappings: [{ identifier: HostName, columnName: DeviceName }, { identifier: OSVersion, columnName: Nothing }]
customDetails: { Program: FileName }
alertDetailsOverride:
  alertDisplayNameFormat: '{{FileName}} on {{DeviceName}}'
  alertDescriptionFormat: 'with {{ProcessCommandLine}}'
  alertSeverityColumnName: Bad
  alertTacticsColumnName: Tactics";

#[test]
fn a_row_is_an_alert_with_its_own_texts() {
    let query = "DeviceProcessEvents | extend Bad = iff(FileName == 'lua', 'High', 'whatever'), \
                 Tactics = 'LateralMovement, Nonsense'";
    let events = [("10:10:00", "a", "lua", "x"), ("10:20:00", "b", "nc", "")];
    let (found, _) = run(&format!("{HOURLY}\n{DETAILS}"), query, &events, None);
    assert_eq!(shown(&found), [alert("lua on a", 1, "11:00"), alert("nc on b", 1, "11:00")]);
    assert_eq!((found[0].severity.word(), found[1].severity.word()), ("high", "low"));
    // A column without a value leaves the rule's own text.
    assert_eq!((found[0].description.as_str(), found[1].description.as_str()), ("with x", ""));
    assert_eq!(found[0].tactics, ["Lateral Movement"]);
    assert_eq!(found[1].entities[0].fields, [("HostName".to_owned(), "b".to_owned())]);
    assert_eq!(found[0].details, [("Program".to_owned(), "lua".to_owned())]);
}

/// 150 alerts of a run, the last of all rows; 30 of a near-real-time rule.
#[test]
fn the_last_alert_is_of_all_rows() {
    let events = vec![("10:00:30", "a", "lua", "x"); 200];
    let (found, _) = run(&format!("{HOURLY}\n{DETAILS}"), QUERY, &events, None);
    assert_eq!((found.len(), found[148].count, found[149].count), (150, 1, 200));
    let nrt = format!("kind: NRT\n{DETAILS}");
    let (found, _) = run(&nrt, QUERY, &events, None);
    assert_eq!((found.len(), found[29].count), (30, 200));
    assert_eq!(shown(&found)[0].2, "10:01");
}

/// The query's own bound holds too, and joins and aggregates see the events of the run alone.
#[test]
fn a_run_sees_its_own_time() {
    let events = [("09:50:00", "a", "lua", "x"), ("10:05:00", "a", "lua", "x"), ("10:50:00", "a", "lua", "x")];
    let short = "DeviceProcessEvents | where TimeGenerated > ago(30m) | summarize n = count() by DeviceName";
    let (found, _) = run(HOURLY, short, &events, None);
    let n = |f: &Finding| f.columns.iter().find(|c| c.0 == "n").unwrap().1.clone();
    assert_eq!(
        found.iter().map(|f| (n(f), shown(std::slice::from_ref(f))[0].2.clone())).collect::<Vec<_>>(),
        [("1".to_owned(), "10:00".to_owned()), ("1".to_owned(), "11:00".to_owned())]
    );
    let join = "DeviceProcessEvents | join kind=inner (DeviceProcessEvents | summarize n = count() by DeviceName) \
                on DeviceName | summarize rows = count(), n = max(n) by DeviceName";
    let (found, times) = run(HOURLY, join, &events, None);
    assert_eq!(found.iter().map(n).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(times, 2);
    let (found, times) = run(HOURLY, join, &events, Some("10:55:00"));
    assert_eq!((found.iter().map(n).collect::<Vec<_>>(), times), (vec!["2".to_owned()], 1));
}
