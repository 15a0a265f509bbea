//! Collecting one event's asked fields, without decoding any until the event is known to be wanted.

use super::compiled::Compiled;
use super::property::property;
use super::text::{escape_json, escape_xml, unescape_json, unescape_xml};
use super::time;
use super::vocabulary::{Asked, Sys, kind};
use crate::event::{Kind, Late, RawText, Value};
use crate::formats::json::unescape;
use std::borrow::Cow;
use std::collections::HashSet;

/// A value as it stands in the source, its escapes not yet resolved.
#[derive(Clone, Debug, Default)]
pub(crate) enum Raw<'a> {
    #[default]
    None,
    /// XML character data.
    Xml(&'a str),
    /// A JSON value.
    Json(&'a str),
    /// Text with nothing to resolve.
    Plain(Cow<'a, str>),
}

impl<'a> Raw<'a> {
    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Raw::None)
    }

    /// The text, if it is one value and not a structure; broken escapes are counted.
    pub(crate) fn text(&self, broken: &mut u32) -> Option<Cow<'a, str>> {
        Some(match self {
            Raw::None => return None,
            Raw::Xml(text) => {
                let (text, n) = unescape_xml(text);
                *broken += n;
                text
            }
            Raw::Plain(text) => text.clone(),
            Raw::Json(json) => match json.as_bytes().first() {
                Some(b'"') => unescape_json(json),
                Some(b'{' | b'[' | b'n') | None => return None,
                Some(_) => Cow::Borrowed(*json),
            },
        })
    }

    /// The text; a structure is [`Value::Json`].
    pub(crate) fn value(&self, broken: &mut u32) -> Value<'a> {
        match self {
            Raw::Json(json) if json.starts_with(['{', '[']) => Value::Json(Cow::Borrowed(*json)),
            raw => raw.text(broken).map_or(Value::Missing, Value::Text),
        }
    }

    /// As [`Raw::value`], without a copy of what is owned already.
    fn borrowed(&self, broken: &mut u32) -> Value<'_> {
        match self {
            Raw::Plain(text) => Value::text(text),
            raw => raw.value(broken),
        }
    }

    fn into_owned(self, broken: &mut u32) -> Raw<'static> {
        match self.value(broken) {
            Value::Text(text) | Value::Json(text) => Raw::Plain(Cow::Owned(text.into_owned())),
            _ => Raw::None,
        }
    }
}

/// What is to be said of an event besides its values.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Remarks {
    /// How many malformed places were read as what they must have been.
    pub(crate) recovered: u32,
    /// Whether its time has no zone and was taken for UTC.
    pub(crate) local_time: bool,
}

/// An asked field that was found: its slot, its value, and whether the name was matched to the letter.
#[derive(Debug)]
struct Found<'a> {
    slot: u16,
    raw: Raw<'a>,
    exact: bool,
}

