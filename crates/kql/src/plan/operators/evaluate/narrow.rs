//! `narrow()`: a row for each value, with its row's number, its column's name, and itself as text.

use super::Plugin;
use super::template::Given;
use crate::plan::error::Result;
use crate::plan::relation::{Column, Relation, id};
use crate::plan::types::Type;
use crate::plan::value::{Value, cast, convert, raw_call, to_string};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::WindowFunction;

const TEMPLATE: &str = "
T
| mv-expand with_itemindex=At Value to typeof(string)
| extend Row = Row - 1, Column = tostring(Names[At])
| sort by Row asc, At asc
| project Row, Column, Value";

impl Plugin<'_, '_> {
    pub(super) fn narrow(&self, input: Relation) -> Result<Relation> {
        self.arguments(0, 0)?;
        let mut values = Vec::new();
        for c in &input.columns {
            let text = to_string(Value::new(c.expr(), c.ty), self.span)?;
            values.push(convert(text, Type::Dynamic, self.span)?.expr);
        }
        let names: Vec<&str> = input.columns.iter().map(|c| c.name.as_str()).collect();
        let names = serde_json::to_string(&names).unwrap_or_default();
        let mut number = WindowFunction::new(row_number_udwf(), vec![]);
        number.params.order_by = input.order_exprs();
        let (rows, number) = self.window(input, number)?;
        let (row, packed) = (self.binder.ids.fresh(), self.binder.ids.fresh());
        let list = raw_call("kql_pack_array", values, self.span)?;
        let number = cast(id(&number), Type::Long);
        let mut rows = rows.compute(self.span, vec![(row.clone(), number), (packed.clone(), list)])?;
        rows.columns = vec![
            Column { name: "Row".to_owned(), ty: Type::Long, id: row },
            Column { name: "Value".to_owned(), ty: Type::Dynamic, id: packed },
        ];
        rows.order.clear();
        rows.provenance = None;
        self.template(TEMPLATE, Given::default().table("T", rows).scalar("Names", Value::dynamic(names)))
    }
}
