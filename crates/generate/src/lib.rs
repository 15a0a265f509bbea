//! Made-up telemetry of any size, the same bytes for the same arguments: what speed is measured on.
//!
//! Programs, hosts and accounts are skewed as on real machines: a few make most events, and a long tail makes the rest.
//! Processes have parents, sessions belong to accounts, times go forward. A given share of the events is what the
//! published Lua detections look for ([`Plan::matching`]).
//!
//! Events are made in [blocks](Block), each from a seed of its own, so that threads make them side by side and the bytes
//! are the same whatever their number.

mod audit;
mod blocks;
mod fleet;
mod lua;
#[cfg(feature = "parquet")]
mod parquet;
mod random;
mod rows;
mod syslog;
mod sysmon;
mod tables;
mod text;

pub use blocks::{Block, Chunk, Size, bytes, write};
#[cfg(feature = "parquet")]
pub use parquet::write_parquet;

use std::fmt;

/// What can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A table of Defender's advanced hunting.
    Table(Table, Shape),
    /// `audit.log`.
    Auditd {
        /// With the names that auditd adds under `log_format = ENRICHED`.
        enriched: bool,
    },
    /// Sysmon's events as a collector forwards them: flat objects, one a line.
    SysmonJson,
    /// Sysmon's events as Windows renders them in XML, one a line.
    SysmonXml,
    /// Sysmon for Linux: XML in syslog lines.
    SysmonLinux,
    /// Syslog lines of a few daemons, as RFC 3164 has them.
    Syslog,
}

/// A table of Defender's advanced hunting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// `DeviceProcessEvents`, the columns that a collector fills.
    Process,
    /// `DeviceLogonEvents`, of the same machines.
    Logon,
    /// `DeviceInfo`: a row a machine.
    Device,
}

/// How the rows of a table are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Defender's streaming export: an object a line, the row under `properties`.
    Json,
    /// A header and a row a line.
    Csv,
}

impl What {
    /// What is called so on the command line, apart from tables.
    pub fn named(name: &str) -> Option<What> {
        Some(match name {
            "auditd" => What::Auditd { enriched: true },
            "auditd-raw" => What::Auditd { enriched: false },
            "sysmon-json" => What::SysmonJson,
            "sysmon-xml" => What::SysmonXml,
            "sysmon-linux" => What::SysmonLinux,
            "syslog" => What::Syslog,
            _ => return None,
        })
    }
}

impl Table {
    /// The table that is called so on the command line.
    pub fn named(name: &str) -> Option<Table> {
        Some(match name {
            "process" => Table::Process,
            "logon" => Table::Logon,
            "device" => Table::Device,
            _ => return None,
        })
    }
}

/// What to make, and of what sort.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The format.
    pub what: What,
    /// The share of events for which the published Lua detections look, from 0 to 1. Logons and devices have none.
    pub matching: f64,
    /// Sysmon's process creations alone.
    pub only_processes: bool,
}

impl Plan {
    /// Events of a format, one in ten thousand of them Lua.
    pub fn new(what: What) -> Plan {
        Plan { what, matching: 0.0001, only_processes: false }
    }

    /// The same with another share of events that match.
    pub fn matching(self, matching: f64) -> Plan {
        Plan { matching, ..self }
    }

    /// About how many bytes an event takes.
    fn mean(&self) -> u64 {
        match self.what {
            What::Table(Table::Process, Shape::Json) => 1_520,
            What::Table(Table::Process, Shape::Csv) => 800,
            What::Table(..) => 400,
            What::Auditd { .. } => 850,
            What::SysmonJson | What::SysmonXml | What::SysmonLinux => 1_000,
            What::Syslog => 120,
        }
    }

    /// What stands before the first event.
    fn head(&self, out: &mut Chunk) {
        if let What::Table(table, Shape::Csv) = self.what {
            rows::header(tables::columns(table).0, &mut out.bytes);
        }
    }

    /// Appends the events of a block.
    fn block(&self, block: &Block, out: &mut Chunk) {
        match self.what {
            What::Table(table, Shape::Json) => {
                let (columns, category) = tables::columns(table);
                tables::fill(table, self, block, &mut rows::JsonLines::new(columns, category, out));
            }
            What::Table(table, Shape::Csv) => {
                tables::fill(table, self, block, &mut rows::Csv::new(tables::columns(table).0.len(), out));
            }
            What::Auditd { enriched } => audit::block(self, enriched, block, out),
            What::SysmonJson => sysmon::block(self, &mut sysmon::Json::default(), block, out),
            What::SysmonXml => sysmon::block(self, &mut sysmon::Xml { linux: false }, block, out),
            What::SysmonLinux => sysmon::block(self, &mut sysmon::Xml { linux: true }, block, out),
            What::Syslog => syslog::block(self, block, out),
        }
    }
}

/// Why nothing could be made.
#[derive(Debug)]
pub struct Error(pub String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
