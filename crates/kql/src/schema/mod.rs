//! The schemas of the tables that published detections are written against.
//!
//! A query on such a table plans even where no input feeds the table: it runs over no rows, and says so. The facts
//! stand in `tables.txt` (documented tables) and `custom.txt` (custom logs and parsers of published content), a table a
//! line, sorted by name: a line is looked for when a query names its table, and nothing is read before.
//!
//! A column is shown or [further](further): one that can be named, and that the rows have only where the query names it.

use parallax_catalog::{Column, ColumnType};

const DOCUMENTED: &str = include_str!("tables.txt");
const CUSTOM: &str = include_str!("custom.txt");

/// What `+` stands for in `tables.txt`: what every table of a Log Analytics workspace has.
const COMMON: &str = "real:_BilledSize string:_IsBillable,Type,SourceSystem datetime:TimeGenerated";

/// What `+` stands for in `custom.txt`: what every table of custom logs has.
const CUSTOM_COMMON: &str =
    "string:TenantId,SourceSystem,MG,ManagementGroupName,Computer,RawData,Type,_ResourceId datetime:TimeGenerated";

/// The standard columns of a workspace's tables (documented), which the reference does not repeat for all of them.
const STANDARD: [(&str, ColumnType); 7] = [
    ("TenantId", ColumnType::String),
    ("_ItemId", ColumnType::String),
    ("_TimeReceived", ColumnType::DateTime),
    ("_ResourceId", ColumnType::String),
    ("_SubscriptionId", ColumnType::String),
    ("_IsBillable", ColumnType::String),
    ("_BilledSize", ColumnType::Real),
];

/// Where a known table comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A table of the products' reference.
    Documented,
    /// A table of custom logs.
    Custom,
    /// A function that published content stores in a workspace, known by the columns that it gives.
    Parser,
}

/// A known table.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    line: &'static str,
    /// Where it comes from.
    pub kind: Kind,
}

/// The names of the known tables.
pub fn names() -> impl Iterator<Item = &'static str> {
    [DOCUMENTED, CUSTOM].into_iter().flat_map(lines).map(|(name, _)| name)
}

/// The names of the documented tables: those that a wildcard stands for. Custom logs are those of one workspace.
pub fn documented() -> impl Iterator<Item = &'static str> {
    lines(DOCUMENTED).map(|(name, _)| name)
}

/// The known table of that name.
pub fn known(table: &str) -> Option<Known> {
    let found = |text, name: &str, kind| find(text, name).map(|(_, line)| Known { line, kind });
    let custom = if is_custom(table) { Kind::Custom } else { Kind::Parser };
    let asim = || found(CUSTOM, &format!("_Im_{}", asim(table)?), Kind::Parser);
    found(DOCUMENTED, table, Kind::Documented).or_else(|| found(CUSTOM, table, custom)).or_else(asim)
}

/// The schema of the Advanced Security Information Model that a parser's name speaks of: those that are built in
/// (`_Im_Dns`, `_ASim_Dns`), and those that a workspace deploys (`imDns`, `ASimDns`), with the names of earlier versions.
fn asim(parser: &str) -> Option<&str> {
    let schema = ["_Im_", "_ASim_", "im", "ASim"].iter().find_map(|prefix| parser.strip_prefix(prefix))?;
    Some(match schema {
        "Process" | "ProcessCreate" | "ProcessTerminate" => "ProcessEvent",
        "Registry" => "RegistryEvent",
        other => other,
    })
}

/// The type of a column of some documented table; none where none has it, or where tables differ in its type.
pub fn anywhere(column: &str) -> Option<ColumnType> {
    let mut found = None;
    for (_, line) in lines(DOCUMENTED) {
        let shown = line.split(" also:").next().unwrap_or(line);
        for group in shown.split(' ').flat_map(|g| if g == "+" { COMMON.split(' ') } else { g.split(' ') }) {
            let Some((ty, names)) = group.split_once(':').filter(|(ty, _)| *ty != "then") else { continue };
            if names.split(',').any(|n| n == column) {
                match found {
                    Some(before) if before != ty => return None,
                    _ => found = Some(ty),
                }
            }
        }
    }
    ColumnType::from_name(found?)
}

