//! Reads files of Windows events and says how many there are and how fast it went; with `--dump`, prints each event's
//! kind, position and asked fields as a line of JSON.
//!
//! `cargo run --release --example windows -- [--dump] [--kind FAMILY:CODE]… FIELD,FIELD,… FILE…`

use parallax_telemetry::event::{Event, Family, Kind, Reader, Request, Value};
use parallax_telemetry::formats::json::JsonReader;
use parallax_telemetry::formats::windows::{EvtxReader, SysmonLinuxReader, XmlReader};
use parallax_telemetry::input::{Compression, Input};
use parallax_telemetry::report::Report;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

fn main() -> std::io::Result<()> {
    let (mut dump, mut request, mut files) = (false, Request::default(), Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--dump" {
            dump = true;
        } else if argument == "--kind" {
            request.kinds.extend(arguments.next().as_deref().and_then(kind));
        } else if request.fields.is_empty() {
            request.fields = argument.split(',').map(str::to_owned).collect();
        } else {
            files.push(PathBuf::from(argument));
        }
    }
    let (report, begin, mut seen) = (Report::new(), Instant::now(), 0u64);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for path in &files {
        let mut sink = |event: &Event<'_>| {
            seen += 1;
            if dump {
                let values: Vec<serde_json::Value> = event.values.iter().map(shown).collect();
                let line = serde_json::json!({
                    "file": path, "family": format!("{:?}", event.kind.family), "code": event.kind.code,
                    "position": event.position, "values": values
                });
                if writeln!(out, "{line}").is_err() {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        };
        reader(path).read(&request, &report, &mut sink)?;
    }
    out.flush()?;
    let (seconds, bytes) = (begin.elapsed().as_secs_f64(), report.bytes() as f64);
    eprintln!(
        "{seen} events, {:.1} MB in {seconds:.3} s: {:.0} MB/s, {:.0} events/s; {} damaged",
        bytes / 1e6,
        bytes / 1e6 / seconds,
        seen as f64 / seconds,
        report.damaged()
    );
    for (note, n) in report.notes() {
        eprintln!("{n} {note}");
    }
    for damage in report.damages() {
        eprintln!("{}: {} ({:?})", damage.file, damage.reason, damage.position);
    }
    Ok(())
}

fn kind(text: &str) -> Option<Kind> {
    let (family, code) = text.split_once(':')?;
    let family = match family {
        "sysmon" => Family::Sysmon,
        "security" => Family::Security,
        _ => Family::Windows,
    };
    Some(Kind::new(family, code.parse().ok()?))
}

fn shown(value: &Value<'_>) -> serde_json::Value {
    match value {
        Value::Text(text) | Value::Json(text) => text.as_ref().into(),
        Value::Int(n) | Value::Time(n) => (*n).into(),
        Value::Real(x) => (*x).into(),
        Value::Bool(b) => (*b).into(),
        Value::Missing => serde_json::Value::Null,
    }
}

fn reader(path: &std::path::Path) -> Box<dyn Reader> {
    let inputs = vec![Input::file(path, Compression::None)];
    match path.extension().and_then(|e| e.to_str()) {
        Some("evtx") => Box::new(EvtxReader::new(inputs)),
        Some("xml") => Box::new(XmlReader::new(inputs)),
        Some("log") => Box::new(SysmonLinuxReader::new(inputs)),
        _ => Box::new(JsonReader::new(inputs)),
    }
}
