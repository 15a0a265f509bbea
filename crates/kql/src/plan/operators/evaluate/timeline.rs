//! A timeline cut into bins that count from its start: by a step, or by the weeks, months or years of the calendar.
//!
//! Templates number the bins: `{bin:x}` is the number of the bin that `x` falls into, `{at:n}` where bin `n` begins (of
//! times, in ticks) and `{many:x}` how many bins a length has.

use super::Plugin;
use super::template::Given;
use crate::plan::error::{self, Result, fail};
use crate::plan::types::Type;
use crate::plan::value::Value;
use crate::syntax::tree::Argument;

/// How a timeline is cut.
pub(super) struct Timeline {
    unit: Unit,
    /// The step, `Step` in a template; of no meaning for a calendar's units.
    pub(super) step: Value,
}

enum Unit {
    /// Ticks: instants and lengths of time.
    Ticks,
    Whole,
    Real,
    Week,
    Month,
    Year,
}

impl Plugin<'_, '_> {
    /// The bins of a timeline of that type.
    pub(super) fn timeline(&self, argument: &Argument, ty: Type) -> Result<Timeline> {
        let step = self.scalar(argument)?;
        if step.ty == Type::String {
            let unit = match step.text() {
                Some("week") => Unit::Week,
                Some("month") => Unit::Month,
                Some("year") => Unit::Year,
                _ => return fail(error::OPTION, argument.span, "a step is a value, or 'week', 'month' or 'year'"),
            };
            if ty != Type::DateTime {
                return fail(error::TYPE, argument.span, format!("a {} has no weeks, months or years", ty.name()));
            }
            return Ok(Timeline { unit, step: Value::long(1) });
        }
        let unit = match ty {
            Type::DateTime | Type::TimeSpan => Unit::Ticks,
            Type::Int | Type::Long => Unit::Whole,
            Type::Real => Unit::Real,
            other => return fail(error::TYPE, argument.span, format!("a {} is no timeline", other.name())),
        };
        let step = self.scalar_as(argument, length(ty))?;
        self.positive(&step, argument)?;
        Ok(Timeline { unit, step })
    }

    /// Refuses a length that is known to be none.
    pub(super) fn positive(&self, length: &Value, argument: &Argument) -> Result<()> {
        use datafusion::common::ScalarValue;
        let real = matches!(length.constant(), Some(ScalarValue::Float64(Some(n))) if *n <= 0.0);
        if real || length.integer().is_some_and(|n| n <= 0) {
            return fail(error::OPTION, argument.span, "a length greater than zero is needed here");
        }
        Ok(())
    }
}

/// An instant or a length of time as the number of its ticks, which is how a plan holds it.
pub(super) fn ticks(value: &Value) -> Value {
    match value.ty {
        Type::DateTime | Type::TimeSpan => Value::new(value.expr.clone(), Type::Long),
        _ => value.clone(),
    }
}

/// The type of the distance between two values.
pub(super) fn length(ty: Type) -> Type {
    match ty {
        Type::DateTime => Type::TimeSpan,
        Type::Int => Type::Long,
        other => other,
    }
}

/// The type in which a timeline is counted.
pub(super) fn counted(ty: Type) -> Type {
    if ty == Type::Int { Type::Long } else { ty }
}

impl Timeline {
    /// Adds the step to what a template sees.
    pub(super) fn given(&self, given: Given) -> Given {
        given.scalar("Step", self.step.clone()).scalar("StepTicks", ticks(&self.step))
    }

    /// The template with the places filled in.
    pub(super) fn fill(&self, template: &str) -> String {
        let mut out = String::with_capacity(template.len() * 2);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((place, behind)) = after.split_once('}') else { break };
            out.push_str(before);
            match place.split_once(':') {
                Some(("bin", x)) => out.push_str(&self.bin(x)),
                Some(("at", n)) => out.push_str(&self.at(n)),
                Some(("many", x)) => out.push_str(&self.many(x)),
                _ => out.push_str(place),
            }
            rest = behind;
        }
        out.push_str(rest);
        out
    }

    fn bin(&self, x: &str) -> String {
        match self.unit {
            // The division of ticks is exact, and its result far below what a real can count.
            Unit::Ticks | Unit::Real => format!("tolong(round((bin_at({x}, Step, Start) - Start) / Step))"),
            Unit::Whole => format!("((bin_at({x}, Step, Start) - Start) / Step)"),
            Unit::Week => format!("tolong(round((startofweek({x}) - startofweek(Start)) / 7d))"),
            Unit::Month => format!("datetime_diff('month', {x}, Start)"),
            Unit::Year => format!("datetime_diff('year', {x}, Start)"),
        }
    }

    fn many(&self, x: &str) -> String {
        match self.unit {
            Unit::Ticks | Unit::Real => format!("tolong(floor({x} / Step, 1))"),
            Unit::Whole => format!("({x} / Step)"),
            Unit::Week | Unit::Month | Unit::Year => format!("tolong(floor({x} / 7d, 1))"),
        }
    }

    /// Whether its bins are all of one length.
    pub(super) fn even(&self) -> bool {
        !matches!(self.unit, Unit::Month | Unit::Year)
    }

    fn at(&self, n: &str) -> String {
        match self.unit {
            // Of ticks a real can't hold all.
            Unit::Ticks => format!("(StartTicks + {n} * StepTicks)"),
            Unit::Whole | Unit::Real => format!("(Start + {n} * Step)"),
            Unit::Week => format!("(startofweek(Start) + {n} * 7d)"),
            Unit::Month => format!("datetime_add('month', {n}, startofmonth(Start))"),
            Unit::Year => format!("datetime_add('year', {n}, startofyear(Start))"),
        }
    }
}
