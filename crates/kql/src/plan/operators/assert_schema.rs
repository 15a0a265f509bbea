//! `assert-schema`.

use crate::plan::Binder;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::Relation;
use crate::plan::types::Type;
use crate::syntax::tree::ColumnDef;
use parallax_diagnostics::Span;

impl Binder<'_> {
    /// Nothing where the columns are those that are declared, in their order and with their types.
    pub(super) fn assert_schema(&self, input: Relation, declared: &[ColumnDef], span: Span) -> Result<Relation> {
        let declared = self.schema(declared)?;
        let told = |columns: &[(String, Type)]| {
            columns.iter().map(|(name, ty)| format!("{name}:{}", ty.name())).collect::<Vec<_>>().join(", ")
        };
        let have: Vec<(String, Type)> = input.columns.iter().map(|c| (c.name.clone(), c.ty)).collect();
        if have == declared {
            return Ok(input);
        }
        fail(error::TYPE, span, format!("the rows have the columns ({}), not ({})", told(&have), told(&declared)))
    }
}
