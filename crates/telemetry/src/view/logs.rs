//! Events under the names that Sigma rules use.

use super::mapping::{self, Code, FamilyData};
use super::{Column, Feed, HIDDEN, View};
use crate::event::Family;
use crate::types::ColumnType;
use crate::view::expr::Expr;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

/// `mappings/sigma.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    events: Vec<EventsFile>,
}

/// Names for some of a family's events.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsFile {
    family: String,
    #[serde(default)]
    codes: Vec<Code>,
    #[serde(default)]
    names: BTreeMap<String, String>,
}

/// What some of a family's events call the fields of rules.
pub(crate) struct Names {
    pub(crate) family: Family,
    /// The events; empty means all that no earlier entry names.
    pub(crate) codes: Vec<u32>,
    /// Lower-case names of rules that are not simply the source's own.
    pub(crate) names: HashMap<String, Expr>,
}

/// All families, in the order of the file: of several entries for an event, the first counts.
pub(crate) fn names() -> &'static [Names] {
    static PARSED: OnceLock<Vec<Names>> = OnceLock::new();
    PARSED.get_or_init(|| {
        // The file is part of the program and a test parses it: this can't fail at a user's.
        parse(include_str!("../mappings/sigma.toml")).unwrap_or_else(|e| panic!("mappings/sigma.toml: {e}"))
    })
}

fn parse(text: &str) -> Result<Vec<Names>, String> {
    let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
    let mut out = Vec::new();
    for events in file.events {
        let named = |(name, text): (&String, &String)| {
            let expr = Expr::parse(text).map_err(|e| format!("{}: {name}: {e}", events.family))?;
            Ok::<_, String>((name.to_ascii_lowercase(), expr))
        };
        out.push(Names {
            family: mapping::family_named(&events.family)?,
            codes: events.codes.iter().map(Code::number).collect::<Result<_, _>>()?,
            names: events.names.iter().map(named).collect::<Result<_, _>>()?,
        });
    }
    Ok(out)
}

/// What feeds the name of a rule in an event, where that is not simply the event's own field.
pub(crate) fn sigma_name(family: Family, code: u32, name: &str) -> Option<&'static Expr> {
    let events = names().iter().find(|n| n.family == family && (n.codes.is_empty() || n.codes.contains(&code)))?;
    events.names.get(&name.to_ascii_lowercase())
}

/// Every event of a source with the given fields of Sigma rules as columns of text, null where an event has no such
/// field.
///
/// A name is looked for, without regard to case, among Sigma's (`mappings/sigma.toml`), then as the source's own,
/// dotted or its last part. Values are verbatim: rules ask for `-` and for empty text themselves. `@` before a name
/// asks for a pseudo-field of the source. Audit events are followed by their records, one by one.
pub fn logs(fields: &[String]) -> View {
    let hidden = |name: &str| HIDDEN.iter().any(|(n, _)| *n == name);
    let fields: Vec<&String> = fields.iter().filter(|name| !hidden(name)).collect();
    let column = |name: &&String| Column { name: (*name).clone(), ty: ColumnType::String };
    let columns = fields.iter().map(column).collect();
    let feeds = names().iter().map(|events| {
        let data = mapping::family(events.family);
        let columns = fields.iter().map(|name| Some(source_of(name, events, data))).collect();
        Feed { family: events.family, codes: events.codes.clone(), columns, require: None, verbatim: true, logs: true }
    });
    View::new("logs", columns, feeds.collect(), true)
}

fn source_of(name: &str, events: &Names, data: &FamilyData) -> Expr {
    if name.starts_with('@') {
        return Expr::Field(name.to_owned());
    }
    if let Some(expr) = events.names.get(&name.to_ascii_lowercase()) {
        return expr.clone();
    }
    // Rules written for a collector's shape name the path to a field.
    let _ = data;
    let tree = !matches!(events.family, Family::Auditd | Family::AuditRecord | Family::Syslog | Family::Generic);
    let leaf = name.rsplit('.').next().unwrap_or(name);
    if !tree || leaf == name || leaf.is_empty() {
        return Expr::Field(name.to_owned());
    }
    let short = events.names.get(&leaf.to_ascii_lowercase()).cloned();
    Expr::First(vec![Expr::Field(name.to_owned()), short.unwrap_or_else(|| Expr::Field(leaf.to_owned()))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_parses_and_every_family_has_names() {
        let names = parse(include_str!("../mappings/sigma.toml")).unwrap();
        for family in [
            Family::Auditd,
            Family::AuditRecord,
            Family::Sysmon,
            Family::Security,
            Family::Windows,
            Family::Defender,
            Family::Syslog,
            Family::Generic,
        ] {
            let last = names.iter().rfind(|n| n.family == family).unwrap();
            assert!(last.codes.is_empty(), "{}: the last entry takes what is left", family.name());
        }
    }
}
