//! One JSON object to one event.

use super::super::compiled::Compiled;
use super::super::gather::{Gather, Raw, Remarks, Traced};
use super::super::{nt_log_event, xml};
use super::layout::Layout;
use super::shape::Shape;
use super::tables::{Act, Table, top};
use crate::event::{Kind, Value};
use crate::formats::json::Members;
use crate::formats::json::depth::too_deep;
use sonic_rs::LazyValue;
use std::borrow::Cow;

/// What became of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// An event that is asked for; its fields stand in `values`.
    Event {
        /// What it is.
        kind: Kind,
        /// How many malformed places were read as what they must have been.
        recovered: u32,
        /// Whether its time has no zone and was taken for UTC.
        local_time: bool,
    },
    /// An event that nobody asks for.
    Unwanted,
    /// An object that is not of this shape: it has no event id there.
    NotThis,
    /// Text that is not JSON, or ends in the middle; with the reason.
    Broken(String),
}

/// Decodes the asked fields of the JSON object `line`, of which `shape` is known, into `values` (one for each asked
/// field, in order; emptied first).
pub fn decode<'a>(line: &'a str, shape: Shape, compiled: &Compiled, values: &mut Vec<Value<'a>>) -> Decoded {
    let mut gather = Gather::new(compiled);
    match object(line, top(shape), &mut gather, shape, 0) {
        Ok(()) => finish(gather, line, shape, values),
        Err(e) => Decoded::Broken(e),
    }
}

/// Gathers the asked fields of an object whose entries were found already, and whose layout is known, for an event whose
/// values are taken late. What is no such event, or unwanted, is an error.
pub(crate) fn gather_entries<'a, 'c>(
    line: &'a str,
    entries: &[(Cow<'a, str>, &'a str)],
    shape: Shape,
    layout: &mut Layout,
    compiled: &'c Compiled,
) -> std::result::Result<(Kind, Gather<'a, 'c>), Decoded> {
    let mut gather = Gather::new(compiled);
    for ((name, value), step) in entries.iter().zip(layout.steps(shape, compiled)) {
        if !step.take(value, &mut gather) {
            act(name.clone(), value, top(shape), &mut gather, shape, 0).map_err(Decoded::Broken)?;
        }
    }
    gather.doubled = shape == Shape::Wazuh;
    gather.lend(line);
    match gather.kind() {
        None => Err(Decoded::NotThis),
        Some(_) if !gather.wanted() => Err(Decoded::Unwanted),
        Some(kind) => Ok((kind, gather)),
    }
}

/// Which values are taken for what, of an object whose entries were found already; `None` where that depends on more than
/// their names and on what kind of values they are.
pub(super) fn trace<'a>(
    entries: &[(Cow<'a, str>, &'a str)],
    shape: Shape,
    table: Table,
    compiled: &Compiled,
) -> Option<Traced<'a>> {
    let mut gather = Gather::new(compiled);
    for (name, value) in entries {
        act(name.clone(), value, table, &mut gather, shape, 0).ok()?;
    }
    gather.traced()
}

/// The same of an object whose entries were found already: names, and values as they stand in `line`.
pub fn decode_entries<'a>(
    line: &'a str,
    entries: &[(Cow<'a, str>, &'a str)],
    shape: Shape,
    compiled: &Compiled,
    values: &mut Vec<Value<'a>>,
) -> Decoded {
    let mut gather = Gather::new(compiled);
    for (name, value) in entries {
        if let Err(e) = act(name.clone(), value, top(shape), &mut gather, shape, 0) {
            return Decoded::Broken(e);
        }
    }
    finish(gather, line, shape, values)
}

fn finish<'a>(mut gather: Gather<'a, '_>, line: &'a str, shape: Shape, values: &mut Vec<Value<'a>>) -> Decoded {
    values.clear();
    gather.doubled = shape == Shape::Wazuh;
    let Some(kind) = gather.kind() else { return Decoded::NotThis };
    if !gather.wanted() {
        return Decoded::Unwanted;
    }
    let Remarks { recovered, local_time } = gather.finish(line, values);
    Decoded::Event { kind, recovered, local_time }
}

/// Objects nested deeper than this are no event's.
const DEPTH: u8 = 12;

type Result<T> = std::result::Result<T, String>;

/// The first line of the parser's message; the rest is a picture of the text.
fn reason(e: &sonic_rs::Error) -> String {
    e.to_string().lines().next().unwrap_or("not valid JSON").to_owned()
}

