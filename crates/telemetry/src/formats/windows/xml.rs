//! A fast, tolerant scanner for the XML of one event.
//!
//! It knows the event schema and nothing more of XML than events use: elements, attributes in either quotes,
//! entities, CDATA, comments. What is not well-formed is read as far as it makes sense, and counted.

use super::gather::{Gather, Raw};
use super::vocabulary::Sys;
use memchr::{memchr, memmem};
use std::borrow::Cow;

/// Elements nested deeper than this are passed over.
const DEPTH: usize = 32;

/// A tag longer than this is none.
const TAG: usize = 64 * 1024;

/// After so much that is not well-formed, the rest of the event is given up: hostile text must not cost more than
/// its length.
const GIVE_UP: u32 = 1000;

/// A tag.
enum Tag<'a> {
    Open { name: &'a str, attributes: &'a str, empty: bool },
    Close(&'a str),
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Where the last tag began.
    tag: usize,
    recovered: u32,
}

impl<'a> Scanner<'a> {
    /// The next tag, and the text before it. `None` at the end of the text.
    ///
    /// A `<` that begins nothing is text: Sysmon for Linux's relays lose the escapes of some.
    fn next(&mut self) -> Option<(&'a str, Tag<'a>)> {
        let start = self.at;
        loop {
            if self.recovered > GIVE_UP {
                self.at = self.text.len();
            }
            let open = self.at + memchr(b'<', &self.text.as_bytes()[self.at..])?;
            let after = &self.text.as_bytes()[open + 1..];
            match after.first()? {
                b'!' if after.starts_with(b"!--") => self.skip_past(open, "-->"),
                b'!' if after.starts_with(b"![CDATA[") => self.skip_past(open, "]]>"),
                b'!' | b'?' => self.skip_past(open, ">"),
                b'/' => {
                    let Some(end) = memchr(b'>', after) else {
                        self.recovered += 1;
                        self.at = self.text.len();
                        return None;
                    };
                    let name = self.text[open + 2..open + 1 + end].trim_end();
                    self.at = open + end + 2;
                    self.tag = open;
                    return Some((&self.text[start..open], Tag::Close(local(name))));
                }
                c if c.is_ascii_alphabetic() || *c == b'_' => {
                    let Some(tag) = self.open_tag(open) else {
                        self.recovered += 1;
                        self.at = open + 1;
                        continue;
                    };
                    return Some((&self.text[start..open], tag));
                }
                _ => {
                    self.recovered += 1;
                    self.at = open + 1;
                }
            }
        }
    }

    fn skip_past(&mut self, open: usize, end: &str) {
        match memmem::find(&self.text.as_bytes()[open..], end.as_bytes()) {
            Some(i) => self.at = open + i + end.len(),
            None => {
                self.recovered += 1;
                self.at = self.text.len();
            }
        }
    }

    /// The opening tag whose `<` is at `open`; moves behind it.
    fn open_tag(&mut self, open: usize) -> Option<Tag<'a>> {
        let bytes = self.text.as_bytes();
        let bytes = &bytes[..bytes.len().min(open + TAG)];
        let mut i = open + 1;
        while bytes.get(i).is_some_and(|c| !matches!(c, b' ' | b'>' | b'/' | b'\t' | b'\r' | b'\n' | b'<' | b'=')) {
            i += 1;
        }
        let name_end = i;
        loop {
            match bytes.get(i)? {
                b'>' => {
                    let empty = bytes[i - 1] == b'/' && i > name_end;
                    let attributes = self.text.get(name_end..i - usize::from(empty))?;
                    self.at = i + 1;
                    self.tag = open;
                    return Some(Tag::Open { name: local(&self.text[open + 1..name_end]), attributes, empty });
                }
                quote @ (b'"' | b'\'') => i += memchr(*quote, &bytes[i + 1..])? + 2,
                b'<' => return None,
                _ => i += 1,
            }
        }
    }

    /// The text up to the closing tag of the element just opened. `name` as in the opening tag.
    ///
    /// Whatever stands before `</name>` belongs to the value, even a stray `<`.
    fn leaf(&mut self, name: &str) -> &'a str {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut from = start;
        loop {
            let Some(open) = memchr(b'<', &bytes[from..]).map(|i| from + i) else {
                self.recovered += 1;
                self.at = bytes.len();
                return &self.text[start..];
            };
            let rest = &bytes[open + 1..];
            if rest.first() == Some(&b'/') && closes(&rest[1..], name) {
                self.at = open + 2 + memchr(b'>', rest).unwrap_or(rest.len() - 1);
                return &self.text[start..open];
            }
            if rest.starts_with(b"![CDATA[") {
                self.at = open;
                self.skip_past(open, "]]>");
                from = self.at;
            } else {
                self.recovered += u32::from(!rest.starts_with(b"!--"));
                from = open + 1;
            }
        }
    }
}

