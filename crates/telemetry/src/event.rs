//! What a format's reader gives and what it is asked for.

use crate::needles::Needles;
use crate::report::Report;
use std::borrow::Cow;
use std::fmt;
use std::io;
use std::ops::ControlFlow;

/// The value of one field of one event, borrowed from the reader's buffers where that is possible.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value<'a> {
    /// The event has no such field, or the source says that it is missing.
    #[default]
    Missing,
    /// Text as the source means it: escapes resolved, hex decoded. Numbers that the source writes as text stay text.
    Text(Cow<'a, str>),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Real(f64),
    /// A truth value.
    Bool(bool),
    /// An instant in nanoseconds since the Unix epoch, UTC.
    Time(i64),
    /// A JSON array or object, as its text.
    Json(Cow<'a, str>),
}

impl<'a> Value<'a> {
    /// Borrowed text.
    pub fn text(s: &'a str) -> Self {
        Value::Text(Cow::Borrowed(s))
    }

    /// As text, as columns of text have it; none where it is missing.
    pub fn into_text(self) -> Option<Cow<'a, str>> {
        Some(match self {
            Value::Missing => return None,
            Value::Text(t) | Value::Json(t) => t,
            Value::Int(n) => Cow::Owned(n.to_string()),
            Value::Real(x) => Cow::Owned(x.to_string()),
            Value::Bool(b) => Cow::Borrowed(if b { "true" } else { "false" }),
            Value::Time(t) => Cow::Owned(crate::time::format(t)),
        })
    }

    /// As a whole number, where it is one or is written as one, also with `0x`.
    pub fn to_integer(&self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(*n),
            Value::Bool(b) => Some(i64::from(*b)),
            #[allow(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
            Value::Real(x) if x.fract() == 0.0 && x.abs() < 9.0e15 => Some(*x as i64),
            Value::Text(t) => {
                let t = t.trim();
                t.parse().ok().or_else(|| {
                    let digits = t.strip_prefix("0x").or_else(|| t.strip_prefix("0X"))?;
                    i64::try_from(u64::from_str_radix(digits, 16).ok()?).ok()
                })
            }
            _ => None,
        }
    }

    /// As an instant, where it is one, is written as one, or counts from the Unix epoch.
    pub fn to_instant(&self) -> Option<i64> {
        match self {
            Value::Time(t) => Some(*t),
            Value::Text(t) => crate::time::parse(t),
            Value::Int(n) => Some(crate::time::epoch(*n)),
            Value::Real(x) => crate::time::parse(&x.to_string()),
            _ => None,
        }
    }

    /// Whether there is none.
    pub fn is_missing(&self) -> bool {
        matches!(self, Value::Missing)
    }
}

/// Which product's vocabulary an event's field names come from. Mapping data has one column a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// Linux audit, records joined into events.
    Auditd,
    /// Linux audit, each record alone, as a log collector without assembly sees it.
    AuditRecord,
    /// Microsoft-Windows-Sysmon/Operational, and Sysmon for Linux.
    Sysmon,
    /// The Windows Security channel.
    Security,
    /// Any other Windows event log channel.
    Windows,
    /// Microsoft Defender advanced hunting rows.
    Defender,
    /// Syslog lines that are none of the above.
    Syslog,
    /// JSON lines, CSV, Parquet: a table of their own.
    Generic,
}

/// What an event is, as far as it decides which view takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind {
    /// The vocabulary.
    pub family: Family,
    /// The event's number within the family: the Windows event id; for audit see [`audit`], for Defender [`defender`];
    /// otherwise 0.
    pub code: u32,
}

impl Kind {
    /// In a request: events of the family whatever their number.
    pub const ANY: u32 = u32::MAX;

    /// An event of `family` numbered `code`.
    pub const fn new(family: Family, code: u32) -> Self {
        Kind { family, code }
    }
}

/// The codes of [`Family::Auditd`] events.
pub mod audit {
    /// A successful `execve`/`execveat` with its arguments.
    pub const EXEC: u32 = 1;
    /// A `connect` with its decoded address.
    pub const CONNECT: u32 = 2;
    /// `USER_CMD`: a command that sudo ran.
    pub const USER_CMD: u32 = 3;
    /// Anything else.
    pub const OTHER: u32 = 0;
}

/// The codes of [`Family::Defender`] rows: the table that a row belongs to.
pub mod defender {
    /// Any other advanced hunting table.
    pub const OTHER: u32 = 0;
    /// `DeviceProcessEvents`
    pub const PROCESS: u32 = 1;
    /// `DeviceNetworkEvents`
    pub const NETWORK: u32 = 2;
    /// `DeviceFileEvents`
    pub const FILE: u32 = 3;
    /// `DeviceImageLoadEvents`
    pub const IMAGE_LOAD: u32 = 4;

    /// The code of a table by its name; a Log Analytics or streaming spelling is the caller's to take off.
    pub fn code(table: &str) -> u32 {
        match table {
            "DeviceProcessEvents" => PROCESS,
            "DeviceNetworkEvents" => NETWORK,
            "DeviceFileEvents" => FILE,
            "DeviceImageLoadEvents" => IMAGE_LOAD,
            _ => OTHER,
        }
    }