/// A table of custom logs that nobody described: it has what all of them have.
pub fn undescribed() -> Vec<Column> {
    groups(CUSTOM_COMMON, Kind::Custom).0
}

/// Whether a name is that of a table of custom logs: the service ends all of them so (documented).
pub fn is_custom(table: &str) -> bool {
    table.ends_with("_CL")
}

/// The type of a column that stands in no reference, of a table whose columns come from its data: the suffix tells it
/// (documented for custom logs). In `AzureDiagnostics` a `_g` is a guid, in custom logs the text of one (documented).
pub fn by_suffix(table: &str, column: &str) -> Option<ColumnType> {
    let diagnostics = table == "AzureDiagnostics";
    if !diagnostics && !is_custom(table) {
        return None;
    }
    let (stem, suffix) = column.rsplit_once('_')?;
    if stem.is_empty() {
        return None;
    }
    Some(match suffix {
        "s" => ColumnType::String,
        "d" => ColumnType::Real,
        "b" => ColumnType::Bool,
        "t" => ColumnType::DateTime,
        "g" if diagnostics => ColumnType::Guid,
        "g" => ColumnType::String,
        _ => return None,
    })
}

impl Known {
    /// The columns that are shown, in their documented order.
    pub fn columns(self) -> Vec<Column> {
        groups(self.line, self.kind).0
    }

    /// The type of a column that can be named and is not shown: one that the reference had, one of only one of the two
    /// products that share the table, or a standard column.
    pub fn further(self, column: &str) -> Option<ColumnType> {
        let (shown, further) = groups(self.line, self.kind);
        if shown.iter().any(|c| c.name == column) {
            return None;
        }
        let listed = further.into_iter().find(|c| c.name == column).map(|c| c.ty);
        let workspace = self.line.split(' ').any(|g| g == "+");
        let standard = || STANDARD.iter().find(|(name, _)| *name == column).map(|(_, ty)| *ty);
        match (self.kind, column) {
            (Kind::Parser, _) => listed,
            // Advanced hunting gives the records of either product both names of their time.
            (Kind::Documented, "TimeGenerated") if !workspace => Some(ColumnType::DateTime),
            _ => listed.or_else(|| if workspace { standard() } else { None }),
        }
    }
}

/// The tables of a text, with what stands behind their names.
fn lines(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    text.lines().filter(|l| !l.starts_with('#')).map(|l| l.split_once(' ').unwrap_or((l, "")))
}

