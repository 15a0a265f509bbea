//! `accum`, `total`, `diff`, `backshift`, `rollingstd`, `smooth`: operators that look at other rows.

use super::rows::{Rows, column, same};
use super::values::{Ty, Value};
use super::{Planner, Planning, built, codes};
use crate::syntax::{At, Running, RunningFunction};
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::{average::avg_udaf, stddev::stddev_udaf, sum::sum_udaf};
use datafusion::functions_window::expr_fn::lag;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlanBuilder, SortExpr, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowFunctionDefinition,
};
use parallax_diagnostics::Diagnostic;

/// Windows and distances are at most that long (documented).
const MAX_WINDOW: i64 = 1000;

impl Planner<'_> {
    pub(super) fn running(&mut self, rows: &mut Rows, running: &Running, at: At) -> Planning<()> {
        use RunningFunction as R;
        let field = &running.field;
        let value = self.field(rows, &field.text, field.at)?;
        let value = Value::new(value.to_double(), Ty::Double);
        // Rows whose value is no number are removed (documented).
        if running.function == R::Diff {
            built(rows.filter(value.expr.clone().is_not_null()), at)?;
        }
        let mut partition = Vec::new();
        for name in &running.by {
            partition.push(self.field(rows, &name.text, name.at)?.expr);
        }
        let order =
            if running.function == R::Total { Vec::new() } else { self.order(rows, running.function.name(), at)? };
        let default = if matches!(running.function, R::RollingStd | R::Smooth) { 10 } else { 1 };
        let count = match &running.count {
            Some(count) => i64::try_from(self.number(count, 1, MAX_WINDOW)?).unwrap_or(default),
            None => default,
        };
        let before = |n: i64| WindowFrameBound::Preceding(ScalarValue::UInt64(u64::try_from(n).ok()));
        let frame = |start| WindowFrame::new_bounds(WindowFrameUnits::Rows, start, WindowFrameBound::CurrentRow);
        let unbounded = WindowFrameBound::Preceding(ScalarValue::UInt64(None));
        let (computed, frame) = match running.function {
            R::Accum => over(sum_udaf().into(), &value, frame(unbounded)),
            R::Total => {
                let all = WindowFrameBound::Following(ScalarValue::UInt64(None));
                over(sum_udaf().into(), &value, WindowFrame::new_bounds(WindowFrameUnits::Rows, unbounded, all))
            }
            R::RollingStd => over(stddev_udaf().into(), &value, frame(before(count - 1))),
            R::Smooth => over(avg_udaf().into(), &value, frame(before(count - 1))),
            R::Diff => (lag(value.expr.clone(), Some(1), None), None),
            R::Backshift => (lag(value.expr.clone(), Some(count), None), None),
        };
        let mut window = computed.partition_by(partition).order_by(order);
        if let Some(frame) = frame {
            window = window.window_frame(frame);
        }
        let window = built(window.build(), at)?;
        let id = self.id();
        let plan = rows.builder().window(vec![window.alias(&id)]);
        rows.plan = built(plan.and_then(LogicalPlanBuilder::build), at)?;
        let result = match running.function {
            R::Diff => value.expr - column(&id),
            _ => column(&id),
        };
        let name = running.alias.as_ref().map_or(format!("_{}", running.function.name()), |a| a.text.clone());
        rows.chain.push(id);
        self.assign(rows, &name, &Value::new(result, Ty::Double), at)?;
        rows.chain.clear();
        Ok(())
    }

    /// The order that an operator over neighbouring rows goes by: what was sorted, else time. An aggregate has none of
    /// its own unless it is sliced by time.
    fn order(&mut self, rows: &Rows, what: &str, at: At) -> Planning<Vec<SortExpr>> {
        if !rows.order.is_empty() {
            return Ok(rows.order.clone());
        }
        let slice = rows.fields.iter().find(|f| same(&f.name, "_timeslice") || f.ty == Ty::Time);
        match slice {
            Some(slice) => Ok(vec![column(&slice.id).sort(true, true)]),
            None => Err(Diagnostic::error(codes::NOT_SUPPORTED, at.0, format!("`{what}` needs its rows in an order"))
                .help("put `sort by …` before it")),
        }
    }
}

fn over(function: WindowFunctionDefinition, value: &Value, frame: WindowFrame) -> (Expr, Option<WindowFrame>) {
    (Expr::from(WindowFunction::new(function, vec![value.expr.clone()])), Some(frame))
}
