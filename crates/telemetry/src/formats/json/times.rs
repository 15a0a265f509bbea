//! When events of JSON lines happened, with hardly any of them decoded.
//!
//! The first and the last time, and the hours in which there are events, do not change with an event that happened
//! between known ones. So it is enough to know of a line which times it **may** have: every time that stands in it
//! under a name from which any product's event takes its time. Lines of which not even that can be told are decoded at
//! once. Of the others, a stretch at a time, the earliest and the latest of those times are kept; in the end the
//! stretches are decoded that might still change something, and they are few.

use super::row::Rows;
use super::{is_object, read_line};
use crate::formats::windows;
use crate::lines::{Line, Lines};
use crate::needles::{Folded, folded, is_harmless};
use crate::time;
use aho_corasick::{Span, packed};
use std::io::{self, BufRead};
use std::ops::{ControlFlow, Range};

/// The times that events of neighbouring lines may have. They have no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The lines begin within these bytes of the text.
    pub bytes: Range<u64>,
    /// The earliest time.
    pub first: i64,
    /// The latest.
    pub last: i64,
    /// The hours since the Unix epoch within which they lie.
    pub hours: Vec<i64>,
}

/// Nanoseconds of an hour.
pub const HOUR: i64 = 3_600_000_000_000;

/// About the bytes of a stretch: what is decoded to find out about one time.
const STRETCH: u64 = 256 << 10;

/// The first lines are decoded whatever they hold, as those of any reading are.
const FIRST: u64 = 1_000;

/// What a name in a line means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    /// An event's time, by itself.
    Time,
    /// The same, as a collector writes it: that of a Windows event is remarked upon where it has no zone.
    Collected,
    /// It holds the data of an event; in a text any name may be spelled in any way.
    Data,
    /// It holds several events, if an array.
    Rows,
    /// Whatever it is, the line is to be decoded.
    Odd,
    /// An escape, which may spell a part of a name.
    Escape,
}

/// Names and pieces of them, with what they mean; without regard to case.
const NAMES: [(&str, Means); 22] = [
    ("timestamp", Means::Collected),
    ("timegenerated", Means::Time),
    ("\"time\"", Means::Time),
    ("\"_time\"", Means::Time),
    ("eventtime", Means::Collected),
    ("utctime", Means::Time),
    ("\"ts\"", Means::Time),
    ("\"date\"", Means::Time),
    ("\"datetime\"", Means::Time),
    ("time_created", Means::Time),
    ("timecreated", Means::Collected),
    ("systemtime", Means::Time),
    ("eventdata", Means::Data),
    ("event_data", Means::Data),
    ("user_data", Means::Data),
    ("\"records\"", Means::Rows),
    ("\"results\"", Means::Rows),
    ("\"value\"", Means::Rows),
    ("\"tables\"", Means::Rows),
    ("<event", Means::Odd),
    ("ntlogevent", Means::Odd),
    ("\\u00", Means::Escape),
];

/// Reads lines for the times of their events; those that are decoded go to the rows' sink.
pub(super) fn read(
    mut lines: Lines<impl BufRead>,
    rows: &mut Rows<'_>,
    holds: &dyn Fn(i64) -> bool,
) -> io::Result<Vec<Stretch>> {
    let Some(mut gauge) = Gauge::new() else {
        while let Some(line) = lines.next()? {
            rows.report().add_bytes(line.bytes.len() as u64 + 1);
            if read_line(line, rows).is_break() {
                break;
            }
        }
        return Ok(Vec::new());
    };
    let mut first = None;
    let mut read = 0;
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut current: Option<Stretch> = None;
    let (mut passed, mut bytes) = (0u64, 0u64);
    let mut flow = ControlFlow::Continue(());
    while flow.is_continue()
        && let Some(line) = lines.next()?
    {
        // Those at the beginning of an input.
        let of_first = *first.get_or_insert(line.offset == 0) && read < FIRST;
        read += 1;
        if of_first || !gauge.look(&line) {
            rows.report().add_bytes(line.bytes.len() as u64 + 1);
            flow = read_line(line, rows);
            continue;
        }
        passed += 1;
        bytes += line.bytes.len() as u64 + 1;
        let end = line.offset + line.bytes.len() as u64 + 1;
        for time in gauge.times.iter().copied().filter(|t| holds(*t)) {
            note(&mut current, line.offset..end, time);
        }
        if current.as_ref().is_some_and(|c| end - c.bytes.start >= STRETCH) {
            stretches.extend(current.take());
            rows.report().pass(std::mem::take(&mut bytes), std::mem::take(&mut passed));
        }
    }
    stretches.extend(current);
    rows.report().pass(bytes, passed);
    Ok(stretches)
}

