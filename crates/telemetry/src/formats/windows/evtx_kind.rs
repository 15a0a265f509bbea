//! The kind of an event log record, read off its binary XML without decoding the record.
//!
//! A record is a reference to a template and the values for the template's holes. Where provider, channel and event id
//! stand in a template is found once; after that a record costs a look at two or three of its values. Whatever is not
//! as expected gives `None`, and the record is decoded to find out.

use super::vocabulary::kind;
use crate::event::Kind;
use std::collections::HashMap;

/// Tells the kinds of one chunk's records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kinds {
    templates: HashMap<u32, Option<Template>>,
}

/// Where in a template the three stand.
#[derive(Clone, Debug, Default)]
struct Template {
    provider: Part,
    channel: Part,
    event_id: Part,
}

/// A piece of text in a template.
#[derive(Clone, Debug, Default)]
enum Part {
    #[default]
    Nothing,
    Text(String),
    Hole(u16),
}

impl Kinds {
    /// The kind of the record whose binary XML begins at `at` in `chunk`.
    pub(crate) fn of(&mut self, chunk: &[u8], at: usize) -> Option<Kind> {
        let mut bytes = Bytes { chunk, at };
        // A fragment with one template instance in it, as the event log service writes all records.
        if bytes.take::<5>()? != [0x0F, 1, 1, 0, 0x0C] {
            return None;
        }
        bytes.skip(5)?;
        let definition = bytes.u32()?;
        if bytes.at == definition as usize {
            bytes.skip(20)?;
            let size = bytes.u32()?;
            bytes.skip(size as usize)?;
        }
        let template = self.templates.entry(definition).or_insert_with(|| template(chunk, definition as usize));
        let template = template.as_ref()?;
        let holes = Holes::new(bytes)?;
        let id = match &template.event_id {
            Part::Text(text) => text.parse().ok()?,
            Part::Hole(n) => holes.number(*n)?,
            Part::Nothing => return None,
        };
        let text = |part: &Part| match part {
            Part::Nothing => Some(String::new()),
            Part::Text(text) => Some(text.clone()),
            Part::Hole(n) => holes.text(*n),
        };
        Some(kind(&text(&template.provider)?, &text(&template.channel)?, id & 0xFFFF))
    }
}

impl Kinds {
    /// Whether there may be a record of a wanted kind in `chunk`: `false` only where that is certain.
    pub(crate) fn any_in(&mut self, chunk: &[u8], wanted: impl Fn(&Kind) -> bool) -> bool {
        self.none_in(chunk, wanted).is_none()
    }

    fn none_in(&mut self, chunk: &[u8], wanted: impl Fn(&Kind) -> bool) -> Option<()> {
        let mut header = Bytes { chunk, at: 0 };
        if header.take::<8>()? != *b"ElfChnk\0" {
            return None;
        }
        header.at = 32;
        let last: u64 = header.take().map(u64::from_le_bytes)?;
        header.at = 48;
        let end = header.u32()? as usize;
        let mut at = 512;
        while at < end {
            let mut record = Bytes { chunk, at };
            if record.take::<4>()? != *b"**\0\0" {
                return None;
            }
            let size = record.u32()? as usize;
            let id = record.take().map(u64::from_le_bytes)?;
            if size < 28 || at + size > chunk.len() || wanted(&self.of(chunk, at + 24)?) {
                return None;
            }
            if id == last {
                break;
            }
            at += size;
        }
        Some(())
    }
}

/// How many records a chunk says it has.
pub(super) fn records(chunk: &[u8]) -> u64 {
    let number = |at| Bytes { chunk, at }.take().map(u64::from_le_bytes);
    let count = || number(32)?.checked_sub(number(24)?)?.checked_add(1);
    // A record takes 28 bytes at least.
    count().filter(|n| *n <= chunk.len() as u64 / 28).unwrap_or(0)
}