/// One event being taken apart.
#[derive(Debug)]
pub(crate) struct Gather<'a, 'c> {
    compiled: &'c Compiled,
    sys: [Raw<'a>; Sys::COUNT],
    /// The asked fields of the event's data that were found.
    found: Vec<Found<'a>>,
    /// The event's text.
    raw: &'a str,
    /// Every data field, when all are needed.
    all: Vec<(Cow<'a, str>, Raw<'a>)>,
    /// Sysmon's own time, which is right where a collector's is local.
    utc_time: Raw<'a>,
    /// The event's data as XML, where the source has it so.
    pub(crate) data_xml: Option<&'a str>,
    /// How often something malformed was read as what it must have been.
    pub(crate) recovered: u32,
    /// Whether backslashes are doubled in the values (Wazuh).
    pub(crate) doubled: bool,
    /// Whether what is in it follows from what stands in values.
    looked: bool,
}

/// What was taken for what.
pub(crate) struct Traced<'a> {
    pub(crate) sys: [Raw<'a>; Sys::COUNT],
    /// The slots of the event's data.
    pub(crate) found: Vec<(u16, Raw<'a>)>,
    pub(crate) utc_time: Raw<'a>,
}

impl<'a, 'c> Gather<'a, 'c> {
    pub(crate) fn new(compiled: &'c Compiled) -> Self {
        Gather {
            compiled,
            sys: [const { Raw::None }; Sys::COUNT],
            found: Vec::new(),
            raw: "",
            all: Vec::new(),
            utc_time: Raw::None,
            data_xml: None,
            recovered: 0,
            doubled: false,
            looked: false,
        }
    }

    /// Takes what follows from what stands in a value.
    pub(crate) fn looks_into(&mut self, take: impl FnOnce(&mut Self)) {
        self.looked = true;
        take(self);
    }

    /// What was taken for what; `None` where that follows from what stands in values.
    pub(crate) fn traced(self) -> Option<Traced<'a>> {
        let found = self.found.into_iter().map(|f| (f.slot, f.raw)).collect();
        (!self.looked && self.recovered == 0).then_some(Traced { sys: self.sys, found, utc_time: self.utc_time })
    }

    /// Sets the property of that number.
    pub(crate) fn set(&mut self, sys: usize, raw: Raw<'a>) {
        self.sys[sys] = raw;
    }

    /// Sets Sysmon's own time.
    pub(crate) fn set_utc_time(&mut self, raw: Raw<'a>) {
        self.utc_time = raw;
    }

    /// Takes a property. The first one stands.
    pub(crate) fn sys(&mut self, sys: Sys, raw: Raw<'a>) {
        let slot = &mut self.sys[sys as usize];
        if slot.is_none() {
            *slot = raw;
        }
    }

    /// Takes a field of the event's data. The first one stands, except that one whose name is spelled exactly as
    /// asked wins over one that differs in case (`ProcessId` and `ProcessID` may both be there).
    pub(crate) fn data(&mut self, name: Cow<'a, str>, raw: Raw<'a>) {
        for (slot, exact) in self.compiled.slots(&name) {
            self.take(slot, raw.clone(), exact);
        }
        if name.len() == 7 && name.eq_ignore_ascii_case("UtcTime") && self.utc_time.is_none() {
            self.utc_time = raw.clone();
        }
        if self.compiled.all {
            self.all.push((name, raw));
        }
    }

    /// Takes a field that the slot asks for.
    pub(crate) fn take(&mut self, slot: u16, raw: Raw<'a>, exact: bool) {
        let new = Found { slot, raw, exact };
        match self.found.iter_mut().find(|f| f.slot == new.slot) {
            Some(old) if old.raw.is_none() || (new.exact && !old.exact) => *old = new,
            Some(_) => {}
            None if new.raw.is_none() => {}
            None => self.found.push(new),
        }
    }

    /// The event's kind, as far as its properties are known by now; `None` without an event id.
    pub(crate) fn kind(&self) -> Option<Kind> {
        let mut broken = 0;
        let mut text = |sys: Sys| self.sys[sys as usize].text(&mut broken).unwrap_or_default();
        let id = text(Sys::EventId);
        let id = id.trim().parse::<u64>().ok().or_else(|| id.trim().parse::<f64>().ok().map(|f| f as u64))?;
        // Classic events carry qualifiers in the upper half (`EventIdentifier`).
        Some(kind(text(Sys::Provider).trim(), text(Sys::Channel).trim(), (id & 0xFFFF) as u32))
    }

    /// Whether its values are taken late.
    pub(crate) fn is_late(&self) -> bool {
        self.compiled.late()
    }

    /// Whether the event is Sysmon's.
    pub(crate) fn is_sysmon(&self) -> bool {
        self.kind().is_some_and(|k| k.family == crate::event::Family::Sysmon)
    }

    /// Whether the event is asked for; `true` as long as its kind is unknown.
    pub(crate) fn wanted(&self) -> bool {
        self.compiled.kinds.is_empty() || self.kind().is_none_or(|k| self.compiled.wants(&k))
    }

    /// An empty one for the same request, for a text that lives shorter than this event.
    pub(crate) fn inner<'t>(&self) -> Gather<'t, 'c> {
        Gather::new(self.compiled)
    }

    /// Takes over what was found in a text that lives shorter than this event.
    pub(crate) fn absorb(&mut self, other: Gather<'_, '_>) {
        let broken = &mut self.recovered;
        *broken += other.recovered;
        for (mine, theirs) in self.sys.iter_mut().zip(other.sys) {
            if mine.is_none() {
                *mine = theirs.into_owned(broken);
            }
        }
        for Found { slot, raw, exact } in other.found {
            if !self.found.iter().any(|f| f.slot == slot && !f.raw.is_none()) {
                self.found.retain(|f| f.slot != slot);
                self.found.push(Found { slot, raw: raw.into_owned(broken), exact });
            }
        }
        if self.utc_time.is_none() {
            self.utc_time = other.utc_time.into_owned(broken);
        }
        for (name, raw) in other.all {
            self.all.push((Cow::Owned(name.into_owned()), raw.into_owned(broken)));
        }
    }

