//! `predict f by 1m`: what the line of least squares through all time slices gives, and by how much it is off.
//!
//! The auto-regressive model is not published and so refused.

use super::rows::{Rows, column, same};
use super::values::{Ty, Value};
use super::{Planner, Planning, built, codes};
use crate::syntax::At;
use crate::syntax::transactions::predict;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlanBuilder, WindowFunctionDefinition, lit};
use parallax_diagnostics::Diagnostic;

impl Planner<'_> {
    pub(super) fn predict(&mut self, rows: &mut Rows, at: At) -> Planning<()> {
        let read = predict(self.text, at)?;
        if let Some((option, place)) = read.options.first() {
            return Err(Diagnostic::error(
                codes::NEEDS_CLOUD,
                place.0,
                format!("`{option}` belongs to the auto-regressive model of `predict`, which is not published"),
            )
            .help("leave the options out: without them a line is fitted"));
        }
        let step = self.duration(&read.step)?;
        let Some(slice) = rows.fields.iter().find(|f| same(&f.name, "_timeslice") || f.ty == Ty::Time).cloned() else {
            return self.refuse(
                at,
                "`predict` needs time slices",
                "put `timeslice 1h` before, and group by `_timeslice`",
            );
        };
        if rows.raw {
            return self.refuse(at, "`predict` stands after an aggregate", "");
        }
        let value = self.field(rows, &read.field.text, read.field.at)?.to_double();
        let Some(function) = parallax_functions::sumo::window("sumo_predict") else { return Ok(()) };
        let arguments = vec![slice.value().to_long(), value.clone(), lit(step)];
        let window = WindowFunction::new(WindowFunctionDefinition::WindowUDF(function), arguments);
        let window = built(Expr::from(window).order_by(vec![column(&slice.id).sort(true, true)]).build(), at)?;
        let id = self.id();
        let plan = rows.builder().window(vec![window.alias(&id)]);
        rows.plan = built(plan.and_then(LogicalPlanBuilder::build), at)?;
        rows.layer = None;
        rows.bind(&format!("{}_predicted", read.field.text), &id, Ty::Double);
        let error = Value::new(column(&id) - value, Ty::Double);
        self.assign(rows, &format!("{}_error", read.field.text), &error, at)?;
        Ok(())
    }
}
