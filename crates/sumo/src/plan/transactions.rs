//! `transaction`: messages of one id as the states that they go through.
//!
//! Documented: states by a glob or by a field's value, `results by transactions` with a count of each state,
//! `_start_time` and `_end_time`, `results by flow` with `fromstate`, `tostate` and `latency`, `fringe`. Not documented,
//! and decided here: a message is in the first state that fits, messages in no state or without an id take no part, a
//! transition is one between two different states that follow each other, and its latency counts from the last message
//! in the first of them. `results by states` gives a row for each state of a transaction. The product's limit of 10,000
//! transactions is not one here.

use super::rows::{Field, Rows, column};
use super::values::{Ty, Value, choose, text_literal};
use super::{Planner, Planning, TIME, built, codes};
use crate::syntax::transactions::{Results, Showing, State, Transaction, transaction};
use crate::syntax::{AggregateItem, At, Name};
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::expr_fn::{count, max, min};
use datafusion::functions_window::expr_fn::lag;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlanBuilder, lit};
use parallax_diagnostics::Diagnostic;

const STATE: &str = "$state";

impl Planner<'_> {
    pub(super) fn transaction(&mut self, rows: &mut Rows, at: At) -> Planning<()> {
        let read = transaction(self.text, at)?;
        if !read.showing.is_empty() && read.results == Results::Flow {
            return self.refuse(at, "`showing` needs `results by transactions` or `results by states`", "");
        }
        let state = self.state(rows, &read.states)?;
        self.assign(rows, STATE, &state, at)?;
        let mut conditions = vec![self.field(rows, STATE, at)?.expr.is_not_null()];
        for name in &read.on {
            conditions.push(super::calls::empty(&self.field(rows, &name.text, name.at)?).is_not_true());
        }
        self.field(rows, TIME, at)?;
        for condition in conditions {
            built(rows.filter(condition), at)?;
        }
        match read.results {
            Results::Flow => self.flow(rows, &read, at),
            _ => self.states(rows, &read, at),
        }
    }

    /// The state of a message; null where it is in none.
    fn state(&mut self, rows: &mut Rows, states: &[State]) -> Planning<Value> {
        let mut value = Value::null().expr;
        for state in states.iter().rev() {
            let raw = Name { text: super::RAW.to_owned(), at: state.name.at };
            let field = state.field.as_ref().unwrap_or(&raw);
            let text = self.field(rows, &field.text, field.at)?.to_text();
            let pattern = text_literal(&state.pattern.text);
            let fits =
                if state.glob { super::values::call("sumo_matches", vec![text, pattern]) } else { text.eq(pattern) };
            value = choose(fits, text_literal(&state.name.text), value);
        }
        Ok(Value::new(value, Ty::Text))
    }

    /// A row for each transaction, or for each of its states.
    fn states(&mut self, rows: &mut Rows, read: &Transaction, at: At) -> Planning<()> {
        let mut groups = self.group_by(rows, &read.on)?;
        let state = self.field(rows, STATE, at)?.expr;
        let time = self.field(rows, TIME, at)?.to_long();
        let mut items = Vec::new();
        if read.results == Results::States {
            self.diagnostics.push(Diagnostic::warning(
                codes::COLUMN_NAMES,
                at.0,
                "the columns of `results by states` are not documented: here `state` and `_count`",
            ));
            groups.push(("state".to_owned(), state.clone(), Ty::Text));
            items.push(("_count".to_owned(), self.id(), count(lit(1i64)), Ty::Long));
        } else {
            for one in &read.states {
                let name = &one.name.text;
                if items.iter().any(|(n, ..): &super::aggregates::Item| super::rows::same(n, name)) {
                    continue;
                }
                let here = choose(state.clone().eq(text_literal(name)), lit(1i64), lit(ScalarValue::Int64(None)));
                items.push((name.clone(), self.id(), count(here), Ty::Long));
            }
        }
        for shown in &read.showing {
            items.extend(self.showing(rows, shown, &state)?);
        }
        let (first, last) = (self.id(), self.id());
        items.push(("_start_time".to_owned(), first.clone(), min(time.clone()), Ty::Time));
        items.push(("_end_time".to_owned(), last.clone(), max(time), Ty::Time));
        self.aggregate_into(rows, groups, items, at)?;
        self.fringe(rows, read, &first, &last, at)
    }

    /// An aggregate over the messages of a transaction, or over those in one of its states.
    fn showing(&mut self, rows: &mut Rows, shown: &Showing, state: &Expr) -> Planning<Vec<super::aggregates::Item>> {
        let item: &AggregateItem = &shown.item;
        let mut items = Vec::new();
        for (name, expr, ty) in self.item(rows, item)? {
            let expr = match &shown.state {
                Some(only) => built(expr.filter(state.clone().eq(text_literal(&only.text))).build(), item.at)?,
                None => expr,
            };
            items.push((name, self.id(), expr, ty));
        }
        Ok(items)
    }

    /// Leaves out the transactions that the edges of the query's time range may have cut (documented).
    fn fringe(&mut self, rows: &mut Rows, read: &Transaction, first: &str, last: &str, at: At) -> Planning<()> {
        let Some(fringe) = &read.fringe else { return Ok(()) };
        let fringe = self.duration(fringe)?;
        let (Some(start), Some(end)) = self.switches.range else {
            return Err(Diagnostic::error(codes::NEEDS_RANGE, at.0, "`fringe` needs the query's time range")
                .help("set the switches `sumo.query-start` and `sumo.query-end` (milliseconds since 1970)"));
        };
        let whole = column(last)
            .gt_eq(lit(start.saturating_add(fringe)))
            .and(column(first).lt_eq(lit(end.saturating_sub(fringe))));
        built(rows.filter(whole), at)
    }

    /// A row for each transition from one state to another.
    fn flow(&mut self, rows: &mut Rows, read: &Transaction, at: At) -> Planning<()> {
        let mut ids = Vec::new();
        for (name, expr, ty) in self.group_by(rows, &read.on)? {
            let id = self.assign(rows, &name, &Value::new(expr.clone(), ty), at)?;
            ids.push(Field { name, id, ty });
        }
        let state = self.field(rows, STATE, at)?;
        let time = self.field(rows, TIME, at)?;
        let partition: Vec<Expr> = ids.iter().map(|f| column(&f.id)).collect();
        let (from, since, first, last) = (self.id(), self.id(), self.id(), self.id());
        let order = vec![time.expr.clone().sort(true, true)];
        let mut windows = Vec::new();
        for (value, id) in [(state.expr.clone(), &from), (time.to_long(), &since)] {
            let before = lag(value, Some(1), None).partition_by(partition.clone()).order_by(order.clone()).build();
            windows.push(built(before, at)?.alias(id));
        }
        if read.fringe.is_some() {
            for (function, id) in [(min(time.to_long()), &first), (max(time.to_long()), &last)] {
                windows.push(built(over(function, partition.clone()), at)?.alias(id));
            }
        }
        rows.plan = built(rows.builder().window(windows).and_then(LogicalPlanBuilder::build), at)?;
        rows.layer = None;
        let changed = column(&from).is_not_null().and(column(&from).not_eq(state.expr.clone()));
        built(rows.filter(changed), at)?;
        self.fringe(rows, read, &first, &last, at)?;
        let latency = self.id();
        rows.chain.extend([from.clone(), since.clone()]);
        built(rows.extend(vec![(latency.clone(), time.to_long() - column(&since))]), at)?;
        rows.chain.clear();
        let mut fields = ids;
        let made =
            [("fromstate", from, Ty::Text), ("tostate", name_of(&state), Ty::Text), ("latency", latency, Ty::Long)];
        fields.extend(made.map(|(name, id, ty)| Field { name: name.to_owned(), id, ty }));
        rows.shown = Some(fields.iter().map(|f| f.name.clone()).collect());
        fields.extend(rows.find(TIME).cloned());
        rows.fields = fields;
        rows.raw = false;
        rows.open = false;
        Ok(())
    }
}

/// An aggregate over a whole partition.
fn over(aggregate: Expr, partition: Vec<Expr>) -> datafusion::common::Result<Expr> {
    use datafusion::logical_expr::{WindowFunctionDefinition, expr::WindowFunction};
    let Expr::AggregateFunction(call) = aggregate else { return Ok(aggregate) };
    let definition = WindowFunctionDefinition::AggregateUDF(call.func);
    Expr::from(WindowFunction::new(definition, call.params.args)).partition_by(partition).build()
}

fn name_of(value: &Value) -> String {
    match &value.expr {
        Expr::Column(column) => column.name.clone(),
        _ => String::new(),
    }
}