    /// Decodes the asked fields into `values`. `raw` is the event's text.
    pub(crate) fn finish(&mut self, raw: &'a str, values: &mut Vec<Value<'a>>) -> Remarks {
        self.raw = raw;
        let mut remarks = Remarks { recovered: self.recovered, local_time: false };
        values.resize_with(self.compiled.asked.len(), || Value::Missing);
        for Found { slot, raw, .. } in std::mem::take(&mut self.found) {
            values[usize::from(slot)] = self.undoubled(raw.value(&mut remarks.recovered));
        }
        for &slot in &self.compiled.special {
            let value = &mut values[usize::from(slot)];
            if value.is_missing() {
                *value = self.special(self.compiled.asked[usize::from(slot)], &mut remarks);
            }
        }
        remarks
    }

    /// The event's text is `raw`, and its values will be asked for one by one.
    pub(crate) fn lend(&mut self, raw: &'a str) {
        self.raw = raw;
    }

    /// What is to be said of the event itself, whatever is asked of it.
    pub(crate) fn remarks(&self) -> Remarks {
        Remarks { recovered: self.recovered, local_time: false }
    }

    /// An asked field that the event's data does not have, or that is none of it.
    pub(crate) fn special(&self, asked: Asked, remarks: &mut Remarks) -> Value<'a> {
        match asked {
            Asked::Time => {
                let (time, zoned) = self.time();
                remarks.local_time |= !zoned;
                time
            }
            Asked::Raw => Value::text(self.raw),
            Asked::Fields => Value::Json(Cow::Owned(self.json(true))),
            Asked::DataJson => Value::Json(Cow::Owned(self.json(false))),
            Asked::DataXml => Value::Text(self.xml()),
            Asked::DataItem => Value::Text(Cow::Owned(self.data_item())),
            Asked::DataParams => Value::Text(Cow::Owned(self.params())),
            Asked::Sys(sys) | Asked::Data(Some(sys)) => self.property(sys, &mut remarks.recovered),
            Asked::Data(None) | Asked::Unknown => Value::Missing,
        }
    }

    fn undoubled<'v>(&self, value: Value<'v>) -> Value<'v> {
        match value {
            Value::Text(text) if self.doubled => Value::Text(halve_backslashes(text)),
            value => value,
        }
    }

    fn property(&self, sys: Sys, broken: &mut u32) -> Value<'a> {
        property(sys, &self.sys[sys as usize], || self.kind(), broken)
    }

    /// The event's time: what the event log recorded, or else the best that the collector kept; and whether its zone
    /// is known.
    ///
    /// A collector's time without a zone is often local, so Sysmon's own `UtcTime` goes before it; what remains
    /// without a zone is taken for UTC.
    fn time(&self) -> (Value<'a>, bool) {
        let mut broken = 0;
        let mut parse = |raw: &Raw<'_>| raw.text(&mut broken).and_then(|t| time::parse(&t));
        if let Some((t, _)) = parse(&self.sys[Sys::SystemTime as usize]).or_else(|| parse(&self.utc_time)) {
            return (Value::Time(t), true);
        }
        let own = parse(&self.sys[Sys::EventTime as usize]);
        let collected = parse(&self.sys[Sys::Collected as usize]);
        match own.filter(|(_, zoned)| *zoned).or(collected).or(own) {
            Some((t, zoned)) => (Value::Time(t), zoned),
            None => (Value::Missing, true),
        }
    }

    /// The data fields as a JSON object, with the properties after them if asked.
    fn json(&self, properties: bool) -> String {
        let mut out = String::from("{");
        let mut broken = 0;
        let begin = |out: &mut String, name: &str| {
            if out.len() > 1 {
                out.push(',');
            }
            escape_json(out, name);
            out.push(':');
        };
        let put = |out: &mut String, name: &str, value: Value<'_>| {
            if value.is_missing() {
                return;
            }
            begin(out, name);
            match value {
                Value::Text(text) => escape_json(out, &text),
                Value::Json(json) => out.push_str(&json),
                Value::Int(n) => out.push_str(&n.to_string()),
                _ => out.push_str("null"),
            }
        };
        // The first of a name stands, as it does for a field that is asked for.
        let mut names: HashSet<&str> = HashSet::with_capacity(self.all.len());
        for (name, raw) in &self.all {
            match raw {
                _ if !names.insert(name) => {}
                // A text of JSON is written as it stands, unless it may have half a surrogate pair.
                Raw::Json(json) if json.starts_with('"') && !self.doubled && !json.contains("\\u") => {
                    begin(&mut out, name);
                    out.push_str(json);
                }
                raw => put(&mut out, name, self.undoubled(raw.value(&mut broken))),
            }
        }
        if properties {
            for (name, sys) in Sys::NAMED {
                if !self.all.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                    put(&mut out, name, self.property(*sys, &mut broken));
                }
            }
        }
        out.push('}');
        out
    }

    /// The event's data as XML: as it stood there, or written anew. The namespace, which stands at the event, comes
    /// with it.
    fn xml(&self) -> Cow<'a, str> {
        const OPEN: &str = "<EventData xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\">";
        if let Some(xml) = self.data_xml {
            return match xml.strip_prefix("<EventData>") {
                Some(rest) => Cow::Owned([OPEN, rest].concat()),
                None => Cow::Borrowed(xml),
            };
        }
        let mut out = String::from(OPEN);
        for (name, text) in self.texts() {
            out.push_str("<Data Name=\"");
            escape_xml(&mut out, name);
            out.push_str("\">");
            escape_xml(&mut out, &text);
            out.push_str("</Data>");
        }
        out.push_str("</EventData>");
        Cow::Owned(out)
    }

    /// The data as Log Analytics' `Event.EventData` wraps it.
    fn data_item(&self) -> String {
        let time = match self.time().0 {
            Value::Time(t) => {
                jiff::Timestamp::from_nanosecond(i128::from(t)).map(|t| t.to_string()).unwrap_or_default()
            }
            _ => String::new(),
        };
        format!("<DataItem type=\"System.XmlData\" time=\"{time}\">{}</DataItem>", self.xml())
    }

    /// The data's values alone, as Log Analytics' `Event.ParameterXml` has them.
    fn params(&self) -> String {
        let mut out = String::new();
        for (_, text) in self.texts() {
            out.push_str("<Param>");
            escape_xml(&mut out, &text);
            out.push_str("</Param>");
        }
        out
    }

    fn texts(&self) -> impl Iterator<Item = (&str, Cow<'a, str>)> {
        let mut broken = 0;
        self.all.iter().map(move |(name, raw)| {
            let text = match self.undoubled(raw.value(&mut broken)) {
                Value::Text(text) | Value::Json(text) => text,
                _ => Cow::Borrowed(""),
            };
            (&**name, text)
        })
    }
}

