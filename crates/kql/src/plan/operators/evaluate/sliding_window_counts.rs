//! `sliding_window_counts(Id, Time, Start, End, Lookback, Bin [, slice, …])`: rows and ids of the lookback that ends
//! with each bin. A lookback that is no multiple of the bin is rounded down to one (documented).

use super::Plugin;
use super::timeline::length;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::Relation;

impl Plugin<'_, '_> {
    pub(super) fn sliding_window_counts(&self, input: Relation) -> Result<Relation> {
        let arguments = self.arguments(6, usize::MAX)?;
        let (ids, time) = self.ids_and_time(&arguments, &input)?;
        let given = self.bounds(&arguments[2], &arguments[3], &time)?;
        let lookback = self.scalar_as(&arguments[4], length(time.ty))?;
        let timeline = self.timeline(&arguments[5], time.ty)?;
        if !timeline.even() {
            let message = "how many months or years a lookback has is not documented";
            return fail(error::NO_FORM, arguments[5].span, message);
        }
        let by = self.columns(arguments.from(6), &input)?;
        let activity = self.activity(input, &ids, time, &by)?;
        let given = given.scalar("Lookback", lookback);
        self.measured(activity, &timeline, include_str!("sliding_window_counts.kql"), given)
    }
}
