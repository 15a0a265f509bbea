//! Events that are written alike: of those what stands where is found out once.
//!
//! What becomes of an object's values follows from names, mostly; where it follows from a value too, that value is
//! looked at again ([`Check`]), or the object is left to [`super::decode`]. What names say is found out by letting
//! [`super::decode`] go through one such object, and looking which values it took for what.

use super::super::compiled::Compiled;
use super::super::gather::{Gather, Raw, Traced};
use super::super::property::property;
use super::super::vocabulary::{Asked, Sys};
use super::decode;
use super::shape::{Seen, Shape, Told, told};
use super::tables::top;
use crate::event::{Kind, Late, RawText, Value};
use crate::formats::json::{Span, unescape};
use std::borrow::Cow;

/// An object's entries: names, and values as they stand.
type Entries<'e, 'a> = &'e [(Cow<'a, str>, &'a str)];

/// Which of an object's values are what.
#[derive(Debug)]
pub(crate) struct Laid {
    checks: Vec<Check>,
    sys: [Option<u32>; Sys::COUNT],
    /// For each slot the value, where the event's data has one.
    slots: Box<[Option<u32>]>,
    utc_time: Option<u32>,
    /// What the last such event was.
    last: Last,
}

/// What must be true of a value.
#[derive(Debug)]
struct Check {
    /// The value, or the first and the last of those within an object.
    values: (u32, u32),
    told: Told,
    is: bool,
}

#[derive(Debug, Default)]
struct Last {
    id: Box<str>,
    provider: Box<str>,
    channel: Box<str>,
    kind: Option<(Kind, bool)>,
}

impl Laid {
    /// Finds out what stands where in an object of Windows; `values` says where its values stand in `text`. `None` where
    /// more than names and simple properties of values tell.
    pub(crate) fn new(text: &str, entries: Entries<'_, '_>, values: &[Span], compiled: &Compiled) -> Option<Self> {
        if compiled.all {
            return None;
        }
        let begin = text.as_ptr() as usize;
        let span = |part: &str| {
            let from = (part.as_ptr() as usize).checked_sub(begin)?;
            Some((u32::try_from(from).ok()?, u32::try_from(from + part.len()).ok()?))
        };
        let value = |part: &str| values.binary_search(&span(part)?).ok().map(|at| at as u32);
        let mut checks = Vec::new();
        let shape = shape(entries, &mut |told, part| {
            let is = told.of(part);
            let values = match value(part) {
                Some(at) => (at, at),
                // Of an object what stands within, where that must not hold something.
                None => {
                    let (from, to) = span(part).filter(|_| told == Told::Event && !is)?;
                    let first = values.partition_point(|v| v.0 < from);
                    let last = values.partition_point(|v| v.1 <= to).checked_sub(1).filter(|last| *last >= first);
                    match last {
                        Some(last) => (first as u32, last as u32),
                        None => return Some(()),
                    }
                }
            };
            checks.push(Check { values, told, is });
            Some(())
        })?;
        if shape == Shape::Wazuh {
            return None;
        }
        let Traced { sys, found, utc_time } = decode::trace(entries, shape, top(shape), compiled)?;
        let place = |raw: &Raw<'_>| match raw {
            Raw::None => Some(None),
            Raw::Json(part) => value(part).map(Some),
            Raw::Xml(_) | Raw::Plain(_) => None,
        };
        let mut laid = Laid {
            checks,
            sys: [None; Sys::COUNT],
            slots: vec![None; compiled.asked.len()].into(),
            utc_time: place(&utc_time)?,
            last: Last::default(),
        };
        for (mine, raw) in laid.sys.iter_mut().zip(&sys) {
            *mine = place(raw)?;
        }
        for (slot, raw) in &found {
            laid.slots[usize::from(*slot)] = place(raw)?;
        }
        Some(laid)
    }

    /// What an object that is written so is, and whether that is asked for; `None` where more is to be looked at.
    pub(crate) fn kind(&mut self, text: &str, values: &[Span], compiled: &Compiled) -> Option<(Kind, bool)> {
        let part = |first: u32, last: u32| {
            let (from, to) = (values.get(first as usize)?.0, values.get(last as usize)?.1);
            text.get(from as usize..to as usize)
        };
        for Check { values: (first, last), told, is } in &self.checks {
            if told.of(part(*first, *last)?) != *is {
                return None;
            }
        }
        let of = |sys: Sys| self.sys[sys as usize].and_then(|at| part(at, at));
        let id = of(Sys::EventId)?;
        let (provider, channel) = (of(Sys::Provider).unwrap_or_default(), of(Sys::Channel).unwrap_or_default());
        let last = &mut self.last;
        if last.kind.is_none() || *last.id != *id || *last.provider != *provider || *last.channel != *channel {
            let mut gather = Gather::new(compiled);
            let texts = [(Sys::EventId, id), (Sys::Provider, provider), (Sys::Channel, channel)];
            texts
                .into_iter()
                .filter(|(_, text)| !text.is_empty())
                .for_each(|(sys, text)| gather.sys(sys, Raw::Json(text)));
            let kind = gather.kind().map(|kind| (kind, gather.wanted()));
            self.last = Last { id: id.into(), provider: provider.into(), channel: channel.into(), kind };
        }
        self.last.kind
    }
}

