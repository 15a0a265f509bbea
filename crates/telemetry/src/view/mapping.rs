//! The mapping files, parsed when a table is first asked for.

use super::{Column, Feed, View};
use crate::event::{Family, audit, defender};
use crate::types::ColumnType;
use crate::view::expr::Expr;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

/// The typed tables.
pub(crate) const NAMES: [&str; 8] = [
    "DeviceProcessEvents",
    "DeviceNetworkEvents",
    "DeviceFileEvents",
    "DeviceImageLoadEvents",
    "Event",
    "SecurityEvent",
    "Syslog",
    "WindowsEvent",
];

/// Their files, in the same order.
const TABLES: [&str; 8] = [
    include_str!("../mappings/DeviceProcessEvents.toml"),
    include_str!("../mappings/DeviceNetworkEvents.toml"),
    include_str!("../mappings/DeviceFileEvents.toml"),
    include_str!("../mappings/DeviceImageLoadEvents.toml"),
    include_str!("../mappings/Event.toml"),
    include_str!("../mappings/SecurityEvent.toml"),
    include_str!("../mappings/Syslog.toml"),
    include_str!("../mappings/WindowsEvent.toml"),
];

/// A file of `src/mappings`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFile {
    feeds: BTreeMap<String, Codes>,
    /// Families whose fields have the columns' own names where a column does not say otherwise.
    #[serde(default)]
    same: Vec<String>,
    /// Expressions without which an event of a family is no row.
    #[serde(default)]
    require: BTreeMap<String, String>,
    /// Whether texts that mean that there is nothing (`families.toml`) are missing here.
    #[serde(default = "yes")]
    missing: bool,
    /// Keys carry their place in the file, which is the declared order.
    columns: BTreeMap<toml::Spanned<String>, BTreeMap<String, String>>,
}

fn yes() -> bool {
    true
}

