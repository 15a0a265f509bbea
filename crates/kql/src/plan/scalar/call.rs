//! Calls: declared functions, the language's own, aggregates where they are allowed.

use super::Want;
use crate::plan::Binder;
use crate::plan::error::{self, Result, error, fail};
use crate::plan::functions::{Argument, Function, Mismatch, aggregates, scalars};
use crate::plan::scope::{Binding, Rows};
use crate::plan::source::Bound;
use crate::plan::types::Type;
use crate::plan::value::{Value, convert, invoke};
use crate::syntax::tree::{Call, ExprKind, TypeOfElement};
use parallax_diagnostics::{Diagnostic, Span};
use std::rc::Rc;

impl Binder<'_> {
    pub(super) fn call(&self, call: &Call, rows: &Rows<'_>, want: Want) -> Result<Value> {
        let name = call.name.text.as_str();
        let known = aggregates().contains_key(name) || scalars().contains_key(name);
        let closure = match rows.scope.get(name) {
            Some(Binding::Function(closure)) => Some(Rc::clone(closure)),
            _ if known => None,
            _ => self.stored(name, call.name.span)?,
        };
        if let Some(closure) = closure {
            return match self.call_closure(&closure, &call.arguments, rows, None, call.span)? {
                Bound::Scalar(value) => Ok(value),
                Bound::Table(_) => fail(error::SHAPE, call.span, format!("`{name}` gives rows, not a scalar"))
                    .map_err(|d| Box::new((*d).help("use `toscalar(…)` for the first value"))),
            };
        }
        let is_aggregate = aggregates().contains_key(name);
        if is_aggregate && rows.aggregates.is_some() {
            return self.aggregate(call, rows);
        }
        self.note_older_patterns(call, rows)?;
        if let Some(value) = self.special(call, rows, want)? {
            return Ok(value);
        }
        if let Some(function) = scalars().get(name) {
            return self.plain_call(call, function, rows);
        }
        if is_aggregate {
            return fail(error::AGGREGATE, call.span, format!("`{name}` is an aggregate: it belongs in `summarize`"));
        }
        let known = scalars().keys().map(String::as_str).chain(rows.scope.names());
        Err(Box::new(
            Diagnostic::error(error::UNKNOWN_FUNCTION, call.name.span, format!("there is no function `{name}`"))
                .suggest(name, known),
        ))
    }

    /// The arguments' values, each as the type that the declaration asks for.
    pub(super) fn converted_arguments(&self, call: &Call, rows: &Rows<'_>) -> Result<Vec<Value>> {
        let mut values = Vec::with_capacity(call.arguments.len());
        for a in &call.arguments {
            values.push(self.scalar(&a.value, rows)?);
        }
        let Some(function) = scalars().get(call.name.text.as_str()) else { return Ok(values) };
        let kinds: Vec<Argument> = values.iter().map(|v| Argument::Value(v.ty)).collect();
        let spans: Vec<Span> = call.arguments.iter().map(|a| a.span).collect();
        let resolved = function.resolve(&kinds).map_err(|m| mismatch(call, &m, &spans, &kinds))?;
        let targets = resolved.convert.iter().zip(&spans);
        values
            .into_iter()
            .zip(targets)
            .map(|(v, (to, span))| to.map_or(Ok(v.clone()), |to| convert(v, to, *span)))
            .collect()
    }

    /// A function that needs no more than its arguments' values.
    fn plain_call(&self, call: &Call, function: &Function, rows: &Rows<'_>) -> Result<Value> {
        let mut values = Vec::new();
        let mut kinds = Vec::new();
        let mut spans = Vec::new();
        for argument in &call.arguments {
            spans.push(argument.span);
            if let ExprKind::TypeOf(elements) = &argument.value.kind {
                kinds.push(Argument::TypeLiteral(type_literal(elements, argument.span)?));
                continue;
            }
            let value = self.scalar(&argument.value, rows)?;
            kinds.push(Argument::Value(value.ty));
            values.push(value);
        }
        let resolved = function.resolve(&kinds).map_err(|m| mismatch(call, &m, &spans, &kinds))?;
        // The function library has no argument for a type: its result is converted instead.
        let converts = resolved.convert.iter().zip(&kinds).filter(|(_, k)| matches!(k, Argument::Value(_)));
        let mut arguments = Vec::with_capacity(values.len());
        for ((value, (to, _)), span) in values.into_iter().zip(converts).zip(&spans) {
            arguments.push(match to {
                Some(to) => convert(value, *to, *span)?,
                None => value,
            });
        }
        self.inferred(call, &arguments)?;
        if kinds.len() > arguments.len() {
            // What gives a dynamic is converted as one.
            let ty = if call.name.text.ends_with("_tdigest") { Type::Dynamic } else { Type::String };
            let value = invoke(&call.name.text, arguments, ty, call.span)?;
            return convert(value, resolved.result, call.span);
        }
        invoke(&call.name.text, arguments, resolved.result, call.span)
    }
}

/// The one type in `typeof(…)`.
pub(crate) fn type_literal(elements: &[TypeOfElement], span: Span) -> Result<Type> {
    match elements {
        [TypeOfElement::Type(ty)] => Ok(Type::from_name(ty.name()).unwrap_or(Type::String)),
        _ => fail(error::NO_FORM, span, "one scalar type is expected in `typeof(…)`"),
    }
}

/// The sentence for a call that fits no overload.
pub(crate) fn mismatch(call: &Call, why: &Mismatch, spans: &[Span], kinds: &[Argument]) -> Box<Diagnostic> {
    let name = &call.name.text;
    match why {
        Mismatch::Count(least, most) => {
            let wanted = match (least, most) {
                (l, m) if l == m => format!("{l}"),
                (l, &usize::MAX) => format!("at least {l}"),
                (l, m) => format!("{l} to {m}"),
            };
            error(error::ARGUMENTS, call.span, format!("`{name}` takes {wanted} arguments, not {}", kinds.len()))
        }
        Mismatch::Type(at, wanted) => {
            let span = spans.get(*at).copied().unwrap_or(call.span);
            let given = match kinds.get(*at) {
                Some(Argument::Value(ty)) => ty.name(),
                _ => "type",
            };
            error(error::TYPE, span, format!("`{name}` expects a {wanted} here, not a {given}"))
        }
    }
}
