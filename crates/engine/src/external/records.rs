//! The records of a file, one after the other, as texts.

use parallax_catalog::external::{Field, FileFormat, Layout, Step};
use parallax_telemetry::{Input, Report};
use sonic_rs::{JsonValueTrait, LazyValue, PointerNode};
use std::borrow::Cow;
use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;

/// The largest file that is read at once: JSON over several lines, and raw text.
const MOST: u64 = 1 << 30;

/// What is done with the values of each record.
pub(super) type Each<'e> = dyn FnMut(&[Option<Cow<'_, str>>]) -> ControlFlow<()> + 'e;

/// Goes through the records of a file. `None` is a value that the record does not have. A JSON value is its JSON.
pub(super) fn records(input: &Input, layout: &Layout, report: &Report, each: &mut Each<'_>) -> io::Result<()> {
    match layout.format {
        FileFormat::Delimited(separator) => delimited(input, separator, layout, report, each),
        FileFormat::Lines => lines(input, layout, report, &mut |line, _| {
            let only = |f: &Field| matches!(f, Field::At(0)).then_some(Cow::Borrowed(line));
            each(&layout.fields.iter().map(only).collect::<Vec<_>>())
        }),
        FileFormat::Raw => {
            let text = whole(input, report)?;
            let only = |f: &Field| matches!(f, Field::At(0)).then_some(Cow::Borrowed(text.as_str()));
            let _ = each(&layout.fields.iter().map(only).collect::<Vec<_>>());
            Ok(())
        }
        FileFormat::JsonLines => {
            let name = input.name();
            lines(input, layout, report, &mut |line, number| match object(line) {
                true => each(&json_fields(line, layout)),
                false => {
                    report.damage(&name, Some(number), "this line is no JSON object");
                    ControlFlow::Continue(())
                }
            })
        }
        FileFormat::Json => json(input, layout, report, each),
    }
}

fn delimited(input: &Input, separator: u8, layout: &Layout, report: &Report, each: &mut Each<'_>) -> io::Result<()> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(without_mark(input)?);
    let mut record = csv::ByteRecord::new();
    let mut first = layout.skip_first;
    let mut before = 0;
    while reader.read_byte_record(&mut record).map_err(io::Error::other)? {
        report.add_bytes(reader.position().byte() - before);
        before = reader.position().byte();
        if std::mem::take(&mut first) {
            continue;
        }
        let values = layout.fields.iter().map(|field| match field {
            Field::At(at) => record.get(*at).map(String::from_utf8_lossy),
            Field::Path(_) => None,
        });
        if each(&values.collect::<Vec<_>>()).is_break() {
            break;
        }
    }
    Ok(())
}

/// Lines that are not empty, with their numbers.
fn lines(
    input: &Input,
    layout: &Layout,
    report: &Report,
    each: &mut dyn FnMut(&str, u64) -> ControlFlow<()>,
) -> io::Result<()> {
    let mut reader = without_mark(input)?;
    let mut first = layout.skip_first;
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let n = reader.read_until(b'\n', &mut bytes)?;
        if n == 0 {
            break;
        }
        report.add_bytes(n as u64);
        let text = String::from_utf8_lossy(&bytes);
        let line = text.trim_end_matches(['\n', '\r']);
        if line.is_empty() || std::mem::take(&mut first) {
            continue;
        }
        if each(line, number).is_break() {
            break;
        }
    }
    Ok(())
}

fn json(input: &Input, layout: &Layout, report: &Report, each: &mut Each<'_>) -> io::Result<()> {
    let text = whole(input, report)?;
    let name = input.name();
    let mut first = layout.skip_first;
    let mut one = |value: &str| {
        if std::mem::take(&mut first) {
            return ControlFlow::Continue(());
        }
        match value.starts_with('{') {
            true => each(&json_fields(value, layout)),
            false => {
                report.damage(&name, None, "a record is no JSON object");
                ControlFlow::Continue(())
            }
        }
    };
    let mut at = 0;
    while let Some(begin) = text[at..].find(|c: char| !c.is_whitespace()) {
        at += begin;
        let mut values = sonic_rs::Deserializer::from_str(&text[at..]).into_stream::<LazyValue<'_>>();
        let value = match values.next() {
            Some(Ok(value)) => value,
            Some(Err(e)) => {
                let reason = e.to_string();
                let place = (at + e.offset()) as u64;
                let reason = reason.split(" while parsing").next().unwrap_or_default();
                report.damage(&name, Some(place), format!("no JSON from here on: {reason}"));
                break;
            }
            None => break,
        };
        let done = match value.is_array() {
            false => one(value.as_raw_str()),
            true => {
                let mut items = sonic_rs::to_array_iter(value.as_raw_str()).map_while(Result::ok);
                items.try_for_each(|item| one(item.as_raw_str()))
            }
        };
        if done.is_break() {
            break;
        }
        at += value.as_raw_str().len();
    }
    Ok(())
}

/// Whether a text is one JSON object.
fn object(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// The values of a JSON object. A JSON null is none.
fn json_fields<'t>(object: &'t str, layout: &Layout) -> Vec<Option<Cow<'t, str>>> {
    let value = |field: &Field| {
        let Field::Path(steps) = field else { return None };
        let path = steps.iter().map(|step| match step {
            Step::Member(name) => PointerNode::Key(name.as_str().to_owned().into()),
            Step::Element(at) => PointerNode::Index(*at),
        });
        let value = match steps.is_empty() {
            true => Cow::Borrowed(object),
            false => Cow::Owned(sonic_rs::get(object, path).ok()?.as_raw_str().to_owned()),
        };
        (value != "null").then_some(value)
    };
    layout.fields.iter().map(value).collect()
}

/// The names in a file's records, in the order in which they first come: a header's, or those of the first objects.
pub(super) fn names(input: &Input, format: FileFormat) -> io::Result<Vec<String>> {
    const LOOKED_AT: usize = 10_000;
    let mut names: Vec<String> = Vec::new();
    let mut seen = 0;
    let quiet = Report::new();
    let fields = match format {
        FileFormat::Delimited(separator) => {
            let mut reader = csv::ReaderBuilder::new()
                .delimiter(separator)
                .has_headers(false)
                .flexible(true)
                .from_reader(without_mark(input)?);
            let mut record = csv::ByteRecord::new();
            reader.read_byte_record(&mut record).map_err(io::Error::other)?;
            return Ok(record.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect());
        }
        _ => vec![Field::Path(Vec::new())],
    };
    let layout = Layout { format, skip_first: false, fields };
    records(input, &layout, &quiet, &mut |values| {
        let object = values.first().and_then(Option::as_deref).unwrap_or("{}");
        for (key, _) in sonic_rs::to_object_iter(object).map_while(Result::ok) {
            if !names.iter().any(|n| *n == *key) {
                names.push(key.to_string());
            }
        }
        seen += 1;
        if seen < LOOKED_AT { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(names)
}

/// The text without a byte order mark.
fn without_mark(input: &Input) -> io::Result<Box<dyn BufRead + Send>> {
    let mut reader = input.open_text()?;
    if reader.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
        reader.consume(3);
    }
    Ok(reader)
}

fn whole(input: &Input, report: &Report) -> io::Result<String> {
    let mut bytes = Vec::new();
    let n = without_mark(input)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if n as u64 > MOST {
        return Err(io::Error::other("more than 1 GiB of JSON in one piece; write one object a line, as `json`"));
    }
    report.add_bytes(n as u64);
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => String::from_utf8_lossy(e.as_bytes()).into_owned(),
    })
}
