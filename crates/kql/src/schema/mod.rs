//! The schemas of the tables that published detections are written against.
//!
//! A query on such a table plans even where no input feeds the table: it runs over no rows, and says so. The facts
//! stand in `tables.txt`, a table a line.

use parallax_catalog::Column;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What `+` stands for: what every table of a Log Analytics workspace has.
const COMMON: &str = "real:_BilledSize string:_IsBillable,Type,SourceSystem datetime:TimeGenerated";

fn lines() -> &'static BTreeMap<&'static str, &'static str> {
    static LINES: OnceLock<BTreeMap<&str, &str>> = OnceLock::new();
    LINES.get_or_init(|| {
        let text = include_str!("tables.txt");
        text.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once(' ')).collect()
    })
}

/// The names of the known tables.
pub fn names() -> impl Iterator<Item = &'static str> {
    lines().keys().copied()
}

/// The columns of a known table, in their documented order.
pub fn columns(table: &str) -> Option<Vec<Column>> {
    let line = lines().get(table)?;
    let mut columns = Vec::new();
    let mut last = Vec::new();
    for group in line.split(' ').flat_map(|g| if g == "+" { COMMON.split(' ') } else { g.split(' ') }) {
        let (ty, names) = group.split_once(':')?;
        if ty == "then" {
            last = names.split(',').collect();
        } else {
            columns.extend(names.split(',').map(|n| (n, ty)));
        }
    }
    columns.sort_by_key(|(name, _)| {
        (last.iter().position(|l| l == name), name.trim_start_matches('_').to_ascii_lowercase())
    });
    columns.into_iter().map(|(name, ty)| column(name, ty)).collect()
}

fn column(name: &str, ty: &str) -> Option<Column> {
    Some(Column { name: name.to_string(), ty: parallax_catalog::ColumnType::from_name(ty)? })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_line_is_read() {
        for name in super::names() {
            assert!(super::columns(name).is_some_and(|c| !c.is_empty()), "{name}");
        }
        let process = super::columns("DeviceProcessEvents").unwrap_or_default();
        assert!(process.iter().any(|c| c.name == "Timestamp"));
        assert!(process.iter().any(|c| c.name == "TimeGenerated"));
    }
}