/// The text of a parsed value, which is borrowed from the object's.
fn text<'a>(value: &LazyValue<'a>) -> &'a str {
    match value.as_raw_cow() {
        Cow::Borrowed(json) => json,
        // Values are owned only where the input was; ours never is.
        Cow::Owned(_) => "null",
    }
}

/// An object's members, as far as it is well-formed.
fn members(json: &str) -> Vec<(Cow<'_, str>, &str)> {
    whole(json).unwrap_or_else(|| {
        let each = sonic_rs::to_object_iter(json);
        each.map_while(|entry| entry.ok().map(|(name, value)| (name, text(&value)))).collect()
    })
}

/// All members of an object as products write it.
fn whole(json: &str) -> Option<Vec<(Cow<'_, str>, &str)>> {
    let mut members = Members::new(json).ok()?;
    let mut all = Vec::with_capacity(32);
    while let Some((name, value)) = members.next().ok()? {
        all.push((Cow::Borrowed(name), value));
    }
    Some(all)
}

/// An array's elements, as far as it is well-formed.
fn elements(json: &str) -> impl Iterator<Item = &str> {
    sonic_rs::to_array_iter(json).map_while(|value| value.ok().map(|value| text(&value)))
}

pub(super) fn raw(json: &str) -> Raw<'_> {
    if json == "null" { Raw::None } else { Raw::Json(json) }
}

fn object<'a>(json: &'a str, table: Table, gather: &mut Gather<'a, '_>, shape: Shape, depth: u8) -> Result<()> {
    if let Some(members) = whole(json) {
        return members.into_iter().try_for_each(|(key, value)| act(key, value, table, gather, shape, depth));
    }
    for entry in sonic_rs::to_object_iter(json) {
        let (key, value) = entry.map_err(|e| reason(&e))?;
        act(key, text(&value), table, gather, shape, depth)?;
    }
    Ok(())
}

/// Does with one name's value what the table says. A dotted name goes through the tables part by part.
fn act<'a>(
    key: Cow<'a, str>,
    value: &'a str,
    table: Table,
    gather: &mut Gather<'a, '_>,
    shape: Shape,
    depth: u8,
) -> Result<()> {
    let mut table = table;
    let mut rest = 0;
    // Names are too short for a search with a set-up of its own.
    while let Some(dot) = key.as_bytes()[rest..].iter().position(|b| *b == b'.') {
        match table(&key[rest..rest + dot]) {
            Act::Under(under, _) => table = under,
            Act::Fields => {
                field(tail(key, rest + dot + 1), value, gather, shape);
                return Ok(());
            }
            Act::UserFields => {
                let name = tail(key, rest + dot + 1);
                let begin = name.find('.').map_or(0, |i| i + 1);
                field(tail(name, begin), value, gather, shape);
                return Ok(());
            }
            _ => break,
        }
        rest += dot + 1;
    }
    match table(&key[rest..]) {
        Act::Skip => {}
        Act::Property(sys) => gather.sys(sys, raw(value)),
        Act::Data => gather.data(tail(key, rest), raw(value)),
        Act::Under(under, sys) => match raw(value) {
            Raw::Json(json) if json.starts_with('{') && depth < DEPTH => object(json, under, gather, shape, depth + 1)?,
            Raw::None => {}
            raw => {
                if let Some(sys) = sys {
                    gather.sys(sys, raw);
                }
            }
        },
        Act::Fields => fields(value, gather, shape),
        Act::UserFields => {
            if let Raw::Json(json) = raw(value) {
                user_fields(json, "", gather, 0);
            }
        }
        Act::Inner => gather.looks_into(|gather| match raw(value).text(&mut 0) {
            Some(text) if text.contains(nt_log_event::BEGIN) => nested(&text, gather, nt_log_event::event),
            Some(text) if text.contains("<Event") => nested(&text, gather, xml::event),
            _ => {}
        }),
    }
    Ok(())
}

fn tail(text: Cow<'_, str>, from: usize) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[from..]),
        Cow::Owned(mut text) => {
            text.drain(..from);
            Cow::Owned(text)
        }
    }
}

/// Reads a text that lives no longer than this call.
fn nested(text: &str, gather: &mut Gather<'_, '_>, read: for<'t> fn(&'t str, &mut Gather<'t, '_>)) {
    let mut inner = gather.inner();
    read(text, &mut inner);
    gather.absorb(inner);
}