    /// The name of a code's table; empty for [`OTHER`].
    pub fn table(code: u32) -> &'static str {
        match code {
            PROCESS => "DeviceProcessEvents",
            NETWORK => "DeviceNetworkEvents",
            FILE => "DeviceFileEvents",
            IMAGE_LOAD => "DeviceImageLoadEvents",
            _ => "",
        }
    }
}

/// One event, its asked fields decoded.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// What it is.
    pub kind: Kind,
    /// Index of the file among the source's inputs.
    pub file: u32,
    /// Where in the (decompressed) file: the byte offset of its first line or element, or for EVTX the record id.
    pub position: u64,
    /// One value for each of [`Request::fields`], in that order; none where [`Event::late`] gives them.
    pub values: &'a [Value<'a>],
    /// The values where the request asked for late ones and the reader has such.
    pub late: Option<&'a (dyn Late + 'a)>,
}

/// A text by which a value is known without being decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawText<'a> {
    /// There is none.
    Unknown,
    /// There is no value.
    Missing,
    /// The value is a text, and what is made of this one: of the same text of the same form the same.
    Text {
        /// As the source has it.
        raw: &'a str,
        /// How it is written there.
        form: u8,
    },
}

impl RawText<'_> {
    /// The form of a text of JSON, in quotes, as events of Windows mean it.
    pub const WINDOWS_JSON: u8 = 1;
    /// The form of a text of JSON, in quotes.
    pub const JSON: u8 = 2;
}

/// An event's values, each decoded when it is asked for.
pub trait Late {
    /// The value of the field at that place of [`Request::fields`].
    fn value(&self, slot: usize) -> Value<'_>;

    /// Appends its text, as [`Value::into_text`] gives it; `false` where there is none.
    fn text_into(&self, slot: usize, out: &mut String) -> bool {
        self.value(slot).into_text().is_some_and(|text| {
            out.push_str(&text);
            true
        })
    }

    /// The text that the value is made of.
    fn raw(&self, _slot: usize) -> RawText<'_> {
        RawText::Unknown
    }

    /// Whether the event has the field under that very name or path: of a tree of values, no others are gone through
    /// for one that ends so.
    fn has(&self, slot: usize) -> bool {
        !self.value(slot).is_missing()
    }
}

impl fmt::Debug for dyn Late + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("values that are decoded when they are asked for")
    }
}

/// What a scan asks of a reader.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The fields to decode, by the names of the family's vocabulary; matched without regard to ASCII case.
    ///
    /// Every reader knows the pseudo-fields `@time` (a [`Value::Time`]), `@host`, `@id` (the source's own record
    /// number), `@raw` (the event's text as it stood in the source) and `@fields` (all fields as a JSON object).
    /// A family may have more; they begin with `@` and are listed in `docs/telemetry.md`.
    pub fields: Vec<String>,
    /// The kinds to deliver ([`Kind::ANY`] for all codes of a family); empty means all. A reader may deliver others, which the caller drops.
    pub kinds: Vec<Kind>,
    /// Nothing that is asked depends on what an event is: of fields no more than `@raw`, of whatever kind. A reader need
    /// not find the kind out, and may call every event [`Family::Generic`].
    pub kindless: bool,
    /// The caller looks at few of the fields of an event, and takes them by [`Event::late`] where a reader has that.
    pub late: bool,
    /// Audit records ([`Family::AuditRecord`]) are wanted as parts of the joined events: each after its event, its values
    /// decoded, with `@event.…` for what the event says.
    pub decoded_records: bool,
    /// For rows without a fixed vocabulary: the fields that the caller knows of. A reader notes others, once each. Empty
    /// means that the caller does not want to hear of them.
    pub known: Vec<String>,
    /// Nothing is passed over undecoded, whatever could be.
    pub decode_all: bool,
    /// Nobody looks at an event that shows none of these. A reader that can tell before it decodes may leave such events
    /// out, counts them all the same, and need not find out whether they are whole.
    pub needles: Option<Needles>,
}

impl Request {
    /// Whether events of `kind` are asked for.
    pub fn wants(&self, kind: &Kind) -> bool {
        self.kinds.is_empty()
            || self.kinds.iter().any(|k| k.family == kind.family && (k.code == kind.code || k.code == Kind::ANY))
    }

    /// Whether any event of `family` is asked for. Audit records (instead of the events that they make up) are
    /// delivered only where [`Family::AuditRecord`] is named: an empty list of kinds means joined events.
    pub fn wants_family(&self, family: Family) -> bool {
        self.kinds.is_empty() && family != Family::AuditRecord || self.kinds.iter().any(|k| k.family == family)
    }
}

/// Takes events as a reader finds them.
pub trait Sink {
    /// Takes one. `Break` stops the reader: nobody wants more.
    fn event(&mut self, event: &Event<'_>) -> ControlFlow<()>;
}

impl<F: FnMut(&Event<'_>) -> ControlFlow<()>> Sink for F {
    fn event(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        self(event)
    }
}

/// Reads one source of one format from beginning to end.
///
/// Memory stays flat with the size of the input. A damaged record costs itself alone: it is told to `report` and the
/// reader goes on. An `Err` means that the rest of the source can't be read at all.
pub trait Reader: Send {
    /// Reads everything, in the order of the source.
    fn read(&mut self, request: &Request, report: &Report, sink: &mut dyn Sink) -> io::Result<()>;
}
