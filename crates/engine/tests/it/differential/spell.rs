//! The ways in which formats write one text.

use super::dice::Dice;
use std::fmt::Write as _;

/// A JSON string, quotes included.
pub(super) fn json(dice: &mut Dice<'_>, text: &str) -> String {
    let (mut out, odd) = (String::from("\""), dice.once_in(3));
    for c in text.chars() {
        let escaped = odd && dice.once_in(4);
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str(if escaped { "\\u005C" } else { "\\\\" }),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str(if escaped { "\\u0009" } else { "\\t" }),
            '/' if escaped => out.push_str("\\/"),
            c if escaped => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = if dice.once_in(2) { write!(out, "\\u{unit:04x}") } else { write!(out, "\\u{unit:04X}") };
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Character data of XML.
pub(super) fn xml(dice: &mut Dice<'_>, text: &str) -> String {
    let (mut out, odd) = (String::new(), dice.once_in(3));
    for c in text.chars() {
        let how = if odd { dice.below(12) } else { 99 };
        match (c, how) {
            (c, 0) => write!(out, "&#{};", u32::from(c)).unwrap_or_default(),
            (c, 1) => write!(out, "&#x{:X};", u32::from(c)).unwrap_or_default(),
            (c, 2) => write!(out, "<![CDATA[{c}]]>").unwrap_or_default(),
            ('<', _) => out.push_str("&lt;"),
            ('>', _) => out.push_str("&gt;"),
            ('&', _) => out.push_str("&amp;"),
            ('"', 3) => out.push_str("&quot;"),
            (c, 4) => write!(out, "<!-- {c} -->{c}").unwrap_or_default(),
            (c, _) => out.push(c),
        }
    }
    out
}

/// A cell of CSV.
pub(super) fn csv(dice: &mut Dice<'_>, text: &str) -> String {
    let must = text.contains(['"', ',', '\n', '\r']);
    match dice.below(8) {
        // Behind a closing quote the cell goes on.
        7 if !must && !text.is_empty() => {
            let (first, rest) = text.split_at(text.char_indices().nth(1).map_or(text.len(), |(at, _)| at));
            format!("\"{first}\"{rest}")
        }
        1..4 => format!("\"{}\"", text.replace('"', "\"\"")),
        _ if must => format!("\"{}\"", text.replace('"', "\"\"")),
        _ => text.to_owned(),
    }
}

/// The text within a string of WMI's.
pub(super) fn wmi(dice: &mut Dice<'_>, text: &str) -> String {
    let (mut out, odd) = (String::new(), dice.once_in(4));
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // Before other characters a backslash vanishes.
            c if odd && !matches!(c, 'n' | 'r' | 't') && dice.once_in(4) => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}
