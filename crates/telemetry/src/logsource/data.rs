//! The mapping file, parsed once: what events a log source means.

use super::LogSource;
use super::os::Os;
use crate::event::{Family, audit, defender};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::OnceLock;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: Vec<SourceFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceFile {
    product: Option<String>,
    category: Option<String>,
    service: Option<String>,
    note: Option<String>,
    events: Vec<EventsFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsFile {
    sysmon: Option<Vec<u32>>,
    security: Option<Vec<u32>>,
    channels: Option<Vec<String>>,
    #[serde(default)]
    providers: Vec<String>,
    #[serde(default)]
    ids: Vec<u32>,
    auditd: Option<Vec<String>>,
    records: Option<Vec<String>>,
    defender: Option<Vec<String>>,
    #[serde(default)]
    actions: Vec<String>,
    syslog: Option<Vec<String>>,
    fields: Option<Vec<Vec<String>>>,
    /// What must be there.
    #[serde(default)]
    has: Vec<String>,
    #[serde(default)]
    when: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    unless: BTreeMap<String, Vec<String>>,
}

/// Events of one family.
#[derive(Debug)]
pub(super) struct Events {
    pub(super) family: Family,
    /// Their codes; empty means all.
    pub(super) codes: Vec<u32>,
    /// What else must hold.
    pub(super) tests: Vec<Test>,
    /// How people call them.
    pub(super) words: String,
}

/// A condition on an event's values. Texts are compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// A column has one of the values.
    Is(&'static str, Vec<String>),
    /// It has none of them; it may be missing.
    IsNot(&'static str, Vec<String>),
    /// The channel is one of these, or the event has none and the provider is one of those.
    Channel(Vec<String>, Vec<String>),
    /// A Defender row of one of the tables; of a row without its table's name, the action alone decides.
    Table(Vec<String>, bool),
    /// All columns of one of the lists are there.
    Has(Vec<Vec<String>>),
    /// The event may be of that system, by the form of its paths.
    Os(Os),
}

/// A log source of the file.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) source: LogSource,
    pub(super) events: Vec<Events>,
    pub(super) note: Option<String>,
}

/// The columns by whose paths the operating system of a row is told.
pub(super) const PATHS: [&str; 3] = ["FolderPath", "InitiatingProcessFolderPath", "PreviousFolderPath"];

pub(super) fn entries() -> &'static [Entry] {
    static PARSED: OnceLock<Vec<Entry>> = OnceLock::new();
    PARSED.get_or_init(|| {
        // The file is part of the program and a test parses it: this can't fail at a user's.
        parse(include_str!("../mappings/logsources.toml")).unwrap_or_else(|e| panic!("mappings/logsources.toml: {e}"))
    })
}

fn parse(text: &str) -> Result<Vec<Entry>, String> {
    let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
    let mut out: Vec<Entry> = Vec::new();
    for source in file.source {
        let SourceFile { product, category, service, note, events } = source;
        let source = LogSource { category, product, service };
        if out.iter().any(|e| e.source == source) {
            return Err(format!("{source}: twice"));
        }
        let os = source.product.as_deref().and_then(Os::of_product);
        let events = events.into_iter().map(|e| parse_events(e, os).map_err(|e| format!("{source}: {e}")));
        out.push(Entry { events: events.collect::<Result<_, _>>()?, source, note });
    }
    Ok(out)
}

