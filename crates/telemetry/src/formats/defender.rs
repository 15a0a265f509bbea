//! Which advanced hunting table a row belongs to.
//!
//! Rows say it themselves in the streaming category, in `Type` (Log Analytics) or in `$table` (union with
//! `withsource=$table`). Portal exports do not, so the columns decide: each table has some that no other has, and its
//! own set of `ActionType` values.

use crate::event::defender as code;

/// The columns that say the table by name.
pub(crate) const NAMING: [&str; 4] = ["Type", "$table", "TableName", "SourceTable"];

/// Whether an object or a header with these column names is an advanced hunting row.
pub(crate) fn is_row<'a>(columns: impl Iterator<Item = &'a str>) -> bool {
    let (mut time, mut device, mut action) = (false, false, false);
    for c in columns {
        match c {
            "Timestamp" | "TimeGenerated" => time = true,
            "DeviceId" | "DeviceName" => device = true,
            "ActionType" => action = true,
            _ => {}
        }
    }
    time && device && action
}

/// The table that a name means: the category's prefix and a custom table's suffix are taken off.
pub(crate) fn table_name(name: &str) -> &str {
    let name = name.strip_prefix("AdvancedHunting-").unwrap_or(name);
    name.strip_suffix("_CL").unwrap_or(name)
}

/// The code of a row whose table is not named, by its `ActionType` and then by its columns.
pub(crate) fn code_of<'a>(action: &str, columns: impl Iterator<Item = &'a str>) -> u32 {
    match action {
        "ProcessCreated" | "OpenProcess" => return code::PROCESS,
        "ImageLoaded" => return code::IMAGE_LOAD,
        "FileCreated" | "FileModified" | "FileDeleted" | "FileRenamed" => return code::FILE,
        "ConnectionSuccess"
        | "ConnectionFailed"
        | "ConnectionFound"
        | "ConnectionRequest"
        | "ConnectionAttempt"
        | "ConnectionAcknowledged"
        | "ConnectionSuccessAggregatedReport"
        | "InboundConnectionAccepted"
        | "InboundConnectionAttempt"
        | "InboundConnectionBlocked"
        | "ListeningConnectionCreated"
        | "HttpConnectionInspected"
        | "DnsConnectionInspected"
        | "SslConnectionInspected"
        | "SshConnectionInspected"
        | "NtlmAuthenticationInspected"
        | "IcmpConnectionInspected"
        | "NetworkSignatureInspected" => return code::NETWORK,
        "" => {}
        // DeviceEvents, DeviceRegistryEvents, DeviceLogonEvents, …: they share columns with the others.
        _ => return code::OTHER,
    }
    let mut process = false;
    let mut network = false;
    for c in columns {
        match c {
            "RegistryKey" | "LogonType" => return code::OTHER,
            "ProcessCommandLine" => process = true,
            "RemoteIP" | "RemotePort" => network = true,
            _ => {}
        }
    }
    match (process, network) {
        (true, false) => code::PROCESS,
        (false, true) => code::NETWORK,
        _ => code::OTHER,
    }
}