/// Whether `rest`, behind `</`, closes `name`.
fn closes(rest: &[u8], name: &str) -> bool {
    rest.strip_prefix(name.as_bytes())
        .is_some_and(|after| matches!(after.first(), None | Some(b'>' | b' ' | b'\r' | b'\n' | b'\t')))
}

/// A name without its namespace prefix.
fn local(name: &str) -> &str {
    match memchr(b':', name.as_bytes()) {
        Some(i) => &name[i + 1..],
        None => name,
    }
}

/// The attributes of an opening tag, one after the other, values undecoded.
fn attributes(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let equals = memchr(b'=', rest.as_bytes())?;
        let name = rest[..equals].trim();
        let value = rest[equals + 1..].trim_start();
        let quote = value.bytes().next().filter(|q| matches!(q, b'"' | b'\''))?;
        let end = memchr(quote, &value.as_bytes()[1..])?;
        rest = &value[end + 2..];
        Some((name, &value[1..=end]))
    })
}

/// Character data, its CDATA sections merged in.
fn character_data(text: &str) -> Raw<'_> {
    if memmem::find(text.as_bytes(), b"<!").is_none() {
        return Raw::Xml(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(i) = memmem::find(rest.as_bytes(), b"<!") {
        out.push_str(&super::text::unescape_xml(&rest[..i]).0);
        let section = &rest[i..];
        if let Some(data) = section.strip_prefix("<![CDATA[") {
            let end = memmem::find(data.as_bytes(), b"]]>");
            out.push_str(&data[..end.unwrap_or(data.len())]);
            rest = end.map_or("", |e| &data[e + 3..]);
        } else if section.starts_with("<!--") {
            rest = memmem::find(section.as_bytes(), b"-->").map_or("", |e| &section[e + 3..]);
        } else {
            out.push_str("<!");
            rest = &section[2..];
        }
    }
    out.push_str(&super::text::unescape_xml(rest).0);
    Raw::Plain(Cow::Owned(out))
}

/// Takes one event apart. `text` begins at `<Event` or anywhere before it; what follows the event is not looked at.
///
/// Stops early once the event turns out not to be asked for.
pub(crate) fn event<'a>(text: &'a str, gather: &mut Gather<'a, '_>) {
    let mut scanner = Scanner { text, at: 0, tag: 0, recovered: 0 };
    let mut ended = false;
    while let Some((_, tag)) = scanner.next() {
        match tag {
            Tag::Open { name: "System", empty: false, .. } => {
                system(&mut scanner, gather);
                if !gather.wanted() {
                    ended = true;
                    break;
                }
            }
            Tag::Open { name: "EventData", empty, .. } => data_section(&mut scanner, gather, empty, "EventData"),
            Tag::Open { name: "UserData", empty, .. } => data_section(&mut scanner, gather, empty, "UserData"),
            Tag::Open { name: "RenderingInfo", empty: false, .. } => rendering(&mut scanner, gather),
            Tag::Open { name: "Event", .. } => {}
            Tag::Open { name, empty: false, .. } => skip(&mut scanner, name),
            Tag::Open { .. } => {}
            Tag::Close("Event") => {
                ended = true;
                break;
            }
            Tag::Close(_) => {}
        }
    }
    gather.recovered += scanner.recovered + u32::from(!ended && scanner.recovered == 0);
}

/// Takes an `<EventData>` (or `<UserData>`, `<DataItem>`) element that stands alone.
pub(crate) fn event_data<'a>(text: &'a str, gather: &mut Gather<'a, '_>) {
    let mut scanner = Scanner { text, at: 0, tag: 0, recovered: 0 };
    while let Some((_, tag)) = scanner.next() {
        match tag {
            Tag::Open { name: "EventData", empty, .. } => data_section(&mut scanner, gather, empty, "EventData"),
            Tag::Open { name: "UserData", empty, .. } => data_section(&mut scanner, gather, empty, "UserData"),
            _ => {}
        }
    }
    gather.recovered += scanner.recovered;
}

fn system<'a>(scanner: &mut Scanner<'a>, gather: &mut Gather<'a, '_>) {
    while let Some((_, tag)) = scanner.next() {
        let (name, attrs, empty) = match tag {
            Tag::Open { name, attributes, empty } => (name, attributes, empty),
            Tag::Close("System" | "Event") => return,
            Tag::Close(_) => continue,
        };
        let element = match name {
            "EventID" => Some(Sys::EventId),
            "Version" => Some(Sys::Version),
            "Level" => Some(Sys::Level),
            "Task" => Some(Sys::Task),
            "Opcode" => Some(Sys::Opcode),
            "Keywords" => Some(Sys::Keywords),
            "EventRecordID" => Some(Sys::RecordId),
            "Channel" => Some(Sys::Channel),
            "Computer" => Some(Sys::Computer),
            _ => None,
        };
        for (attribute, value) in attributes(attrs) {
            if let Some(sys) = system_attribute(name, attribute) {
                gather.sys(sys, Raw::Xml(value));
            }
        }
        if !empty {
            let value = scanner.leaf(name);
            if let Some(sys) = element.filter(|_| !value.is_empty()) {
                gather.sys(sys, character_data(value));
            }
        }
    }
}

