//! Rows of which only the data knows all columns: behind `bag_unpack` and `pivot` where there is no data to look at.
//!
//! A name that such rows lack is taken on trust, as the official binder takes it: it becomes a column of nulls with the
//! operator that names it. Nothing is lost by that, since there are no values.

use crate::plan::Binder;
use crate::plan::error::{self, Result};
use crate::plan::relation::{Column, Relation};
use crate::plan::scope::Scope;
use crate::plan::types::Type;
use crate::plan::value::Value;
use crate::syntax::tree::Operator;
use parallax_diagnostics::{Diagnostic, Span};

impl Binder<'_> {
    /// Applies one operator of a pipeline; rows whose columns are open get those that it names.
    pub(crate) fn pipe(&self, op: &Operator, rows: Option<Relation>, scope: &mut Scope) -> Result<Relation> {
        match rows {
            Some(rows) if rows.open => {
                let numbered = self.numbered.get();
                let applied = self.with_trust(rows, |rows| {
                    self.numbered.set(numbered);
                    self.operator(op, Some(rows.clone()), scope)
                });
                applied.map(|(_, done)| done)
            }
            rows => self.operator(op, rows, scope),
        }
    }

    /// Tries something until it misses no name that open rows could have; gives the rows with those names.
    pub(crate) fn with_trust<T>(
        &self,
        mut rows: Relation,
        mut attempt: impl FnMut(&Relation) -> Result<T>,
    ) -> Result<(Relation, T)> {
        loop {
            let failed = match attempt(&rows) {
                Ok(done) => return Ok((rows, done)),
                Err(failed) => failed,
            };
            let unknown = self.unknown.take();
            match unknown {
                Some((name, span))
                    if rows.open && failed.code == error::UNKNOWN_NAME && rows.column(&name).is_none() =>
                {
                    rows = self.trusted(rows, name, span)?;
                }
                other => {
                    *self.unknown.borrow_mut() = other;
                    return Err(failed);
                }
            }
        }
    }

    /// The rows with a column of nulls of that name.
    fn trusted(&self, rows: Relation, name: String, span: Span) -> Result<Relation> {
        self.note(Diagnostic::note(
            error::RESOLVED,
            span,
            format!("`{name}` is taken for a column that only the data gives; there is no data, and it is null"),
        ));
        let id = self.ids.fresh();
        let mut rows = rows.compute(span, vec![(id.clone(), Value::null(Type::Dynamic).expr)])?;
        rows.columns.push(Column { name, ty: Type::Dynamic, id });
        Ok(rows)
    }
}
