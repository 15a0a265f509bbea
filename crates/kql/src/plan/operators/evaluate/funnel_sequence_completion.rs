//! `funnel_sequence_completion(Id, Time, Start, End, Bin, State, Sequence, Periods)`: how many ids come how far.
//!
//! Within a bin, an id comes as far as a state of the sequence within a period where the states up to it follow one
//! another, each later than the one before, and the last is at most the period later than the first. Other states may
//! stand between. Of all beginnings the latest is the best: it goes with each row, from state to state. That equal times
//! do not follow one another is inferred. A state that nobody comes to has no row.

use super::Plugin;
use super::timeline::length;
use crate::plan::error::{self, At, Result, fail};
use crate::plan::relation::{Column, Relation, id};
use crate::plan::types::Type;
use crate::plan::value::{Value, binary};
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::min_max::max_udaf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Expr as Plan, Operator, WindowFrame, WindowFrameBound, WindowFrameUnits, lit, when};

impl Plugin<'_, '_> {
    pub(super) fn funnel_sequence_completion(&self, input: Relation) -> Result<Relation> {
        let arguments = self.arguments(8, 8)?;
        let (ids, time) = self.ids_and_time(&arguments, &input)?;
        let bounds = || self.bounds(&arguments[2], &arguments[3], &time);
        let bounds = (bounds()?, bounds()?);
        let timeline = self.timeline(&arguments[4], time.ty)?;
        if time.ty == Type::Real {
            return fail(
                error::TYPE,
                arguments[1].span,
                "a timeline of states is of instants, lengths or whole numbers",
            );
        }
        let state = self.column(&arguments[5], &input)?;
        if state.ty != Type::String {
            return fail(error::TYPE, arguments[5].span, format!("a state is a string, not a {}", state.ty.name()));
        }
        let sequence = self.array(&arguments[6])?;
        let periods = self.array(&arguments[7])?;
        let names: Vec<&str> = sequence.iter().filter_map(|v| v.as_str()).collect();
        if names.is_empty() || names.len() != sequence.len() {
            return fail(error::TYPE, arguments[6].span, "the sequence is an array of states, and each is a text");
        }

        let activity = self.activity(input, &ids, time, &[])?;
        let mut rows = activity.rows.clone();
        rows.columns.push(Column { name: "State".to_owned(), ty: state.ty, id: state.id.clone() });
        let given = timeline.given(bounds.0.table("T", rows));
        let rows =
            self.template(&timeline.fill("T | where Time between (Start .. End) | extend B = {bin:Time}"), given)?;
        let (rows, durations) = self.durations(rows, &names)?;
        let of_period = length(activity.time.ty);
        let text = timeline.fill(&template(names.len(), of_period));
        let mut rows = rows;
        let key = rows.columns[2].clone();
        let bin = rows.columns[4].clone();
        rows.columns = [vec![rows.columns[0].clone(), key, bin], durations].concat();
        let json = |all: &[serde_json::Value]| Value::dynamic(serde_json::Value::from(all.to_vec()).to_string());
        let given = timeline.given(bounds.1.table("T", rows));
        let given = given.scalar("Periods", json(&periods)).scalar("Sequence", json(&sequence));
        let rows = self.template(&text, given)?;
        let mut rows = self.sliced(rows, &activity, 1)?;
        rows.columns[1].name = state.name;
        Ok(rows)
    }

    /// A constant array.
    fn array(&self, argument: &crate::syntax::tree::Argument) -> Result<Vec<serde_json::Value>> {
        let value = self.scalar(argument)?;
        match value.text().filter(|_| value.ty == Type::Dynamic).map(serde_json::from_str) {
            Some(Ok(serde_json::Value::Array(all))) => Ok(all),
            _ => fail(error::CONSTANT, argument.span, "a constant array is needed here"),
        }
    }

    /// For each state of the sequence, how long it took to come to it by a row of that state.
    fn durations(&self, rows: Relation, sequence: &[&str]) -> Result<(Relation, Vec<Column>)> {
        let [ids, time, _, state, bin] = rows
            .columns
            .clone()
            .try_into()
            .or_else(|_| fail(error::INTERNAL, self.span, "the rows of a funnel have five columns"))?;
        let nothing = || lit(ScalarValue::Int64(None));
        let mut rows = rows;
        let mut durations = Vec::new();
        let mut began = time.expr();
        for (at, name) in sequence.iter().enumerate() {
            if at > 0 {
                let mut latest = WindowFunction::new(max_udaf(), vec![began]);
                latest.params.partition_by = vec![ids.expr(), bin.expr()];
                latest.params.order_by = vec![time.expr().sort(true, true)];
                latest.params.window_frame = WindowFrame::new_bounds(
                    WindowFrameUnits::Range,
                    WindowFrameBound::Preceding(ScalarValue::Int64(None)),
                    WindowFrameBound::Preceding(ScalarValue::Int64(Some(1))),
                );
                let (further, latest) = self.window(rows, latest)?;
                (rows, began) = (further, id(&latest));
            }
            let (here, took) = (self.binder.ids.fresh(), self.binder.ids.fresh());
            let is_here = state.expr().eq(Value::string(*name).expr);
            let began_here = when(is_here, began).otherwise(nothing()).at(self.span)?;
            rows = rows.compute(self.span, vec![(here.clone(), began_here)])?;
            let duration: Plan = binary(time.expr(), Operator::Minus, id(&here));
            rows = rows.compute(self.span, vec![(took.clone(), duration)])?;
            durations.push(Column { name: format!("D{at}"), ty: length(time.ty), id: took });
            began = id(&here);
        }
        Ok((rows, durations))
    }
}

fn template(states: usize, of_period: Type) -> String {
    let each = |f: &dyn Fn(usize) -> String| (0..states).map(f).collect::<Vec<_>>().join(", ");
    let least = each(&|n| format!("D{n} = min(D{n})"));
    let counts = each(&|n| format!("N{n} = countif(D{n} <= P)"));
    let all = each(&|n| format!("N{n}"));
    let ty = of_period.name();
    format!(
        "T | summarize {least} by Id, K, B\n\
         | mv-expand P = Periods to typeof({ty})\n\
         | summarize {counts} by K, B, P\n\
         | mv-expand with_itemindex=At N = pack_array({all}) to typeof(long)\n\
         | where N > 0\n\
         | sort by B asc, P asc, At asc\n\
         | project B = {{at:B}}, K, State = tostring(Sequence[At]), Period = P, dcount = N"
    )
}
