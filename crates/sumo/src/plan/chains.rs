//! `trace` and `sessionize`: messages that are found by what others hold.
//!
//! Documented of `trace`: a first value, and an expression that finds the values of a message; a message that holds a
//! known value is kept and makes its others known; `+` follows time forward, `-` backward. Without a sign the direction
//! is not documented: here time plays no part. `sessionize` is documented as joins of anchor patterns; a session is a row
//! here, of the fields in the order of their first mention, without an order in time.

use super::rows::{Field, Rows, column, same};
use super::values::{Ty, Value, call, text_literal};
use super::{Planner, Planning, TIME, built, codes};
use crate::syntax::transactions::{sessionize, trace};
use crate::syntax::{At, Name};
use datafusion::common::{Column, ScalarValue, UnnestOptions};
use datafusion::functions_aggregate::expr_fn::array_agg;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlanBuilder, WindowFunctionDefinition, lit};
use parallax_diagnostics::Diagnostic;

impl Planner<'_> {
    pub(super) fn trace_chain(&mut self, rows: &mut Rows, at: At) -> Planning<()> {
        let read = trace(self.text, at)?;
        self.check_regex(&read.pattern.text, read.pattern.at)?;
        let text = self.source(rows, None, at)?;
        let time = self.field(rows, TIME, at)?.to_long();
        let Some(function) = parallax_functions::sumo::window("sumo_trace") else { return Ok(()) };
        let arguments = vec![
            text,
            text_literal(&read.pattern.text),
            text_literal(&read.seed.text),
            lit(ScalarValue::Boolean(read.forward)),
        ];
        let window = WindowFunction::new(WindowFunctionDefinition::WindowUDF(function), arguments);
        let window = built(Expr::from(window).order_by(vec![time.sort(true, true)]).build(), at)?;
        let id = self.id();
        let plan = rows.builder().window(vec![window.alias(&id)]);
        rows.plan = built(plan.and_then(LogicalPlanBuilder::build), at)?;
        rows.layer = None;
        built(rows.filter(column(&id)), at)
    }

    pub(super) fn sessionize(&mut self, rows: &mut Rows, at: At) -> Planning<()> {
        let steps = sessionize(self.text, at)?;
        if steps.len() < 2 {
            return Err(Diagnostic::error(codes::BAD_ARGUMENT, at.0, "`sessionize` takes two patterns or more"));
        }
        let mut fields: Vec<Name> = Vec::new();
        for (pattern, names) in &steps {
            let stars = pattern.text.matches('*').count();
            if stars != names.len() {
                let message = format!("the pattern has {stars} `*` and {} fields after `as`", names.len());
                return Err(Diagnostic::error(crate::syntax::codes::CAPTURES, pattern.at.0, message)
                    .help("give one field for each `*`, separated by commas"));
            }
            for name in names {
                if !fields.iter().any(|f| same(&f.text, &name.text)) {
                    fields.push(name.clone());
                }
            }
        }
        let packed = parallax_functions::sumo::steps(
            steps.iter().map(|(p, names)| (p.text.as_str(), names.iter().map(|n| n.text.as_str()).collect())),
        );
        let text = self.source(rows, None, at)?;
        let (all, found) = (self.id(), self.id());
        let plan = rows.builder().aggregate(Vec::<Expr>::new(), vec![array_agg(text).alias(&all)]);
        let sessions = call("sumo_sessionize", vec![column(&all), text_literal(&packed)]).alias(&found);
        let unnested = plan.and_then(|b| b.project(vec![sessions])).and_then(|b| {
            let dropped = UnnestOptions::default().with_preserve_nulls(false);
            b.unnest_columns_with_options(vec![Column::from_name(&found)], dropped)?.build()
        });
        rows.plan = built(unnested, at)?;
        let (mut columns, mut bound) = (Vec::new(), Vec::new());
        for (index, name) in fields.iter().enumerate() {
            let part = call("sumo_capture", vec![column(&found), lit(i64::try_from(index).unwrap_or(i64::MAX))]);
            let id = self.id();
            columns.push(part.alias(&id));
            bound.push(Field { name: name.text.clone(), id, ty: Ty::Text });
        }
        let plan = built(rows.builder().project(columns).and_then(LogicalPlanBuilder::build), at)?;
        rows.replace(plan, bound);
        Ok(())
    }

    /// `bin f width=w, min=a, max=b`: the interval that a number lies in. Values beyond `min` and `max` are in the
    /// first and the last bin (documented); the label is written `[lower, upper)`, which is not documented.
    pub(super) fn bin(
        &mut self,
        rows: &mut Rows,
        name: &Name,
        options: &[(String, crate::syntax::Expr)],
        at: At,
    ) -> Planning<()> {
        let mut numbers = [None; 3];
        for (option, value) in options {
            let Some(slot) = ["width", "min", "max"].iter().position(|o| o == option) else {
                return Err(Diagnostic::error(
                    codes::BAD_ARGUMENT,
                    value.at.0,
                    format!("`bin` has no option `{option}`"),
                )
                .help("there are `width=`, `min=` and `max=`"));
            };
            numbers[slot] = Some(constant(value)?);
        }
        let [width, least, most] = numbers;
        let Some(width) = width.filter(|w| *w > 0.0) else {
            return Err(Diagnostic::error(codes::BAD_ARGUMENT, at.0, "`bin` needs a width above zero")
                .help("write `bin field width=10`"));
        };
        if least.zip(most).is_some_and(|(least, most)| least >= most) {
            return Err(Diagnostic::error(codes::BAD_ARGUMENT, at.0, "`min=` lies below `max=`"));
        }
        let value = self.field(rows, &name.text, name.at)?.to_double();
        let origin = least.unwrap_or(0.0);
        let floor = |e: Expr| call("sumo_floor", vec![e]);
        let mut index = floor((value - lit(origin)) / lit(width));
        if least.is_some() {
            index = super::values::choose(index.clone().lt(lit(0.0)), lit(0.0), index);
        }
        if let Some(most) = most {
            let last = ((most - origin) / width).ceil() - 1.0;
            index = super::values::choose(index.clone().gt(lit(last)), lit(last), index);
        }
        let lower = self.id();
        built(rows.extend(vec![(lower.clone(), index * lit(width) + lit(origin))]), at)?;
        rows.bind("_bin_lower", &lower, Ty::Double);
        let lower = Value::new(column(&lower), Ty::Double);
        let upper = Value::new(lower.expr.clone() + lit(width), Ty::Double);
        let upper_id = self.id();
        let label = super::values::choose(
            lower.expr.clone().is_null(),
            Value::null().expr,
            call(
                "sumo_concat",
                vec![text_literal("["), lower.to_text(), text_literal(", "), upper.to_text(), text_literal(")")],
            ),
        );
        let label_id = self.id();
        built(rows.extend(vec![(label_id.clone(), label), (upper_id.clone(), upper.expr)]), at)?;
        rows.bind("_bin_label", &label_id, Ty::Text);
        rows.bind("_bin_upper", &upper_id, Ty::Double);
        Ok(())
    }
}

fn constant(value: &crate::syntax::Expr) -> Planning<f64> {
    use crate::syntax::ExprKind;
    match &value.kind {
        ExprKind::Number(number) => Ok(number.value()),
        ExprKind::Negate(inner) => constant(inner).map(|n| -n),
        _ => Err(Diagnostic::error(codes::BAD_ARGUMENT, value.at.0, "this is a number")),
    }
}