fn system_attribute(element: &str, attribute: &str) -> Option<Sys> {
    let is = |name: &str| attribute.eq_ignore_ascii_case(name);
    match element {
        "Provider" if is("Name") => Some(Sys::Provider),
        "Provider" if is("Guid") => Some(Sys::ProviderGuid),
        "EventID" if is("Qualifiers") => Some(Sys::Qualifiers),
        "TimeCreated" if is("SystemTime") => Some(Sys::SystemTime),
        "Correlation" if is("ActivityID") => Some(Sys::ActivityId),
        "Correlation" if is("RelatedActivityID") => Some(Sys::RelatedActivityId),
        "Execution" if is("ProcessID") => Some(Sys::ProcessId),
        "Execution" if is("ThreadID") => Some(Sys::ThreadId),
        "Security" if is("UserID") => Some(Sys::UserSid),
        _ => None,
    }
}

/// The event's own data: `<Data Name="…">` elements, or a publisher's own elements, whose leaves are fields.
fn data_section<'a>(scanner: &mut Scanner<'a>, gather: &mut Gather<'a, '_>, empty: bool, section: &str) {
    let begin = scanner.tag;
    if empty {
        gather.data_xml = Some(&scanner.text[begin..scanner.at]);
        return;
    }
    let mut unnamed = 0u32;
    // A publisher's elements that are open, and whether they had children.
    let mut open: Vec<(&'a str, bool)> = Vec::new();
    let mut passed_over = 0usize;
    while let Some((before, tag)) = scanner.next() {
        match tag {
            Tag::Open { name: "Data", attributes: attrs, empty } if open.is_empty() || section == "EventData" => {
                let named = attributes(attrs).find(|(n, _)| *n == "Name").map(|(_, value)| value);
                let value = if empty { "" } else { scanner.leaf("Data") };
                let name = match named {
                    Some(name) => super::text::unescape_xml(name).0,
                    None => {
                        unnamed += 1;
                        Cow::Owned(format!("param{unnamed}"))
                    }
                };
                gather.data(name, character_data(value));
            }
            Tag::Open { name, empty, .. } => {
                if let Some(parent) = open.last_mut() {
                    parent.1 = true;
                }
                if empty {
                    gather.data(path(&open, section, name), Raw::Xml(""));
                } else if open.len() < DEPTH {
                    open.push((name, false));
                } else {
                    passed_over += 1;
                }
            }
            Tag::Close(name) if name == section => {
                gather.data_xml = Some(&scanner.text[begin..scanner.at]);
                return;
            }
            Tag::Close("Event") => {
                scanner.recovered += 1;
                return;
            }
            Tag::Close(_) if passed_over > 0 => passed_over -= 1,
            Tag::Close(name) => match open.pop() {
                Some((own, had_children)) => {
                    scanner.recovered += u32::from(own != name);
                    if !had_children {
                        gather.data(path(&open, section, own), character_data(before));
                    }
                }
                None => scanner.recovered += 1,
            },
        }
    }
}

/// The name of a leaf: its own, behind those of the elements around it. The outermost element of `UserData` only
/// names the publisher's schema.
fn path<'a>(open: &[(&'a str, bool)], section: &str, name: &'a str) -> Cow<'a, str> {
    let around = if section == "UserData" { open.get(1..).unwrap_or_default() } else { open };
    if around.is_empty() {
        return Cow::Borrowed(name);
    }
    let mut out = String::new();
    for (part, _) in around {
        out.push_str(part);
        out.push('.');
    }
    out.push_str(name);
    Cow::Owned(out)
}

/// What the event's publisher says of it, where it was exported with its text.
fn rendering<'a>(scanner: &mut Scanner<'a>, gather: &mut Gather<'a, '_>) {
    while let Some((_, tag)) = scanner.next() {
        match tag {
            Tag::Open { name: "Message", empty: false, .. } => {
                let text = scanner.leaf("Message");
                gather.sys(Sys::Message, character_data(text));
            }
            Tag::Close("RenderingInfo" | "Event") => return,
            _ => {}
        }
    }
}

/// Passes over the element just opened.
fn skip(scanner: &mut Scanner<'_>, name: &str) {
    let mut depth = 1usize;
    while let Some((_, tag)) = scanner.next() {
        match tag {
            Tag::Open { name: n, empty: false, .. } if n == name => depth += 1,
            Tag::Close(n) if n == name => {
                depth -= 1;
                if depth == 0 {
                    return;
                }
            }
            _ => {}
        }
    }
}
