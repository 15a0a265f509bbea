//! `new_activity_metrics(Id, Time, Start, End, Window [, Cohort] [, slice, …] [, Lookback])`: what becomes of the ids
//! that are new in a bin.
//!
//! An id belongs to the cohort of the first bin that has it, and to none if it is among the ids of `Lookback`. A cohort
//! without ids has no rows. The bins go on to `End` whether they have rows or not (documented by example).

use super::Plugin;
use super::arguments::name_of;
use super::timeline::counted;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::Relation;
use crate::plan::value::Value;
use crate::syntax::tree::Argument;

impl Plugin<'_, '_> {
    pub(super) fn new_activity_metrics(&self, input: Relation) -> Result<Relation> {
        let arguments = self.arguments(5, usize::MAX)?;
        let (ids, time) = self.ids_and_time(&arguments, &input)?;
        let given = self.bounds(&arguments[2], &arguments[3], &time)?;
        let timeline = self.timeline(&arguments[4], time.ty)?;
        let mut rest: &[&Argument] = arguments.from(5);
        let known = match rest.split_last() {
            Some((last, before)) if !self.is_column(last, &input) && self.gives_rows(last) => {
                rest = before;
                let rows = self.binder.relation(&last.value, &mut self.scope.clone())?;
                // A column of the same name as the ids', else the only one there is (documented by example).
                let own = rows.column(&ids.name).or_else(|| rows.columns.first().filter(|_| rows.columns.len() == 1));
                let Some(own) = own.cloned() else {
                    let message = format!("the ids of the lookback are a column `{}`, and there is none", ids.name);
                    return fail(error::UNKNOWN_NAME, last.span, message);
                };
                Relation { columns: vec![own], ..rows }
            }
            _ => self.binder.no_rows(vec![(ids.name.clone(), ids.ty)], self.span)?,
        };
        if known.columns.iter().any(|c| c.ty != ids.ty) {
            let message = format!("the ids of the lookback are of another type than `{}`", ids.name);
            return fail(error::TYPE, self.call.span, message);
        }
        let ty = counted(time.ty);
        let cohort = match rest.split_first() {
            Some((first, after)) if !self.is_column(first, &input) => {
                rest = after;
                Some(self.scalar_as(first, ty)?)
            }
            _ => None,
        };
        let given = given
            .table("Known", known)
            .scalar("AllCohorts", Value::bool(cohort.is_none()))
            .scalar("Cohort", cohort.unwrap_or_else(|| Value::null(ty)));
        let by = self.columns(rest, &input)?;
        let activity = self.activity(input, &ids, time, &by)?;
        let text = timeline.fill(include_str!("new_activity_metrics.kql"));
        let given = timeline.given(given.table("T", activity.rows.clone()));
        let rows = self.template(&text, given)?;
        self.sliced(rows, &activity, 2)
    }

    /// Whether an argument stands for rows.
    fn gives_rows(&self, argument: &Argument) -> bool {
        let declared = |name| matches!(self.scope.get(name), Some(crate::plan::scope::Binding::Scalar(_)));
        !name_of(&argument.value).is_some_and(declared) && self.binder.is_tabular(&argument.value, self.scope)
    }
}
