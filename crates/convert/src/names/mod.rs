//! Names: of KQL's tables and columns, of Sumo's categories, and of Sigma's log sources and fields. Data, in
//! `tables.toml` and `logs.toml`.

mod logs;

pub use logs::{Events, Logs, category, logs, logs_of_table};

use crate::middle::{Field, FieldPart};
use parallax_kql::schema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A table of KQL.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The column with the time of the event.
    pub time: String,
    /// The column with the host.
    pub host: Option<String>,
    /// The column whose form tells operating systems apart.
    pub os: Option<String>,
    /// The columns that a converted rule shows.
    #[serde(default)]
    pub show: Vec<String>,
    /// Values of the source that are empty here.
    #[serde(default)]
    pub missing: Vec<String>,
    /// Sigma's fields.
    #[serde(default)]
    fields: BTreeMap<String, Column>,
    /// Columns that hold a part of a field.
    #[serde(default)]
    parts: BTreeMap<String, PartOf>,
    /// Columns that are nearly a field.
    #[serde(default)]
    read: BTreeMap<String, Nearly>,
    /// Other fields are columns of their own name.
    #[serde(default)]
    same: bool,
    /// Other fields stand in this dynamic column.
    dynamic: Option<String>,
}

/// What a field is in a table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// A column.
    column: Option<String>,
    /// A computation, to be named after the field.
    expr: Option<String>,
    /// Its type.
    #[serde(rename = "type", default)]
    pub ty: Type,
    /// What of the field is not there.
    pub lost: Option<String>,
}

/// The type of a column as far as comparisons go.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// Text.
    #[default]
    Text,
    /// A whole number.
    Long,
    /// A smaller whole number.
    Int,
    /// A number that Sigma's telemetry writes as `0x1f4`.
    Hex,
    /// A truth value.
    Bool,
    /// JSON.
    Dynamic,
    /// A number with a fraction.
    Real,
    /// An instant, a length of time, a guid: compared by its text.
    Other,
}

/// The field that a column nearly is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nearly {
    field: String,
    #[serde(rename = "type", default)]
    ty: Type,
    lost: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartOf {
    field: String,
    part: String,
}

/// Where a field stands in a table.
#[derive(Clone, Debug)]
pub struct Place {
    /// The expression to write.
    pub text: String,
    /// A computation that goes before, named by `text`.
    pub computed: Option<String>,
    /// Its type.
    pub ty: Type,
    /// What of the field is not there.
    pub lost: Option<String>,
}

static TABLES: LazyLock<BTreeMap<String, Table>> = LazyLock::new(|| {
    // The file is part of the program; a test reads it.
    toml::from_str(include_str!("tables.toml")).unwrap_or_default()
});

/// The table of that name, where its fields are known.
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.get(name)
}

/// The names of the tables whose fields are known.
pub fn tables() -> impl Iterator<Item = &'static str> {
    TABLES.keys().map(String::as_str)
}

impl PartOf {
    fn field(&self) -> Field {
        let part = match self.part.as_str() {
            "base" => FieldPart::Base,
            "account" => FieldPart::Account,
            "domain" => FieldPart::Domain,
            key => FieldPart::Hash(key.to_owned()),
        };
        Field { name: self.field.clone(), part }
    }
}

