//! Log sources of Sigma, and what they are in KQL and in Sumo.

use crate::middle::LogSource;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What a log source is elsewhere.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logs {
    category: Option<String>,
    product: Option<String>,
    /// Tables of KQL, the preferred first.
    #[serde(default)]
    pub kql: Vec<String>,
    /// How its events stand among Windows' own.
    #[serde(default)]
    pub events: Events,
    /// What else a table's rows must fulfil.
    #[serde(rename = "where", default)]
    pub filter: BTreeMap<String, String>,
    /// Scopes of Sumo, of which an event fulfils one.
    #[serde(default)]
    pub sumo: Vec<String>,
    /// What of it is not in `WindowsEvent`.
    pub lost: Option<String>,
    /// A field that tells its events apart from others of their number, and its values.
    #[serde(skip)]
    pub field: Option<(String, Vec<String>)>,
}

/// Windows events: of a provider or of channels, with these numbers or any.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// The provider.
    pub provider: Option<String>,
    /// The channels.
    #[serde(default)]
    pub channel: Vec<String>,
    /// The numbers; none means any.
    #[serde(default)]
    pub ids: Vec<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    logs: Vec<Logs>,
    sysmon: BTreeMap<String, Vec<u32>>,
    sysmon_where: BTreeMap<String, Vec<String>>,
    powershell: BTreeMap<String, Events>,
    channels: BTreeMap<String, Vec<String>>,
    cloud: BTreeMap<String, String>,
}

static FILE: LazyLock<File> = LazyLock::new(|| {
    // The file is part of the program; a test reads it.
    toml::from_str(include_str!("logs.toml")).unwrap_or_default()
});

const SYSMON: &str = "Microsoft-Windows-Sysmon";
const TABLE: &str = "WindowsEvent";

/// What a log source is elsewhere; nothing where that is not known.
pub fn logs(source: &LogSource) -> Option<Logs> {
    let (category, product, service) =
        (source.category.as_deref(), source.product.as_deref(), source.service.as_deref());
    let windows = product.is_none_or(|p| p == "windows");
    let base = Logs { kql: vec![TABLE.to_owned()], ..Logs::default() };
    match (category, service) {
        (Some(category), None) => {
            let listed =
                FILE.logs.iter().find(|l| l.category.as_deref() == Some(category) && l.product.as_deref() == product);
            if let Some(listed) = listed {
                return Some(listed.clone());
            }
            if let Some(ids) = FILE.sysmon.get(category).filter(|_| windows) {
                let events = Events { provider: Some(SYSMON.to_owned()), channel: Vec::new(), ids: ids.clone() };
                let field = FILE.sysmon_where.get(category).and_then(|f| f.split_first());
                let field = field.map(|(name, values)| (name.clone(), values.to_vec()));
                let scope = format!("_sourceCategory=*windows*sysmon* {}", ids_scope(ids));
                return Some(Logs { events, field, sumo: vec![scope], ..base });
            }
            let events = FILE.powershell.get(category).filter(|_| windows)?.clone();
            let sumo = vec![windows_scope(&events)];
            Some(Logs { events, sumo, ..base })
        }
        (None, Some(service)) if product == Some("windows") => {
            let channel = FILE.channels.get(service)?.clone();
            let events = Events { provider: None, channel, ids: Vec::new() };
            let sumo = vec![windows_scope(&events)];
            let mut kql = base.kql;
            if service == "security" {
                kql.insert(0, "SecurityEvent".to_owned());
            }
            Some(Logs { kql, events, sumo, ..Logs::default() })
        }
        (None, Some(service)) => {
            let table = FILE.cloud.get(&format!("{}/{service}", product?))?;
            Some(Logs { kql: vec![table.clone()], ..Logs::default() })
        }
        (None, None) if product == Some("windows") => {
            Some(Logs { sumo: vec!["_sourceCategory=*windows*".to_owned()], ..base })
        }
        _ => None,
    }
}

fn ids_scope(ids: &[u32]) -> String {
    let terms: Vec<String> = ids.iter().map(|id| format!("EventID={id}")).collect();
    match terms.len() {
        0 | 1 => terms.concat(),
        _ => format!("({})", terms.join(" OR ")),
    }
}

fn windows_scope(events: &Events) -> String {
    let channels: Vec<String> = events.channel.iter().map(|c| format!("Channel=\"{c}\"")).collect();
    let channels = if channels.len() == 1 { channels.concat() } else { format!("({})", channels.join(" OR ")) };
    format!("_sourceCategory=*windows* {channels} {}", ids_scope(&events.ids)).trim_end().to_owned()
}

/// The log source that a table of KQL is, as far as the table alone says.
pub fn logs_of_table(table: &str) -> Option<LogSource> {
    let source = |category: Option<&str>, product: Option<&str>, service: Option<&str>| LogSource {
        category: category.map(str::to_owned),
        product: product.map(str::to_owned),
        service: service.map(str::to_owned),
    };
    Some(match table {
        "DeviceProcessEvents" => source(Some("process_creation"), None, None),
        "DeviceNetworkEvents" => source(Some("network_connection"), None, None),
        "DeviceFileEvents" => source(Some("file_event"), None, None),
        "DeviceImageLoadEvents" => source(Some("image_load"), Some("windows"), None),
        "SecurityEvent" => source(None, Some("windows"), Some("security")),
        "WindowsEvent" => source(None, Some("windows"), None),
        _ => {
            let (name, _) = FILE.cloud.iter().find(|(_, t)| *t == table)?;
            let (product, service) = name.split_once('/')?;
            source(None, Some(product), Some(service))
        }
    })
}

/// The category of Sigma that these values of a table's `ActionType` are.
pub fn category(table: &str, actions: &[String]) -> Option<&'static str> {
    let of = |action: &String| match (table, action.as_str()) {
        ("DeviceProcessEvents", "ProcessCreated") => Some("process_creation"),
        ("DeviceFileEvents", "FileCreated" | "FileModified") => Some("file_event"),
        ("DeviceFileEvents", "FileDeleted") => Some("file_delete"),
        ("DeviceFileEvents", "FileRenamed") => Some("file_rename"),
        ("DeviceImageLoadEvents", "ImageLoaded") => Some("image_load"),
        _ => None,
    };
    let mut categories = actions.iter().map(of);
    let first = categories.next()??;
    categories.all(|c| c == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_files_are_read() {
        assert!(!super::FILE.logs.is_empty() && super::super::table("DeviceProcessEvents").is_some());
    }
}
