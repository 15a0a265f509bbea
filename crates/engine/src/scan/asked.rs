//! What filters ask of single columns, for sources that have statistics of them.
//!
//! A filter may be left out here, and stays above the scan.

use super::pruned::time_bounds;
use super::window::Window;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, Operator};
use parallax_store::read::Test;

/// What the filters, the user's window and the time as of which is read ask of columns.
pub(crate) fn tests(filters: &[Expr], schema: &SchemaRef, window: Window, as_of: Option<(&str, i64)>) -> Vec<Test> {
    let mut tests: Vec<Test> =
        filters.iter().flat_map(|f| split_conjunction(f)).filter_map(|f| test(f, schema)).collect();
    if !window.is_unbounded() {
        let to = window.to.map(|to| to.saturating_sub(1));
        tests.push(Test::Time { column: super::window::TIME.to_owned(), from: window.from, to });
    }
    if let Some((column, at)) = as_of {
        tests.push(Test::Time { column: column.to_owned(), from: None, to: Some(at) });
    }
    tests
}

fn test(filter: &Expr, schema: &SchemaRef) -> Option<Test> {
    if let Some((column, from, to)) = time_bounds(filter, schema) {
        return Some(Test::Time { column, from, to });
    }
    match filter {
        Expr::BinaryExpr(b) if b.op == Operator::Eq => match (b.left.as_ref(), b.right.as_ref()) {
            (side, Expr::Literal(value, _)) | (Expr::Literal(value, _), side) => {
                equals(side, std::iter::once(value), schema)
            }
            _ => None,
        },
        Expr::InList(list) if !list.negated => {
            let value = |e: &Expr| if let Expr::Literal(value, _) = e { Some(value.clone()) } else { None };
            let values = list.list.iter().map(value).collect::<Option<Vec<_>>>()?;
            equals(&list.expr, values.iter(), schema)
        }
        _ => None,
    }
}

fn equals<'v>(side: &Expr, values: impl Iterator<Item = &'v ScalarValue> + Clone, schema: &SchemaRef) -> Option<Test> {
    let column = match side {
        Expr::Column(column) => column.name.clone(),
        // Numbers are made wider before they are compared.
        Expr::Cast(cast) if *cast.field.data_type() == DataType::Int64 => match cast.expr.as_ref() {
            Expr::Column(column) => column.name.clone(),
            _ => return None,
        },
        _ => return None,
    };
    match schema.field_with_name(&column).ok()?.data_type() {
        DataType::Utf8View => {
            let text = |v: &ScalarValue| match v {
                ScalarValue::Utf8View(Some(t)) | ScalarValue::Utf8(Some(t)) => Some(t.clone()),
                _ => None,
            };
            Some(Test::Text { column, any: values.map(text).collect::<Option<_>>()? })
        }
        DataType::Int32 | DataType::Int64 => {
            let number = |v: &ScalarValue| match v {
                ScalarValue::Int64(Some(n)) => Some(*n),
                ScalarValue::Int32(Some(n)) => Some(i64::from(*n)),
                _ => None,
            };
            Some(Test::Number { column, any: values.map(number).collect::<Option<_>>()? })
        }
        _ => None,
    }
}
