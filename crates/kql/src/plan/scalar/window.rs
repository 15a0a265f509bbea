//! Functions over serialised rows: `row_number`, `prev`, `next`, `row_cumsum`.

use crate::plan::Binder;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::{OrderKey, id};
use crate::plan::scope::Rows;
use crate::plan::types::Type;
use crate::plan::value::{Value, binary, cast, coalesce, convert};
use crate::syntax::tree::Call;
use datafusion::common::ScalarValue;
use datafusion::functions_window::lead_lag::{lag_udwf, lead_udwf};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    AggregateUDF, Expr as Plan, Operator, WindowFrame, WindowFrameBound, WindowFrameUnits, lit, when,
};
use parallax_diagnostics::Span;
use std::sync::Arc;

impl Binder<'_> {
    pub(super) fn window(&self, call: &Call, rows: &Rows<'_>) -> Result<Value> {
        let name = call.name.text.as_str();
        let span = call.span;
        if rows.windows.is_none() {
            return fail(error::NO_FORM, span, format!("`{name}` needs rows in an order, in `extend` or `serialize`"))
                .map_err(|d| Box::new((*d).help("put `| sort by …` or `| serialize` before it")));
        }
        let args = call.arguments.iter().map(|a| self.scalar(&a.value, rows)).collect::<Result<Vec<_>>>()?;
        match (name, args.as_slice()) {
            ("row_number", args) if args.len() <= 2 => {
                let start = match args.first() {
                    Some(v) => whole(v, span)?,
                    None => 1,
                };
                let section = self.section(args.get(1), rows, span)?;
                let number = self.row_number(rows, section);
                Ok(Value::new(binary(number, Operator::Plus, lit(start - 1)), Type::Long))
            }
            ("prev" | "next", [value, rest @ ..]) if rest.len() <= 2 => {
                let offset = match rest.first() {
                    Some(v) => whole(v, span)?,
                    None => 1,
                };
                let default = match rest.get(1) {
                    Some(v) => convert(v.clone(), value.ty, span)?.expr,
                    None => Value::null(value.ty).expr,
                };
                let function = if name == "prev" { lag_udwf() } else { lead_udwf() };
                let args = vec![value.expr.clone(), lit(offset), default];
                Ok(Value::new(self.over(rows, WindowFunction::new(function, args), None), value.ty))
            }
            ("row_cumsum", [value, rest @ ..]) if rest.len() <= 1 => {
                let ty = if value.ty == Type::Int { Type::Long } else { value.ty };
                let value = convert(value.clone(), ty, span)?;
                let section = self.section(rest.first(), rows, span)?;
                let sum = self.so_far(rows, datafusion::functions_aggregate::sum::sum_udaf(), value.expr, section);
                Ok(Value::new(coalesce(vec![sum, Value::long(0).expr]), ty))
            }
            ("row_window_session", [instant, first, last, rest @ ..]) if rest.len() <= 1 => {
                self.session([instant, first, last], rest.first(), rows, span)
            }
            ("row_rank" | "row_rank_dense" | "row_rank_min", [value, rest @ ..]) if rest.len() <= 1 => {
                let section = self.section(rest.first(), rows, span)?;
                self.rank(name != "row_rank_min", value, section, rows, span)
            }
            _ => fail(error::NO_FUNCTION, span, format!("this form of `{name}` is not supported")),
        }
    }

    /// Adds a window function over the rows in their order, within their partition and section.
    fn over(&self, rows: &Rows<'_>, mut function: WindowFunction, section: Option<Plan>) -> Plan {
        let name = self.ids.fresh();
        if let Some(windows) = rows.windows {
            // What a function reads is computed below it, in a projection: the optimiser takes parts that two window
            // functions have in common out of both, and would look for another's result where it is not yet.
            for argument in function.params.args.iter_mut() {
                if !matches!(argument, Plan::Column(_) | Plan::Literal(..)) {
                    let computed = self.ids.fresh();
                    windows.found.borrow_mut().push((computed.clone(), argument.clone()));
                    *argument = id(&computed);
                }
            }
            function.params.order_by = windows.order.iter().map(OrderKey::expr).collect();
            function.params.partition_by = windows.partition.iter().take(1).map(|p| id(p)).chain(section).collect();
            let function = Plan::WindowFunction(Box::new(function));
            let mut found = windows.found.borrow_mut();
            // The same function twice is computed once.
            if let Some((old, _)) = found.iter().find(|(_, f)| *f == function) {
                return id(old);
            }
            found.push((name.clone(), function));
        }
        id(&name)
    }

    /// An aggregate of the rows up to this one.
    fn so_far(&self, rows: &Rows<'_>, function: Arc<AggregateUDF>, of: Plan, section: Option<Plan>) -> Plan {
        let mut function = WindowFunction::new(function, vec![of]);
        function.params.window_frame = WindowFrame::new_bounds(
            WindowFrameUnits::Rows,
            WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
            WindowFrameBound::CurrentRow,
        );
        self.over(rows, function, section)
    }

    fn row_number(&self, rows: &Rows<'_>, section: Option<Plan>) -> Plan {
        cast(self.over(rows, WindowFunction::new(row_number_udwf(), vec![]), section), Type::Long)
    }

    /// The number of restarts so far: what tells one section from the next.
    fn section(&self, restart: Option<&Value>, rows: &Rows<'_>, span: Span) -> Result<Option<Plan>> {
        let Some(restart) = restart else { return Ok(None) };
        let test = self.as_bool(restart.clone(), span)?.expr;
        let one = flag(test, span)?;
        Ok(Some(self.so_far(rows, datafusion::functions_aggregate::sum::sum_udaf(), one, None)))
    }

    /// The start of the session that each row belongs to.
    fn session(&self, parts: [&Value; 3], restart: Option<&Value>, rows: &Rows<'_>, span: Span) -> Result<Value> {
        let [instant, first, last] = parts.map(Clone::clone);
        let restart = match restart {
            Some(restart) => self.as_bool(restart.clone(), span)?.expr,
            None => lit(false),
        };
        let args = vec![
            convert(instant, Type::DateTime, span)?.expr,
            convert(first, Type::TimeSpan, span)?.expr,
            convert(last, Type::TimeSpan, span)?.expr,
            restart,
        ];
        let function = WindowFunction::new(parallax_functions::kql::row_window_session(), args);
        Ok(Value::new(self.over(rows, function, None), Type::DateTime))
    }

    /// The rank of each run of equal values: counted by runs, or by rows.
    fn rank(&self, dense: bool, value: &Value, section: Option<Plan>, rows: &Rows<'_>, span: Span) -> Result<Value> {
        let number = self.row_number(rows, section.clone());
        let before = self.over(rows, WindowFunction::new(lag_udwf(), vec![value.expr.clone()]), section.clone());
        let first = binary(number.clone(), Operator::Eq, lit(1i64));
        let starts = first.or(binary(value.expr.clone(), Operator::IsDistinctFrom, before));
        let rank = if dense {
            self.so_far(rows, datafusion::functions_aggregate::sum::sum_udaf(), flag(starts, span)?, section)
        } else {
            let number = when(starts, number)
                .otherwise(lit(ScalarValue::Int64(None)))
                .map_err(|e| error::error(error::INTERNAL, span, e.to_string()))?;
            self.so_far(rows, datafusion::functions_aggregate::min_max::max_udaf(), number, section)
        };
        Ok(Value::new(rank, Type::Long))
    }
}

/// One where the test holds, else zero.
fn flag(test: Plan, span: Span) -> Result<Plan> {
    when(test, lit(1i64)).otherwise(lit(0i64)).map_err(|e| error::error(error::INTERNAL, span, e.to_string()))
}

fn whole(value: &Value, span: Span) -> Result<i64> {
    value.integer().map_or_else(|| fail(error::CONSTANT, span, "a constant whole number is needed"), Ok)
}
