//! The one vocabulary into which every shape of a Windows event is brought.

use crate::event::{Family, Kind};

/// A property of the event's `System` part (and of its rendering), whatever the shape calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Sys {
    Provider,
    ProviderGuid,
    EventId,
    Qualifiers,
    Version,
    Level,
    Task,
    Opcode,
    Keywords,
    /// When the event happened, in UTC: `TimeCreated/@SystemTime`.
    SystemTime,
    /// When the event happened as a collector writes it, perhaps in local time.
    EventTime,
    /// When a collector took it, in UTC: the last resort.
    Collected,
    RecordId,
    ActivityId,
    RelatedActivityId,
    ProcessId,
    ThreadId,
    Channel,
    Computer,
    UserSid,
    Message,
}

impl Sys {
    /// How many there are.
    pub(crate) const COUNT: usize = Sys::Message as usize + 1;

    /// The names by which `@fields` gives the properties and by which they can be asked where the event's own data
    /// has no such name.
    pub(crate) const NAMED: &'static [(&'static str, Sys)] = &[
        ("EventID", Sys::EventId),
        ("ProviderName", Sys::Provider),
        ("Channel", Sys::Channel),
        ("Computer", Sys::Computer),
        ("EventRecordID", Sys::RecordId),
        ("Level", Sys::Level),
        ("Task", Sys::Task),
        ("Opcode", Sys::Opcode),
        ("Keywords", Sys::Keywords),
        ("Version", Sys::Version),
        ("ProviderGuid", Sys::ProviderGuid),
        ("UserID", Sys::UserSid),
        ("Message", Sys::Message),
    ];

    /// Whether the property is a whole number.
    pub(crate) fn is_number(self) -> bool {
        matches!(
            self,
            Sys::EventId
                | Sys::Qualifiers
                | Sys::Version
                | Sys::Level
                | Sys::Task
                | Sys::Opcode
                | Sys::RecordId
                | Sys::ProcessId
                | Sys::ThreadId
        )
    }
}

/// What one asked field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// `@time`.
    Time,
    /// `@raw`.
    Raw,
    /// `@fields`.
    Fields,
    /// `@eventdata.xml`.
    DataXml,
    /// `@eventdata.dataitem`.
    DataItem,
    /// `@eventdata.params`.
    DataParams,
    /// `@eventdata.json`.
    DataJson,
    /// A pseudo-field that is a property.
    Sys(Sys),
    /// A name of the event's own data, else the property of that name.
    Data(Option<Sys>),
    /// A pseudo-field of another family.
    Unknown,
}

impl Asked {
    /// Whether every field of the event's data is needed for it.
    pub(crate) fn needs_all(self) -> bool {
        matches!(self, Asked::Fields | Asked::DataXml | Asked::DataItem | Asked::DataParams | Asked::DataJson)
    }

    /// What `name` asks for.
    pub(crate) fn of(name: &str) -> Self {
        let Some(pseudo) = name.strip_prefix('@') else {
            let sys = Sys::NAMED.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, s)| *s);
            return Asked::Data(sys);
        };
        match pseudo.to_ascii_lowercase().as_str() {
            "time" => Asked::Time,
            "raw" => Asked::Raw,
            "fields" => Asked::Fields,
            "eventdata.xml" => Asked::DataXml,
            "eventdata.dataitem" => Asked::DataItem,
            "eventdata.params" => Asked::DataParams,
            "eventdata.json" => Asked::DataJson,
            "host" => Asked::Sys(Sys::Computer),
            "id" => Asked::Sys(Sys::RecordId),
            "provider" => Asked::Sys(Sys::Provider),
            "provider_guid" => Asked::Sys(Sys::ProviderGuid),
            "channel" => Asked::Sys(Sys::Channel),
            "eventid" => Asked::Sys(Sys::EventId),
            "qualifiers" => Asked::Sys(Sys::Qualifiers),
            "version" => Asked::Sys(Sys::Version),
            "level" => Asked::Sys(Sys::Level),
            "task" => Asked::Sys(Sys::Task),
            "opcode" => Asked::Sys(Sys::Opcode),
            "keywords" => Asked::Sys(Sys::Keywords),
            "activity_id" => Asked::Sys(Sys::ActivityId),
            "related_activity_id" => Asked::Sys(Sys::RelatedActivityId),
            "process_id" => Asked::Sys(Sys::ProcessId),
            "thread_id" => Asked::Sys(Sys::ThreadId),
            "user_sid" => Asked::Sys(Sys::UserSid),
            "message" => Asked::Sys(Sys::Message),
            _ => Asked::Unknown,
        }
    }
}

/// The kind of the event `id` of `provider` in `channel`.
///
/// An id means something only within its provider: id 1 of `Microsoft-Windows-Kernel-General` is a change of the
/// clock. Channels are looked at too, because some collectors keep only one of the two.
pub fn kind(provider: &str, channel: &str, id: u32) -> Kind {
    let is = |text: &str, name: &str| text.eq_ignore_ascii_case(name);
    let sysmon = is(provider, "Microsoft-Windows-Sysmon")
        || is(provider, "Linux-Sysmon")
        || (provider.is_empty()
            && (is(channel, "Microsoft-Windows-Sysmon/Operational") || is(channel, "Linux-Sysmon/Operational")));
    let family = if sysmon {
        Family::Sysmon
    } else if is(channel, "Security") || is(provider, "Microsoft-Windows-Security-Auditing") {
        Family::Security
    } else {
        Family::Windows
    };
    Kind::new(family, id)
}
