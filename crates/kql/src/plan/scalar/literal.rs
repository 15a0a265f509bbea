//! Literals, and dynamic values as JSON text.

use crate::plan::error::{self, Result, error};
use crate::plan::types::Type;
use crate::plan::value::{Value, convert};
use crate::syntax::tree::{Json, Literal};
use datafusion::common::ScalarValue;
use parallax_diagnostics::Span;

pub(super) fn value(literal: &Literal, span: Span) -> Result<Value> {
    Ok(match literal {
        Literal::Bool(b) => Value::literal(ScalarValue::Boolean(*b), Type::Bool),
        Literal::Int(n) => Value::literal(ScalarValue::Int32(*n), Type::Int),
        Literal::Long(n) => Value::literal(ScalarValue::Int64(*n), Type::Long),
        Literal::Real(n) => Value::literal(ScalarValue::Float64(*n), Type::Real),
        Literal::String { value, .. } => Value::string(value.clone()),
        Literal::DateTime(n) => Value::literal(ScalarValue::Int64(*n), Type::DateTime),
        Literal::TimeOfDay(_) => {
            return Err(error(error::NO_FORM, span, "an hour of the current day does not stand within `dynamic(…)`"));
        }
        Literal::Timespan(n) => Value::literal(ScalarValue::Int64(*n), Type::TimeSpan),
        Literal::Guid(g) => Value::literal(ScalarValue::Utf8View(g.clone()), Type::Guid),
        Literal::Decimal(None) => Value::null(Type::Decimal),
        Literal::Decimal(Some(text)) => convert(Value::string(text.clone()), Type::Decimal, span)?,
        Literal::Dynamic(json) if matches!(**json, Json::Null) => Value::null(Type::Dynamic),
        Literal::Dynamic(json) => {
            let mut text = String::new();
            write(json, &mut text, span)?;
            Value::dynamic(text)
        }
    })
}

/// Writes a dynamic literal as JSON; scalars of the language are written as a dynamic holds them.
fn write(json: &Json, out: &mut String, span: Span) -> Result<()> {
    match json {
        Json::Null => out.push_str("null"),
        Json::Scalar(Literal::String { value, .. }) => out.push_str(&quoted(value)),
        Json::Scalar(literal) => {
            let value = convert(value(literal, span)?, Type::Dynamic, span)?;
            out.push_str(value.text().unwrap_or("null"));
        }
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out, span)?;
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (i, (key, member)) in members.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&quoted(key));
                out.push(':');
                write(member, out, span)?;
            }
            out.push('}');
        }
        Json::Placeholder(name) => {
            return Err(error(error::NO_FORM, span, format!("`{{{name}}}` is a dashboard's parameter")));
        }
    }
    Ok(())
}

pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

/// The items of a constant dynamic array, as values of the language; none where it is no array of scalars.
pub(crate) fn json_items(json: &str) -> Option<Vec<Value>> {
    let serde_json::Value::Array(items) = serde_json::from_str(json).ok()? else { return None };
    items
        .into_iter()
        .map(|item| match item {
            serde_json::Value::String(s) => Some(Value::string(s)),
            serde_json::Value::Bool(b) => Some(Value::bool(b)),
            serde_json::Value::Number(n) => match (n.as_i64(), n.as_f64()) {
                (Some(n), _) => Some(Value::long(n)),
                (None, Some(n)) => Some(Value::literal(ScalarValue::Float64(Some(n)), Type::Real)),
                (None, None) => None,
            },
            _ => None,
        })
        .collect()
}
