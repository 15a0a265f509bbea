//! `declare pattern`, `restrict access`, `alias database`: statements that say what names stand for, and which are seen.

use super::Binder;
use super::error::{self, Result, error, fail};
use super::operators::wildcard;
use super::relation::Relation;
use super::scope::{Binding, Rows, Scope, Visible};
use super::value::Value;
use crate::schema;
use crate::syntax::tree::{self, Argument, Expr, ExprKind, Name, PatternDefinition, Selector};
use parallax_diagnostics::{Diagnostic, Span};
use std::rc::Rc;

/// A declared pattern, with the names that were in sight where it was declared.
#[derive(Debug)]
pub(crate) struct PatternClosure {
    name: String,
    definition: Option<PatternDefinition>,
    scope: Scope,
}

impl Binder<'_> {
    pub(super) fn declare_pattern(&self, pattern: &tree::Pattern, scope: &mut Scope) {
        let closure = PatternClosure {
            name: pattern.name.text.clone(),
            definition: pattern.definition.clone(),
            scope: scope.clone(),
        };
        scope.declare(&pattern.name.text, Binding::Pattern(Rc::new(closure)));
    }

    /// The rows that `p("a").b` stands for: those of the body that is given for just these texts (documented: nothing in
    /// them is a wildcard).
    pub(super) fn pattern_rows(
        &self,
        pattern: &PatternClosure,
        arguments: &[Argument],
        path: Option<&Selector>,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let mut given = Vec::with_capacity(arguments.len());
        for argument in arguments {
            given.push(self.constant_text(&argument.value, scope)?);
        }
        let path = match path {
            None => None,
            Some(Selector::Name(name)) => Some(name.text.clone()),
            Some(Selector::Index(index)) => Some(self.constant_text(index, scope)?),
            Some(_) => return fail(error::NO_FORM, span, "a pattern's path is a name or a constant string"),
        };
        let mut inner = pattern.scope.clone();
        for line in pattern.definition.iter().flat_map(|d| &d.matches) {
            let texts = line.arguments.iter().map(|a| self.constant_text(a, &pattern.scope));
            let line_path = line.path.as_ref().map(|p| self.constant_text(p, &pattern.scope)).transpose()?;
            if texts.collect::<Result<Vec<_>>>()? != given || line_path != path {
                continue;
            }
            let parameters = pattern.definition.iter().flat_map(|d| d.parameters.iter().chain(&d.path));
            for (parameter, text) in parameters.zip(given.iter().chain(&path)) {
                inner.declare(&parameter.name.text, Binding::Scalar(Value::string(text.clone())));
            }
            return self.deeper(span, || {
                for statement in &line.body.statements {
                    self.statement(statement, &mut inner)?;
                }
                match &line.body.value {
                    Some(value) => self.relation(value, &mut inner),
                    None => fail(error::SHAPE, line.body.span, "this body has no value"),
                }
            });
        }
        let texts: Vec<String> = given.iter().map(|t| format!("'{t}'")).collect();
        let path = path.map(|p| format!(".['{p}']")).unwrap_or_default();
        let message = format!("the pattern has no body for `{}({}){path}`", pattern.name, texts.join(", "));
        fail(error::UNKNOWN_TABLE, span, message)
    }

    fn constant_text(&self, expr: &Expr, scope: &Scope) -> Result<String> {
        match self.scalar(expr, &Rows::none(scope))?.folded().text() {
            Some(text) => Ok(text.to_owned()),
            None => fail(error::CONSTANT, expr.span, "a pattern's argument is a constant string"),
        }
    }

    /// What follows sees the tables, views and patterns that are listed, and no others. What was declared before sees
    /// what it saw (documented).
    pub(super) fn restrict(&self, entities: &[Expr], scope: &mut Scope) -> Result<()> {
        let mut declared: Vec<String> = Vec::new();
        let mut tables: Vec<String> = Vec::new();
        for entity in entities {
            match &entity.kind {
                ExprKind::Star => declared.push("*".to_owned()),
                ExprKind::Wildcard(w) => declared.push(w.pattern.clone()),
                ExprKind::Name(name) if scope.get(&name.text).is_some() => declared.push(name.text.clone()),
                ExprKind::Name(name) => tables.push(self.known_table(name)?),
                ExprKind::Call(call) if scope.get(&call.name.text).is_some() => declared.push(call.name.text.clone()),
                ExprKind::Path { selector: Selector::Name(name), .. } => tables.push(self.known_table(name)?),
                ExprKind::Path { selector: Selector::Wildcard(w), .. } => tables.push(w.pattern.clone()),
                _ => return fail(error::NO_FORM, entity.span, "this is no table, view or pattern to be listed here"),
            }
        }
        let hidden: Vec<String> = scope
            .names()
            .filter(|name| match scope.get(name) {
                Some(Binding::Scalar(_)) | None => false,
                Some(Binding::Function(f)) => self.gives_rows(f),
                Some(_) => true,
            })
            .filter(|name| !declared.iter().any(|pattern| wildcard(pattern, name)))
            .map(str::to_owned)
            .collect();
        scope.restrict(&hidden, Visible(tables));
        Ok(())
    }

    fn known_table(&self, name: &Name) -> Result<String> {
        let known = self.catalog.table(&name.text).is_some()
            || self.catalog.externals().has_table(&name.text)
            || schema::known(&name.text).is_some()
            || self.stored(&name.text, name.span)?.is_some();
        match known {
            true => Ok(name.text.clone()),
            false => fail(error::UNKNOWN_TABLE, name.span, format!("there is no table `{}`", name.text)),
        }
    }

    /// All databases are one here, whatever they are called.
    pub(super) fn alias(&self, name: &Name) {
        self.note(Diagnostic::note(
            error::RESOLVED,
            name.span,
            format!("workspaces and databases are one here: `{}` is the local one", name.text),
        ));
    }

    /// Refuses a name that `restrict access` hides.
    pub(super) fn seen(&self, name: &str, span: Span, scope: &Scope) -> Result<()> {
        match scope.sees(name) {
            true => Ok(()),
            false => Err(error(
                error::UNKNOWN_TABLE,
                span,
                format!("`{name}` is none of those to which `restrict access` gives access"),
            )),
        }
    }
}
