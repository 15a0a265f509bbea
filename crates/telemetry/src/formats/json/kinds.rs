//! Passing over lines of kinds that nobody asks for, by what stands in them wherever it stands.
//!
//! What an event is follows from a number under one of a few names, in whichever of a dozen shapes: nested, dotted,
//! beside everything else, as XML within a text. So no shape is told here: every place is looked at where such a name
//! stands, as a name or within a text, and a line is passed over only if a plain number of no interest follows each of
//! them, and nothing says that it is a row of an asked table of Defender's. Whatever is written otherwise (a number
//! with a fraction, an object around it, a name with escapes) is left to the reader.

use crate::event::{Family, Kind, Request, defender};
use aho_corasick::{Span, packed};
use std::collections::BTreeSet;

/// What makes a line worth reading.
pub(super) struct Kinds {
    /// The numbers of asked events of Windows.
    ids: Vec<u32>,
    searcher: packed::Searcher,
}

/// Parts of the names of an event's number: rarer than the whole names' beginnings are.
const NAMES: [(&[u8], Name); 6] = [
    // EventID, eventID, EventID_attributes, …
    (b"ntID", Name::Behind(b"ve")),
    // EventId, EventIdentifier
    (b"ntId", Name::Behind(b"ve")),
    (b"ntCode", Name::Behind(b"ve")),
    (b"nt_id", Name::Behind(b"ve")),
    // Under `event`.
    (b"\"code\"", Name::Quoted),
    (b".code\"", Name::Quoted),
];

/// An escape that can spell a letter of a name.
const ESCAPE: &[u8] = b"\\u00";

#[derive(Clone, Copy)]
enum Name {
    /// It counts where this stands before it; its quote is still to come.
    Behind(&'static [u8]),
    /// Its quote is part of it.
    Quoted,
}

impl Kinds {
    /// What to look for; `None` where lines of any kind may be asked for, or there is no search that is worth it.
    pub(super) fn new(request: &Request) -> Option<Self> {
        if request.kinds.is_empty() || request.kindless || request.decode_all {
            return None;
        }
        let (mut ids, mut words) = (BTreeSet::new(), BTreeSet::new());
        for kind in &request.kinds {
            match (kind.family, kind.code) {
                (Family::Generic | Family::Sysmon | Family::Security | Family::Windows, Kind::ANY)
                | (Family::Generic, _) => return None,
                (Family::Sysmon | Family::Security | Family::Windows, id) => {
                    ids.insert(id);
                }
                (Family::Syslog, _) => {
                    words.insert("\"SyslogMessage\"");
                }
                (Family::Defender, code) => words.extend(of_table(code)),
                // Not in JSON.
                (Family::Auditd | Family::AuditRecord, _) => {}
            }
        }
        let mut builder = packed::Config::new().builder();
        builder.extend(NAMES.iter().map(|(name, _)| name));
        builder.add(ESCAPE);
        builder.extend(&words);
        Some(Kinds { ids: ids.into_iter().collect(), searcher: builder.build()? })
    }

    /// Whether nothing in the line is of an asked kind. It is a whole object.
    pub(super) fn none_in(&self, line: &[u8]) -> bool {
        let mut from = 0;
        while let Some(found) = self.searcher.find_in(line, Span { start: from, end: line.len() }) {
            let (start, end) = (found.start(), found.end());
            from = start + 1;
            let passed = match NAMES.get(found.pattern().as_usize()) {
                Some((_, Name::Behind(before))) => {
                    !line[..start].ends_with(before) || line.get(end) == Some(&b'"') && self.is_other(&line[end + 1..])
                }
                Some((_, Name::Quoted)) => self.is_other(&line[end..]),
                None if found.pattern().as_usize() == NAMES.len() => spells_no_name(&line[end..]),
                // A word of a table.
                None => false,
            };
            if !passed {
                return false;
            }
        }
        true
    }

    /// Whether behind a name there is the number of an event that nobody asks for.
    fn is_other(&self, text: &[u8]) -> bool {
        let Some(text) = blanks(text).strip_prefix(b":") else { return false };
        let text = blanks(text);
        let (quoted, text) = text.strip_prefix(b"\"").map_or((false, text), |text| (true, text));
        let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
        // As many as surely fit.
        let known = (1..=18).contains(&digits)
            && match text.get(digits) {
                Some(b'"') => quoted,
                Some(b',' | b'}' | b' ' | b'\t' | b'\r' | b'\n') => !quoted,
                _ => false,
            };
        let id = text[..digits].iter().fold(0u64, |n, b| n.wrapping_mul(10).wrapping_add(u64::from(b - b'0')));
        // Of classic events the upper half holds qualifiers.
        known && !self.ids.contains(&((id & 0xFFFF) as u32))
    }
}

fn blanks(text: &[u8]) -> &[u8] {
    let blank = |b: &&u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    &text[text.iter().take_while(blank).count()..]
}

/// Whether an escape whose last two digits come next is of a character that is in none of the names and words.
fn spells_no_name(text: &[u8]) -> bool {
    let digit = |at: usize| text.get(at).and_then(|b| char::from(*b).to_digit(16));
    match (digit(0), digit(1)) {
        (Some(high), Some(low)) => {
            let byte = (high * 16 + low) as u8;
            !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
        }
        // No escape at all.
        _ => false,
    }
}

/// What a row of one of Defender's tables shows one of.
fn of_table(code: u32) -> &'static [&'static str] {
    match code {
        // Its name, or an action that no other table has, or a column.
        defender::PROCESS => &["DeviceProcessEvents", "ProcessCreated", "OpenProcess", "\"ProcessCommandLine\""],
        // Every row has one, or its envelope the other.
        _ => &["ActionType", "AdvancedHunting-"],
    }
}