/// Adds a time to a stretch.
fn note(stretch: &mut Option<Stretch>, line: Range<u64>, time: i64) {
    let hour = time.div_euclid(HOUR);
    let Some(known) = stretch else {
        *stretch = Some(Stretch { bytes: line, first: time, last: time, hours: vec![hour] });
        return;
    };
    known.bytes.end = line.end;
    known.first = known.first.min(time);
    known.last = known.last.max(time);
    if !known.hours.contains(&hour) {
        known.hours.push(hour);
    }
}

/// Tells which times a line may have.
struct Gauge {
    names: packed::Searcher,
    line: Folded,
    times: Vec<i64>,
}

impl Gauge {
    fn new() -> Option<Self> {
        let names = NAMES.iter().map(|(name, _)| name.bytes().map(folded).collect::<Vec<u8>>());
        let names = packed::Config::new().builder().extend(names).build()?;
        Some(Gauge { names, line: Folded::default(), times: Vec::new() })
    }

    /// Finds the times that the line may have; false where that can't be told.
    fn look(&mut self, line: &Line<'_>) -> bool {
        self.times.clear();
        if line.oversized.is_some() || !is_object(line.bytes) {
            return false;
        }
        self.line.take(line.bytes);
        let folded = self.line.bytes();
        let mut span = Span { start: 0, end: folded.len() };
        while let Some(found) = self.names.find_in(folded, span) {
            span.start = found.start() + 1;
            let (name, means) = NAMES[found.pattern().as_usize()];
            let told = match means {
                Means::Odd => false,
                Means::Escape => is_harmless(&folded[found.end()..]),
                means => member(line.bytes, found.start(), found.end(), name.ends_with('"'), means, &mut self.times),
            };
            if !told {
                return false;
            }
        }
        true
    }
}

/// Takes the value of the name that stands at a place, if it is a member's; false where that can't be told.
fn member(line: &[u8], begin: usize, end: usize, quoted: bool, means: Means, times: &mut Vec<i64>) -> bool {
    // A quote is found where another character folds to it.
    let before = begin.checked_sub(1).and_then(|at| line.get(at)).copied().unwrap_or_default();
    let behind = &line[end..];
    let behind = match quoted {
        true => behind,
        false => match behind.first() {
            // The end of a longer name.
            _ if before.is_ascii_alphanumeric() => return true,
            Some(b'"') => &behind[1..],
            Some(b'.' | b'_') => return false,
            // Within a text.
            _ => return true,
        },
    };
    let Some(value) = behind.trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start) else {
        // It is a value, such as a column's name, or the name of a field in an array of fields.
        return false;
    };
    match means {
        Means::Rows => value.first() != Some(&b'['),
        Means::Data => value.first() != Some(&b'"'),
        means => instant(value, means, times),
    }
}

/// Takes the instants that the value at the beginning of a text may stand for; false where that can't be told.
fn instant(value: &[u8], means: Means, times: &mut Vec<i64>) -> bool {
    match value.first() {
        Some(b'"') => {
            let Some(end) = value[1..].iter().position(|b| matches!(b, b'"' | b'\\')) else { return false };
            match (value[end + 1], std::str::from_utf8(&value[1..=end])) {
                (b'"', Ok(text)) => of_text(text, means, times),
                _ => false,
            }
        }
        Some(b'0'..=b'9') => {
            let length = value.iter().position(|b| matches!(b, b',' | b'}' | b']' | b' ')).unwrap_or(value.len());
            let number = std::str::from_utf8(&value[..length]).unwrap_or_default();
            if length <= 18 && number.bytes().all(|b| b.is_ascii_digit()) {
                times.extend(number.parse().ok().map(time::epoch));
                return true;
            }
            let real = number.split_once('.').is_some_and(|(whole, rest)| {
                let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
                digits(whole) && digits(rest)
            });
            if real {
                times.extend(time::parse(number));
            }
            real
        }
        // No other value is an instant; what an object holds has names of its own.
        Some(b'{' | b'[' | b'n' | b't' | b'f') => true,
        _ => false,
    }
}