fn parse_events(file: EventsFile, os: Option<Os>) -> Result<Events, String> {
    let numbers = |codes: &[u32]| codes.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let mut tests = Vec::new();
    let (family, codes, words);
    if let Some(ids) = file.sysmon {
        let linux = os == Some(Os::Linux);
        words = match (linux, ids.is_empty()) {
            (false, true) => "all events of Sysmon".to_owned(),
            (false, false) => format!("Sysmon {}", numbers(&ids)),
            (true, true) => "all events of Sysmon for Linux".to_owned(),
            (true, false) => format!("Sysmon for Linux {}", numbers(&ids)),
        };
        let provider = vec!["Linux-Sysmon".to_owned()];
        tests.push(if linux { Test::Is("@provider", provider) } else { Test::IsNot("@provider", provider) });
        (family, codes) = (Family::Sysmon, ids);
    } else if let Some(ids) = file.security {
        words = if ids.is_empty() { "the Security channel".to_owned() } else { format!("Security {}", numbers(&ids)) };
        (family, codes) = (Family::Security, ids);
    } else if let Some(channels) = file.channels {
        let ids = if file.ids.is_empty() { String::new() } else { format!(" {}", numbers(&file.ids)) };
        words = match channels.is_empty() {
            true => format!("all other channels of Windows{ids}"),
            false => format!("{}{ids}", channels.join(" or ")),
        };
        if !channels.is_empty() {
            tests.push(Test::Channel(channels, file.providers));
        }
        (family, codes) = (Family::Windows, file.ids);
    } else if let Some(kinds) = file.auditd {
        words = format!("Linux audit ({})", kinds.join(", "));
        let code = |name: &String| match name.as_str() {
            "exec" => Ok(audit::EXEC),
            "connect" => Ok(audit::CONNECT),
            other => Err(format!("no audit event is called `{other}`")),
        };
        (family, codes) = (Family::Auditd, kinds.iter().map(code).collect::<Result<_, _>>()?);
    } else if let Some(types) = file.records {
        words = match types.is_empty() {
            true => "Linux audit records".to_owned(),
            false => format!("Linux audit records {}", types.join(", ")),
        };
        if !types.is_empty() {
            tests.push(Test::Is("@type", types));
        }
        (family, codes) = (Family::AuditRecord, Vec::new());
    } else if let Some(tables) = file.defender {
        words = match (tables.is_empty(), file.actions.is_empty()) {
            (true, _) => "all tables of Microsoft Defender".to_owned(),
            (_, true) => tables.join(", "),
            (_, false) => format!("{} ({})", tables.join(", "), file.actions.join(", ")),
        };
        let known: Vec<u32> = tables.iter().map(|t| defender::code(t)).collect();
        if known.contains(&defender::OTHER) {
            tests.push(Test::Table(tables, !file.actions.is_empty()));
        }
        if !file.actions.is_empty() {
            tests.push(Test::Is("ActionType", file.actions));
        }
        tests.extend(os.map(Test::Os));
        (family, codes) = (Family::Defender, known);
    } else if let Some(processes) = file.syslog {
        words = match processes.is_empty() {
            true => "syslog lines".to_owned(),
            false => format!("syslog lines of {}", processes[0]),
        };
        if !processes.is_empty() {
            tests.push(Test::Is("process", processes));
        }
        (family, codes) = (Family::Syslog, Vec::new());
    } else if let Some(fields) = file.fields {
        let any = fields.iter().any(Vec::is_empty);
        words = match any {
            true => "rows of JSON or CSV".to_owned(),
            false => format!(
                "rows of JSON or CSV with {}",
                fields.iter().map(|l| l.join(" and ")).collect::<Vec<_>>().join(", or ")
            ),
        };
        if !any {
            tests.push(Test::Has(fields));
        }
        (family, codes) = (Family::Generic, Vec::new());
    } else {
        return Err("events of no family".to_owned());
    }
    // Names live as long as the program: the file is read once.
    let leak = |name: String| &*Box::leak(name.into_boxed_str());
    if !file.has.is_empty() {
        tests.push(Test::Has(vec![file.has]));
    }
    tests.extend(file.when.into_iter().map(|(name, values)| Test::Is(leak(name), values)));
    tests.extend(file.unless.into_iter().map(|(name, values)| Test::IsNot(leak(name), values)));
    Ok(Events { family, codes, tests, words })
}

/// The events of a log source: they are among each of the lists.
pub(super) type Meaning = Vec<Vec<&'static Events>>;

