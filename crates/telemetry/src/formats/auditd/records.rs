//! Each record alone, with its fields as they stand: quotes off, hex left as hex, nothing joined.

use super::decode::Decoder;
use super::fields::{Want, flat};
use super::object::Object;
use super::record::{self, Fields, Header, RecordType, enrichment, type_name};
use super::{Settings, each_line, unreadable};
use crate::event::{Event, Family, Kind, Request, Sink, audit};
use crate::needles::Needles;
use crate::{Input, Report, Value};
use std::io;
use std::ops::ControlFlow;

/// Delivers the records of `inputs`. Of the pseudo-fields only `@time`, `@host`, `@id`, `@raw`, `@fields`, `@type` and
/// (in an ENRICHED log) `@user` have a value.
pub(super) fn read(
    inputs: &[Input],
    settings: &Settings,
    request: &Request,
    report: &Report,
    sink: &mut dyn Sink,
) -> io::Result<()> {
    let wants: Vec<(Want, &str)> = request.fields.iter().map(|f| (Want::parse(f), f.as_str())).collect();
    let decoder = Decoder::default();
    let mut kept: Vec<Value<'static>> = Vec::new();
    let mut events = 0;
    let finder = request.needles.as_ref().and_then(Needles::finder);
    let _ = each_line(inputs, report, finder, |(file, offset), line| {
        let Some(header) = record::header(line) else {
            if let Some(reason) = unreadable(line) {
                report.damage(&inputs[file as usize].name(), Some(offset), reason);
            }
            return ControlFlow::Continue(());
        };
        events += 1;
        let kind = Kind::new(Family::AuditRecord, code(RecordType::of(header.name)));
        if !request.wants(&kind) {
            return ControlFlow::Continue(());
        }
        let mut values = super::reuse(std::mem::take(&mut kept));
        values.extend(wants.iter().map(|(want, name)| value(want, name, line, &header, settings, &decoder)));
        let flow = sink.event(&Event { kind, file, position: offset, values: &values, late: None });
        kept = super::reuse(values);
        flow
    });
    report.add_events(events);
    let lossy = decoder.take_lossy();
    if lossy > 0 {
        report.note("audit: values that are not valid UTF-8, shown with U+FFFD", lossy);
    }
    Ok(())
}

/// The codes of events, for the records that make an event one of that kind.
pub(super) fn code(kind: RecordType) -> u32 {
    match kind {
        RecordType::Execve => audit::EXEC,
        RecordType::UserCmd => audit::USER_CMD,
        _ => audit::OTHER,
    }
}

fn value<'a>(
    want: &Want,
    name: &str,
    line: &'a [u8],
    header: &Header<'a>,
    settings: &'a Settings,
    decoder: &Decoder,
) -> Value<'a> {
    let (body, added) = enrichment(&line[header.body..]);
    match want {
        Want::Time => Value::Time(header.time),
        Want::Host if header.node.is_empty() => settings.host.as_deref().map_or(Value::Missing, Value::text),
        Want::Host => Value::Text(decoder.utf8(header.node)),
        Want::Id => i64::try_from(header.serial).map_or(Value::Missing, Value::Int),
        Want::Raw => Value::Text(decoder.utf8(line)),
        Want::Type => Value::Text(decoder.utf8(type_name(header.name))),
        Want::Node if header.node.is_empty() => Value::Missing,
        Want::Node => Value::Text(decoder.utf8(header.node)),
        Want::Fields => Value::Json(all(header, body, added, decoder).into()),
        Want::User => find(added, b"UID", decoder),
        Want::Enriched(name) => find(added, name.as_bytes(), decoder),
        Want::Plain(name) if name == "msg" && Fields::find(body, b"msg").is_none() => {
            Value::Text(decoder.utf8(header.stamp))
        }
        Want::Plain(_) | Want::Argument(..) => find(body, name.as_bytes(), decoder),
        _ => Value::Missing,
    }
}

fn find<'a>(text: &'a [u8], name: &[u8], decoder: &Decoder) -> Value<'a> {
    Fields::find(text, name).map_or(Value::Missing, |raw| decoder.as_written(raw))
}

fn all(header: &Header<'_>, body: &[u8], added: &[u8], decoder: &Decoder) -> String {
    let mut object = Object::new();
    if !header.node.is_empty() {
        object.put(b"node", &Value::Text(decoder.utf8(header.node)));
    }
    object.put(b"type", &Value::Text(decoder.utf8(type_name(header.name))));
    object.put(b"msg", &Value::Text(decoder.utf8(header.stamp)));
    for (name, raw) in flat(body).chain(Fields::new(added)) {
        object.put(name, &decoder.as_written(raw));
    }
    object.end()
}
