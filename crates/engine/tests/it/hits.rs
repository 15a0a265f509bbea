//! Many Sigma rules in one reading.

use parallax_engine::{Error, Hit, HitsAsked, HitsSeen, Limits, Options, Session, Window};
use parallax_sigma::matcher::Search;
use parallax_sigma::tree::{Document, Rule};
use parallax_sigma::{Rules, parse};
use std::fmt::Write as _;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const RULES: &str = "
title: A shell of an office program
logsource: {category: process_creation, product: windows}
detection:
  selection:
    ParentImage|endswith: '\\winword.exe'
    Image|endswith: ['\\cmd.exe', '\\powershell.exe']
  condition: selection
---
title: Every seventh
logsource: {category: process_creation, product: windows}
detection:
  selection:
    CommandLine|contains: 'number=7'
  condition: selection
---
title: Connections
logsource: {category: network_connection, product: windows}
detection:
  selection:
    DestinationIp|cidr: 10.0.0.0/8
  condition: selection
";

fn rules() -> Vec<Rule> {
    let documents = parse(RULES).unwrap();
    documents.into_iter().filter_map(|d| if let Document::Rule(rule) = d { Some(rule) } else { None }).collect()
}

/// Sysmon events as a collector forwards them.
fn lines(from: usize, count: usize) -> String {
    let mut text = String::new();
    for n in from..from + count {
        let parent = if n % 100 == 3 { "WINWORD.EXE" } else { "explorer.exe" };
        let (day, second, digit) = (1 + n / 86_400, n % 86_400, n % 10);
        let time = format!("2024-05-{day:02} {:02}:{:02}:{:02}.000", second / 3600, second / 60 % 60, second % 60);
        writeln!(
            text,
            r#"{{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Computer":"ws-1","EventRecordID":{n},"UtcTime":"{time}","Image":"C:\\Windows\\System32\\cmd.exe","CommandLine":"cmd.exe /c echo number={digit} {}","ParentImage":"C:\\Program Files\\{parent}","User":"CORP\\amira","ProcessId":{n}}}"#,
            "x".repeat(300)
        )
        .unwrap();
    }
    text
}

fn session(folder: &Path, threads: usize, window: Window, timeout: Option<Duration>) -> Session {
    let limits = Limits { threads, timeout, ..Limits::default() };
    Session::open(&[folder.display().to_string()], Options { limits, window, ..Options::default() }).unwrap()
}

fn hits(session: &Session, asked: HitsAsked) -> (Vec<Hit>, HitsSeen) {
    let mut hits = Vec::new();
    let seen = session.hits(asked, &mut |hit| {
        hits.push(hit);
        ControlFlow::Continue(())
    });
    (hits, seen.unwrap())
}

fn asked() -> HitsAsked {
    let rules = Arc::new(Rules::new(&rules()));
    HitsAsked { rules, wanted: vec!["User".to_owned(), "Absent".to_owned()], reasons: true, census: false }
}

#[test]
fn the_same_hits_in_the_same_order_whatever_the_threads() {
    let folder = tempfile::tempdir().unwrap();
    // Large enough to be read in parts, beside small ones.
    fs::write(folder.path().join("b.json"), lines(0, 24_000)).unwrap();
    fs::write(folder.path().join("a.json"), lines(24_000, 50)).unwrap();
    fs::write(folder.path().join("c.json"), lines(24_050, 0)).unwrap();
    let all = |threads| hits(&session(folder.path(), threads, Window::default(), None), asked());
    let (one, seen) = all(1);
    assert_eq!(seen.sources, [24_050, 0]);
    assert_eq!(one.iter().filter(|h| h.rules.contains(&1)).count(), 2_405);
    assert_eq!(one.iter().filter(|h| h.rules.contains(&0)).count(), 241);
    assert!(one[0].event.source.ends_with("a.json"), "{:?}", one[0].event);
    let office = one.iter().find(|h| h.rules == [0]).unwrap();
    assert_eq!(office.values, [Some("CORP\\amira".to_owned()), None]);
    let reasons: Vec<_> = office.reasons[0].iter().map(|r| (r.field.as_deref(), r.test.as_str())).collect();
    assert!(reasons.contains(&(Some("ParentImage"), "ends with \"\\winword.exe\"")), "{reasons:?}");
    assert_eq!(office.event.parent_image.as_deref(), Some("C:\\Program Files\\WINWORD.EXE"));
    assert_eq!(office.event.process_id, Some(24_003));
    for threads in [2, 3, 8] {
        let (many, seen) = all(threads);
        assert_eq!(many.len(), one.len());
        assert!(many == one, "{threads} threads");
        assert_eq!(seen.sources, [24_050, 0]);
        assert_eq!(seen.report.damaged(), 0);
    }
}