/// The shape of an object; `check` is called with what must be looked at again in another that has the same names, and
/// says whether that can be done.
fn shape(entries: Entries<'_, '_>, check: &mut dyn FnMut(Told, &str) -> Option<()>) -> Option<Shape> {
    let mut seen = Seen::default();
    for (name, value) in entries {
        match told(name) {
            Some(Told::Within) if value.starts_with('{') => return None,
            Some(Told::Id) if value.starts_with(['{', '[', 'n']) => {}
            Some(told @ (Told::Id | Told::SecurityRow | Told::Event)) => check(told, value)?,
            Some(Told::Within) | None => {}
        }
        if let Some(shape) = seen.take(name, value, 0) {
            return Some(shape);
        }
    }
    seen.shape()
}

/// An event whose values were found.
pub(crate) struct LaidOut<'a, 't> {
    pub(crate) text: &'a str,
    pub(crate) values: &'t [Span],
    pub(crate) laid: &'t Laid,
    pub(crate) compiled: &'t Compiled,
    pub(crate) kind: Kind,
}

impl<'a> LaidOut<'a, '_> {
    fn part(&self, at: u32) -> &'a str {
        let span = self.values.get(at as usize).and_then(|(from, to)| self.text.get(*from as usize..*to as usize));
        span.unwrap_or("null")
    }

    /// The value of a slot as it stands, where the event's data has one.
    #[inline]
    fn data(&self, slot: usize) -> Option<&'a str> {
        let at = (*self.laid.slots.get(slot)?)?;
        Some(self.part(at))
    }

    fn sys(&self, sys: Sys) -> Raw<'a> {
        self.laid.sys[sys as usize].map_or(Raw::None, |at| Raw::Json(self.part(at)))
    }

    /// The event as others know it.
    fn gather(&self) -> Gather<'a, '_> {
        let mut gather = Gather::new(self.compiled);
        for (at, value) in self.laid.sys.iter().enumerate() {
            gather.set(at, value.map_or(Raw::None, |at| Raw::Json(self.part(at))));
        }
        gather.set_utc_time(self.laid.utc_time.map_or(Raw::None, |at| Raw::Json(self.part(at))));
        gather.lend(self.text);
        gather
    }
}

impl Late for LaidOut<'_, '_> {
    fn value(&self, slot: usize) -> Value<'_> {
        if let Some(json) = self.data(slot) {
            return Raw::Json(json).value(&mut 0);
        }
        match self.compiled.asked.get(slot) {
            Some(Asked::Raw) => Value::text(self.text),
            Some(Asked::Sys(sys) | Asked::Data(Some(sys))) => {
                property(*sys, &self.sys(*sys), || Some(self.kind), &mut 0)
            }
            Some(Asked::Data(None) | Asked::Unknown) | None => Value::Missing,
            Some(asked) => self.gather().special(*asked, &mut Default::default()),
        }
    }

    fn raw(&self, slot: usize) -> RawText<'_> {
        match self.data(slot) {
            Some(raw) if raw.starts_with('"') => RawText::Text { raw, form: RawText::WINDOWS_JSON },
            None if self.compiled.asked.get(slot) == Some(&Asked::Data(None)) => RawText::Missing,
            _ => RawText::Unknown,
        }
    }

    fn text_into(&self, slot: usize, out: &mut String) -> bool {
        if let Some(inner) = self.data(slot).and_then(|json| json.strip_prefix('"')?.strip_suffix('"'))
            && unescape::append(inner, out)
        {
            return true;
        }
        self.value(slot).into_text().is_some_and(|text| {
            out.push_str(&text);
            true
        })
    }

    fn has(&self, slot: usize) -> bool {
        self.data(slot).is_some() || !self.value(slot).is_missing()
    }
}