impl Table {
    /// Where a field stands.
    pub fn place(&self, table: &str, field: &Field) -> Option<Place> {
        let column = |name: &str, ty| Place { text: name.to_owned(), computed: None, ty, lost: None };
        if field.part != FieldPart::Whole {
            let (name, _) = self.parts.iter().find(|(_, p)| p.field() == *field)?;
            return Some(column(name, Type::Text));
        }
        if let Some(known) = self.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(&field.name)) {
            let (name, known) = known;
            let text = known.column.clone().unwrap_or_else(|| name.clone());
            return Some(Place { text, computed: known.expr.clone(), ty: known.ty, lost: known.lost.clone() });
        }
        if self.same
            && let Some(place) = own(table, &field.name)
        {
            return Some(place);
        }
        // Defender's own columns, under their own names.
        if self.is_own(table, &field.name) {
            return own(table, &field.name);
        }
        let dynamic = self.dynamic.as_ref()?;
        let plain = field.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && field.name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let path = if plain {
            format!("{dynamic}.{}", field.name)
        } else {
            format!("{dynamic}[{}]", crate::kql::quoted(&field.name))
        };
        Some(column(&format!("tostring({path})"), Type::Text))
    }

    /// The field that a column holds, or a part of one.
    pub fn field(&self, table: &str, column: &str) -> Option<(Field, Type)> {
        if let Some(part) = self.parts.get(column) {
            return Some((part.field(), Type::Text));
        }
        if let Some((name, c)) = self.fields.iter().find(|(_, c)| c.column.as_deref() == Some(column)) {
            return Some((Field::whole(name.clone()), c.ty));
        }
        if self.same {
            return own(table, column).map(|p| (Field::whole(column), p.ty));
        }
        None
    }

    /// Whether that is a column of Defender that is none of Sigma's fields, and no part of one.
    pub fn is_own(&self, table: &str, column: &str) -> bool {
        let named = self.fields.values().any(|c| c.column.as_deref() == Some(column));
        table.starts_with("Device")
            && !named
            && column != "ActionType"
            && !self.parts.contains_key(column)
            && !self.read.contains_key(column)
            && own(table, column).is_some_and(|p| p.ty == Type::Text && p.text == column)
    }

    /// The field that a computation of a query is, where it is written as this table has it.
    pub fn computed(&self, text: &str) -> Option<(Field, Type)> {
        let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let wanted = bare(text);
        let found = self.fields.iter().find(|(_, c)| c.expr.as_ref().is_some_and(|e| bare(e) == wanted));
        found.map(|(name, c)| (Field::whole(name.clone()), c.ty))
    }

    /// The field that a column nearly is, its type, and what is not so.
    pub fn nearly(&self, column: &str) -> Option<(Field, Type, &str)> {
        self.read.get(column).map(|n| (Field::whole(n.field.clone()), n.ty, n.lost.as_str()))
    }

    /// The dynamic column with the event's own fields.
    pub fn dynamic(&self) -> Option<&str> {
        self.dynamic.as_deref()
    }

    /// Sigma's fields and the columns that they are, as the file says.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().filter_map(|(name, c)| Some((name.as_str(), c.column.as_deref()?)))
    }

    /// Columns, and the parts of fields that they hold.
    pub fn parts(&self) -> impl Iterator<Item = (&str, Field)> {
        self.parts.iter().map(|(name, p)| (name.as_str(), p.field()))
    }
}

/// A documented column of a table, or a path into one that is dynamic.
fn own(table: &str, name: &str) -> Option<Place> {
    let columns = schema::known(table)?.columns();
    let (head, rest) = name.split_once('.').map_or((name, None), |(h, r)| (h, Some(r)));
    let column = columns
        .iter()
        .find(|c| c.name == head)
        .or_else(|| columns.iter().find(|c| c.name.eq_ignore_ascii_case(head)))?;
    let ty = type_of(column.ty);
    match (rest, ty) {
        (None, Type::Dynamic) => {
            Some(Place { text: format!("tostring({})", column.name), computed: None, ty: Type::Text, lost: None })
        }
        (None, _) => Some(Place { text: column.name.clone(), computed: None, ty, lost: None }),
        (Some(path), Type::Dynamic) if path.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.') => {
            Some(Place {
                text: format!("tostring({}.{path})", column.name),
                computed: None,
                ty: Type::Text,
                lost: None,
            })
        }
        _ => None,
    }
}

/// A column's type.
pub fn type_of(ty: impl std::fmt::Debug) -> Type {
    match format!("{ty:?}").as_str() {
        "String" => Type::Text,
        "Long" => Type::Long,
        "Int" => Type::Int,
        "Real" | "Double" | "Decimal" => Type::Real,
        "Bool" => Type::Bool,
        "Dynamic" => Type::Dynamic,
        _ => Type::Other,
    }
}
