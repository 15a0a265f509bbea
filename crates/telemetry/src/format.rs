//! What a source's bytes can be.

use crate::event::Family;

/// What a source's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Linux `audit.log`.
    Auditd,
    /// Windows event log files.
    Evtx,
    /// Windows events as XML.
    WindowsXml,
    /// Windows events as WMI's text (Sumo's legacy Windows source).
    WindowsText,
    /// Windows events as JSON, in any of the shapes that collectors give them.
    WindowsJson,
    /// Sysmon for Linux: syslog lines with an XML event each.
    SysmonLinux,
    /// Other syslog lines.
    Syslog,
    /// Defender advanced hunting rows as JSON, in any of their shapes.
    DefenderJson,
    /// Defender advanced hunting rows as CSV.
    DefenderCsv,
    /// One JSON object a line.
    JsonLines,
    /// One JSON document.
    Json,
    /// Comma-separated values with a header line.
    Csv,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 13] = [
        Format::Auditd,
        Format::Evtx,
        Format::WindowsXml,
        Format::WindowsText,
        Format::WindowsJson,
        Format::SysmonLinux,
        Format::Syslog,
        Format::DefenderJson,
        Format::DefenderCsv,
        Format::JsonLines,
        Format::Json,
        Format::Csv,
        Format::Parquet,
    ];

    /// Its short name, for people and options.
    pub fn name(self) -> &'static str {
        match self {
            Format::Auditd => "auditd",
            Format::Evtx => "evtx",
            Format::WindowsXml => "windows-xml",
            Format::WindowsText => "windows-text",
            Format::WindowsJson => "windows-json",
            Format::SysmonLinux => "sysmon-linux",
            Format::Syslog => "syslog",
            Format::DefenderJson => "defender-json",
            Format::DefenderCsv => "defender-csv",
            Format::JsonLines => "json-lines",
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Parquet => "parquet",
        }
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Format::ALL.into_iter().find(|f| f.name() == name)
    }

    /// The families whose events a source of this format can hold.
    ///
    /// The four JSON formats have the same: lines of several products stand in one file, so each line is recognised
    /// alone and the format says only what came first.
    pub fn families(self) -> &'static [Family] {
        use Family as F;
        match self {
            Format::Auditd => &[F::Auditd, F::AuditRecord],
            Format::Evtx | Format::WindowsXml | Format::WindowsText => &[F::Sysmon, F::Security, F::Windows],
            Format::SysmonLinux => &[F::Sysmon, F::Syslog],
            Format::Syslog => &[F::Syslog],
            Format::DefenderCsv => &[F::Defender],
            Format::WindowsJson | Format::DefenderJson | Format::JsonLines | Format::Json => {
                &[F::Defender, F::Sysmon, F::Security, F::Windows, F::Syslog, F::Generic]
            }
            Format::Csv | Format::Parquet => &[F::Generic],
        }
    }

    /// Whether a source of this format is (also) a table of its own, with an inferred schema.
    pub fn is_table(self) -> bool {
        matches!(self, Format::JsonLines | Format::Json | Format::Csv | Format::Parquet)
    }
}

/// What the first bytes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// The format.
    pub format: Format,
    /// The families seen.
    pub seen: Vec<Family>,
}
