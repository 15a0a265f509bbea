//! Every shape of the same event decodes to the same values.

use super::sample::{Sample, samples};
use super::support::{Seen, input, read, request};
use super::{evtx_writer, shapes};
use parallax_telemetry::event::{Family, Kind, Reader, Request};
use parallax_telemetry::formats::json::JsonReader;
use parallax_telemetry::formats::windows::json::Shape;
use parallax_telemetry::formats::windows::{EvtxReader, NtLogEventReader, SysmonLinuxReader, XmlReader};
use proptest::prelude::*;
use serde_json::Value;
use std::io::Write as _;

/// The properties, and what they are for an event of ours.
fn properties(e: &Sample) -> Vec<(&'static str, String)> {
    vec![
        ("@time", format!("t{}", e.nanos())),
        ("@host", e.computer.to_owned()),
        ("@id", e.record_id.to_string()),
        ("@provider", e.provider.to_owned()),
        ("@channel", e.channel.to_owned()),
        ("@eventid", e.event_id.to_string()),
        ("@level", "4".to_owned()),
        ("@task", e.task.to_string()),
        ("@opcode", "0".to_owned()),
        ("@keywords", e.keywords()),
        ("@version", e.version.to_string()),
        ("@process_id", e.process_id.to_string()),
        ("@thread_id", e.thread_id.to_string()),
        ("@user_sid", "S-1-5-18".to_owned()),
        ("@provider_guid", e.guid.to_owned()),
    ]
}

pub(super) fn kind(e: &Sample) -> Kind {
    let family = match e.channel {
        "Security" => Family::Security,
        "System" => Family::Windows,
        _ => Family::Sysmon,
    };
    Kind::new(family, u32::from(e.event_id))
}

/// Reads `content` from a file.
pub(super) fn through(
    content: &[u8],
    reader: fn(parallax_telemetry::Input) -> Box<dyn Reader>,
    request: &Request,
) -> (Vec<Seen>, parallax_telemetry::Report) {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(content).expect("room");
    read(&mut *reader(input(file.path())), request)
}

pub(super) fn evtx(input: parallax_telemetry::Input) -> Box<dyn Reader> {
    Box::new(EvtxReader::new(vec![input]))
}

pub(super) fn xml(input: parallax_telemetry::Input) -> Box<dyn Reader> {
    Box::new(XmlReader::new(vec![input]))
}

pub(super) fn json(input: parallax_telemetry::Input) -> Box<dyn Reader> {
    Box::new(JsonReader::new(vec![input]))
}

pub(super) fn syslog(input: parallax_telemetry::Input) -> Box<dyn Reader> {
    Box::new(SysmonLinuxReader::new(vec![input]))
}

/// Holds what a reader made of `content` to what `events` are; `lacking` are properties that the shape has not.
fn holds(
    what: &str,
    events: &[Sample],
    content: &[u8],
    reader: fn(parallax_telemetry::Input) -> Box<dyn Reader>,
    lacking: &[&str],
) {
    for (i, e) in events.iter().enumerate() {
        let wanted: Vec<_> = properties(e).into_iter().filter(|(n, _)| !lacking.contains(n)).collect();
        let mut fields: Vec<&str> = wanted.iter().map(|(n, _)| *n).collect();
        fields.extend(e.data.iter().map(|(n, _)| n.as_str()));
        fields.push("@eventdata.json");
        let (seen, report) = through(content, reader, &request(&fields));
        assert_eq!(report.damages(), [], "{what}");
        assert_eq!(report.notes().into_iter().collect::<Vec<_>>(), [], "{what}");
        assert_eq!(seen.len(), events.len(), "{what}: as many events as written");
        assert_eq!(seen[i].kind, kind(e), "{what}");
        let mut expected: Vec<Option<String>> = wanted.into_iter().map(|(_, v)| Some(v)).collect();
        expected.extend(e.data.iter().map(|(_, v)| Some(v.clone())));
        for ((field, got), expected) in fields.iter().zip(&seen[i].values).zip(&expected) {
            assert_eq!(got, expected, "{what}: {field} of event {}", e.event_id);
        }
        let mut got: serde_json::Map<String, Value> =
            serde_json::from_str(seen[i].values.last().and_then(Option::as_ref).expect("the data")).expect("JSON");
        for (name, value) in &e.data {
            assert_eq!(got.remove(name), Some(Value::String(value.clone())), "{what}: {name} in @eventdata.json");
        }
        assert!(got.keys().all(|k| k == "type"), "{what}: nothing but the data in {got:?}");
    }
}

fn lines(events: &[Sample], shape: impl Fn(&Sample) -> String) -> Vec<u8> {
    events.iter().map(|e| shape(e) + "\n").collect::<String>().into_bytes()
}

