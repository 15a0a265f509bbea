//! `activity_engagement(Id, Time, [Start, End,] Inner, Outer [, slice, …])`: the ids of each inner window, and of the
//! outer window that ends with it.
//!
//! The outer windows of the first bins reach back before `Start`.

use super::Plugin;
use super::timeline::length;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::Relation;

impl Plugin<'_, '_> {
    pub(super) fn activity_engagement(&self, input: Relation) -> Result<Relation> {
        let arguments = self.arguments(4, usize::MAX)?;
        let (ids, time) = self.ids_and_time(&arguments, &input)?;
        let scalars = arguments.from(2).iter().take_while(|a| !self.is_column(a, &input)).count();
        let bounds = match scalars {
            2 => None,
            4 => Some((&arguments[2], &arguments[3])),
            _ => return fail(error::ARGUMENTS, self.call.span, "give `Start`, `End` and two windows, or two windows"),
        };
        let given = self.optional_bounds(bounds, &time)?;
        let timeline = self.timeline(&arguments[scalars], time.ty)?;
        if !timeline.even() {
            return fail(error::NO_FORM, arguments[scalars].span, "windows of months or years are not documented");
        }
        let outer = &arguments[1 + scalars];
        let length = self.scalar_as(outer, length(time.ty))?;
        self.positive(&length, outer)?;
        let by = self.columns(arguments.from(2 + scalars), &input)?;
        let activity = self.activity(input, &ids, time, &by)?;
        let given = given.scalar("Outer", length);
        self.measured(activity, &timeline, include_str!("activity_engagement.kql"), given)
    }
}
