//! Prints the events of audit logs: `audit_events [--records] [--count] [--needles=TEXT,TEXT…] FIELD,FIELD… FILE…`,
//! files oldest first.
//!
//! One JSON object a line; with `--count` only what was read and how fast. With needles, events that show none of the
//! texts may be left out.

use parallax_telemetry::formats::auditd::{AuditReader, Settings};
use parallax_telemetry::input::Compression;
use parallax_telemetry::needles::Needles;
use parallax_telemetry::{Event, Input, Reader, Report, Request, Value};
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::time::Instant;

fn main() -> std::io::Result<()> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut flag = |name: &str| {
        let before = args.len();
        args.retain(|a| a != name);
        args.len() != before
    };
    let (records, count, execs) = (flag("--records"), flag("--count"), flag("--execs"));
    let texts: Vec<String> = args.iter().filter_map(|a| Some(a.strip_prefix("--needles=")?.to_owned())).collect();
    let needles = Needles::new(texts.iter().flat_map(|t| t.split(',')).map(|t| (t, false)));
    let mut args = args.into_iter().filter(|a| !a.starts_with("--needles="));
    let fields: Vec<String> = args.next().unwrap_or_default().split(',').map(str::to_owned).collect();
    let inputs = args.map(|path| Input::file(path, Compression::None)).collect();
    let settings = Settings { records, ..Settings::default() };
    let kinds = if execs { vec![parallax_telemetry::Kind::new(parallax_telemetry::Family::Auditd, 1)] } else { vec![] };
    let request = Request { fields, kinds, needles, ..Request::default() };
    let report = Report::new();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let start = Instant::now();
    let mut delivered = 0u64;
    AuditReader::new(inputs, settings).read(&request, &report, &mut |e: &Event<'_>| {
        delivered += 1;
        if count {
            return ControlFlow::Continue(());
        }
        let mut object = serde_json::Map::new();
        object.insert("@kind".to_owned(), e.kind.code.into());
        for (name, value) in request.fields.iter().zip(e.values) {
            object.insert(name.clone(), json(value));
        }
        match writeln!(out, "{}", serde_json::Value::Object(object)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    let seconds = start.elapsed().as_secs_f64();
    if count {
        let rate = report.bytes() as f64 / 1e6 / seconds;
        writeln!(
            out,
            "{} bytes, {} events, {} passed over, {delivered} delivered, {seconds:.3} s, {rate:.0} MB/s",
            report.bytes(),
            report.events(),
            report.passed()
        )?;
    }
    eprintln!("{:?} {:?}", report.notes(), report.damages());
    Ok(())
}

fn json(value: &Value<'_>) -> serde_json::Value {
    match value {
        Value::Missing => serde_json::Value::Null,
        Value::Text(t) => t.as_ref().into(),
        Value::Int(n) | Value::Time(n) => (*n).into(),
        Value::Real(x) => (*x).into(),
        Value::Bool(b) => (*b).into(),
        Value::Json(t) => serde_json::from_str(t).unwrap_or_default(),
    }
}
