//! Windows events, from whatever they were kept in: event log files, XML, JSON, syslog.
//!
//! # One vocabulary
//!
//! Every reader here brings its source's shape to the same names, so that one mapping serves all.
//!
//! - The **kind** is decided by provider and channel ([`kind`]), never by the event id alone: `Family::Sysmon` for
//!   Sysmon's and Sysmon for Linux's providers, `Family::Security` for the Security channel and the
//!   `Microsoft-Windows-Security-Auditing` provider, `Family::Windows` for all others. The code is the event id.
//! - The **fields** are the names of the event's `EventData` as the publisher spells them (`Image`, `CommandLine`,
//!   `NewProcessName`, …), matched without regard to ASCII case; where two names differ in case alone (`ProcessId`,
//!   `ProcessID`), the exact spelling wins. Unnamed `<Data>` elements are `param1`, `param2`, …. In `UserData`, leaves
//!   are fields by their element's name, behind `outer.` if they lie deeper than in the publisher's own element.
//! - All values of the event's data are [`Text`](crate::Value::Text), also where a collector made numbers of them:
//!   the same event has the same values in every shape. Arrays and objects are [`Json`](crate::Value::Json). `""`,
//!   `-`, `(null)` and `<unknown process>` are delivered as they stand; what they mean is the view's business.
//!
//! | pseudo-field | value |
//! |---|---|
//! | `@time` | when it happened: `SystemTime`; where a collector dropped that: Sysmon's `UtcTime`, then the collector's own times, those with a zone first (one without is taken for UTC) |
//! | `@host` | `Computer` |
//! | `@id` | `EventRecordID` |
//! | `@eventid` | the event id, a number |
//! | `@provider`, `@provider_guid`, `@channel` | text |
//! | `@level`, `@task`, `@opcode`, `@version`, `@qualifiers` | numbers; text where a collector wrote words |
//! | `@keywords` | text in hexadecimal (`0x8020000000000000`); the list of words where a collector wrote that |
//! | `@process_id`, `@thread_id` | of the process that wrote the event (not the one it is about) |
//! | `@user_sid` | the account that wrote the event |
//! | `@activity_id`, `@related_activity_id` | of `Correlation` |
//! | `@message` | the rendered message, where the source has it |
//! | `@raw` | the event's text as it stood; of an EVTX record, its XML |
//! | `@eventdata.xml` | `<EventData>…` or `<UserData>…`, as it stood or written anew |
//! | `@eventdata.dataitem`, `@eventdata.params` | the same as Log Analytics' `Event` has it in `EventData` and `ParameterXml` |
//! | `@eventdata.json` | the event's data as a JSON object |
//! | `@fields` | the same, with the properties after it (`EventID`, `ProviderName`, `Channel`, `Computer`, …) |
//!
//! These property names can be asked for without `@` as well, where the event's data has no such name.
//!
//! # What is not well-formed
//!
//! It is read as far as it makes sense, and counted in a note (`events recovered from malformed text`); what can't be
//! read is a damage of the report. Neither stops the rest.

mod compiled;
mod emit;
mod evtx;
mod evtx_kind;
mod evtx_needles;
mod gather;
pub mod json;
mod nt_log_event;
mod property;
mod sysmon_linux;
mod text;
mod time;
pub(crate) mod utf16;
mod vocabulary;
mod xml;
mod xml_reader;

pub use compiled::Compiled;
pub use evtx::EvtxReader;
pub(crate) use nt_log_event::BEGIN as NT_LOG_EVENT;
pub use nt_log_event::NtLogEventReader;
pub use sysmon_linux::SysmonLinuxReader;
pub(crate) use sysmon_linux::is_whole;
pub(crate) use text::lossy;
pub(crate) use time::parse as parse_time;
pub use vocabulary::kind;
pub use xml_reader::XmlReader;