/// What a log source means; `None` where the file does not say.
pub(super) fn meaning(source: &LogSource) -> Option<Meaning> {
    let of = |e: &'static Entry| e.events.iter();
    let exact = |wanted: &LogSource| entries().iter().find(|e| e.source == *wanted);
    let one = |entry: &'static Entry| Some(vec![of(entry).collect::<Vec<_>>()]);
    if let Some(entry) = exact(source) {
        return one(entry);
    }
    let (category, product, service) = (&source.category, &source.product, &source.service);
    if category.is_none() && product.is_none() && service.is_none() {
        return None;
    }
    // `process_creation` of any product, all of a product, …
    let unsaid = |wanted: &Option<String>, has: &Option<String>| wanted.is_none() || wanted == has;
    let within = entries().iter().filter(|e| {
        unsaid(category, &e.source.category)
            && unsaid(product, &e.source.product)
            && unsaid(service, &e.source.service)
            // A category alone does not mean the services that have it too, and the other way round.
            && (category.is_none() && service.is_none()
                || e.source.category.is_some() == category.is_some()
                    && e.source.service.is_some() == service.is_some())
    });
    let within: Vec<_> = within.flat_map(of).collect();
    if !within.is_empty() {
        return Some(vec![within]);
    }
    if category.is_some() && service.is_some() {
        let by_category = meaning(&LogSource { service: None, ..source.clone() })?;
        let by_service = meaning(&LogSource { category: None, ..source.clone() })?;
        return Some(by_category.into_iter().chain(by_service).collect());
    }
    // A product that is not known, of a category or service that has no product.
    one(exact(&LogSource { product: None, ..source.clone() })?)
}

/// What a log source means that is not known.
pub(super) const ANY_ROWS: &str = "rows of JSON or CSV that have the fields which the rule names";

/// The events that a log source means, each kind once; `None` where the file does not say.
pub(super) fn chosen(source: &LogSource) -> Option<Vec<&'static Events>> {
    let meaning = meaning(source)?;
    let [first, rest @ ..] = meaning.as_slice() else { return Some(Vec::new()) };
    let also = |e: &&&Events| rest.iter().all(|list| list.iter().any(|other| other.family == e.family));
    Some(first.iter().filter(also).copied().collect())
}

pub(super) fn describe(source: &LogSource) -> Vec<String> {
    let Some(chosen) = chosen(source) else { return vec![ANY_ROWS.to_owned()] };
    let mut out: Vec<String> = Vec::new();
    for events in chosen {
        if !out.contains(&events.words) {
            out.push(events.words.clone());
        }
    }
    out
}

pub(super) fn note(source: &LogSource) -> Option<&'static str> {
    entries().iter().find(|e| e.source == *source)?.note.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(category: &str, product: &str, service: &str) -> LogSource {
        let some = |t: &str| (!t.is_empty()).then(|| t.to_owned());
        LogSource { category: some(category), product: some(product), service: some(service) }
    }

    #[test]
    fn the_file_parses() {
        assert!(parse(include_str!("../mappings/logsources.toml")).unwrap().len() > 150);
    }

    #[test]
    fn what_is_said_and_what_follows() {
        let words = |c: &str, p: &str, s: &str| source(c, p, s).events().join("; ");
        assert_eq!(words("process_creation", "windows", ""), "Sysmon 1; Security 4688; DeviceProcessEvents");
        assert_eq!(words("process_creation", "windows", "sysmon"), "Sysmon 1");
        assert_eq!(
            words("process_creation", "", ""),
            "Sysmon 1; Security 4688; DeviceProcessEvents; Linux audit (exec); Sysmon for Linux 1"
        );
        assert_eq!(words("", "windows", "dhcp"), "Microsoft-Windows-DHCP-Server/Operational");
        assert_eq!(words("webserver", "apache", ""), words("webserver", "", ""));
        assert!(words("", "windows", "").contains("all other channels of Windows"));
        assert!(source("", "windows", "security").is_known());
        for unknown in [source("", "unheard", ""), source("process_creation", "unheard", ""), source("", "", "")] {
            assert!(!unknown.is_known(), "{unknown}");
        }
    }
}
