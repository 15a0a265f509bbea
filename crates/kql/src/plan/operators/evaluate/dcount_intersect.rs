//! `dcount_intersect(hll, hll [, …])`: how many values the first has, the first two have both, the first three all, …

use super::Plugin;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::{Column, Relation};
use crate::plan::types::Type;
use crate::plan::value::raw_call;

/// The most sets (documented).
const MOST: usize = 16;

impl Plugin<'_, '_> {
    pub(super) fn dcount_intersect(&self, input: Relation) -> Result<Relation> {
        let arguments = self.arguments(2, MOST)?;
        let mut sets = Vec::new();
        let (mut new, mut columns) = (Vec::new(), Vec::new());
        for (at, argument) in arguments.from(0).iter().enumerate() {
            let set = self.column(argument, &input)?;
            if set.ty != Type::Dynamic {
                return fail(error::TYPE, argument.span, "a result of `hll` is expected here");
            }
            sets.push(set.expr());
            let id = self.binder.ids.fresh();
            new.push((id.clone(), raw_call("kql_hll_intersection", sets.clone(), self.span)?));
            columns.push(Column { name: format!("s{at}"), ty: Type::Long, id });
        }
        let mut rows = input.compute(self.span, new)?;
        rows.columns.extend(columns);
        Ok(rows)
    }
}
