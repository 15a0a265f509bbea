//! The schema of a source that is a table of its own, inferred from its beginning.

use super::{Column, Feed, Inner, View};
use crate::event::{Event, Family, Request, Value};
use crate::report::Report;
use crate::source::{Format, Source};
use crate::types::ColumnType;
use crate::view::expr::Expr;
use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

/// How many rows are looked at.
const ROWS: usize = 1_000;
/// How many bytes of them.
const BYTES: usize = 4 << 20;

/// A column's type as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Nothing,
    Is(ColumnType),
}

impl Known {
    /// The narrowest type that holds both: never one that would change a value.
    fn widen(self, ty: ColumnType) -> Known {
        use ColumnType as T;
        Known::Is(match self {
            Known::Nothing => ty,
            Known::Is(old) if old == ty => ty,
            Known::Is(T::Long | T::Real) if matches!(ty, T::Long | T::Real) => T::Real,
            // Text keeps a number's and a truth value's spelling; containers beside text need to stay JSON.
            Known::Is(T::Dynamic) => T::Dynamic,
            Known::Is(_) if ty == T::Dynamic => T::Dynamic,
            Known::Is(_) => T::String,
        })
    }
}

/// Infers the table.
pub(super) fn infer(source: &Source, report: &Report) -> io::Result<View> {
    let request = Request { fields: vec!["@fields".to_owned()], ..Request::default() };
    let mut names: Vec<(String, Known)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let (mut rows, mut bytes) = (0, 0);
    let typed = source.format != Format::Csv;
    let mut reader = source.reader()?;
    // What is damaged is told when the table is read.
    let unheard = Report::new();
    reader.read(&request, &unheard, &mut |event: &Event<'_>| {
        let Some(Value::Json(object)) = event.values.first() else { return ControlFlow::Continue(()) };
        rows += 1;
        bytes += object.len();
        let mut entries = Vec::new();
        if crate::formats::json::value::entries(object, &mut entries).is_ok() {
            for (name, raw) in &entries {
                let place = *places.entry(name.to_string()).or_insert_with(|| {
                    names.push((name.to_string(), Known::Nothing));
                    names.len() - 1
                });
                if let Some(ty) = type_of(raw, typed) {
                    names[place].1 = names[place].1.widen(ty);
                }
            }
        }
        if rows >= ROWS || bytes >= BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let columns: Vec<Column> = names
        .into_iter()
        .map(|(name, known)| {
            let ty = match known {
                Known::Nothing => ColumnType::String,
                Known::Is(ty) => ty,
            };
            Column { name, ty }
        })
        .collect();
    if columns.is_empty() {
        report.note(&format!("{}: no column found for a table of its own", source.name), 1);
    }
    let feed = |family| Feed {
        family,
        codes: Vec::new(),
        columns: columns.iter().map(|c| Some(Expr::Field(c.name.clone()))).collect(),
        require: None,
        verbatim: true,
        logs: false,
    };
    let feeds = vec![feed(Family::Generic), feed(Family::Defender), feed(Family::Syslog)];
    let inner = Inner {
        name: source.table_name(),
        columns,
        feeds,
        // Only KQL asks for these, whose text is never null: what is missing is "".
        nullable_strings: false,
        only: Some(source.name.clone()),
        prepared: Default::default(),
    };
    Ok(View { inner: Arc::new(inner) })
}

/// The type of a value; `None` where it says nothing. The cells of CSV are text whose type is guessed.
fn type_of(raw: &str, typed: bool) -> Option<ColumnType> {
    use crate::formats::json::value;
    Some(match value::decode(raw) {
        Value::Missing => return None,
        Value::Int(_) => ColumnType::Long,
        Value::Real(_) => ColumnType::Real,
        Value::Bool(_) => ColumnType::Bool,
        Value::Json(_) => ColumnType::Dynamic,
        Value::Time(_) => ColumnType::DateTime,
        Value::Text(t) if t.is_empty() => return (typed).then_some(ColumnType::String),
        Value::Text(t) if is_time(&t) => ColumnType::DateTime,
        Value::Text(_) if typed => ColumnType::String,
        Value::Text(t) => cell_type(&t),
    })
}

/// Text that is written like an instant: a date and a time of day.
fn is_time(text: &str) -> bool {
    text.len() >= 16
        && text.as_bytes()[0].is_ascii_digit()
        && text.contains(':')
        && text.contains(['-', '/'])
        && crate::time::parse(text).is_some()
}

fn cell_type(text: &str) -> ColumnType {
    // `007` and `+1` are spellings that a number would lose.
    let number = text.strip_prefix('-').unwrap_or(text);
    let plain = number == "0" || number.starts_with("0.") || number.starts_with(|c: char| ('1'..='9').contains(&c));
    match text {
        "true" | "false" | "True" | "False" => ColumnType::Bool,
        _ if plain && text.parse::<i64>().is_ok() => ColumnType::Long,
        _ if plain && text.parse::<f64>().is_ok() => ColumnType::Real,
        _ => ColumnType::String,
    }
}
