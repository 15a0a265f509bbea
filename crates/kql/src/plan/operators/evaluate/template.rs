//! A plugin as a query in the language itself, over tables and scalars with fixed names.

use super::Plugin;
use crate::plan::error::{self, Result, error};
use crate::plan::relation::Relation;
use crate::plan::scope::{Binding, Scope};
use crate::plan::value::Value;
use crate::syntax::tree::StatementKind;

/// The names that a template sees.
#[derive(Default)]
pub(super) struct Given {
    scope: Scope,
}

impl Given {
    pub(super) fn table(mut self, name: &str, rows: Relation) -> Self {
        self.scope.declare(name, Binding::Table(rows));
        self
    }

    pub(super) fn scalar(mut self, name: &str, value: Value) -> Self {
        self.scope.declare(name, Binding::Scalar(value));
        self
    }
}

impl Plugin<'_, '_> {
    /// The rows of a template. Its notes are about its own text, and nobody's concern.
    pub(super) fn template(&self, text: &str, given: Given) -> Result<Relation> {
        let notes = self.binder.notes.borrow().0.len();
        let result = self.bound(text, given.scope);
        self.binder.notes.borrow_mut().0.truncate(notes);
        let mut rows = result?;
        // The order of the rows is a courtesy: nobody asked for it.
        rows.sorted = false;
        Ok(rows)
    }

    fn bound(&self, text: &str, mut scope: Scope) -> Result<Relation> {
        let at_fault = |message: String| {
            error(error::INTERNAL, self.span, format!("`{}` could not be planned: {message}", self.call.name.text))
        };
        let tree = crate::parse(text).map_err(|all| at_fault(all.to_string()))?;
        let mut rows = None;
        for statement in &tree.statements {
            let bound = match &statement.kind {
                StatementKind::Query(query) => self.binder.relation(query, &mut scope).map(|r| rows = Some(r)),
                _ => self.binder.statement(statement, &mut scope),
            };
            bound.map_err(|d| at_fault(format!("{}, at {:?}", d.message, d.span.of(text))))?;
        }
        rows.ok_or_else(|| at_fault("it has no query".to_owned()))
    }
}
