//! `activity_metrics(Id, Time, [Start, End,] Window [, slice, …])`: each bin against the one before it.
//!
//! Of the ids of the bin before, those that are back are retained, and the others lost; where it has none both rates are
//! NaN (documented).

use super::Plugin;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::Relation;

impl Plugin<'_, '_> {
    pub(super) fn activity_metrics(&self, input: Relation) -> Result<Relation> {
        let arguments = self.arguments(3, usize::MAX)?;
        let (ids, time) = self.ids_and_time(&arguments, &input)?;
        let scalars = arguments.from(2).iter().take_while(|a| !self.is_column(a, &input)).count();
        let bounds = match scalars {
            1 => None,
            3 => Some((&arguments[2], &arguments[3])),
            _ => return fail(error::ARGUMENTS, self.call.span, "give `Start`, `End` and a window, or a window alone"),
        };
        let given = self.optional_bounds(bounds, &time)?;
        let timeline = self.timeline(&arguments[1 + scalars], time.ty)?;
        let by = self.columns(arguments.from(2 + scalars), &input)?;
        let activity = self.activity(input, &ids, time, &by)?;
        self.measured(activity, &timeline, include_str!("activity_metrics.kql"), given)
    }
}
