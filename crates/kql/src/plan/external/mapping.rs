//! `ingestionMapping`: which part of a record each column takes.
//!
//! `[{"Column": "Ip", "Properties": {"Path": "$.source.ip"}}, {"Column": "Who", "Properties": {"Ordinal": 2}}]`, with
//! `Transform` and `ConstValue`; or as it was written before, `[{"column": "Ip", "path": "$.source.ip"}]`. Keys have no
//! case (documented forms of both).

use crate::plan::error::{self, Result, fail};
use crate::plan::types::Type;
use crate::plan::value::{Value, convert, invoke};
use parallax_catalog::external::{Field, FileFormat, Step};
use parallax_diagnostics::Span;
use serde_json::{Map, Value as Json};

/// Where a column comes from; from nowhere, it is null.
#[derive(Clone, Debug, Default)]
pub(super) struct Mapped {
    pub(super) field: Option<Field>,
    pub(super) constant: Option<String>,
    pub(super) transform: Option<Transform>,
}

impl Mapped {
    pub(super) fn of(field: Field) -> Self {
        Mapped { field: Some(field), ..Mapped::default() }
    }
}

/// A change of a value on its way into a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transform {
    /// A number of these units since 1970, as a time.
    Epoch(&'static str),
}

impl Transform {
    pub(super) fn apply(self, value: Value, span: Span) -> Result<Value> {
        let Transform::Epoch(function) = self;
        invoke(function, vec![convert(value, Type::Long, span)?], Type::DateTime, span)
    }
}

/// A parsed mapping.
pub(super) struct Mapping {
    entries: Vec<(String, Map<String, Json>)>,
    span: Span,
}

impl Mapping {
    pub(super) fn parse(text: &str, span: Span) -> Result<Self> {
        let wrong = |why: String| fail(error::OPTION, span, format!("this is no mapping: {why}"));
        let entries = match serde_json::from_str(text) {
            Ok(Json::Array(entries)) => entries,
            Ok(_) => return wrong("a list of columns is expected".to_owned()),
            Err(e) => return wrong(e.to_string()),
        };
        let mut parsed = Vec::with_capacity(entries.len());
        for entry in entries {
            let Json::Object(entry) = entry else { return wrong("each entry is an object".to_owned()) };
            let mut all = lower(entry);
            if let Some(Json::Object(inner)) = all.remove("properties") {
                all.extend(lower(inner));
            }
            let name = all.remove("column").or_else(|| all.remove("name"));
            let Some(Json::String(column)) = name else { return wrong("an entry names no `Column`".to_owned()) };
            parsed.push((column, all));
        }
        Ok(Mapping { entries: parsed, span })
    }

    /// What each declared column takes; columns without an entry are null.
    pub(super) fn columns(&self, schema: &[(String, Type)], format: FileFormat, _: Span) -> Result<Vec<Mapped>> {
        if let Some((column, _)) = self.entries.iter().find(|(c, _)| !schema.iter().any(|(name, _)| name == c)) {
            return fail(error::OPTION, self.span, format!("the mapping names `{column}`, which is not declared"));
        }
        schema
            .iter()
            .map(|(name, _)| match self.entries.iter().find(|(column, _)| column == name) {
                Some((_, entry)) => self.entry(name, entry, format),
                None => Ok(Mapped::default()),
            })
            .collect()
    }

    fn entry(&self, column: &str, entry: &Map<String, Json>, format: FileFormat) -> Result<Mapped> {
        let transform = match entry.get("transform").and_then(Json::as_str) {
            None | Some("" | "None") => None,
            Some("DateTimeFromUnixSeconds") => Some(Transform::Epoch("unixtime_seconds_todatetime")),
            Some("DateTimeFromUnixMilliseconds") => Some(Transform::Epoch("unixtime_milliseconds_todatetime")),
            Some("DateTimeFromUnixMicroseconds") => Some(Transform::Epoch("unixtime_microseconds_todatetime")),
            Some("DateTimeFromUnixNanoseconds") => Some(Transform::Epoch("unixtime_nanoseconds_todatetime")),
            Some(other) => {
                return fail(error::NO_FORM, self.span, format!("the mapping's `{other}` is not supported"));
            }
        };
        if let Some(constant) = entry.get("constvalue").filter(|v| !v.is_null()) {
            let text = constant.as_str().map_or_else(|| constant.to_string(), str::to_owned);
            return Ok(Mapped { constant: Some(text), transform, ..Mapped::default() });
        }
        let json = matches!(format, FileFormat::Json | FileFormat::JsonLines);
        let field = match (json, entry.get("path").and_then(Json::as_str), ordinal(entry)) {
            (true, Some(path), _) => match steps(path) {
                Some(steps) => Field::Path(steps),
                None => return fail(error::NO_FORM, self.span, format!("the path `{path}` is not supported")),
            },
            (false, _, Some(at)) => Field::At(at),
            (true, None, _) => {
                return fail(error::OPTION, self.span, format!("the mapping gives no `Path` for `{column}`"));
            }
            (false, _, None) => {
                return fail(error::OPTION, self.span, format!("the mapping gives no `Ordinal` for `{column}`"));
            }
        };
        Ok(Mapped { field: Some(field), transform, ..Mapped::default() })
    }
}

fn lower(map: Map<String, Json>) -> Map<String, Json> {
    map.into_iter().map(|(k, v)| (k.to_ascii_lowercase(), v)).collect()
}

fn ordinal(entry: &Map<String, Json>) -> Option<usize> {
    let value = entry.get("ordinal")?;
    let n = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    usize::try_from(n).ok()
}

/// `$.a['b c'][0]` as steps; none for what is more than a way to one value.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.trim().strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let name = &after[..end];
            if name.is_empty() || name == "*" {
                // `$.['a']`
                if name.is_empty() && after.starts_with('[') {
                    rest = after;
                    continue;
                }
                return None;
            }
            steps.push(Step::Member(name.to_owned()));
            rest = &after[end..];
            continue;
        }
        let inside = rest.strip_prefix('[')?;
        let (step, after) = match inside.chars().next()? {
            quote @ ('\'' | '"') => {
                let (name, after) = inside[1..].split_once(quote)?;
                (Step::Member(name.to_owned()), after.strip_prefix(']')?)
            }
            _ => {
                let (number, after) = inside.split_once(']')?;
                (Step::Element(number.trim().parse().ok()?), after)
            }
        };
        steps.push(step);
        rest = after;
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_one_value() {
        let member = |s: &str| Step::Member(s.to_owned());
        assert_eq!(steps("$"), Some(vec![]));
        assert_eq!(steps("$.a.b"), Some(vec![member("a"), member("b")]));
        assert_eq!(steps("$['a b'][2].c"), Some(vec![member("a b"), Step::Element(2), member("c")]));
        assert_eq!(steps("$.['a']"), Some(vec![member("a")]));
        for odd in ["a", "$..a", "$.*", "$[*]", "$[", "$['a'"] {
            assert_eq!(steps(odd), None, "{odd}");
        }
    }
}
