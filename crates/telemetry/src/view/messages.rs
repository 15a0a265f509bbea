//! Sumo's messages: any field name is a column.

use super::mapping::{self, FamilyData};
use super::{Column, Feed, View};
use crate::event::Family;
use crate::types::ColumnType;
use crate::view::expr::Expr;

/// The families, audit in its two readings apart.
const FAMILIES: [Family; 6] =
    [Family::Sysmon, Family::Security, Family::Windows, Family::Defender, Family::Syslog, Family::Generic];

/// Every event of a source as a message with the given fields as columns.
///
/// A name is looked for, without regard to case, among the metadata and the common names (`mappings/families.toml`),
/// then as the source's own, dotted or short. All columns are text, null where a message has no such field, except
/// the numbers `_messageTime`, `_receiptTime` and `_size`. `raw_audit` gives audit records one by one instead of
/// joined events.
pub fn messages(fields: &[String], raw_audit: bool) -> View {
    let number = |name: &str| ["_messagetime", "_receipttime", "_size"].contains(&name.to_ascii_lowercase().as_str());
    let columns = fields.iter().map(|name| Column {
        name: name.clone(),
        ty: if number(name) { ColumnType::Long } else { ColumnType::String },
    });
    let columns = columns.collect();
    let audit = if raw_audit { Family::AuditRecord } else { Family::Auditd };
    let feeds = FAMILIES.into_iter().chain([audit]).map(|family| {
        let data = mapping::family(family);
        let columns = fields.iter().map(|name| Some(source_of(name, family, data))).collect();
        Feed { family, codes: Vec::new(), columns, require: None, verbatim: false, logs: false }
    });
    View::new("messages", columns, feeds.collect(), true)
}

/// Where a field comes from.
pub(super) fn source_of(name: &str, family: Family, data: &FamilyData) -> Expr {
    if let Some(expr) = data.names.get(&name.to_ascii_lowercase()) {
        return expr.clone();
    }
    // Where a product's fields stand in a tree, its collectors name the path differently: `EventData.Image`,
    // `Event.EventData.Image` and `winlog.event_data.Image` are one field.
    let tree = matches!(family, Family::Sysmon | Family::Security | Family::Windows | Family::Defender);
    let leaf = name.rsplit('.').next().unwrap_or(name);
    if !tree || leaf == name || leaf.is_empty() {
        return Expr::Field(name.to_owned());
    }
    let short = data.names.get(&leaf.to_ascii_lowercase()).cloned();
    Expr::First(vec![Expr::Field(name.to_owned()), short.unwrap_or_else(|| Expr::Field(leaf.to_owned()))])
}
