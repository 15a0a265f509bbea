//! `parse`, `parse-where` and `parse-kv`: columns out of text, by a pattern.
//!
//! A pattern becomes a regular expression. In the simple mode the whole text must match, and a value that is not of its
//! column's type means that nothing matched; `relaxed` leaves only that column null. In the regex mode the texts of the
//! pattern are regular expressions, matched anywhere.

use super::expand::put;
use crate::plan::Binder;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::{Column, Relation, id};
use crate::plan::scalar::balanced;
use crate::plan::scope::{Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::{Value, convert, raw_call, to_string};
use crate::syntax::tree::{Parse, ParsePart};
use datafusion::logical_expr::{Expr as Plan, lit, when};
use parallax_diagnostics::Span;

/// How a pattern is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Simple,
    Relaxed,
    Regex,
}

/// A column of a pattern: its name, its type, and its group in the regular expression.
struct Capture {
    name: String,
    ty: Type,
    group: i64,
}

impl Binder<'_> {
    pub(super) fn parse(
        &self,
        input: Relation,
        parse: &Parse,
        matching_only: bool,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let mode = match parse.options.word("kind") {
            None | Some(("simple", _)) => Mode::Simple,
            Some(("relaxed", _)) => Mode::Relaxed,
            Some(("regex", _)) => Mode::Regex,
            Some((other, at)) => return fail(error::OPTION, at, format!("there is no kind of parse `{other}`")),
        };
        let flags = parse.options.word("flags").map_or("", |(w, _)| w);
        let (pattern, captures) = pattern(&parse.parts, mode, flags, span)?;
        let value = self.scalar(&parse.value, &Rows::of(scope, &input))?;
        let text = to_string(value, parse.value.span)?;
        let groups = self.ids.fresh();
        let call = raw_call("kql_captures", vec![text.expr, Value::string(pattern).expr], span)?;
        let mut out = input.compute(span, vec![(groups.clone(), call)])?;

        let mut values: Vec<(Capture, Plan, Plan)> = Vec::new();
        for capture in captures {
            let element = raw_call("kql_element", vec![id(&groups), lit(capture.group)], span)?;
            let text = convert(Value::new(element, Type::Dynamic), Type::String, span)?;
            let typed = convert(text.clone(), capture.ty, span)?;
            values.push((capture, typed.expr, text.expr));
        }
        let strict = mode == Mode::Simple;
        // In the simple mode a value that is not of its type means that the text does not match.
        let fits: Vec<Plan> = values
            .iter()
            .filter(|(c, ..)| strict && c.ty != Type::String)
            .map(|(_, typed, _)| typed.clone().is_not_null())
            .collect();
        let fits = balanced(fits, &Plan::and);
        let mut new = Vec::new();
        for (capture, typed, _) in values {
            let at = self.ids.fresh();
            let expr = match &fits {
                Some(fits) => when(fits.clone(), typed)
                    .otherwise(Value::null(capture.ty).expr)
                    .map_err(|e| error::error(error::INTERNAL, span, e.to_string()))?,
                None => typed,
            };
            new.push((at.clone(), expr));
            put(&mut out.columns, Column { name: capture.name, ty: capture.ty, id: at });
        }
        if matching_only {
            let matched = id(&groups).is_not_null();
            let test = match fits {
                Some(fits) => matched.and(fits),
                None => matched,
            };
            out = out.filter(span, test)?;
        }
        out.compute(span, new)
    }
}

/// The regular expression for a pattern, and its columns.
fn pattern(parts: &[ParsePart], mode: Mode, flags: &str, span: Span) -> Result<(String, Vec<Capture>)> {
    let mut regex = String::new();
    if mode == Mode::Regex {
        if !flags.is_empty() {
            regex.push_str(&format!("(?{flags})"));
        }
    } else {
        regex.push_str("(?s)^");
    }
    let mut captures: Vec<Capture> = Vec::new();
    let mut groups = 0;
    for (at, part) in parts.iter().enumerate() {
        let last = at + 1 == parts.len();
        match part {
            ParsePart::Star(_) if mode == Mode::Regex && (at == 0 || last) => regex.push_str(".*?"),
            ParsePart::Star(_) => regex.push_str(if last { ".*" } else { ".*?" }),
            ParsePart::Text { value, span, .. } if mode == Mode::Regex => {
                match parallax_functions::kql::compile_regex(value) {
                    Ok(inner) => groups += inner.captures_len() as i64 - 1,
                    Err(e) => {
                        return fail(error::OPTION, *span, format!("this is not a regular expression: {e}"));
                    }
                }
                regex.push_str(value);
            }
            ParsePart::Text { value, .. } => regex.push_str(&escaped(value)),
            ParsePart::Column { name, ty } => {
                let ty = ty.and_then(|t| Type::from_name(t.name())).unwrap_or(Type::String);
                if captures.iter().any(|c| c.name == name.text) {
                    return super::columns::duplicate(&name.text, name.span);
                }
                regex.push_str(group(ty, mode));
                captures.push(Capture { name: name.text.clone(), ty, group: groups });
                groups += 1;
            }
        }
    }
    if mode != Mode::Regex || matches!(parts.last(), Some(ParsePart::Column { .. })) {
        regex.push('$');
    }
    if captures.is_empty() {
        return fail(error::ARGUMENTS, span, "this pattern has no columns");
    }
    Ok((regex, captures))
}

/// The group that a column of a type is read by.
fn group(ty: Type, mode: Mode) -> &'static str {
    match ty {
        // In the relaxed mode what is no number is read too, and becomes null.
        Type::Int | Type::Long if mode == Mode::Relaxed => r"(\s*-?\d+|.*?)",
        Type::Real | Type::Decimal if mode == Mode::Relaxed => r"(\s*-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|.*?)",
        Type::Int | Type::Long => r"\s*(-?\d+)",
        Type::Real | Type::Decimal => r"\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)",
        Type::DateTime if mode != Mode::Regex => r"(\s*\d[\d/:.\-T ]*\d(?:Z| ?[AaPp][Mm])?|.*?)",
        Type::TimeSpan if mode != Mode::Regex => r"(\s*-?[\d.:]*\d|.*?)",
        Type::DateTime if mode == Mode::Regex => r"\s*(\d[\d/:.\-T ]*\d(?:Z| ?[AaPp][Mm])?)",
        Type::TimeSpan if mode == Mode::Regex => r"\s*(-?[\d.:]*\d)",
        Type::Guid if mode == Mode::Regex => r"([0-9a-fA-F-]{32,36})",
        _ if mode == Mode::Regex => "(.*)",
        _ => "(.*?)",
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
