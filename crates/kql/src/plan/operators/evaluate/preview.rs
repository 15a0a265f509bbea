//! `preview(NumberOfRows)`: the first rows. The product gives their whole number as a second table; here a query has one.

use super::Plugin;
use crate::plan::error::{self, Result};
use crate::plan::relation::Relation;
use parallax_diagnostics::Diagnostic;

impl Plugin<'_, '_> {
    pub(super) fn preview(&self, input: Relation) -> Result<Relation> {
        let arguments = self.arguments(1, 1)?;
        let count = self.count(&arguments[0])?;
        self.binder.note(Diagnostic::note(
            error::NO_EFFECT,
            self.call.span,
            "`preview` gives its rows; the second table of the product, with their number, is left out",
        ));
        input.apply_order(self.span, Some(count))
    }
}
