//! The kind of an event log record, read off its binary XML without decoding the record.
//!
//! A record is a reference to a template and the values for the template's holes. Where provider, channel and event id
//! stand in a template is found once; after that a record costs a look at two or three of its values. Whatever is not
//! as expected gives `None`, and the record is decoded to find out.

use super::vocabulary::kind;
use crate::event::Kind;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// Tells the kinds of one chunk's records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kinds {
    /// By where their definitions stand.
    templates: HashMap<u32, Option<Template>>,
    /// That of the last record: neighbours are mostly of one.
    last: Option<(u32, Template)>,
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
    /// Where in the chunk it stands, in UTF-16.
    Text(Range<usize>),
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
        if self.last.as_ref().is_none_or(|(of, _)| *of != definition) {
            let known = self.templates.entry(definition);
            let template = known.or_insert_with(|| template(chunk, definition as usize)).clone()?;
            self.last = Some((definition, template));
        }
        let (_, template) = self.last.as_ref()?;
        let holes = Holes::new(bytes)?;
        let id = match &template.event_id {
            Part::Text(place) => text_of(chunk.get(place.clone())?, &mut [0; SHORT])?.parse().ok()?,
            Part::Hole(n) => holes.number(*n)?,
            Part::Nothing => return None,
        };
        let (mut provider, mut channel) = ([0; SHORT], [0; SHORT]);
        let provider = holes.part(&template.provider, &mut provider)?;
        let channel = holes.part(&template.channel, &mut channel)?;
        Some(kind(&provider, &channel, id & 0xFFFF))
    }
}

/// Names of providers and channels are mostly shorter.
const SHORT: usize = 96;

/// Text in UTF-16; without allocating where it is ASCII and not long.
fn text_of<'r>(bytes: &[u8], room: &'r mut [u8; SHORT]) -> Option<Cow<'r, str>> {
    let (units, _) = bytes.as_chunks::<2>();
    if units.len() <= SHORT && units.iter().all(|[low, high]| *high == 0 && low.is_ascii()) {
        for (to, [low, _]) in room.iter_mut().zip(units) {
            *to = *low;
        }
        return std::str::from_utf8(&room[..units.len()]).ok().map(Cow::Borrowed);
    }
    let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    String::from_utf16(&units).ok().map(Cow::Owned)
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

    /// Where a text of so many units stands; none where it is no UTF-16.
    fn utf16(&mut self, units: usize) -> Option<Range<usize>> {
        let begin = self.at;
        let text = self.slice(units.checked_mul(2)?)?;
        is_utf16(text).then_some(begin..self.at)
    }

    /// A name; it is passed over if this is its place.
    fn name(&mut self) -> Option<Name> {
        let offset = self.u32()? as usize;
        let mut there = Bytes { chunk: self.chunk, at: offset.checked_add(6)? };
        let length = usize::from(there.u16()?);
        let name = there.utf16(length)?;
        if offset == self.at {
            self.at = there.at.checked_add(2)?;
        }
        Some(Name::of(&self.chunk[name]))
    }
}

fn is_utf16(text: &[u8]) -> bool {
    let (units, _) = text.as_chunks::<2>();
    let half = |unit: &[u8; 2]| (0xD8..=0xDF).contains(&unit[1]);
    !units.iter().any(half) || char::decode_utf16(units.iter().map(|u| u16::from_le_bytes(*u))).all(|c| c.is_ok())
}

/// The names of elements and attributes that tell what an event is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Name {
    System,
    Provider,
    EventId,
    Channel,
    /// The attribute `Name`.
    Called,
    /// No attribute.
    Nothing,
    #[default]
    Other,
}

impl Name {
    fn of(text: &[u8]) -> Self {
        const NAMES: [(&str, Name); 6] = [
            ("System", Name::System),
            ("Provider", Name::Provider),
            ("EventID", Name::EventId),
            ("Channel", Name::Channel),
            ("Name", Name::Called),
            ("", Name::Nothing),
        ];
        let (units, _) = text.as_chunks::<2>();
        let is = |name: &str| units.iter().copied().eq(name.bytes().map(|b| [b, 0]));
        NAMES.iter().find(|(name, _)| is(name)).map_or(Name::Other, |(_, name)| *name)
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

    /// The text of a part of the template, filled in.
    fn part<'r>(&self, part: &Part, room: &'r mut [u8; SHORT]) -> Option<Cow<'r, str>> {
        match part {
            Part::Nothing => Some(Cow::Borrowed("")),
            Part::Text(place) => text_of(self.chunk.get(place.clone())?, room),
            Part::Hole(n) => self.text(*n, room),
        }
    }

    fn text<'r>(&self, n: u16, room: &'r mut [u8; SHORT]) -> Option<Cow<'r, str>> {
        match self.get(n)? {
            (0x00, _) => Some(Cow::Borrowed("")),
            (0x01, bytes) => {
                let (units, _) = bytes.as_chunks::<2>();
                let end = units.iter().rposition(|unit| *unit != [0, 0]).map_or(0, |last| last + 1);
                // Zeros at the end are no text.
                text_of(&bytes[..2 * end], room)
            }
            _ => None,
        }
    }
}

/// Looks through the template at `at` until its `System` element ends.
fn template(chunk: &[u8], at: usize) -> Option<Template> {
    let mut bytes = Bytes { chunk, at: at.checked_add(24)? };
    let mut found = Template::default();
    let mut open: Vec<Name> = Vec::with_capacity(8);
    let mut attribute = Name::Nothing;
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
                attribute = Name::Nothing;
            }
            0x02 => attribute = Name::Nothing,
            0x03 | 0x04 => {
                attribute = Name::Nothing;
                if open.pop()? == Name::System {
                    return Some(found);
                }
            }
            0x05 | 0x45 => {
                if bytes.u8()? != 0x01 {
                    return None;
                }
                let length = usize::from(bytes.u16()?);
                let text = bytes.utf16(length)?;
                found.put(&open, attribute, Part::Text(text))?;
            }
            0x06 | 0x46 => attribute = bytes.name()?,
            0x0D | 0x0E => {
                let hole = bytes.u16()?;
                bytes.skip(1)?;
                found.put(&open, attribute, Part::Hole(hole))?;
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
    fn put(&mut self, open: &[Name], attribute: Name, part: Part) -> Option<()> {
        let [_, Name::System, element] = open else { return Some(()) };
        let place = match (element, attribute) {
            (Name::Provider, Name::Called) => &mut self.provider,
            (Name::EventId, Name::Nothing) => &mut self.event_id,
            (Name::Channel, Name::Nothing) => &mut self.channel,
            _ => return Some(()),
        };
        if !matches!(place, Part::Nothing) {
            return None;
        }
        *place = part;
        Some(())
    }
}