fn of_text(text: &str, means: Means, times: &mut Vec<i64>) -> bool {
    let common = time::parse(text);
    times.extend(common);
    // Both mean the same by it.
    if common.is_some() && text.ends_with('Z') {
        return true;
    }
    match windows::parse_time(text) {
        Some((_, false)) if means == Means::Collected => false,
        Some((time, _)) => {
            times.push(time);
            true
        }
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Options, discover};
    use crate::{Report, scan};
    use proptest::prelude::*;
    use proptest::sample::select;
    use std::collections::BTreeMap;

    /// Names of times in every product's spelling, and of what is none.
    fn name() -> impl Strategy<Value = &'static str> {
        select(vec![
            "Timestamp",
            "TIMESTAMP",
            "timestamp",
            "@timestamp",
            "LastTimestamp",
            "TimeGenerated",
            "time",
            "Time",
            "_time",
            "EventTime",
            "UtcTime",
            "utctime",
            "ts",
            "date",
            "datetime",
            "TimeCreated",
            "SystemTime",
            "@SystemTime",
            "TimeCreated.SystemTime",
            "Event.System.TimeCreated.SystemTime",
            "TimeCreated_attributes",
            "winlog.time_created",
            r"\u0054imestamp",
            r"tim\u0065",
            r"\u0022time",
            "ProcessCreationTime",
            "Name",
            "#text",
            "value",
        ])
    }

    fn instant() -> impl Strategy<Value = String> {
        let text = select(vec![
            "2024-05-01T10:20:30.123Z",
            "2024-05-02T10:20:30Z",
            "2024-02-30T10:20:30Z",
            "2024-05-03T10:20:30.1234567+02:00",
            "2024-05-04 10:20:30",
            "2024-05-05T10:20Z",
            "2024-05-06T10:20:30.Z",
            "10/25/2023, 9:43:21.994 AM",
            r"10\/26\/2023, 9:43:21 AM",
            "20240507102030.123456+120",
            "1714958430",
            " 2024-05-08T10:20:30Z ",
            r"2024-05-09T10:20:30\u005a",
            "2262-04-11T23:47:16.854775808Z",
            "-",
            "",
        ]);
        let bare =
            select(vec!["1715244630", "1715244630123", "1715331030.25", "-5", "1.7e9", "20240511", "null", "true"]);
        prop_oneof![3 => text.prop_map(|t| format!("\"{t}\"")), 1 => bare.prop_map(str::to_owned)]
    }

    /// What makes an object the event of some product.
    fn shape() -> impl Strategy<Value = &'static str> {
        select(vec![
            "",
            r#""DeviceName":"a","ActionType":"ProcessCreated""#,
            r#""category":"AdvancedHunting-DeviceProcessEvents""#,
            r#""EventID":1,"Channel":"Security""#,
            r#""EventID":1,"Provider":"Microsoft-Windows-Sysmon""#,
            r#""EventID":"1","EventSourceName":"x""#,
            r#""event_id":1,"log_name":"Microsoft-Windows-Sysmon/Operational""#,
            r#""winlog":{"event_id":1,"provider_name":"Microsoft-Windows-Sysmon"}"#,
            r#""SyslogMessage":"<Event xmlns='x'><System><Provider Name='Linux-Sysmon'/><EventID>1</EventID><TimeCreated SystemTime='2024-06-01T00:00:00Z'/></System></Event>","Facility":"user""#,
            r#""Message":"instance of Win32_NTLogEvent\n{\n\tEventCode = 1;\n\tTimeGenerated = \"20240602000000.000000+000\";\n};""#,
        ])
    }

    /// Where a member stands: the members in place of `@`.
    fn around() -> impl Strategy<Value = &'static str> {
        select(vec![
            "@",
            "@",
            "@",
            r#""properties":{@}"#,
            r#""EventData":{@}"#,
            r#""event_data":{@}"#,
            r#""EventData":"{'@'}""#,
            r#""EventData":"<EventData><Data Name=\"UtcTime\">2024-07-01 10:20:30.1</Data></EventData>""#,
            r##""EventData":{"Data":[{"@Name":"UtcTime","#text":"2024-07-02 10:20:30.1"}]}"##,
            r#""EventData":{"Data":[{@}]}"#,
            r#""System":{"EventID":1,"Provider":{"Name":"Microsoft-Windows-Sysmon"},@}"#,
            r##""Event":{"System":{"EventID":1,"TimeCreated":{"#attributes":{@}}}}"##,
            r#""_source":{"EventID":1,"Channel":"x",@}"#,
            r#""AdditionalFields":{@}"#,
            r#""records":[{@},{@}]"#,
            r#""records" : [ {@} ]"#,
            r#""tables":[{"columns":[{"name":"Timestamp"}],"rows":[["2024-08-01T00:00:00Z"]]}]"#,
            r#""text":"--timestamp 2024 \"Timestamp\" : 5 time""#,
        ])
    }

    fn line() -> impl Strategy<Value = String> {
        let member = (name(), instant(), any::<bool>()).prop_map(|(n, v, blank)| match blank {
            true => format!("\"{n}\" :  {v}"),
            false => format!("\"{n}\":{v}"),
        });
        let members = proptest::collection::vec(member, 1..4).prop_map(|m| m.join(","));
        let placed = (around(), members).prop_map(|(around, members)| match around.contains("'@'") {
            true => around.replace("'@'", &members.replace('\\', "\\\\").replace('"', "\\\"")),
            false => around.replace('@', &members),
        });
        let all = (shape(), proptest::collection::vec(placed, 1..4), any::<bool>());
        let line = all.prop_map(|(shape, mut placed, last)| {
            placed.insert(if last { placed.len() } else { 0 }, shape.to_owned());
            placed.retain(|p| !p.is_empty());
            format!("{{{}}}", placed.join(","))
        });
        // Damaged ones too.
        (line, 0..12usize, any::<prop::sample::Index>()).prop_map(|(line, damage, at)| match damage {
            0 => line.chars().enumerate().filter(|(i, _)| *i != at.index(line.len())).map(|(_, c)| c).collect(),
            1 => format!("{line},{line}"),
            _ => line,
        })
    }

    proptest! {
        #[test]
        fn an_event_has_no_time_that_its_line_may_not_have(lines in proptest::collection::vec(line(), 1..12)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("e.json");
            let mut text = "{\"a\":1}\n{\"a\":2}\n".to_owned();
            lines.iter().for_each(|l| text.extend([l, "\n"]));
            std::fs::write(&path, &text).unwrap();
            let sources = discover(&[path.display().to_string()], &Options::default(), &Report::new());
            let mut times: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
            let (view, report) = (crate::view::messages(&[], false), Report::new());
            scan::rows(&sources[0], &view, &["$time".to_owned()], &report, &mut |row| {
                times.entry(row.position()).or_default().extend(row.value(0).to_instant());
                ControlFlow::Continue(())
            })
            .unwrap();
            let mut gauge = Gauge::new().unwrap();
            let mut lines = Lines::new(text.as_bytes());
            while let Some(line) = lines.next().unwrap() {
                if !gauge.look(&line) {
                    continue;
                }
                let end = line.offset + line.bytes.len() as u64;
                for time in times.range(line.offset..end).flat_map(|(_, all)| all) {
                    prop_assert!(
                        gauge.times.contains(time),
                        "{} not among {:?} of {}", time::format(*time), gauge.times, String::from_utf8_lossy(line.bytes)
                    );
                }
            }
        }
    }

    #[test]
    fn of_the_lines_that_products_write_the_times_are_told() {
        let mut gauge = Gauge::new().unwrap();
        let mut times = |text: &str| {
            let line = Line { offset: 0, bytes: text.as_bytes(), oversized: None };
            gauge.look(&line).then(|| gauge.times.iter().map(|t| time::format(*t)).collect::<Vec<_>>())
        };
        let t = |text: &str| Some(vec![text.to_owned()]);
        assert_eq!(
            times(r#"{"Timestamp":"2024-05-01T10:20:30.5Z","x":"\u0022a timestamp\u0022"}"#),
            t("2024-05-01T10:20:30.500Z")
        );
        assert_eq!(times(r#"{"ts":1715331030.25,"uid":"a"}"#), t("2024-05-10T08:50:30.250Z"));
        assert_eq!(times(r#"{"a":1}"#), Some(vec![]));
        assert_eq!(
            times(r##"{"Event":{"System":{"TimeCreated":{"#attributes":{"SystemTime":"2024-05-01T10:20:30Z"}}}}}"##),
            t("2024-05-01T10:20:30.000Z")
        );
        assert_eq!(times(r#"{"\u0054imestamp":"2024-05-01T10:20:30.5Z"}"#), None);
        assert_eq!(times(r#"{"EventTime":"2024-05-01 10:20:30"}"#), None);
    }
}