/// The event's data, whatever holds it.
fn fields<'a>(value: &'a str, gather: &mut Gather<'a, '_>, shape: Shape) {
    match raw(value) {
        Raw::Json(json) if json.starts_with('{') => {
            for (name, value) in members(json) {
                field(name, value, gather, shape);
            }
        }
        Raw::Json(json) if json.starts_with('[') => gather.looks_into(|gather| unnamed(json, gather)),
        raw => gather.looks_into(|gather| {
            let Some(text) = raw.text(&mut 0) else { return };
            let begin = text.trim_start();
            if begin.starts_with('<') {
                nested(&text, gather, xml::event_data);
            } else if begin.starts_with('{') {
                nested(&text, gather, json_text);
            }
        }),
    }
}

/// A text of JSON that holds the event's data.
fn json_text<'a>(json: &'a str, gather: &mut Gather<'a, '_>) {
    if too_deep(json) {
        gather.recovered += 1;
        return;
    }
    for entry in sonic_rs::to_object_iter(json) {
        match entry {
            Ok((name, value)) => field(name, text(&value), gather, Shape::EventData),
            Err(_) => {
                gather.recovered += 1;
                return;
            }
        }
    }
}

/// One field of the event's data; `Data` may hold all of them once more.
fn field<'a>(name: Cow<'a, str>, value: &'a str, gather: &mut Gather<'a, '_>, shape: Shape) {
    match (&*name, raw(value)) {
        ("#attributes" | "X_attributes" | "@xmlns" | "xmlns" | "xml_name" | "Data_attributes", _) => {}
        ("Data", Raw::Json(json)) if json.starts_with('[') => gather.looks_into(|gather| unnamed(json, gather)),
        ("Data", Raw::Json(json)) if json.starts_with('{') => {
            gather.looks_into(|gather| element(json, gather, &mut 0));
        }
        ("Data", raw) if shape != Shape::Flat => gather.data(Cow::Borrowed("param1"), raw),
        (_, raw) if shape == Shape::Wazuh => gather.data(capitalised(name), raw),
        (_, raw) => gather.data(name, raw),
    }
}

/// Wazuh lower-cases the first letter of every name.
fn capitalised(name: Cow<'_, str>) -> Cow<'_, str> {
    let mut name = name.into_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Cow::Owned(name)
}

/// The elements of an array: `{"@Name":…,"#text":…}` each, or values without a name.
fn unnamed<'a>(json: &'a str, gather: &mut Gather<'a, '_>) {
    let mut count = 0;
    for value in elements(json) {
        match raw(value) {
            Raw::Json(json) if json.starts_with('{') => element(json, gather, &mut count),
            raw => {
                count += 1;
                gather.data(Cow::Owned(format!("param{count}")), raw);
            }
        }
    }
}

/// One `<Data>` element as an object.
fn element<'a>(json: &'a str, gather: &mut Gather<'a, '_>, count: &mut u32) {
    let mut name = None;
    let mut text = Raw::None;
    let mut pending: Vec<&'a str> = vec![json];
    while let Some(json) = pending.pop() {
        for (key, value) in members(json) {
            match &*key {
                "Name" | "@Name" => name = raw(value).text(&mut 0),
                "#text" | "Value" | "value" | "content" | "_" => text = raw(value),
                "#attributes" | "X_attributes" | "$" => {
                    if let Raw::Json(inner) = raw(value)
                        && pending.len() < 4
                    {
                        pending.push(inner);
                    }
                }
                _ => {}
            }
        }
    }
    match (name, text) {
        (Some(name), text) => gather.data(name, text),
        (None, Raw::Json(list)) if list.starts_with('[') => {
            for value in elements(list) {
                *count += 1;
                gather.data(Cow::Owned(format!("param{count}")), raw(value));
            }
        }
        (None, text) => {
            *count += 1;
            gather.data(Cow::Owned(format!("param{count}")), text);
        }
    }
}

/// A publisher's own elements: leaves by their names, behind those of the elements around them except the outermost.
fn user_fields<'a>(json: &'a str, prefix: &str, gather: &mut Gather<'a, '_>, depth: u8) {
    for (name, value) in members(json) {
        if name.ends_with("#attributes") || name.ends_with("_attributes") || name.starts_with('@') {
            continue;
        }
        match raw(value) {
            Raw::Json(inner) if inner.starts_with('{') && depth < DEPTH => {
                let below = if depth == 0 { String::new() } else { format!("{prefix}{name}.") };
                user_fields(inner, &below, gather, depth + 1);
            }
            raw if prefix.is_empty() => gather.data(name, raw),
            raw => gather.data(Cow::Owned(format!("{prefix}{name}")), raw),
        }
    }
}
