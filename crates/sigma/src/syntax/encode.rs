//! The modifiers that turn a text into other texts.
//!
//! Rules: the specification's appendix of modifiers 2.1.0, and where it leaves an edge open, the reference
//! implementation's behaviour (which dashes stand where a flag begins; how many characters of an encoding are certain).

use super::chunks::{Chunk, Chunks, plain};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How many texts one value may stand for.
pub(crate) const ALTERNATIVES: usize = 4096;
/// How many bytes they may have together: an encoding of an encoding grows without bounds.
pub(crate) const BYTES: usize = 4 << 20;

/// What begins a flag on a Windows command line: hyphen, slash, en dash, em dash, horizontal bar.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// How a text of two bytes a character is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wide {
    Little,
    Big,
    /// Little-endian behind a byte order mark.
    Marked,
}

/// Why a text can't be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cannot {
    /// It has wildcards, which have no encoding.
    Wildcards,
    /// It is too short to leave a certain character at each offset.
    TooShort,
    /// It is not a text (any more).
    NotText,
    /// It stands for too many texts.
    TooMany,
}

/// Base64 of the whole text.
pub(crate) fn base64(chunks: &[Chunk]) -> Result<Chunks, Cannot> {
    let bytes = plain(chunks).ok_or(Cannot::Wildcards)?;
    Ok(bytes_of(STANDARD.encode(bytes)))
}

/// What base64 of a longer text holds if the text stands in it: one for each of the three places that it may begin at.
/// Characters that also depend on its neighbours are left out.
pub(crate) fn base64_offset(chunks: &[Chunk]) -> Result<Vec<Chunks>, Cannot> {
    let bytes = plain(chunks).ok_or(Cannot::Wildcards)?;
    if bytes.len() < 2 {
        return Err(Cannot::TooShort);
    }
    let offsets = (0..3).map(|before| {
        let encoded = STANDARD.encode([&b"   "[..before], &bytes].concat());
        let start = [0, 2, 3][before];
        let end = encoded.len() - [0, 3, 2][(bytes.len() + before) % 3];
        bytes_of(encoded[start..end].to_owned())
    });
    Ok(offsets.collect())
}

fn bytes_of(text: String) -> Chunks {
    if text.is_empty() { Vec::new() } else { vec![Chunk::Bytes(text.into_bytes())] }
}

/// UTF-16; wildcards stay.
pub(crate) fn wide(chunks: &[Chunk], layout: Wide) -> Result<Chunks, Cannot> {
    let mut out = Vec::with_capacity(chunks.len() + 1);
    if layout == Wide::Marked {
        out.push(Chunk::Bytes(vec![0xff, 0xfe]));
    }
    for chunk in chunks {
        out.push(match chunk {
            Chunk::Bytes(bytes) => {
                let text = std::str::from_utf8(bytes).map_err(|_| Cannot::NotText)?;
                let unit = |u: u16| if layout == Wide::Big { u.to_be_bytes() } else { u.to_le_bytes() };
                Chunk::Bytes(text.encode_utf16().flat_map(unit).collect())
            }
            other => other.clone(),
        });
    }
    Ok(out)
}

/// The text with each kind of dash at each place where a flag begins: behind no word and before one.
pub(crate) fn windash(chunks: &[Chunk]) -> Result<Vec<Chunks>, Cannot> {
    let mut out: Vec<Chunks> = vec![Vec::new()];
    for chunk in chunks {
        let Chunk::Bytes(bytes) = chunk else {
            out.iter_mut().for_each(|o| o.push(chunk.clone()));
            continue;
        };
        let text = std::str::from_utf8(bytes).map_err(|_| Cannot::NotText)?;
        let mut rest = 0;
        for at in flags(text) {
            out.iter_mut().for_each(|o| o.push(Chunk::Bytes(text.as_bytes()[rest..at].to_vec())));
            if out.len() * DASHES.len() > ALTERNATIVES {
                return Err(Cannot::TooMany);
            }
            out = out.iter().flat_map(|o| DASHES.iter().map(move |d| with(o, *d))).collect();
            rest = at + text[at..].chars().next().map_or(1, char::len_utf8);
        }
        out.iter_mut().for_each(|o| o.push(Chunk::Bytes(text.as_bytes()[rest..].to_vec())));
    }
    Ok(out)
}

fn with(chunks: &Chunks, dash: char) -> Chunks {
    let mut out = chunks.clone();
    out.push(Chunk::Bytes(dash.to_string().into_bytes()));
    out
}

/// Where the dashes stand that begin a flag.
fn flags(text: &str) -> Vec<usize> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut before = None;
    let mut out = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        if DASHES.contains(&c) && !before.is_some_and(word) && next.is_some_and(word) {
            out.push(at);
        }
        before = Some(c);
    }
    out
}

/// A text with `%name%` replaced by each of the values of that name; `\%` is a plain sign.
///
/// # Errors
/// The name that has no values.
pub(crate) fn expand(chunks: &[Chunk], values: impl Fn(&str) -> Option<Vec<Chunks>>) -> Result<Vec<Chunks>, Expand> {
    let mut out: Vec<Chunks> = vec![Vec::new()];
    for chunk in chunks {
        let Chunk::Bytes(bytes) = chunk else {
            out.iter_mut().for_each(|o| o.push(chunk.clone()));
            continue;
        };
        let text = std::str::from_utf8(bytes).map_err(|_| Expand::NotText)?;
        for part in placeholders(text) {
            match part {
                Part::Text(text) => out.iter_mut().for_each(|o| o.push(Chunk::Bytes(text.clone().into_bytes()))),
                Part::Name(name) => {
                    let values = values(name).ok_or_else(|| Expand::Unknown(name.to_owned()))?;
                    if out.len().saturating_mul(values.len()) > ALTERNATIVES {
                        return Err(Expand::TooMany);
                    }
                    let one = |o: &Chunks, v: &Chunks| [o.clone(), v.clone()].concat();
                    out = out.iter().flat_map(|o| values.iter().map(move |v| one(o, v))).collect();
                }
            }
        }
    }
    Ok(out)
}

/// Why placeholders can't be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expand {
    Unknown(String),
    NotText,
    TooMany,
}

enum Part<'a> {
    Text(String),
    Name(&'a str),
}

fn placeholders(text: &str) -> Vec<Part<'_>> {
    let mut out = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        if rest[..at].ends_with('\\') {
            plain.push_str(&rest[..at - 1]);
            plain.push('%');
            rest = &rest[at + 1..];
            continue;
        }
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let name = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        if name > 0 && rest[name..].starts_with('%') {
            out.push(Part::Text(std::mem::take(&mut plain)));
            out.push(Part::Name(&rest[..name]));
            rest = &rest[name + 1..];
        } else {
            plain.push('%');
        }
    }
    plain.push_str(rest);
    out.push(Part::Text(plain));
    out
}
