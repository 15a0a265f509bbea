//! Process creations as Sysmon records them, and rules run over them.

use parallax_engine::{Options, Session};
use parallax_siem::{Compiled, Insight, Outcome, Rules, Run, Settings, Signal, run};
use parallax_sumo::siem::Switches;
use serde_json::{Value, json};
use std::fs;

/// Something that a process did, so many seconds after the beginning.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) at: i64,
    pub(crate) host: &'static str,
    pub(crate) user: &'static str,
    pub(crate) image: &'static str,
    pub(crate) line: String,
}

pub(crate) fn event(at: i64, image: &'static str, line: &str) -> Event {
    Event { at, host: "ws-1", user: "LAB\\anna", image, line: line.to_owned() }
}

/// The seconds of 2026-03-02T00:00:00Z.
const BEGIN: i64 = 1_772_409_600;

fn json_line(place: usize, event: &Event) -> Value {
    let (days, rest) = ((BEGIN + event.at).div_euclid(86_400), (BEGIN + event.at).rem_euclid(86_400));
    // 2026-03-02 is day 20514.
    let day = days - 20_514 + 2;
    let (month, day) = if day <= 31 {
        (3, day)
    } else if day <= 61 {
        (4, day - 31)
    } else {
        (5, day - 61)
    };
    let clock = format!("2026-{month:02}-{day:02} {:02}:{:02}:{:02}.000", rest / 3600, rest / 60 % 60, rest % 60);
    json!({
        "TimeCreated": clock.replace(' ', "T") + "Z",
        "EventID": 1,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Provider": { "Name": "Microsoft-Windows-Sysmon" },
        "EventRecordID": place,
        "Computer": event.host,
        "EventData": {
            "UtcTime": clock,
            "ProcessId": "4711",
            "Image": event.image,
            "CommandLine": event.line,
            "User": event.user,
            "ParentImage": "C:\\Windows\\explorer.exe",
        },
    })
}

/// What came out of a run.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) signals: Vec<Signal>,
    pub(crate) insights: Vec<Insight>,
    pub(crate) run: Run,
    /// How many events were read.
    pub(crate) events: u64,
}

impl Came {
    /// When each Signal fired, in seconds after the beginning.
    pub(crate) fn times(&self) -> Vec<i64> {
        self.signals.iter().map(|s| s.time.expect("a time") / 1_000_000_000 - BEGIN).collect()
    }
}

pub(crate) fn compile(rules: Value) -> Compiled {
    let (rules, wrong) = Rules::read(&rules.to_string()).expect("JSON");
    assert!(wrong.is_empty(), "{wrong:?}");
    Compiled::new(rules, Switches::default())
}

/// Runs rules over events, which need not come in order.
pub(crate) fn over(rules: Value, events: &[Event]) -> Came {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.jsonl");
    let lines: Vec<String> = events.iter().enumerate().map(|(i, e)| json_line(i, e).to_string()).collect();
    fs::write(&file, lines.join("\n")).expect("a file");
    let session = Session::open(&[file.display().to_string()], Options::default()).expect("a session");
    let compiled = compile(rules);
    let refused: Vec<_> = compiled.said.iter().filter(|w| w.refuses()).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let (mut signals, mut insights) = (Vec::new(), Vec::new());
    let mut out = |outcome| {
        match outcome {
            Outcome::Signal(signal) => signals.push(signal),
            Outcome::Insight(insight) => insights.push(insight),
        }
        Ok(())
    };
    let (run, report) = run(&session, compiled, Settings::default(), None, &mut |_| {}, &mut out).unwrap().unwrap();
    assert!(run.failed.is_none(), "{:?}", run.failed);
    Came { signals, insights, run, events: report.events() }
}

/// A rule with what every rule has, and more.
pub(crate) fn rule(name: &str, more: Value) -> Value {
    let mut rule = json!({
        "name": name,
        "score": 3,
        "entity_selectors": [{ "entity_type": "_hostname", "expression": "device_hostname" }],
    });
    let (Value::Object(all), Value::Object(more)) = (&mut rule, more) else { panic!("objects") };
    all.extend(more);
    rule
}
