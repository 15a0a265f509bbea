//! Values into Arrow columns.

use crate::event::Value;
use crate::formats::json::depth::too_deep;
use crate::types::ColumnType;
use crate::view::expr::text;
use arrow::array::{
    ArrayRef, BooleanBuilder, Decimal128Builder, Float64Builder, Int32Builder, Int64Builder, StringViewBuilder,
    TimestampNanosecondBuilder,
};
use std::borrow::Cow;
use std::sync::Arc;

/// A column being built.
pub(super) struct Builder {
    column: Column,
    /// How many values were there and could not be read as the column's type.
    unreadable: u64,
}

enum Column {
    Bool(BooleanBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Span(Int64Builder),
    Real(Float64Builder),
    Decimal(Decimal128Builder),
    /// Text; `true` where missing is null.
    Text(StringViewBuilder, bool),
    Guid(StringViewBuilder),
    Json(StringViewBuilder),
    Time(TimestampNanosecondBuilder),
}

impl Builder {
    pub(super) fn new(ty: ColumnType, nullable_text: bool) -> Self {
        let column = match ty {
            ColumnType::Bool => Column::Bool(BooleanBuilder::new()),
            ColumnType::Int => Column::Int(Int32Builder::new()),
            ColumnType::Long => Column::Long(Int64Builder::new()),
            ColumnType::TimeSpan => Column::Span(Int64Builder::new()),
            ColumnType::Real => Column::Real(Float64Builder::new()),
            ColumnType::Decimal => Column::Decimal(Decimal128Builder::new().with_data_type(ty.arrow())),
            ColumnType::String => Column::Text(StringViewBuilder::new(), nullable_text),
            ColumnType::Guid => Column::Guid(StringViewBuilder::new()),
            ColumnType::Dynamic => Column::Json(StringViewBuilder::new()),
            ColumnType::DateTime => Column::Time(TimestampNanosecondBuilder::new().with_data_type(ty.arrow())),
        };
        Builder { column, unreadable: 0 }
    }

    pub(super) fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// Appends a value, read as the column's type.
    pub(super) fn push(&mut self, value: Value<'_>) {
        let there = !value.is_missing();
        let taken = match &mut self.column {
            Column::Bool(b) => append(there, boolean(&value), |v| b.append_option(v)),
            Column::Int(b) => {
                let n = value.to_integer().and_then(|n| i32::try_from(n).ok());
                append(there, n, |v| b.append_option(v))
            }
            Column::Long(b) | Column::Span(b) => append(there, value.to_integer(), |v| b.append_option(v)),
            Column::Real(b) => append(there, real(&value), |v| b.append_option(v)),
            Column::Decimal(b) => append(there, decimal(&value), |v| b.append_option(v)),
            Column::Time(b) => append(there, value.to_instant(), |v| b.append_option(v)),
            Column::Text(b, nullable) => {
                match text(value) {
                    Some(t) => b.append_value(t),
                    None if *nullable => b.append_null(),
                    None => b.append_value(""),
                }
                true
            }
            Column::Guid(b) => {
                b.append_option(text(value).map(|t| t.trim_matches(['{', '}']).to_ascii_lowercase()));
                true
            }
            Column::Json(b) => {
                json(value, b);
                true
            }
        };
        if !taken {
            self.unreadable += 1;
        }
    }

    /// The column so far; the builder begins anew.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match &mut self.column {
            Column::Bool(b) => Arc::new(b.finish()),
            Column::Int(b) => Arc::new(b.finish()),
            Column::Long(b) | Column::Span(b) => Arc::new(b.finish()),
            Column::Real(b) => Arc::new(b.finish()),
            Column::Decimal(b) => Arc::new(b.finish()),
            Column::Text(b, _) | Column::Guid(b) | Column::Json(b) => Arc::new(b.finish()),
            Column::Time(b) => Arc::new(b.finish()),
        }
    }
}

/// Appends; false where something was there that could not be read.
fn append<T>(there: bool, value: Option<T>, push: impl FnOnce(Option<T>)) -> bool {
    let taken = !there || value.is_some();
    push(value);
    taken
}

fn boolean(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(b) => Some(*b),
        Value::Int(n) => Some(*n != 0),
        Value::Text(t) if t.eq_ignore_ascii_case("true") || &**t == "1" => Some(true),
        Value::Text(t) if t.eq_ignore_ascii_case("false") || &**t == "0" => Some(false),
        _ => None,
    }
}

fn real(value: &Value<'_>) -> Option<f64> {
    match value {
        #[allow(clippy::cast_precision_loss, reason = "a real column holds what a real can")]
        Value::Int(n) => Some(*n as f64),
        Value::Real(x) => Some(*x),
        Value::Text(t) => t.trim().parse().ok(),
        _ => None,
    }
}

/// A decimal with 14 digits after the point.
fn decimal(value: &Value<'_>) -> Option<i128> {
    const SCALE: usize = 14;
    let t = match value {
        Value::Int(_) | Value::Real(_) | Value::Text(_) => text(value.clone())?,
        _ => return None,
    };
    let (sign, digits) = match t.trim().strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, t.trim()),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fine = |d: &str| d.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 20 || fraction.len() > SCALE || !fine(whole) || !fine(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<SCALE$}").parse::<i128>().ok().map(|n| sign * n)
}

/// A dynamic value as JSON text. A text that is a JSON object or array stands for it: Log Analytics exports keep
/// dynamic columns so.
fn json(value: Value<'_>, out: &mut StringViewBuilder) {
    match value {
        Value::Missing => out.append_null(),
        Value::Json(t) => out.append_value(minified(&t)),
        Value::Text(t) => {
            let trimmed = t.trim();
            let container = trimmed.starts_with(['{', '[']);
            if container && !too_deep(trimmed) && sonic_rs::from_str::<sonic_rs::LazyValue<'_>>(trimmed).is_ok() {
                out.append_value(minified(trimmed));
            } else {
                out.append_value(serde_json::Value::from(&*t).to_string());
            }
        }
        other => match text(other) {
            Some(t) => out.append_value(t),
            None => out.append_null(),
        },
    }
}

/// JSON without white space between its parts: the same value is the same text however the source was laid out.
fn minified(json: &str) -> Cow<'_, str> {
    if memchr::memchr3(b' ', b'\n', b'\t', json.as_bytes()).is_none() {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    let (mut string, mut escaped) = (false, false);
    for c in json.chars() {
        if string {
            string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if matches!(c, ' ' | '\n' | '\r' | '\t') {
            continue;
        } else {
            string = c == '"';
        }
        out.push(c);
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minifies_outside_of_strings() {
        assert_eq!(minified("{ \"a b\" : [1,\n 2], \"c\\\" d\": null }"), "{\"a b\":[1,2],\"c\\\" d\":null}");
    }

    #[test]
    fn decimals() {
        assert_eq!(decimal(&Value::text("-1.5")), Some(-150_000_000_000_000));
        assert_eq!(decimal(&Value::Int(2)), Some(200_000_000_000_000));
        assert_eq!(decimal(&Value::text("x")), None);
    }

    #[test]
    fn integers() {
        assert_eq!(Value::text("0x1f4").to_integer(), Some(500));
        assert_eq!(Value::Real(3.0).to_integer(), Some(3));
        assert_eq!(Value::Real(3.5).to_integer(), None);
    }
}
