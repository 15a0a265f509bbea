//! Normalised records of Cloud SIEM: schema attributes, and the source's own fields in the map `fields`.

use super::mapping::{self, FamilyData};
use super::{Column, Feed, View};
use crate::event::Family;
use crate::types::ColumnType;
use crate::view::expr::{Expr, Function};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

/// `mappings/records.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// What is filled beyond the vendor's mappings; for people.
    #[serde(rename = "ours")]
    _ours: Vec<String>,
    feeds: BTreeMap<String, String>,
    columns: BTreeMap<String, BTreeMap<String, String>>,
    fields: BTreeMap<String, BTreeMap<String, String>>,
}

/// An attribute: its type and, for each family, where it comes from.
struct Attribute {
    ty: ColumnType,
    from: HashMap<Family, Expr>,
}

struct Schema {
    families: Vec<Family>,
    attributes: BTreeMap<String, Attribute>,
    /// Keys of `fields`, lower case, that are not the source's own names.
    keys: HashMap<Family, HashMap<String, Expr>>,
}

fn schema() -> &'static Schema {
    static PARSED: OnceLock<Schema> = OnceLock::new();
    PARSED.get_or_init(|| {
        // The file is part of the program and a test parses it: this can't fail at a user's.
        parse(include_str!("../mappings/records.toml")).unwrap_or_else(|e| panic!("mappings/records.toml: {e}"))
    })
}

fn parse(text: &str) -> Result<Schema, String> {
    let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
    let families = file.feeds.keys().map(|f| mapping::family_named(f)).collect::<Result<Vec<_>, _>>()?;
    let mut attributes = BTreeMap::new();
    for (name, spec) in &file.columns {
        let ty = spec.get("type").and_then(|t| ColumnType::from_name(t)).ok_or_else(|| format!("{name}: no type"))?;
        let mut from = HashMap::new();
        for (family, text) in spec.iter().filter(|(key, _)| *key != "type") {
            if !file.feeds.contains_key(family) {
                return Err(format!("{name}: {family} does not feed records"));
            }
            let expr = Expr::parse(text).map_err(|e| format!("{name}: {family}: {e}"))?;
            from.insert(mapping::family_named(family)?, expr);
        }
        attributes.insert(name.clone(), Attribute { ty, from });
    }
    let mut keys = HashMap::new();
    for (family, spec) in &file.fields {
        let parsed = spec.iter().map(|(key, text)| Ok((key.clone(), Expr::parse(text)?)));
        keys.insert(mapping::family_named(family)?, parsed.collect::<Result<HashMap<_, _>, String>>()?);
    }
    Ok(Schema { families, attributes, keys })
}

/// Whether a name is an attribute that some source here fills, the map `fields` included, and its type.
pub fn record_attribute(name: &str) -> Option<ColumnType> {
    match key_of(name) {
        Some(_) => Some(ColumnType::String),
        None => schema().attributes.get(name).map(|a| a.ty),
    }
}

/// The attributes that some source here fills, by name, with the families that fill each.
pub fn record_attributes() -> impl Iterator<Item = (&'static str, ColumnType, Vec<(&'static str, String)>)> {
    schema().attributes.iter().map(|(name, attribute)| {
        let mut from: Vec<_> = attribute.from.iter().map(|(f, expr)| (f.name(), expr.to_string())).collect();
        from.sort_unstable();
        (name.as_str(), attribute.ty, from)
    })
}

/// The key of `fields['key']` or `fields.key`.
fn key_of(name: &str) -> Option<&str> {
    let inner = name.strip_prefix("fields")?;
    match inner.strip_prefix("['").and_then(|i| i.strip_suffix("']")) {
        Some(key) => Some(key),
        None => inner.strip_prefix('.').filter(|key| !key.is_empty()),
    }
}

