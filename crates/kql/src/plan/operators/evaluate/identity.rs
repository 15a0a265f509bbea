//! `identity()`: the rows as they are.

use super::Plugin;
use crate::plan::error::Result;
use crate::plan::relation::Relation;

impl Plugin<'_, '_> {
    pub(super) fn identity(&self, input: Relation) -> Result<Relation> {
        self.arguments(0, 0)?;
        Ok(input)
    }
}