/// A place in a chunk; nothing is read beyond it.
#[derive(Clone, Copy)]
struct Bytes<'a> {
    chunk: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    fn slice(&mut self, n: usize) -> Option<&'a [u8]> {
        let slice = self.chunk.get(self.at..self.at.checked_add(n)?)?;
        self.at += n;
        Some(slice)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.slice(N)?.try_into().ok()
    }

    fn skip(&mut self, n: usize) -> Option<()> {
        self.slice(n).map(|_| ())
    }

    fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|b| b[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn utf16(&mut self, units: usize) -> Option<String> {
        let (pairs, _) = self.slice(units.checked_mul(2)?)?.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|p| u16::from_le_bytes(*p)).collect();
        String::from_utf16(&units).ok()
    }

    /// A name: where it stands, and itself if this is the place.
    fn name(&mut self) -> Option<String> {
        let offset = self.u32()? as usize;
        let mut there = Bytes { chunk: self.chunk, at: offset.checked_add(6)? };
        let length = usize::from(there.u16()?);
        let name = there.utf16(length)?;
        if offset == self.at {
            self.at = there.at.checked_add(2)?;
        }
        Some(name)
    }
}

/// The values of a record.
struct Holes<'a> {
    chunk: &'a [u8],
    table: &'a [u8],
    values: usize,
}

impl<'a> Holes<'a> {
    fn new(mut bytes: Bytes<'a>) -> Option<Self> {
        let count = bytes.u32()? as usize;
        let table = bytes.slice(count.checked_mul(4)?)?;
        Some(Holes { chunk: bytes.chunk, table, values: bytes.at })
    }

    /// The type and the bytes of a value.
    fn get(&self, n: u16) -> Option<(u8, &'a [u8])> {
        let (entries, _) = self.table.as_chunks::<4>();
        let size = |entry: &[u8; 4]| usize::from(u16::from_le_bytes([entry[0], entry[1]]));
        let n = usize::from(n);
        let at = self.values + entries.get(..n)?.iter().map(size).sum::<usize>();
        let entry = entries.get(n)?;
        Some((entry[2], self.chunk.get(at..at + size(entry))?))
    }

    fn number(&self, n: u16) -> Option<u32> {
        match self.get(n)? {
            (0x04, [n]) => Some(u32::from(*n)),
            (0x06, bytes) => bytes.try_into().ok().map(u16::from_le_bytes).map(u32::from),
            (0x08, bytes) => bytes.try_into().ok().map(u32::from_le_bytes),
            _ => None,
        }
    }

    fn text(&self, n: u16) -> Option<String> {
        match self.get(n)? {
            (0x00, _) => Some(String::new()),
            (0x01, bytes) => {
                let text = Bytes { chunk: bytes, at: 0 }.utf16(bytes.len() / 2)?;
                Some(text.trim_end_matches('\0').to_owned())
            }
            _ => None,
        }
    }
}

/// Looks through the template at `at` until its `System` element ends.
fn template(chunk: &[u8], at: usize) -> Option<Template> {
    let mut bytes = Bytes { chunk, at: at.checked_add(24)? };
    let mut found = Template::default();
    let mut open: Vec<String> = Vec::new();
    let mut attribute = String::new();
    loop {
        let token = bytes.u8()?;
        match token {
            0x0F => bytes.skip(3)?,
            0x01 | 0x41 => {
                bytes.skip(6)?;
                open.push(bytes.name()?);
                if token == 0x41 {
                    bytes.skip(4)?;
                }
                attribute.clear();
            }
            0x02 => attribute.clear(),
            0x03 | 0x04 => {
                attribute.clear();
                if open.pop()? == "System" {
                    return Some(found);
                }
            }
            0x05 | 0x45 => {
                if bytes.u8()? != 0x01 {
                    return None;
                }
                let length = usize::from(bytes.u16()?);
                let text = bytes.utf16(length)?;
                found.put(&open, &attribute, Part::Text(text))?;
            }
            0x06 | 0x46 => attribute = bytes.name()?,
            0x0D | 0x0E => {
                let hole = bytes.u16()?;
                bytes.skip(1)?;
                found.put(&open, &attribute, Part::Hole(hole))?;
            }
            _ => return None,
        }
        if open.len() > 16 {
            return None;
        }
    }
}

impl Template {
    /// Takes a piece of text; `None` if one of the three is made of several.
    fn put(&mut self, open: &[String], attribute: &str, part: Part) -> Option<()> {
        let [_, system, element] = open else { return Some(()) };
        let place = match (system.as_str(), element.as_str(), attribute) {
            ("System", "Provider", "Name") => &mut self.provider,
            ("System", "EventID", "") => &mut self.event_id,
            ("System", "Channel", "") => &mut self.channel,
            _ => return Some(()),
        };
        if !matches!(place, Part::Nothing) {
            return None;
        }
        *place = part;
        Some(())
    }
}