/// The line of a table, by bisection.
fn find(text: &'static str, table: &str) -> Option<(&'static str, &'static str)> {
    let (mut low, mut high) = (0, text.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        // The line that the middle lies in.
        let start = text.as_bytes()[..middle].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let end = text.as_bytes()[middle..].iter().position(|b| *b == b'\n').map_or(text.len(), |at| middle + at);
        let (name, rest) = text.get(start..end)?.split_once(' ')?;
        // A comment stands before everything: `#` comes before any letter.
        match name.cmp(table) {
            std::cmp::Ordering::Equal => return (name != "#").then_some((name, rest)),
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

/// The columns that a line lists: those that are shown, in order, and the further ones.
fn groups(line: &'static str, kind: Kind) -> (Vec<Column>, Vec<Column>) {
    let common = if kind == Kind::Documented { COMMON } else { CUSTOM_COMMON };
    let (mut shown, mut further, mut last) = (Vec::new(), Vec::new(), Vec::new());
    let mut also = false;
    for group in line.split(' ').flat_map(|g| if g == "+" { common.split(' ') } else { g.split(' ') }) {
        let Some((ty, names)) = group.split_once(':') else { continue };
        match (ty, ColumnType::from_name(ty)) {
            ("also", _) => also = true,
            ("then", _) => last = names.split(',').collect(),
            (_, Some(ty)) => {
                let columns = names.split(',').map(|n| Column { name: n.to_owned(), ty });
                if also { further.extend(columns) } else { shown.extend(columns) }
            }
            _ => {}
        }
    }
    shown.sort_by_key(|c: &Column| {
        let place = last.iter().position(|l| *l == c.name);
        (place, c.name.trim_start_matches('_').to_ascii_lowercase())
    });
    (shown, further)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found_and_read() {
        for text in [DOCUMENTED, CUSTOM] {
            let names: Vec<&str> = lines(text).map(|(name, _)| name).collect();
            assert!(names.is_sorted(), "the lines are sorted");
            for (name, line) in lines(text) {
                assert_eq!(find(text, name), Some((name, line)));
                let known = known(name).expect(name);
                let columns = known.columns();
                assert!(!columns.is_empty(), "{name}");
                let listed = line.split(' ').filter(|g| *g != "+" && *g != "also:");
                for (ty, names) in listed.filter_map(|g| g.split_once(':')).filter(|(ty, _)| *ty != "then") {
                    assert!(ColumnType::from_name(ty).is_some(), "{name}: {ty}");
                    for column in names.split(',') {
                        let shown = columns.iter().filter(|c| c.name == column).count();
                        assert_eq!(shown + usize::from(known.further(column).is_some()), 1, "{name}.{column}");
                    }
                }
            }
        }
        assert_eq!(find(DOCUMENTED, "#"), None);
        assert_eq!(find(DOCUMENTED, "zzz"), None);
        assert_eq!(find(DOCUMENTED, ""), None);
    }

    #[test]
    fn a_table_has_the_columns_of_both_products() {
        let process = known("DeviceProcessEvents").map(Known::columns).unwrap_or_default();
        assert!(process.iter().any(|c| c.name == "TimeGenerated"));
        assert_eq!(process.last().map(|c| c.name.as_str()), Some("Timestamp"));
    }

    #[test]
    fn standard_columns_can_be_named_where_the_reference_does_not_list_them() {
        let syslog = known("Syslog").expect("a table");
        assert!(syslog.columns().iter().all(|c| c.name != "_ItemId"));
        assert_eq!(syslog.further("_ItemId"), Some(ColumnType::String));
        assert_eq!(syslog.further("NoSuchThing"), None);
        // A parser is no table of the workspace.
        assert_eq!(known("SQLEvent").and_then(|t| t.further("_ItemId")), None);
    }

    #[test]
    fn a_column_of_any_table_has_a_type_where_tables_agree() {
        assert_eq!(anywhere("TimeGenerated"), Some(ColumnType::DateTime));
        assert_eq!(anywhere("RemoteUrl"), Some(ColumnType::String));
        assert_eq!(anywhere("Status"), None, "a string in one table, a number in another");
        assert_eq!(anywhere("NoSuchThing"), None);
    }

    #[test]
    fn the_parsers_of_the_information_model_have_their_schemas_fields() {
        for name in ["_Im_ProcessEvent", "_ASim_ProcessEvent", "imProcessCreate", "ASimProcessEvent", "imProcess"] {
            let parser = known(name).expect(name);
            assert_eq!(parser.kind, Kind::Parser, "{name}");
            assert!(parser.columns().iter().any(|c| c.name == "CommandLine"), "an alias, which no table has");
        }
        assert!(known("imNothing").is_none());
        // A table of the reference begins in the same way.
        assert_eq!(known("ASimDnsActivityLogs").map(|t| t.kind), Some(Kind::Documented));
    }

    #[test]
    fn a_suffix_tells_the_type_only_where_the_service_writes_suffixes() {
        assert_eq!(by_suffix("Thing_CL", "size_d"), Some(ColumnType::Real));
        assert_eq!(by_suffix("Thing_CL", "id_g"), Some(ColumnType::String));
        assert_eq!(by_suffix("AzureDiagnostics", "id_g"), Some(ColumnType::Guid));
        assert_eq!(by_suffix("Thing_CL", "size"), None);
        assert_eq!(by_suffix("Thing_CL", "_s"), None);
        assert_eq!(by_suffix("Syslog", "size_d"), None);
    }
}
