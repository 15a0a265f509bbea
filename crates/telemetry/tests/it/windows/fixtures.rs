//! The files in `tests/fixtures/windows` are what the writers here make of our events.

use super::same::{json, json_shapes, kind, nt_log_event, syslog, xml};
use super::sample::samples;
use super::support::{read, request};
use super::{evtx_writer, same, shapes};
use parallax_telemetry::Input;
use parallax_telemetry::event::Reader;
use std::path::Path;

type Make = fn(Input) -> Box<dyn Reader>;

/// Each file's name, content and reader.
fn files() -> Vec<(String, Vec<u8>, Make)> {
    let events = samples();
    let lines = |shape: &dyn Fn(&super::sample::Sample) -> String| -> Vec<u8> {
        events.iter().map(|e| shape(e) + "\n").collect::<String>().into_bytes()
    };
    let mut out: Vec<(String, Vec<u8>, Make)> = vec![
        ("events.evtx".into(), evtx_writer::file(&events, 10), same::evtx),
        ("document.xml".into(), shapes::xml_document(&events).into_bytes(), xml),
        ("lines.xml".into(), lines(&|e| shapes::xml(e, '"')), xml),
        ("lines-single-quotes.xml".into(), lines(&|e| shapes::xml(e, '\'')), xml),
        ("sysmon-in-syslog.log".into(), lines(&shapes::syslog_line), syslog),
        (
            "sumo-legacy.txt".into(),
            events.iter().map(shapes::nt_log_event).collect::<String>().into_bytes(),
            nt_log_event,
        ),
    ];
    for (what, _, make, _) in json_shapes() {
        let name = what
            .to_lowercase()
            .replace("elasticsearch's", "elasticsearch")
            .replace([',', '\'', '#'], "")
            .replace(' ', "-");
        out.push((format!("{name}.jsonl"), lines(&|e| make(e).to_string()), json));
    }
    let array: Vec<_> = events.iter().map(|e| shapes::evtx_dump(e, "#attributes", serde_json::Value::from)).collect();
    out.push(("array.json".into(), format!("{:#}\n", serde_json::Value::Array(array)).into_bytes(), json));
    out
}

/// Set `UPDATE_FIXTURES` to write them anew.
#[test]
fn fixtures_are_what_is_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/windows");
    let update = std::env::var_os("UPDATE_FIXTURES").is_some();
    let kinds: Vec<_> = samples().iter().map(kind).collect();
    for (name, content, make) in files() {
        let path = folder.join(&name);
        if update {
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(&path, &content).expect("room");
        }
        let there = std::fs::read(&path).unwrap_or_else(|e| panic!("{name}: {e}; set UPDATE_FIXTURES to write it"));
        assert!(there == content, "{name} is not what is written now; set UPDATE_FIXTURES to write it anew");
        let input = Input::sniff(&path).expect("a file");
        let (seen, report) = read(&mut *make(input), &request(&["@id"]));
        assert_eq!(report.damaged(), 0, "{name}");
        assert_eq!(seen.iter().map(|e| e.kind).collect::<Vec<_>>(), kinds, "{name}");
    }
}

/// Files are recognised by their content.
#[test]
fn fixtures_are_recognised() {
    use parallax_telemetry::source::{Format, recognise};
    for (name, content, _) in files() {
        let head = &content[..content.len().min(64 * 1024)];
        let format = recognise(head, head.len() == content.len()).map(|r| r.format);
        let expected = match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("evtx") => Format::Evtx,
            Some("xml") => Format::WindowsXml,
            Some("log") => Format::SysmonLinux,
            Some("txt") => Format::WindowsText,
            _ => Format::WindowsJson,
        };
        assert_eq!(format, Some(expected), "{name}");
    }
}
