//! Values that are no texts: networks, numbers, truth values, expressions.

use super::chunks::{self, Chunk};
use super::said::Said;
use super::yaml::{Data, Node};
use crate::tree::{Network, Regex, TimePart};
use parallax_diagnostics::Span;
use std::net::IpAddr;

/// `10.0.0.0/8`, `fe80::/10`, or an address alone.
pub(crate) fn network(node: &Node, said: &mut Said) -> Option<Network> {
    let text = node.text()?;
    let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
    let parsed = address.parse::<IpAddr>().ok().and_then(|address| {
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits.parse::<u8>().ok().filter(|b| *b <= most && !bits.starts_with('+'))?,
        };
        Some((address, bits))
    });
    let Some((address, bits)) = parsed else {
        let help = "write an address and a number of bits: `10.0.0.0/8`, `fe80::/10`";
        return said.refuse("SIGMA0310", node.span, format!("`{text}` is no network"), help);
    };
    let first = masked(address, bits);
    if first != address {
        let help = format!("write `{first}/{bits}`");
        said.warn("SIGMA0608", node.span, "the address has bits beyond the network's", help);
    }
    Some(Network { address: first, bits })
}

/// The network's first address.
fn masked(address: IpAddr, bits: u8) -> IpAddr {
    let bits = u32::from(bits);
    match address {
        IpAddr::V4(a) => IpAddr::V4((u32::from(a) & u32::MAX.checked_shl(32 - bits).unwrap_or(0)).into()),
        IpAddr::V6(a) => IpAddr::V6((u128::from(a) & u128::MAX.checked_shl(128 - bits).unwrap_or(0)).into()),
    }
}

/// A number, also one in quotes.
pub(crate) fn number(node: &Node, said: &mut Said) -> Option<f64> {
    if let Data::Number(value, ..) = node.data() {
        return Some(*value);
    }
    let text = node.text().unwrap_or_default();
    match text.trim().parse::<f64>().ok().filter(|v| v.is_finite()) {
        Some(value) => {
            said.warn("SIGMA0609", node.span, "a number in quotes", "leave the quotes out: other tools refuse it");
            Some(value)
        }
        None => said.error("SIGMA0304", node.span, format!("`{text}` is no number")),
    }
}

/// `true` or `false`, also as other readers of YAML know them.
pub(crate) fn truth(node: &Node, said: &mut Said) -> Option<bool> {
    if let Data::Bool(value) = node.data() {
        return Some(*value);
    }
    let text = node.text().unwrap_or_default();
    let value = match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" => true,
        "no" | "false" | "off" => false,
        _ => {
            return said.refuse(
                "SIGMA0304",
                node.span,
                format!("`{text}` is no truth value"),
                "write `true` or `false`",
            );
        }
    };
    said.warn("SIGMA0609", node.span, "a truth value written as a text", format!("write `{value}`"));
    Some(value)
}

/// A part of a time, within its bounds.
pub(crate) fn time_part(part: TimePart, node: &Node, said: &mut Said) -> Option<i64> {
    let value = number(node, said)?;
    let (low, high) = match part {
        TimePart::Minute => (0.0, 59.0),
        TimePart::Hour => (0.0, 23.0),
        TimePart::Day => (1.0, 31.0),
        TimePart::Week => (1.0, 53.0),
        TimePart::Month => (1.0, 12.0),
        TimePart::Year => (1.0, 9999.0),
    };
    if value.fract() != 0.0 || !(low..=high).contains(&value) {
        return said.error(
            "SIGMA0304",
            node.span,
            format!("this part of a time is a whole number from {low} to {high}"),
        );
    }
    Some(value as i64)
}

/// The name of a field.
pub(crate) fn field(node: &Node, said: &mut Said) -> Option<String> {
    let text = node.text()?;
    let name = chunks::plain(&chunks::parsed(text)).and_then(|b| String::from_utf8(b).ok());
    match name.filter(|n| !n.is_empty()) {
        Some(name) => Some(name),
        None => said.refuse("SIGMA0304", node.span, "this is no field's name", "wildcards have no meaning there"),
    }
}

/// A regular expression that compiles.
pub(crate) fn regex(
    text: String,
    ignore_case: bool,
    multi_line: bool,
    dot_all: bool,
    span: Span,
    said: &mut Said,
) -> Option<Regex> {
    let parsed = regex_syntax::ParserBuilder::new()
        .case_insensitive(ignore_case)
        .multi_line(multi_line)
        .dot_matches_new_line(dot_all)
        .nest_limit(100)
        .build()
        .parse(&text);
    if let Err(error) = parsed {
        let why = match &error {
            regex_syntax::Error::Parse(e) => e.kind().to_string(),
            regex_syntax::Error::Translate(e) => e.kind().to_string(),
            _ => "it does not parse".to_owned(),
        };
        let help = "the specification allows `.` `^` `$` `*` `+` `?` `{n,m}`, classes, `|` and groups; no lookaround and no back-references";
        return said.refuse("SIGMA0311", span, format!("this regular expression is not supported: {why}"), help);
    }
    Some(Regex { text, ignore_case, multi_line, dot_all })
}

/// The expression that matches a text with wildcards.
pub(crate) fn expression(chunks: &[Chunk]) -> String {
    let part = |chunk: &Chunk| match chunk {
        Chunk::Bytes(bytes) => regex_syntax::escape(&String::from_utf8_lossy(bytes)),
        Chunk::One => ".".to_owned(),
        Chunk::Any => ".*".to_owned(),
    };
    chunks.iter().map(part).collect()
}

/// A number that is not written as events have it.
pub(crate) fn other_base(text: &str, others: &[String], span: Span, said: &mut Said) {
    if let Some(written) = others.iter().find(|o| o.starts_with('0') && o.contains(['x', 'o'])) {
        let message = format!("`{written}` is the number {text}, and also taken for the text that it is");
        said.warn("SIGMA0610", span, message, "put it in quotes: other tools take it for the number alone");
    }
}

/// Texts that other readers of YAML take for something else.
pub(crate) fn doubtful(text: &str, plain: bool, span: Span, said: &mut Said) {
    if !plain {
        return;
    }
    let lower = text.to_ascii_lowercase();
    let octal = text.len() > 1 && text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    if matches!(lower.as_str(), "yes" | "no" | "on" | "off") || octal {
        let message = format!("`{text}` is a text here, and something else to other readers of YAML");
        said.warn("SIGMA0610", span, message, "put it in quotes");
    }
}
