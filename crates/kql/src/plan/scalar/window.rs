//! Functions over serialised rows: `row_number`, `prev`, `next`, `row_cumsum`.

use crate::plan::Binder;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::{OrderKey, id};
use crate::plan::scope::Rows;
use crate::plan::types::Type;
use crate::plan::value::{Value, binary, coalesce, convert};
use crate::syntax::tree::Call;
use datafusion::common::ScalarValue;
use datafusion::functions_window::lead_lag::{lag_udwf, lead_udwf};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Expr as Plan, Operator, WindowFrame, WindowFrameBound, WindowFrameUnits, lit};
use parallax_diagnostics::Span;

impl Binder<'_> {
    pub(super) fn window(&self, call: &Call, rows: &Rows<'_>) -> Result<Value> {
        let name = call.name.text.as_str();
        let span = call.span;
        let Some(windows) = rows.windows else {
            return fail(error::NO_FORM, span, format!("`{name}` needs rows in an order, in `extend` or `serialize`"))
                .map_err(|d| Box::new((*d).help("put `| sort by …` or `| serialize` before it")));
        };
        let args = call.arguments.iter().map(|a| self.scalar(&a.value, rows)).collect::<Result<Vec<_>>>()?;
        let order: Vec<_> = windows.order.iter().map(OrderKey::expr).collect();
        let add = |function: WindowFunction| {
            let name = self.ids.fresh();
            let mut function = function;
            function.params.order_by.clone_from(&order);
            function.params.partition_by = windows.partition.iter().take(1).map(|p| id(p)).collect();
            windows.found.borrow_mut().push((name.clone(), Plan::WindowFunction(Box::new(function))));
            id(&name)
        };
        match (name, args.as_slice()) {
            ("row_number", args) if args.len() <= 2 => {
                if args.len() == 2 {
                    return restart_refused(name, span);
                }
                let start = match args.first() {
                    Some(v) => v.integer().map_or_else(|| fail(error::CONSTANT, span, "a constant is needed"), Ok)?,
                    None => 1,
                };
                let number = add(WindowFunction::new(row_number_udwf(), vec![]));
                let number = super::super::value::cast(number, Type::Long);
                let value = binary(number, Operator::Plus, lit(start - 1));
                Ok(Value::new(value, Type::Long))
            }
            ("prev" | "next", [value, rest @ ..]) if rest.len() <= 2 => {
                let offset = match rest.first() {
                    Some(v) => v.integer().map_or_else(|| fail(error::CONSTANT, span, "a constant is needed"), Ok)?,
                    None => 1,
                };
                let default = match rest.get(1) {
                    Some(v) => convert(v.clone(), value.ty, span)?.expr,
                    None => Value::null(value.ty).expr,
                };
                let function = if name == "prev" { lag_udwf() } else { lead_udwf() };
                let args = vec![value.expr.clone(), lit(offset), default];
                Ok(Value::new(add(WindowFunction::new(function, args)), value.ty))
            }
            ("row_cumsum", [value]) => {
                let ty = if value.ty == Type::Int { Type::Long } else { value.ty };
                let value = convert(value.clone(), ty, span)?;
                let function = datafusion::functions_aggregate::sum::sum_udaf();
                let mut sum = WindowFunction::new(function, vec![value.expr]);
                sum.params.window_frame = WindowFrame::new_bounds(
                    WindowFrameUnits::Rows,
                    WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
                    WindowFrameBound::CurrentRow,
                );
                Ok(Value::new(coalesce(vec![add(sum), Value::long(0).expr]), ty))
            }
            ("row_cumsum", [_, _]) => restart_refused(name, span),
            _ => fail(error::NO_FUNCTION, span, format!("this form of `{name}` is not supported")),
        }
    }
}

fn restart_refused<T>(name: &str, span: Span) -> Result<T> {
    fail(error::NO_FORM, span, format!("`{name}` with a restart condition is not supported"))
}