impl Late for Gather<'_, '_> {
    fn value(&self, slot: usize) -> Value<'_> {
        let Some(asked) = self.compiled.asked.get(slot) else { return Value::Missing };
        match self.found.iter().find(|f| usize::from(f.slot) == slot) {
            Some(found) => self.undoubled(found.raw.borrowed(&mut 0)),
            None => self.special(*asked, &mut Remarks::default()),
        }
    }

    fn raw(&self, slot: usize) -> RawText<'_> {
        match self.found.iter().find(|f| usize::from(f.slot) == slot) {
            Some(Found { raw: Raw::Json(raw), .. }) if raw.starts_with('"') && !self.doubled => {
                RawText::Text { raw, form: RawText::WINDOWS_JSON }
            }
            None if self.compiled.asked.get(slot) == Some(&Asked::Data(None)) => RawText::Missing,
            _ => RawText::Unknown,
        }
    }

    fn text_into(&self, slot: usize, out: &mut String) -> bool {
        // A text of JSON, as it mostly is.
        if let Some(Found { raw: Raw::Json(json), .. }) = self.found.iter().find(|f| usize::from(f.slot) == slot)
            && let Some(inner) = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'))
            && !self.doubled
            && unescape::append(inner, out)
        {
            return true;
        }
        let text = self.value(slot).into_text();
        text.is_some_and(|text| {
            out.push_str(&text);
            true
        })
    }
}

/// `C:\\Windows` as `C:\Windows`, if every backslash of the text is doubled.
fn halve_backslashes(text: Cow<'_, str>) -> Cow<'_, str> {
    let doubled = |t: &str| {
        let mut runs = t.split(|c| c != '\\').filter(|run| !run.is_empty()).peekable();
        runs.peek().is_some() && runs.all(|run| run.len() % 2 == 0)
    };
    if doubled(&text) { Cow::Owned(text.replace("\\\\", "\\")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubled_backslashes() {
        assert_eq!(halve_backslashes(r"C:\\Windows\\x.exe".into()), r"C:\Windows\x.exe");
        assert_eq!(halve_backslashes(r"C:\Windows\\x.exe".into()), r"C:\Windows\\x.exe");
        assert_eq!(halve_backslashes("none".into()), "none");
    }
}
