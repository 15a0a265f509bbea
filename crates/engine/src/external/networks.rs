//! The list of networks behind `geo_info_from_ip_address`.
//!
//! Its columns: `network` (an address, or one with a length, `192.0.2.0/24`), `country`, `state`, `city`, `latitude`,
//! `longitude`, in any order and case.

use super::records::{names, records};
use parallax_catalog::external::{Field, FileFormat, Layout, Networks, Step};
use parallax_telemetry::{Input, Report};
use serde_json::{Map, Value, json};
use std::io;
use std::net::IpAddr;
use std::ops::ControlFlow;

const COLUMNS: [&str; 6] = ["network", "country", "state", "city", "latitude", "longitude"];

pub(super) fn read(input: &Input, format: FileFormat, report: &Report) -> io::Result<Networks> {
    let header = names(input, format)?;
    let json = !matches!(format, FileFormat::Delimited(_));
    let field = |wanted: &str| {
        let at = header.iter().position(|name| name.eq_ignore_ascii_case(wanted))?;
        Some(if json { Field::Path(vec![Step::Member(header[at].clone())]) } else { Field::At(at) })
    };
    let found: Vec<(&str, Field)> = COLUMNS.iter().filter_map(|c| Some((*c, field(c)?))).collect();
    if !found.iter().any(|(c, _)| *c == "network") {
        return Err(io::Error::other("there is no column `network`"));
    }
    let layout = Layout { format, skip_first: !json, fields: found.iter().map(|(_, f)| f.clone()).collect() };
    let mut networks = Networks::default();
    let (name, mut row) = (input.name(), 0);
    records(input, &layout, report, &mut |values| {
        row += 1;
        let mut about = Map::new();
        let mut network = None;
        for ((column, _), value) in found.iter().zip(values) {
            let text = value.as_deref().map_or_else(String::new, |v| if json { unquoted(v) } else { v.to_owned() });
            match *column {
                "network" => network = Some(text),
                "latitude" | "longitude" => {
                    let number = text.trim().parse::<f64>().ok();
                    about.insert((*column).to_owned(), json!(number));
                }
                _ => {
                    about.insert((*column).to_owned(), Value::String(text));
                }
            }
        }
        match network.as_deref().and_then(parse) {
            Some((address, length)) => networks.add(address, length, Value::Object(about).to_string().into()),
            None => report.damage(&name, Some(row), "this row names no network"),
        }
        ControlFlow::Continue(())
    })?;
    Ok(networks)
}

/// The same of a lookup table, with all its columns as they are written; nothing where it has no column `network`.
pub(super) fn read_all(input: &Input, format: FileFormat, report: &Report) -> io::Result<Option<Networks>> {
    let header = names(input, format)?;
    let json = !matches!(format, FileFormat::Delimited(_));
    let Some(network) = header.iter().position(|name| name.eq_ignore_ascii_case("network")) else { return Ok(None) };
    let field = |(at, name): (usize, &String)| {
        if json { Field::Path(vec![Step::Member(name.clone())]) } else { Field::At(at) }
    };
    let fields = header.iter().enumerate().map(field).collect();
    let layout = Layout { format, skip_first: !json, fields };
    let mut networks = Networks::default();
    let (name, mut row) = (input.name(), 0);
    records(input, &layout, report, &mut |values| {
        row += 1;
        let texts: Vec<Option<String>> =
            (values.iter()).map(|v| v.as_deref().map(|v| if json { unquoted(v) } else { v.to_owned() })).collect();
        let about: Map<String, Value> = (header.iter().zip(&texts))
            .filter_map(|(column, text)| Some((column.clone(), Value::String(text.clone()?))))
            .collect();
        match texts.get(network).and_then(|t| parse(t.as_deref()?)) {
            Some((address, length)) => networks.add(address, length, Value::Object(about).to_string().into()),
            None => report.damage(&name, Some(row), "this row names no network"),
        }
        ControlFlow::Continue(())
    })?;
    Ok(Some(networks))
}

fn parse(text: &str) -> Option<(IpAddr, u8)> {
    let text = text.trim();
    let (address, length) = text.split_once('/').unwrap_or((text, "128"));
    let (address, length) = (address.parse().ok()?, length.parse().ok()?);
    (length <= 128).then_some((address, length))
}

/// A JSON value as text.
fn unquoted(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(Value::String(text)) => text,
        _ => json.to_owned(),
    }
}
