//! What the events of a log source can tell.

use super::LogSource;
use super::data::{self, Events};
use crate::event::{Family, defender};
use crate::view::{self, View};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Some of the events that a log source means: those of one kind of telemetry.
#[derive(Debug)]
pub struct Offer {
    events: Option<&'static Events>,
}

impl LogSource {
    /// The kinds of telemetry that hold its events.
    pub fn offers(&self) -> Vec<Offer> {
        match data::chosen(self) {
            Some(events) => events.into_iter().map(|e| Offer { events: Some(e) }).collect(),
            None => vec![Offer { events: None }],
        }
    }
}

impl Offer {
    /// How people call the events.
    pub fn words(&self) -> &str {
        self.events.map_or(data::ANY_ROWS, |e| &e.words)
    }

    /// Whether an event may have the field: certain where its publisher fixes its fields, else always so.
    pub fn has(&self, field: &str) -> bool {
        let Some(events) = self.events else { return true };
        if field.starts_with('@') {
            return true;
        }
        let mut all = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let place = std::ptr::from_ref(events) as usize;
        let Known { own, fields } =
            all.entry(place).or_insert_with(|| Known { own: own(events), fields: BTreeMap::new() });
        let Some(own) = own else { return true };
        if let Some(has) = fields.get(field) {
            return *has;
        }
        // Collectors name the path to a field differently.
        let leaf = field.rsplit('.').next().unwrap_or(field);
        let has = [field, leaf].iter().any(|name| said(events, own, name));
        fields.insert(field.to_owned(), has);
        has
    }
}

/// What was found out of events: thousands of rules ask for the same fields.
struct Known {
    own: Option<Own>,
    fields: BTreeMap<String, bool>,
}

/// By the events' place; they stay for ever.
static KNOWN: Mutex<BTreeMap<usize, Known>> = Mutex::new(BTreeMap::new());

/// Whether the events' data or their mapping says something under the name.
fn said(events: &Events, own: &dyn Fn(&str) -> bool, name: &str) -> bool {
    let codes: &[u32] = if events.codes.is_empty() { &[u32::MAX - 1] } else { &events.codes };
    let mapped = codes.iter().filter_map(|code| view::sigma_name(events.family, *code, name));
    let told = |expr: &view::expr::Expr| {
        let (mut any, mut fields) = (false, 0);
        expr.fields(&mut |field| {
            fields += 1;
            any |= field.starts_with('@') || own(field);
        });
        any || fields == 0
    };
    let mut mapped = mapped.peekable();
    match mapped.peek() {
        Some(_) => mapped.any(told),
        None => own(name),
    }
}

#[derive(Deserialize)]
struct File {
    sysmon: BTreeMap<String, Vec<String>>,
    security: BTreeMap<String, Vec<String>>,
}

fn file() -> &'static File {
    static PARSED: OnceLock<File> = OnceLock::new();
    PARSED.get_or_init(|| {
        // The file is part of the program and a test parses it: this can't fail at a user's.
        toml::from_str(include_str!("../mappings/fields.toml")).unwrap_or_else(|e| panic!("mappings/fields.toml: {e}"))
    })
}

/// What every Windows event has.
const PROPERTIES: [&str; 14] = [
    "EventID",
    "ProviderName",
    "Provider_Name",
    "Channel",
    "Computer",
    "EventRecordID",
    "Level",
    "Task",
    "Opcode",
    "Keywords",
    "Version",
    "ProviderGuid",
    "UserID",
    "Message",
];

/// Columns of Defender's tables that are no tables here.
const OTHER_COLUMNS: [&str; 9] = [
    "RegistryKey",
    "RegistryValueName",
    "RegistryValueType",
    "RegistryValueData",
    "PreviousRegistryKey",
    "PreviousRegistryValueName",
    "PreviousRegistryValueData",
    "LogonType",
    "AdditionalFields",
];

type Own = Box<dyn Fn(&str) -> bool + Send>;

/// Tells the names of the events' own fields; `None` where they may have any.
fn own(events: &Events) -> Option<Own> {
    let fixed = |lists: &'static BTreeMap<String, Vec<String>>| {
        let of = |code: String| lists.get(&code).into_iter().flatten();
        let names: HashSet<String> = match events.codes.is_empty() {
            true => lists.values().flatten().map(|n| n.to_ascii_lowercase()).collect(),
            false => {
                let codes = events.codes.iter().map(u32::to_string).chain(["every".to_owned()]);
                codes.flat_map(of).map(|n| n.to_ascii_lowercase()).collect()
            }
        };
        let property = |name: &str| PROPERTIES.iter().any(|p| p.eq_ignore_ascii_case(name));
        Box::new(move |name: &str| property(name) || names.contains(&name.to_ascii_lowercase())) as Own
    };
    match events.family {
        Family::Sysmon => Some(fixed(&file().sysmon)),
        Family::Security if !events.codes.is_empty() => Some(fixed(&file().security)),
        Family::Defender => {
            let tables: Vec<View> = match events.codes.as_slice() {
                [] => return None,
                codes => codes.iter().filter_map(|c| View::named(defender::table(*c))).collect(),
            };
            // Of tables that are none here, what they share with files, and what the mapping reads.
            let other = tables.is_empty();
            let tables = if other { View::named("DeviceFileEvents").into_iter().collect() } else { tables };
            Some(Box::new(move |name| {
                let name = name.split('.').next().unwrap_or(name);
                tables.iter().any(|t| t.columns().iter().any(|c| c.name.eq_ignore_ascii_case(name)))
                    || other && OTHER_COLUMNS.iter().any(|c| c.eq_ignore_ascii_case(name))
            }))
        }
        // A record's fields are lower case, the names that enrichment adds upper case.
        Family::Auditd | Family::AuditRecord => Some(Box::new(|name: &str| {
            let lower = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-[]".contains(&b));
            let upper = name.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
            lower || upper
        })),
        Family::Syslog => Some(Box::new(|name: &str| {
            ["message", "process", "facility", "severity", "host"].iter().any(|n| n.eq_ignore_ascii_case(name))
        })),
        Family::Security | Family::Windows | Family::Generic => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers(category: &str, product: &str, field: &str) -> Vec<String> {
        let some = |t: &str| (!t.is_empty()).then(|| t.to_owned());
        let source = LogSource { category: some(category), product: some(product), service: None };
        source.offers().into_iter().filter(|o| o.has(field)).map(|o| o.words().to_owned()).collect()
    }

    #[test]
    fn who_has_a_field() {
        let process = |field| offers("process_creation", "windows", field);
        assert_eq!(process("Image"), ["Sysmon 1", "Security 4688", "DeviceProcessEvents"]);
        assert_eq!(process("OriginalFileName"), ["Sysmon 1", "DeviceProcessEvents"]);
        assert_eq!(process("GrandParentImage"), ["DeviceProcessEvents"]);
        assert_eq!(process("winlog.event_data.ParentUser"), ["Sysmon 1", "Security 4688", "DeviceProcessEvents"]);
        assert_eq!(process("Imphash"), ["Sysmon 1"]);
        assert_eq!(process("NoSuchField"), Vec::<String>::new());
        assert_eq!(offers("file_event", "windows", "CommandLine"), ["DeviceFileEvents (FileCreated, FileModified)"]);
        assert_eq!(offers("process_creation", "linux", "ParentImage").len(), 3);
        assert_eq!(offers("webserver", "", "anything").len(), 1);
        assert_eq!(offers("", "unheard", "anything").len(), 1);
    }
}
