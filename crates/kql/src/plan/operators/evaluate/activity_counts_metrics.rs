//! `activity_counts_metrics(Id, Time, Start, End, Step [, slice, …])`: rows, ids, and ids that no earlier bin has.

use super::Plugin;
use crate::plan::error::Result;
use crate::plan::relation::Relation;

impl Plugin<'_, '_> {
    pub(super) fn activity_counts_metrics(&self, input: Relation) -> Result<Relation> {
        let arguments = self.arguments(5, usize::MAX)?;
        let (ids, time) = self.ids_and_time(&arguments, &input)?;
        let given = self.bounds(&arguments[2], &arguments[3], &time)?;
        let timeline = self.timeline(&arguments[4], time.ty)?;
        let by = self.columns(arguments.from(5), &input)?;
        let activity = self.activity(input, &ids, time, &by)?;
        self.measured(activity, &timeline, include_str!("activity_counts_metrics.kql"), given)
    }
}