#[cfg(test)]
mod tests {
    use super::super::made::line;
    use super::super::row::Rows;
    use super::*;
    use crate::event::Event;
    use crate::report::Report;
    use proptest::prelude::*;
    use std::ops::ControlFlow;

    fn request(late: bool) -> Request {
        let kinds = [(Family::Sysmon, 1), (Family::Security, 4688), (Family::Defender, defender::PROCESS)];
        let kinds = kinds.map(|(family, code)| Kind::new(family, code)).to_vec();
        Request { kinds, late, fields: vec!["Image".to_owned()], ..Request::default() }
    }

    /// Whether the reader finds anything in a line that is asked for.
    fn wanted(line: &str, request: &Request) -> bool {
        let mut found = false;
        let mut sink = |event: &Event<'_>| {
            found |= request.wants(&event.kind);
            ControlFlow::Continue(())
        };
        let _ = Rows::new(request, &Report::new(), &mut sink).element(line, 0);
        found
    }

    fn none_in(line: &str) -> bool {
        let request = request(true);
        let none = Kinds::new(&request).unwrap().none_in(line.as_bytes());
        for late in [true, false] {
            assert!(!none || !wanted(line, &self::request(late)), "{line}");
        }
        none
    }

    #[test]
    fn numbers_tell() {
        for line in [
            r#"{"EventID":10,"Channel":"Security"}"#,
            r#"{"Channel":"Security","EventID" : "5156" }"#,
            r#"{"Event":{"System":{"EventID":10,"Channel":"Microsoft-Windows-Sysmon/Operational"}}}"#,
            r#"{"winlog":{"event_id":11},"event":{"code":"11"},"message":"\u003cx\u003e"}"#,
            r#"{"data":{"win":{"system":{"eventID":"13"}}}}"#,
            r#"{"ParentID":1,"agent_id":1,"EventID":3}"#,
            r#"{"Timestamp":"x","DeviceId":"y","ActionType":"ConnectionSuccess","InitiatingProcessCommandLine":"z"}"#,
            r#"{"a":1}"#,
        ] {
            assert!(none_in(line), "{line}");
        }
        for line in [
            r#"{"EventID":1,"Channel":"Security"}"#,
            r#"{"EventID":65537,"Channel":"Microsoft-Windows-Sysmon/Operational"}"#,
            r#"{"EventID":1.0,"Channel":"Microsoft-Windows-Sysmon/Operational"}"#,
            r#"{"Event\u0049D":1,"EventID":3,"Channel":"Microsoft-Windows-Sysmon/Operational"}"#,
            r##"{"EventID":{"#text":1}}"##,
            r#"{"winlog":{"event_id":"4688"}}"#,
            r#"{"event.code":4688,"winlog.channel":"Security"}"#,
            r#"{"_raw":"<Event><System><EventID>1</EventID></System></Event>"}"#,
            r#"{"message":"instance of Win32_NTLogEvent\n{\n\tEventCode = 4688;\n};"}"#,
            r#"{"category":"AdvancedHunting-DeviceProcessEvents","properties":{}}"#,
            r#"{"Timestamp":"x","DeviceId":"y","ActionType":"","ProcessCommandLine":"z"}"#,
        ] {
            assert!(!none_in(line), "{line}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn what_is_passed_over_holds_nothing(line in line()) {
            none_in(&line);
        }
    }

    #[test]
    fn recorded_events() {
        let Ok(folder) = std::env::var("PARALLAX_OTRF") else {
            eprintln!("skipped: PARALLAX_OTRF is not set");
            return;
        };
        let (mut passed, mut all) = (0, 0);
        let mut folders = vec![std::path::PathBuf::from(folder)];
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "json") && path.metadata().unwrap().len() < 20_000_000 {
                    for line in String::from_utf8_lossy(&std::fs::read(path).unwrap()).lines() {
                        passed += u64::from(none_in(line));
                        all += 1;
                    }
                }
            }
        }
        eprintln!("{passed} of {all} lines passed over");
        assert!(passed * 10 > all * 8);
    }
}
