//! Calling a function with JSON arguments, by its declaration.

use arrow::array::{ArrayRef, new_empty_array};
use arrow::datatypes::Field;
use datafusion::common::ScalarValue;
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};
use parallax_functions::kql;
use parallax_functions::udf::Type;
use parallax_telemetry::ColumnType;
use serde_json::Value;
use std::sync::Arc;

/// Which arguments arrive as columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    Constants,
    FirstIsColumn,
    Columns,
}

const ROWS: usize = 3;

/// The value of a call, as JSON. Instants and time spans are written as Kusto prints them.
pub(crate) fn call(name: &str, args: &[Value], shape: Shape) -> Result<Value, String> {
    let udf = kql::scalar(name).ok_or_else(|| format!("no function {name}"))?;
    let declared = kql::declared(name).ok_or("not declared")?;
    let mut given = Vec::new();
    for (i, value) in args.iter().enumerate() {
        let ty = declared.param(i).ok_or("too many arguments")?.ty;
        let scalar = scalar(value, ty)?;
        given.push(match shape {
            Shape::Columns => ColumnarValue::Array(scalar.to_array_of_size(ROWS).map_err(|e| e.to_string())?),
            Shape::FirstIsColumn if i == 0 => {
                ColumnarValue::Array(scalar.to_array_of_size(ROWS).map_err(|e| e.to_string())?)
            }
            _ => ColumnarValue::Scalar(scalar),
        });
    }
    let types: Vec<_> = given.iter().map(|g| g.data_type()).collect();
    let returns = udf.return_type(&types).map_err(|e| e.to_string())?;
    let arg_fields = types.iter().map(|t| Arc::new(Field::new("a", t.clone(), true))).collect();
    let out = udf
        .invoke_with_args(ScalarFunctionArgs {
            args: given,
            arg_fields,
            number_rows: ROWS,
            return_field: Arc::new(Field::new("r", returns.clone(), true)),
            config_options: Arc::new(ConfigOptions::default()),
        })
        .map_err(|e| e.to_string())?;
    let array: ArrayRef = match out {
        ColumnarValue::Array(a) if a.len() == ROWS => a,
        ColumnarValue::Array(a) => return Err(format!("{} rows", a.len())),
        ColumnarValue::Scalar(s) => s.to_array().map_err(|e| e.to_string())?,
    };
    if array.data_type() != &returns {
        return Err(format!("{} instead of {returns}", array.data_type()));
    }
    let all = (0..array.len())
        .map(|i| json(&ScalarValue::try_from_array(&array, i).map_err(|e| e.to_string())?, declared.returns))
        .collect::<Result<Vec<_>, _>>()?;
    if all.iter().any(|v| *v != all[0]) {
        return Err(format!("rows differ: {all:?}"));
    }
    Ok(all.into_iter().next().unwrap_or(Value::Null))
}

pub(crate) fn scalar(value: &Value, ty: Type) -> Result<ScalarValue, String> {
    let ty = match ty {
        Type::Of(ty) => ty,
        Type::Any if value.is_boolean() => ColumnType::Bool,
        Type::Any => ColumnType::String,
    };
    let wrong = || format!("{value} as {}", ty.name());
    if value.is_null() && ty != ColumnType::String {
        let empty = new_empty_array(&Type::Of(ty).arrow().ok_or_else(wrong)?);
        return ScalarValue::try_from(empty.data_type()).map_err(|e| e.to_string());
    }
    Ok(match ty {
        ColumnType::Bool => ScalarValue::Boolean(Some(value.as_bool().ok_or_else(wrong)?)),
        ColumnType::Int => ScalarValue::Int32(Some(value.as_i64().ok_or_else(wrong)? as i32)),
        ColumnType::Long => ScalarValue::Int64(Some(value.as_i64().ok_or_else(wrong)?)),
        ColumnType::Real => ScalarValue::Float64(Some(match value.as_str() {
            Some(s) => kql::values::parse_real(s).ok_or_else(wrong)?,
            None => value.as_f64().ok_or_else(wrong)?,
        })),
        ColumnType::String => ScalarValue::Utf8View(Some(value.as_str().unwrap_or("").to_owned())),
        ColumnType::Guid => ScalarValue::Utf8View(Some(value.as_str().ok_or_else(wrong)?.to_owned())),
        ColumnType::Dynamic => ScalarValue::Utf8View(Some(value.to_string())),
        ColumnType::Decimal => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            ScalarValue::Decimal128(Some(kql::values::parse_decimal(&text).ok_or_else(wrong)?), 34, 14)
        }
        ColumnType::DateTime => {
            ScalarValue::Int64(Some(value.as_str().and_then(kql::values::parse_datetime).ok_or_else(wrong)?))
        }
        ColumnType::TimeSpan => {
            ScalarValue::Int64(Some(value.as_str().and_then(kql::values::parse_timespan).ok_or_else(wrong)?))
        }
    })
}

pub(crate) fn json(value: &ScalarValue, ty: ColumnType) -> Result<Value, String> {
    Ok(match (value, ty) {
        (v, _) if v.is_null() => Value::Null,
        (ScalarValue::Boolean(Some(b)), _) => Value::from(*b),
        (ScalarValue::Int32(Some(v)), _) => Value::from(*v),
        (ScalarValue::Int64(Some(v)), ColumnType::DateTime) => Value::from(kql::values::format_datetime(*v)),
        (ScalarValue::Int64(Some(v)), ColumnType::TimeSpan) => Value::from(kql::values::format_timespan(*v)),
        (ScalarValue::Int64(Some(v)), _) => Value::from(*v),
        (ScalarValue::Float64(Some(v)), _) if !v.is_finite() => Value::from(kql::values::format_real(*v)),
        (ScalarValue::Float64(Some(v)), _) => Value::from(*v),
        (ScalarValue::Decimal128(Some(v), _, _), _) => Value::from(kql::values::format_decimal(*v)),
        (ScalarValue::Utf8View(Some(s)), ColumnType::Dynamic) => {
            serde_json::from_str(s).map_err(|e| format!("not JSON: {s}: {e}"))?
        }
        (ScalarValue::Utf8View(Some(s)), _) => Value::from(s.as_str()),
        (v, _) => return Err(format!("unexpected {v:?}")),
    })
}
