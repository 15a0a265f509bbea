//! `a.b`, `a["b"]`, `a[0]`: into a dynamic value; and `$left.a`, `$right.a`.

use super::selector_name;
use crate::plan::Binder;
use crate::plan::error::{self, Result, error, fail};
use crate::plan::relation::{Column, id};
use crate::plan::scope::Rows;
use crate::plan::types::Type;
use crate::plan::value::{Value, convert, raw_call};
use crate::syntax::tree::{Expr, ExprKind, Name, Selector};
use parallax_diagnostics::Span;
use parallax_functions::kql::scan::remembered;

impl Binder<'_> {
    pub(super) fn path(&self, base: &Expr, selector: &Selector, rows: &Rows<'_>, span: Span) -> Result<Value> {
        if let (ExprKind::Name(side), Some(name), Some((left, right))) =
            (&base.kind, selector_name(selector), rows.sides)
        {
            match side.text.as_str() {
                "$left" => return side_column(self, left, &name.text, name.span),
                "$right" => return side_column(self, right, &name.text, name.span),
                _ => {}
            }
        }
        if let (ExprKind::Name(step), Some(name), None) = (&base.kind, selector_name(selector), shadow(base, rows))
            && let Some(value) = state_value(self, &step.text, name, rows)
        {
            return value;
        }
        let value = self.scalar(base, rows)?;
        match selector {
            Selector::Name(name) => self.member(value, Value::string(name.text.clone()), span),
            Selector::Index(index) => {
                let index = self.scalar(index, rows)?;
                self.member(value, index, span)
            }
            Selector::Call(call) => fail(
                error::UNKNOWN_FUNCTION,
                call.name.span,
                format!("`.{}(…)` is not a call of this language", call.name.text),
            ),
            Selector::Wildcard(_) | Selector::At(_) => fail(error::NO_FORM, span, "this path is not supported"),
        }
    }

    pub(super) fn index(&self, base: &Expr, index: &Expr, rows: &Rows<'_>, span: Span) -> Result<Value> {
        let value = self.scalar(base, rows)?;
        let index = self.scalar(index, rows)?;
        self.member(value, index, span)
    }

    /// One step into a dynamic value: by name, or by position from either end.
    fn member(&self, value: Value, key: Value, span: Span) -> Result<Value> {
        if value.ty != Type::Dynamic {
            return Err(Box::new(
                (*error(error::TYPE, span, format!("a {} has no members", value.ty.name())))
                    .help("only a dynamic value has: use `parse_json(…)` first"),
            ));
        }
        let (name, key) = match key.ty {
            Type::String => ("kql_member", key),
            Type::Int | Type::Long => ("kql_element", convert(key, Type::Long, span)?),
            Type::Dynamic => ("kql_member", convert(key, Type::String, span)?),
            other => return fail(error::TYPE, span, format!("a {} is no index", other.name())),
        };
        Ok(Value::new(raw_call(name, vec![value.expr, key.expr], span)?, Type::Dynamic).folded())
    }
}

/// The column that hides a step of the same name.
fn shadow<'r>(base: &Expr, rows: &Rows<'r>) -> Option<&'r Column> {
    match &base.kind {
        ExprKind::Name(name) => rows.column(&name.text),
        _ => None,
    }
}

/// `step.column`: what a step of `scan` remembers.
fn state_value(binder: &Binder<'_>, step: &str, name: &Name, rows: &Rows<'_>) -> Option<Result<Value>> {
    let states = rows.states?;
    let at = states.steps.iter().position(|s| *s == step)?;
    if at > states.at {
        let message = format!("the step `{}` knows nothing of `{step}`, which comes after it", states.steps[states.at]);
        return Some(fail(error::UNKNOWN_NAME, name.span, message));
    }
    let known = || states.declared.iter().chain(rows.columns);
    Some(match known().find(|c| c.name == name.text) {
        Some(c) => Ok(Value::new(id(&remembered(at, &c.id)), c.ty)),
        None => {
            let message = format!("`scan` has no column `{}`", name.text);
            Err(binder.unknown_name(&name.text, name.span, message, known().map(|c| c.name.as_str())))
        }
    })
}

fn side_column(binder: &Binder<'_>, columns: &[Column], name: &str, span: Span) -> Result<Value> {
    match columns.iter().find(|c| c.name == name) {
        Some(c) => Ok(Value::new(c.expr(), c.ty)),
        None => {
            let message = format!("this side of the join has no column `{name}`");
            Err(binder.unknown_name(name, span, message, columns.iter().map(|c| c.name.as_str())))
        }
    }
}