/// The events that are mapped as records with the given attributes as columns: an attribute's name, `fields['key']` or
/// `fields.key` for the source's own fields, `_index` for the partition, or the metadata of a message.
///
/// A name that nothing fills is a column of missing text.
pub fn records(names: &[String]) -> View {
    let schema = schema();
    let columns = names.iter().map(|name| Column { name: name.clone(), ty: type_of(schema, name) }).collect();
    let feeds = schema.families.iter().map(|family| {
        let data = mapping::family(*family);
        let columns = names.iter().map(|name| source_of(schema, name, *family, data)).collect();
        Feed { family: *family, codes: Vec::new(), columns, require: None, verbatim: false, logs: false }
    });
    View::new("records", columns, feeds.collect(), true)
}

fn attribute<'s>(schema: &'s Schema, name: &str) -> Option<&'s Attribute> {
    let exact = schema.attributes.get(name);
    // Searches know no case in names.
    exact.or_else(|| schema.attributes.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, a)| a))
}

fn type_of(schema: &Schema, name: &str) -> ColumnType {
    if ["_messagetime", "_receipttime", "_size"].contains(&name.to_ascii_lowercase().as_str()) {
        return ColumnType::Long;
    }
    attribute(schema, name).map_or(ColumnType::String, |a| a.ty)
}

fn source_of(schema: &Schema, name: &str, family: Family, data: &FamilyData) -> Option<Expr> {
    let lower = name.to_ascii_lowercase();
    if ["_index", "_view"].contains(&lower.as_str()) {
        let kind = schema.attributes.get("objectType")?.from.get(&family)?.clone();
        return Some(Expr::Call(Function::Partition, vec![kind]));
    }
    if lower.starts_with('_') {
        return data.names.get(&lower).cloned();
    }
    if let Some(key) = key_of(name) {
        return Some(own_field(schema, key, family, data));
    }
    attribute(schema, name)?.from.get(&family).cloned()
}

/// A field of the source by its key in `fields`: dotted as the vendor's parser names it, or its last part.
fn own_field(schema: &Schema, key: &str, family: Family, data: &FamilyData) -> Expr {
    if let Some(expr) = schema.keys.get(&family).and_then(|keys| keys.get(&key.to_ascii_lowercase())) {
        return expr.clone();
    }
    if family == Family::Auditd {
        return laurel(key);
    }
    super::messages::source_of(key, family, data)
}

/// Laurel's tree: records by their type. Places in lists count from 1, as the vendor's rules show: the address family of
/// `socket`, its first argument, is `SYSCALL.ARGV.1`.
fn laurel(key: &str) -> Expr {
    let parts: Vec<&str> = key.split('.').collect();
    let place = |text: &str| text.parse::<u32>().ok().and_then(|n| n.checked_sub(1));
    match parts.as_slice() {
        ["PATH", n, "name"] => place(n).map(|n| Expr::Field(format!("@name.{n}"))),
        ["SYSCALL", "ARGV", n] => place(n).map(|n| {
            let hex = ["", "0x"].map(|t| Expr::Const(t.to_owned()));
            Expr::Call(Function::All, hex.into_iter().chain([Expr::Field(format!("a{n}"))]).collect())
        }),
        ["EXECVE", "ARGV_STR"] => Some(Expr::Field("@cmdline".to_owned())),
        ["SYSCALL" | "EXECVE" | "CWD" | "USER_LOGIN" | "USER_CMD", leaf] => Some(Expr::Field((*leaf).to_owned())),
        _ => None,
    }
    .unwrap_or_else(|| Expr::Field(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_parses_and_every_attribute_has_a_source() {
        let schema = parse(include_str!("../mappings/records.toml")).unwrap();
        assert!(schema.attributes.len() > 50);
        for (name, attribute) in &schema.attributes {
            assert!(!attribute.from.is_empty(), "{name}");
        }
    }

    #[test]
    fn keys_of_the_map() {
        assert_eq!(key_of("fields['EventData.Image']"), Some("EventData.Image"));
        assert_eq!(key_of("fields.EventID"), Some("EventID"));
        assert_eq!(key_of("fieldsTags"), None);
    }
}
