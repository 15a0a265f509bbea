//! `sequence_detect(Time, MaxStep, MaxSpan, step = predicate, … [, slice, …])`: each way in which rows follow one another.
//!
//! A sequence is a time for each step, each later than the one before by at most `MaxStep`, and the last later than the
//! first by at most `MaxSpan`. Times count, not rows: two rows at one time are one occurrence (documented by example).
//! That a step is later, and not at the same time, is inferred.

use super::Plugin;
use super::arguments::name_of;
use super::template::Given;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::{Column, Relation};
use crate::plan::scope::Rows;
use crate::plan::types::Type;
use crate::syntax::tree::{Argument, Naming};
use std::fmt::Write as _;

impl Plugin<'_, '_> {
    pub(super) fn sequence_detect(&self, input: Relation) -> Result<Relation> {
        let arguments = self.arguments(4, usize::MAX)?;
        let time = self.column(&arguments[0], &input)?;
        if !matches!(time.ty, Type::DateTime | Type::TimeSpan) {
            let message =
                format!("a timeline of sequences is a datetime or a timespan, and this is a {}", time.ty.name());
            return fail(error::TYPE, arguments[0].span, message);
        }
        let between = self.scalar_as(&arguments[1], Type::TimeSpan)?;
        let overall = self.scalar_as(&arguments[2], Type::TimeSpan)?;
        let (mut flags, mut names, mut by) = (Vec::new(), Vec::new(), Vec::new());
        for argument in arguments.from(3) {
            let value = self.binder.scalar(&argument.value, &Rows::of(self.scope, &input))?;
            if value.ty == Type::Bool {
                names.push(format!("{}_{}", step_name(argument), time.name));
                flags.push((self.binder.ids.fresh(), value.expr));
            } else {
                by.push(self.column(argument, &input)?);
            }
        }
        if flags.is_empty() {
            return fail(error::ARGUMENTS, self.call.span, "a sequence has steps: predicates on the rows");
        }
        let steps: Vec<Column> = flags
            .iter()
            .enumerate()
            .map(|(n, (id, _))| Column { name: format!("E{n}"), ty: Type::Bool, id: id.clone() })
            .collect();
        let input = input.compute(self.span, flags)?;
        let activity = self.activity(input, &time, time.clone(), &by)?;
        let mut rows = activity.rows.clone();
        rows.columns.extend(steps.iter().cloned());
        let given = Given::default().table("T", rows).scalar("Step", between).scalar("Span", overall);
        let rows = self.template(&template(steps.len()), given)?;
        let mut rows = self.sliced(rows, &activity, 0)?;
        for (column, name) in rows.columns.iter_mut().skip(by.len()).zip(names) {
            column.name = name;
        }
        Ok(rows)
    }
}

/// The name of a step: given, a column's, or none.
fn step_name(argument: &Argument) -> &str {
    match &argument.naming {
        Naming::One(name) => &name.text,
        _ => name_of(&argument.value).unwrap_or(""),
    }
}

/// The steps are joined one after the other. Times that are at most a step apart fall into one bin of that length or
/// into two that follow each other, so a time is looked for in its own bin and in the one before: the join is by equal
/// keys.
fn template(steps: usize) -> String {
    let mut text = String::from("let W = max_of(Step, 1tick);\n");
    let mut times = String::from("T0");
    text.push_str("T | where E0 | summarize by K, T0 = Time\n");
    for n in 1..steps {
        let last = n - 1;
        let rows = format!("T | where E{n} | summarize by K, T{n} = Time");
        let _ = write!(
            text,
            "| extend G = bin(T{last}, W)\n\
             | join kind=inner (union ({rows} | extend G = bin(T{n}, W)), ({rows} | extend G = bin(T{n}, W) - W)) on K, G\n\
             | where T{n} > T{last} and T{n} - T{last} <= Step and T{n} - T0 <= Span\n\
             | project K, {times}, T{n}\n"
        );
        let _ = write!(times, ", T{n}");
    }
    let _ = write!(text, "| sort by K asc, T0 asc\n| project K, {times}, Duration = T{} - T0", steps - 1);
    text
}
