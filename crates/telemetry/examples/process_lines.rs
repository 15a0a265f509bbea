//! Writes the process creations that Sysmon recorded in EVTX files as JSON lines, over and over until there are enough
//! bytes: `cargo run --release -p parallax-telemetry --example process_lines -- FOLDER 340000000 [nested|unique] > lines.json`.
//!
//! Flat lines are what collectors forward; with `nested` they have the shape in which `evtx_dump` writes records. With
//! `unique` no command line comes twice: each has a number behind it.

use parallax_telemetry::scan::rows;
use parallax_telemetry::source::{Options, discover};
use parallax_telemetry::{Report, view};
use serde_json::{Map, Value as Json, json};
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted: usize = arguments.get(1).and_then(|n| n.parse().ok()).unwrap_or(10_000_000);
    let nested = arguments.get(2).is_some_and(|a| a == "nested");
    let report = Report::new();
    let columns = ["@provider", "EventID", "@fields", "@time", "@host"].map(str::to_owned);
    let unique = arguments.get(2).is_some_and(|a| a == "unique");
    let mut lines: Vec<Json> = Vec::new();
    for source in discover(&arguments[..1], &Options::default(), &report) {
        rows(&source, &view::logs(&columns), &columns, &report, &mut |row| {
            let text = |at: usize| row.value(at).into_text().unwrap_or_default().into_owned();
            if text(0) == "Microsoft-Windows-Sysmon"
                && text(1) == "1"
                && let Ok(Json::Object(fields)) = serde_json::from_str(&text(2))
            {
                lines.push(line(fields, nested, &text(3), &text(4), row.position()));
            }
            ControlFlow::Continue(())
        })?;
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let texts: Vec<String> = lines.iter().map(Json::to_string).collect();
    let (mut written, mut number) = (0, 0u64);
    while written < wanted && !lines.is_empty() {
        for (line, text) in lines.iter().zip(&texts) {
            number += 1;
            let numbered = unique.then(|| numbered(line.clone(), number).to_string());
            let text = numbered.as_ref().unwrap_or(text);
            out.write_all(text.as_bytes())?;
            out.write_all(b"\n")?;
            written += text.len() + 1;
        }
    }
    out.flush()
}

/// The line with a number behind its command lines.
fn numbered(mut line: Json, number: u64) -> Json {
    for name in ["CommandLine", "ParentCommandLine"] {
        if let Some(Json::String(text)) = line.get_mut(name) {
            *text += &format!(" {number}");
        }
    }
    line
}

/// A record; members of its data that are empty stay.
fn line(fields: Map<String, Json>, nested: bool, time: &str, host: &str, record: u64) -> Json {
    let own = |name: &&String| {
        let system = ["EventID", "Computer", "Channel", "Provider", "EventRecordID", "TimeCreated", "Version", "Level"];
        !system.contains(&name.as_str())
    };
    let data: Map<String, Json> = fields.keys().filter(own).map(|k| (k.clone(), fields[k].clone())).collect();
    if nested {
        return json!({ "Event": {
            "#attributes": { "xmlns": "http://schemas.microsoft.com/win/2004/08/events/event" },
            "EventData": data,
            "System": {
                "Channel": "Microsoft-Windows-Sysmon/Operational", "Computer": host, "Correlation": null, "EventID": 1,
                "EventRecordID": record, "Execution": { "#attributes": { "ProcessID": 2000, "ThreadID": 3000 } },
                "Keywords": "0x8000000000000000", "Level": 4, "Opcode": 0,
                "Provider": { "#attributes": {
                    "Guid": "5770385F-C22A-43E0-BF4C-06F5698FFBD9", "Name": "Microsoft-Windows-Sysmon" } },
                "Security": { "#attributes": { "UserID": "S-1-5-18" } }, "Task": 1,
                "TimeCreated": { "#attributes": { "SystemTime": time } }, "Version": 5,
            },
        } });
    }
    let mut flat = json!({ "Channel": "Microsoft-Windows-Sysmon/Operational", "Provider": "Microsoft-Windows-Sysmon",
        "EventID": 1, "EventRecordID": record, "Computer": host, "@timestamp": time });
    if let Json::Object(flat) = &mut flat {
        flat.extend(data);
    }
    flat
}