/// The rules that have literals, found in raw events or, without, each evaluated on every event.
fn anchored(search: Search, more: &str) -> HitsAsked {
    let mut rules: Vec<Rule> = rules().into_iter().take(2).collect();
    let documents = if more.is_empty() { Vec::new() } else { parse(more).unwrap() };
    rules.extend(documents.into_iter().filter_map(|d| if let Document::Rule(rule) = d { Some(rule) } else { None }));
    HitsAsked { rules: Arc::new(Rules::with(&rules, search)), wanted: Vec::new(), reasons: true, census: false }
}

const KEYWORD: &str = "
title: A keyword
logsource: {product: windows}
detection:
  keywords: ['MimiKatz', 'sekurlsa*dump']
  condition: keywords
";

#[test]
fn events_that_show_nothing_of_few_rules_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let lines = lines(0, 24_000);
    // Few match, and not all events are of the rules' log sources.
    let mut text = String::new();
    for (n, line) in lines.lines().enumerate() {
        let line = match n % 200 {
            3 => line.to_owned(),
            4 => line.replace("number=4", "number=\\u0037"),
            5 => line.replace("number=5", "MIMI\u{212a}ATZ"),
            6 => line.replace("number=6", "sekurlsa of a dump").replace("\"EventID\":1,", "\"EventID\":11,"),
            _ => line.replace("number=", "other=").replace("WINWORD", "explorer"),
        };
        text += &line;
        text.push('\n');
    }
    fs::write(folder.path().join("a.json"), text).unwrap();
    for (more, found) in [("", 240), (KEYWORD, 480)] {
        for threads in [1, 3] {
            let session = session(folder.path(), threads, Window::default(), None);
            let (few, seen) = hits(&session, anchored(Search::Indexed, more));
            let (all, every) = hits(&session, anchored(Search::Every, more));
            assert_eq!(all.len(), found);
            assert!(few == all, "{} and {}", few.len(), all.len());
            assert!(seen.report.passed() > 15_000, "{}", seen.report.passed());
            assert_eq!(every.report.passed(), 0);
            assert!(seen.sources.iter().zip(&every.sources).all(|(a, b)| a <= b && (*a == 0) == (*b == 0)));
        }
    }
}

#[test]
fn log_sources_of_which_nothing_shows_are_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let other = lines(0, 5_000).replace("\"EventID\":1,", "\"EventID\":11,").replace("number=", "other=");
    let other = other.replace("WINWORD", "explorer");
    fs::write(folder.path().join("a.json"), &other).unwrap();
    let of = |text: &str| {
        fs::write(folder.path().join("b.json"), text).unwrap();
        let session = session(folder.path(), 1, Window::default(), None);
        let (found, seen) = hits(&session, anchored(Search::Indexed, ""));
        assert_eq!(found.len(), 0);
        assert!(seen.report.passed() > 0);
        seen.sources
    };
    let plain = lines(0, 1).replace("number=0", "nothing");
    assert_eq!(of(&format!("{other}{plain}")), [1]);
    assert_eq!(of(&other), [0]);
}

#[test]
fn a_census_in_the_same_reading() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.json"), lines(0, 5_000)).unwrap();
    fs::write(folder.path().join("b.json"), lines(100_000, 10)).unwrap();
    let session = session(folder.path(), 2, Window::default(), None);
    let (_, seen) = hits(&session, HitsAsked { census: true, ..asked() });
    let (taken, alone) = (seen.census.unwrap(), session.census());
    assert_eq!(taken.latest, alone.latest);
    for bound in (0..40).map(|hours| 1_714_521_600_000_000_000 + hours * 3_600_000_000_000) {
        assert_eq!(taken.before(bound), alone.before(bound));
    }
}

#[test]
fn the_window_of_time_and_the_first_hits_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.json"), lines(0, 30_000)).unwrap();
    let first = 1_714_521_600_000_000_000;
    let window = Window { from: Some(first + 10_000_000_000), to: Some(first + 30_000_000_000) };
    let (some, _) = hits(&session(folder.path(), 2, window, None), asked());
    let records: Vec<_> = some.iter().filter_map(|h| h.event.process_id).collect();
    assert_eq!(records, [17, 27]);
    let mut count = 0;
    let session = session(folder.path(), 4, Window::default(), None);
    let seen = session.hits(asked(), &mut |_| {
        count += 1;
        if count == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(seen.is_ok());
    assert_eq!(count, 3);
}

#[test]
fn time_is_up() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.json"), lines(0, 20_000)).unwrap();
    let session = session(folder.path(), 2, Window::default(), Some(Duration::from_millis(1)));
    let result = session.hits(asked(), &mut |_| {
        std::thread::sleep(Duration::from_millis(2));
        ControlFlow::Continue(())
    });
    assert!(matches!(result, Err(Error::Timeout(_))), "{result:?}");
}
