//! `schema_merge([PreserveOrder])`: the schemas of several tables, as `getschema` gives them, as one.
//!
//! With `PreserveOrder`, which is the default, a column at two places is an error in its row (documented). Numbers of
//! several types become the widest; other types that differ are an error in the column's row. Columns that first appear
//! at one place stand in the order of their names.

use super::Plugin;
use super::template::Given;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::Relation;
use crate::plan::types::Type;
use crate::plan::value::{Value, convert};

const COLUMNS: [(&str, Type); 3] =
    [("ColumnName", Type::String), ("ColumnOrdinal", Type::Long), ("ColumnType", Type::String)];

impl Plugin<'_, '_> {
    pub(super) fn schema_merge(&self, input: Relation) -> Result<Relation> {
        let arguments = self.arguments(0, 1)?;
        let preserve = arguments.option(0, "PreserveOrder").map(|a| self.flag(a)).transpose()?.unwrap_or(true);
        let mut rows = input;
        let mut columns = Vec::new();
        for (name, ty) in COLUMNS {
            let Some(column) = rows.column(name).cloned() else {
                let message = format!("schemas have a column `{name}`, as `getschema` gives it");
                return fail(error::UNKNOWN_NAME, self.call.span, message);
            };
            let id = self.binder.ids.fresh();
            let value = convert(Value::new(column.expr(), column.ty), ty, self.span)?;
            rows = rows.compute(self.span, vec![(id.clone(), value.expr)])?;
            columns.push(crate::plan::relation::Column { name: name.to_owned(), ty, id });
        }
        rows.columns = columns;
        rows.provenance = None;
        rows.order.clear();
        let given = Given::default()
            .table("T", rows)
            .scalar("PreserveOrder", Value::bool(preserve))
            .scalar("DotNet", Value::dynamic(dotnet()));
        self.template(include_str!("schema_merge.kql"), given)
    }
}

/// The .NET names of the types.
fn dotnet() -> String {
    use Type::{Bool, DateTime, Decimal, Dynamic, Guid, Int, Long, Real, String, TimeSpan};
    let all = [Bool, DateTime, Decimal, Dynamic, Guid, Int, Long, Real, String, TimeSpan];
    let bag: serde_json::Map<_, _> = all.iter().map(|t| (t.name().to_owned(), t.dotnet().into())).collect();
    serde_json::Value::Object(bag).to_string()
}