/// Which of a family's events feed a table.
#[derive(Deserialize)]
#[serde(untagged)]
enum Codes {
    Any(String),
    Some(Vec<Code>),
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Code {
    Number(u32),
    Name(String),
}

impl Code {
    pub(super) fn number(&self) -> Result<u32, String> {
        Ok(match self {
            Code::Number(n) => *n,
            Code::Name(name) => match name.as_str() {
                "process" => defender::PROCESS,
                "network" => defender::NETWORK,
                "file" => defender::FILE,
                "image-load" => defender::IMAGE_LOAD,
                "exec" => audit::EXEC,
                "connect" => audit::CONNECT,
                "user-cmd" => audit::USER_CMD,
                other => return Err(format!("no event is called `{other}`")),
            },
        })
    }
}

pub(crate) fn family_named(name: &str) -> Result<Family, String> {
    Ok(match name {
        "auditd" => Family::Auditd,
        "audit-record" => Family::AuditRecord,
        "sysmon" => Family::Sysmon,
        "security" => Family::Security,
        "windows" => Family::Windows,
        "defender" => Family::Defender,
        "syslog" => Family::Syslog,
        "generic" => Family::Generic,
        other => return Err(format!("no family is called `{other}`")),
    })
}

/// What tells the mapping data of typed tables from other versions of it.
pub fn fingerprint() -> String {
    // FNV-1a: nobody has to be kept from making two alike.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for text in TABLES.iter().chain(&[include_str!("../mappings/families.toml")]) {
        for byte in text.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

/// The table of that name.
pub(crate) fn table(name: &str) -> Option<View> {
    static PARSED: [OnceLock<View>; 8] = [const { OnceLock::new() }; 8];
    let place = NAMES.iter().position(|n| *n == name)?;
    let view = PARSED[place].get_or_init(|| {
        // The files are part of the program and a test parses each: this can't fail at a user's.
        parse(name, TABLES[place]).unwrap_or_else(|e| panic!("mappings/{name}.toml: {e}"))
    });
    Some(view.clone())
}

fn parse(name: &str, text: &str) -> Result<View, String> {
    let file: TableFile = toml::from_str(text).map_err(|e| e.to_string())?;
    let mut specs: Vec<_> = file.columns.iter().collect();
    specs.sort_by_key(|(key, _)| key.span().start);
    let mut columns = Vec::new();
    for (key, spec) in &specs {
        let ty = spec.get("type").ok_or_else(|| format!("{}: no type", key.get_ref()))?;
        let ty = ColumnType::from_name(ty).ok_or_else(|| format!("{}: no type {ty}", key.get_ref()))?;
        columns.push(Column { name: key.get_ref().clone(), ty });
        for family in spec.keys().filter(|k| *k != "type") {
            family_named(family)?;
            if !file.feeds.contains_key(family) {
                return Err(format!("{}: {family} does not feed the table", key.get_ref()));
            }
        }
    }
    let mut feeds = Vec::new();
    for (family, codes) in &file.feeds {
        let same = file.same.contains(family);
        let mut exprs = Vec::new();
        for (key, spec) in &specs {
            let name = key.get_ref();
            exprs.push(match spec.get(family) {
                Some(text) => Some(Expr::parse(text).map_err(|e| format!("{name}: {family}: {e}"))?),
                None if same => Some(Expr::Field(name.clone())),
                None => None,
            });
        }
        let codes = match codes {
            Codes::Any(any) if any == "any" => Vec::new(),
            Codes::Any(other) => return Err(format!("{family}: neither a list nor \"any\": {other}")),
            Codes::Some(list) => list.iter().map(Code::number).collect::<Result<_, _>>()?,
        };
        let require = file.require.get(family).map(|t| Expr::parse(t)).transpose()?;
        feeds.push(Feed {
            family: family_named(family)?,
            codes,
            columns: exprs,
            require,
            verbatim: !file.missing,
            logs: false,
        });
    }
    Ok(View::new(name, columns, feeds, false))
}

/// What is said of a family once for all views.
#[derive(Debug, Default)]
pub(crate) struct FamilyData {
    /// Sumo's `_sourceCategory` where the user says none.
    pub(crate) category: String,
    /// Texts that mean that there is nothing.
    pub(crate) missing: Vec<String>,
    /// Where the hidden columns come from.
    pub(crate) hidden: HashMap<String, Expr>,
    /// Names of Sumo messages (lower case) that are not simply the source's own.
    pub(crate) names: HashMap<String, Expr>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FamilyFile {
    category: String,
    #[serde(default)]
    missing: Vec<String>,
    provenance: BTreeMap<String, String>,
    messages: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct FamiliesFile {
    /// Said of every family that does not say otherwise.
    every: Every,
    #[serde(flatten)]
    families: BTreeMap<String, FamilyFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Every {
    provenance: BTreeMap<String, String>,
    messages: BTreeMap<String, String>,
}

/// The data of a family.
pub(crate) fn family(family: Family) -> &'static FamilyData {
    static PARSED: OnceLock<HashMap<Family, FamilyData>> = OnceLock::new();
    static NONE: OnceLock<FamilyData> = OnceLock::new();
    let all = PARSED.get_or_init(|| {
        parse_families(include_str!("../mappings/families.toml"))
            .unwrap_or_else(|e| panic!("mappings/families.toml: {e}"))
    });
    all.get(&family).unwrap_or_else(|| NONE.get_or_init(FamilyData::default))
}

fn parse_families(text: &str) -> Result<HashMap<Family, FamilyData>, String> {
    let file: FamiliesFile = toml::from_str(text).map_err(|e| e.to_string())?;
    let merge = |every: &BTreeMap<String, String>, own: &BTreeMap<String, String>, lower: bool| {
        let mut out = HashMap::new();
        for (name, text) in every.iter().chain(own) {
            let expr = Expr::parse(text).map_err(|e| format!("{name}: {e}"))?;
            out.insert(if lower { name.to_ascii_lowercase() } else { name.clone() }, expr);
        }
        Ok::<_, String>(out)
    };
    let mut out = HashMap::new();
    for (name, data) in &file.families {
        let hidden = merge(&file.every.provenance, &data.provenance, false)?;
        if let Some(unknown) = hidden.keys().find(|k| super::HIDDEN.iter().all(|(n, _)| n != k)) {
            return Err(format!("{name}: no hidden column is called `{unknown}`"));
        }
        let parsed = FamilyData {
            category: data.category.clone(),
            missing: data.missing.clone(),
            hidden,
            names: merge(&file.every.messages, &data.messages, true)?,
        };
        out.insert(family_named(name)?, parsed);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_parses() {
        for (name, text) in NAMES.iter().zip(TABLES) {
            let view = parse(name, text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(view.columns().len() > 10, "{name}");
        }
        assert_eq!(parse_families(include_str!("../mappings/families.toml")).unwrap().len(), 8);
    }
}