/// Everything that can be said of `events` in any shape is the same.
fn all_shapes(events: &[Sample]) {
    let document = shapes::xml_document(events);
    let utf16: Vec<u8> = [0xFEFFu16].into_iter().chain(document.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    holds("EVTX", events, &evtx_writer::file(events, 3), evtx, &[]);
    holds("XML lines", events, &lines(events, |e| shapes::xml(e, '"')), xml, &[]);
    holds("XML lines, single quotes", events, &lines(events, |e| shapes::xml(e, '\'')), xml, &[]);
    holds("XML document", events, document.as_bytes(), xml, &[]);
    holds("XML document in UTF-16", events, &utf16, xml, &[]);
    holds("syslog", events, &lines(events, shapes::syslog_line), syslog, &[]);
    for (what, shape, make, lacking) in json_shapes() {
        let content = lines(events, |e| make(e).to_string());
        for line in String::from_utf8(content.clone()).expect("text").lines() {
            assert_eq!(Shape::of(line), Some(shape), "{what}: {line}");
        }
        holds(what, events, &content, json, lacking);
        let array = Value::Array(events.iter().map(make).collect());
        holds(what, events, array.to_string().as_bytes(), json, lacking);
        holds(what, events, format!("{array:#}").as_bytes(), json, lacking);
    }
}

type Made = (&'static str, Shape, fn(&Sample) -> Value, &'static [&'static str]);

pub(super) fn json_shapes() -> Vec<Made> {
    const ROW: &[&str] = &["@provider_guid"];
    vec![
        ("evtx_dump", Shape::EvtxDump, |e| shapes::evtx_dump(e, "#attributes", Value::from), &[]),
        (
            "evtx_dump, X_attributes",
            Shape::EvtxDump,
            |e| shapes::evtx_dump(e, "X_attributes", |id| id.to_string().into()),
            &[],
        ),
        (
            "evtx_dump, id in #text",
            Shape::EvtxDump,
            |e| {
                shapes::evtx_dump(
                    e,
                    "#attributes",
                    |id| serde_json::json!({"#text": id, "#attributes": {"Qualifiers": ""}}),
                )
            },
            &[],
        ),
        ("XML to JSON", Shape::EvtxDump, shapes::xml_to_json, &[]),
        ("Winlogbeat 7", Shape::Winlogbeat7, shapes::winlogbeat7, &[]),
        ("Winlogbeat 7, dotted", Shape::Winlogbeat7, |e| shapes::dotted(&shapes::winlogbeat7(e)), &[]),
        ("Winlogbeat 6", Shape::Winlogbeat6, shapes::winlogbeat6, &[]),
        ("Winlogbeat 6, dotted", Shape::Winlogbeat6, |e| shapes::dotted(&shapes::winlogbeat6(e)), &[]),
        ("Logstash", Shape::Winlogbeat6, shapes::logstash, &[]),
        ("NXLog", Shape::Flat, shapes::nxlog, &["@time"]),
        ("WindowsEvent, text", Shape::EventData, |e| shapes::windows_event(e, true), ROW),
        ("WindowsEvent, object", Shape::EventData, |e| shapes::windows_event(e, false), ROW),
        ("SecurityEvent, columns", Shape::SecurityEvent, |e| shapes::security_event(e, false), ROW),
        ("SecurityEvent, XML", Shape::SecurityEvent, |e| shapes::security_event(e, true), ROW),
        ("Wazuh", Shape::Wazuh, shapes::wazuh, &["@user_sid"]),
        ("Sumo", Shape::EventData, shapes::sumo, &[]),
        ("Sumo, dotted", Shape::EventData, |e| shapes::dotted(&shapes::sumo(e)), &[]),
        ("Syslog row", Shape::Inner, shapes::syslog_row, &[]),
        (
            "in Elasticsearch's envelope",
            Shape::Winlogbeat7,
            |e| serde_json::json!({"_index": "x", "_source": shapes::winlogbeat7(e)}),
            &[],
        ),
    ]
}

#[test]
fn every_shape_of_our_events() {
    all_shapes(&samples());
}

pub(super) fn nt_log_event(input: parallax_telemetry::Input) -> Box<dyn Reader> {
    Box::new(NtLogEventReader::new(vec![input]))
}

/// Its time has microseconds only, and of the properties it keeps some.
#[test]
fn sumo_legacy_text() {
    let events = samples();
    let content: String = events.iter().map(shapes::nt_log_event).collect();
    let rows = lines(&events, |e| serde_json::json!({"_messagetime": 1, "_raw": shapes::nt_log_event(e)}).to_string());
    for (content, reader) in [(content.as_bytes(), nt_log_event as fn(_) -> _), (&rows, json)] {
        for (i, e) in events.iter().enumerate().filter(|(_, e)| e.channel != "System") {
            let mut fields = vec!["@time", "@host", "@id", "@provider", "@channel", "@eventid", "@task"];
            fields.extend(e.data.iter().map(|(n, _)| n.as_str()));
            let (seen, report) = through(content, reader, &request(&fields));
            assert_eq!((seen.len(), report.damaged(), report.notes().len()), (events.len(), 0, 0));
            assert_eq!(seen[i].kind, kind(e));
            let properties = [
                format!("t{}", e.nanos() / 1000 * 1000),
                e.computer.to_owned(),
                e.record_id.to_string(),
                e.provider.to_owned(),
                e.channel.to_owned(),
                e.event_id.to_string(),
                e.task.to_string(),
            ];
            let expected = properties.into_iter().chain(e.data.iter().map(|(_, v)| v.clone()));
            for ((field, got), expected) in fields.iter().zip(&seen[i].values).zip(expected) {
                assert_eq!(got.as_ref(), Some(&expected), "{field} of event {}", e.event_id);
            }
        }
    }
}

/// Seen in OTRF's data sets: a flat row with `"UserData": null` is flat still.
#[test]
fn flat_with_an_empty_user_data() {
    let e = &samples()[0];
    let mut row = shapes::nxlog(e);
    row["UserData"] = Value::Null;
    assert_eq!(Shape::of(&row.to_string()), Some(Shape::Flat));
    let (seen, _) = through(row.to_string().as_bytes(), json, &request(&["@host", "@provider", "Image"]));
    let expected = [e.computer, e.provider, r"C:\Tools\lua\lua54.exe"].map(|v| Some(v.to_owned()));
    assert_eq!(seen[0].values, expected);
}

/// A local time can't be told from UTC: it is said. Sysmon's events have a time of their own in UTC.
#[test]
fn times_without_a_zone_are_said() {
    let events = samples();
    let content = lines(&events, |e| shapes::nxlog(e).to_string());
    let (seen, report) = through(&content, json, &request(&["@time"]));
    assert_eq!(seen[0].values, [Some("t1772446830120000000".to_owned())]);
    let local = events.iter().filter(|e| !e.channel.contains("Sysmon")).count() as u64;
    assert_eq!(report.notes().get("events whose time has no zone, taken for UTC"), Some(&local));
}

#[test]
fn mixed_shapes_in_one_file() {
    let events = samples();
    let mut content = String::new();
    for (_, _, make, _) in json_shapes() {
        for e in &events {
            content += &(make(e).to_string() + "\n");
        }
    }
    let (seen, report) = through(content.as_bytes(), json, &request(&["Image", "NewProcessName"]));
    assert_eq!(report.damaged(), 0);
    let expected: Vec<Kind> = json_shapes().iter().flat_map(|_| events.iter().map(kind)).collect();
    assert_eq!(seen.iter().map(|s| s.kind).collect::<Vec<_>>(), expected);
}

#[test]
fn only_wanted_kinds_are_decoded() {
    let events = samples();
    let mut wanted = request(&["Image"]);
    wanted.kinds = vec![Kind::new(Family::Sysmon, 1)];
    for (content, reader) in [
        (evtx_writer::file(&events, 10), evtx as fn(_) -> _),
        (lines(&events, |e| shapes::xml(e, '"')), xml),
        (lines(&events, |e| shapes::nxlog(e).to_string()), json),
        (lines(&events, shapes::syslog_line), syslog),
    ] {
        let (seen, report) = through(&content, reader, &wanted);
        assert_eq!(seen.len(), 1);
        assert_eq!(report.events(), 1);
        assert_eq!(seen[0].values, [Some(r"C:\Tools\lua\lua54.exe".to_owned())]);
    }
}

/// Text as it occurs in command lines, and as it should not.
fn text() -> impl Strategy<Value = String> {
    // No control characters: XML 1.0 has none but tab and line ends.
    proptest::string::string_regex("([ -~]|[\\t\\n]|[äß€\u{1F600}]|&amp;|\\]\\]>|</Data>|\\\\){0,24}")
        .expect("a pattern")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn every_shape_of_any_event(values in proptest::collection::vec(text(), 6)) {
        let mut events = samples();
        for e in &mut events {
            for (i, (_, value)) in e.data.iter_mut().enumerate().filter(|(i, _)| *i >= 2) {
                value.clone_from(&values[i % values.len()]);
            }
        }
        // Wazuh's doubling can't be told from text that only has doubled backslashes; ours has single ones too.
        all_shapes(&events);
    }
}
