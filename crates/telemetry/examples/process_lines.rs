//! Writes the process creations that Sysmon recorded in EVTX files as JSON lines, over and over until there are enough
//! bytes: `cargo run --release -p parallax-telemetry --example process_lines -- FOLDER 340000000 [nested] > lines.json`.
//!
//! Flat lines are what collectors forward; with `nested` they have the shape in which `evtx_dump` writes records.

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
    let mut lines = String::new();
    for source in discover(&arguments[..1], &Options::default(), &report) {
        rows(&source, &view::logs(&columns), &columns, &report, &mut |row| {
            let text = |at: usize| row.value(at).into_text().unwrap_or_default().into_owned();
            if text(0) == "Microsoft-Windows-Sysmon"
                && text(1) == "1"
                && let Ok(Json::Object(fields)) = serde_json::from_str(&text(2))
            {
                lines += &line(fields, nested, &text(3), &text(4), row.position()).to_string();
                lines.push('\n');
            }
            ControlFlow::Continue(())
        })?;
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let mut written = 0;
    while written < wanted && !lines.is_empty() {
        out.write_all(lines.as_bytes())?;
        written += lines.len();
    }
    out.flush()
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
