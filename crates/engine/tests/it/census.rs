//! When events happened is known without decoding them all, and known exactly.

use parallax_engine::{Census, Limits, Options, Session, Window};
use parallax_telemetry::{Report, scan, view};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::Path;

const HOUR: i64 = 3_600_000_000_000;

fn session(path: &Path, threads: usize, window: Window) -> Session {
    let options = Options { limits: Limits { threads, ..Limits::default() }, window, ..Options::default() };
    Session::open(&[path.display().to_string()], options).unwrap()
}

/// The times of all events, each decoded.
fn slowly(session: &Session, window: Window) -> (Vec<i64>, u64) {
    let (report, view) = (Report::new(), view::messages(&[], false));
    let mut times = Vec::new();
    for source in session.sources() {
        scan::rows(source, &view, &["$time".to_owned()], &report, &mut |row| {
            times.extend(row.value(0).to_instant().filter(|t| window.holds(*t)));
            ControlFlow::Continue(())
        })
        .unwrap();
    }
    (times, report.events())
}

fn check(census: &Census, times: &[i64]) {
    assert_eq!(census.latest, times.iter().max().copied());
    assert_eq!(census.earliest(), times.iter().min().copied());
    let hours: BTreeSet<i64> = times.iter().map(|t| t.div_euclid(HOUR)).collect();
    for hour in hours.iter().flat_map(|h| [h - 1, *h, h + 1]) {
        let any = census.any(hour * HOUR, hour * HOUR);
        assert_eq!(any, hours.contains(&hour), "hour {hour}");
    }
}

/// A row of Defender's streaming export, which says when it came as well; or something like it.
fn row(i: usize, odd: u32, text: &mut String) {
    let (day, hour, minute) = (1 + i / 1_440 % 28, i / 60 % 24, i % 60);
    let at = format!("2026-01-{day:02}T{hour:02}:{minute:02}:00.000Z");
    let came = format!("2026-01-{day:02}T{:02}:{minute:02}:07.000Z", (hour + 1).min(23));
    let device =
        format!(r#""DeviceName":"host{}","ActionType":"ProcessCreated","ProcessCommandLine":"cmd {i}""#, i % 50);
    let _ = match odd {
        // Names that others have too, or that are spelled otherwise.
        1 => {
            writeln!(text, r#"{{"\u0054imestamp":"{at}",{device},"x":{{"Timestamp":"2027-01-01T00:00:00Z"}}}}"#)
        }
        2 => writeln!(text, r#"{{{device},"TIMESTAMP":"{at}","time":"2019-01-01T00:00:00Z"}}"#),
        // Damaged where nobody sees it from outside, far in the future.
        3 => writeln!(text, r#"{{"Timestamp":"2033-01-01T00:00:00Z",{device},"x":"y"z}}"#),
        4 => writeln!(text, r#"{{"Timestamp":"{at}",{device}"#),
        5 => writeln!(text, "\n"),
        6 => writeln!(text, r#"{{"ts":{},"uid":"C{i}"}}"#, 1_767_225_600 + i * 60),
        7 => writeln!(text, r#"{{"EventID":4688,"Channel":"Security","EventTime":"2025-12-31 23:{minute:02}:00"}}"#),
        8 => writeln!(text, r#"{{"Timestamp":"{at}","Timestamp":"2018-01-01T00:00:00Z",{device}}}"#),
        _ => writeln!(
            text,
            r#"{{"time":"{came}","tenantId":"t","category":"AdvancedHunting-DeviceProcessEvents","properties":{{"Timestamp":"{at}",{device}}}}}"#
        ),
    };
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]
    #[test]
    fn what_is_not_decoded_changes_nothing(odd in proptest::collection::vec((1_000..24_000usize, 1..9u32), 0..12), bounded in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.json");
        let mut text = String::new();
        for i in 0..24_000 {
            row(i, odd.iter().find(|(at, _)| *at == i).map_or(0, |(_, odd)| *odd), &mut text);
        }
        std::fs::write(&path, &text).unwrap();
        let window = match bounded {
            true => Window { from: Some(1_767_600_000_000_000_000), to: Some(1_768_000_000_000_000_000) },
            false => Window::default(),
        };
        let one = session(&path, 1, window);
        let (times, _) = slowly(&one, window);
        for threads in [1, 4] {
            let census = session(&path, threads, window).census();
            check(&census, &times);
            prop_assert!(census.report.passed() > 15_000, "{}", census.report.passed());
        }
    }
}

/// Most events have no time that can be told from outside: all of them are read.
#[test]
fn times_that_nobody_has_do_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.json");
    let mut text = String::new();
    for i in 0..8_000 {
        let _ = writeln!(
            text,
            r#"{{"x":{{"time":"2031-01-{:02}T00:00:00Z"}},"n":{i},"padding":"{}"}}"#,
            1 + i % 28,
            "x".repeat(100)
        );
    }
    std::fs::write(&path, &text).unwrap();
    let session = session(&path, 4, Window::default());
    let census = session.census();
    assert_eq!((census.latest, census.earliest()), (None, None));
    assert_eq!(census.report.events(), 8_000);
}

/// On events that nobody here wrote.
#[test]
fn what_is_not_decoded_changes_nothing_of_recorded_attacks() {
    for variable in ["PARALLAX_OTRF", "PARALLAX_SHARED"] {
        let Some(folder) = std::env::var_os(variable) else {
            eprintln!("skipped: {variable} is not set");
            continue;
        };
        let session = session(Path::new(&folder), 4, Window::default());
        let (times, events) = slowly(&session, Window::default());
        let census = session.census();
        check(&census, &times);
        assert_eq!(census.report.events(), events);
        eprintln!("{events} events, {} not decoded", census.report.passed());
    }
}
