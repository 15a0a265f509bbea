//! Aggregates: from a call to an expression of the plan.
//!
//! The function library's aggregate is taken where there is one; DataFusion's own where it means the same.

use crate::plan::Binder;
use crate::plan::error::{self, Result, error, fail};
use crate::plan::functions::{Argument, aggregates};
use crate::plan::relation::{OrderKey, id};
use crate::plan::scope::Rows;
use crate::plan::types::Type;
use crate::plan::value::{Value, coalesce, convert, invoke, to_string};
use crate::syntax::tree::{Call, ExprKind};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Expr as Plan, lit};
use parallax_diagnostics::Span;

/// An aggregate of the function library over an expression.
pub(crate) fn aggregate_call(name: &str, args: Vec<Plan>, span: Span) -> Result<Plan> {
    let function = parallax_functions::kql::aggregate(&format!("kql_{name}"))
        .ok_or_else(|| error(error::NO_FUNCTION, span, format!("the aggregate `{name}` is not supported here yet")))?;
    Ok(Plan::AggregateFunction(AggregateFunction::new_udf(function, args, false, None, vec![], None)))
}

/// DataFusion's own aggregates.
pub(crate) mod native {
    use super::{AggregateFunction, Plan};
    use datafusion::functions_aggregate::{
        average, bit_and_or_xor, count as counting, min_max, stddev, sum as summing, variance,
    };
    use datafusion::logical_expr::{AggregateUDF, lit};
    use std::sync::Arc;

    pub(crate) fn call(function: Arc<AggregateUDF>, args: Vec<Plan>, filter: Option<Plan>) -> Plan {
        let filter = filter.map(Box::new);
        Plan::AggregateFunction(AggregateFunction::new_udf(function, args, false, filter, vec![], None))
    }

    pub(crate) fn count(filter: Option<Plan>) -> Plan {
        call(counting::count_udaf(), vec![lit(1i64)], filter)
    }

    pub(crate) fn by_name(name: &str) -> Option<Arc<AggregateUDF>> {
        Some(match name {
            "sum" => summing::sum_udaf(),
            "avg" => average::avg_udaf(),
            "min" => min_max::min_udaf(),
            "max" => min_max::max_udaf(),
            "stdev" => stddev::stddev_udaf(),
            "stdevp" => stddev::stddev_pop_udaf(),
            "variance" => variance::var_samp_udaf(),
            "variancep" => variance::var_pop_udaf(),
            "bit_and" => bit_and_or_xor::bit_and_udaf(),
            "bit_or" => bit_and_or_xor::bit_or_udaf(),
            "bit_xor" => bit_and_or_xor::bit_xor_udaf(),
            _ => return None,
        })
    }
}

impl Binder<'_> {
    /// An aggregate within an expression: noted among the rows' aggregates, and read by its id.
    pub(crate) fn aggregate(&self, call: &Call, rows: &Rows<'_>) -> Result<Value> {
        let inner = Rows { aggregates: None, ..*rows };
        let (expr, ty) = self.one_aggregate(call, &inner)?;
        let name = self.ids.fresh();
        if let Some(found) = rows.aggregates {
            found.borrow_mut().push((name.clone(), expr));
        }
        let value = id(&name);
        // What no row at all gives: a string is empty and a count or sum is zero, not null.
        let listed = base_name(call.name.text.as_str());
        let value = match (listed, ty) {
            (name, _) if !rows.order.is_empty() && in_order(name) => {
                let at = if call.name.text.ends_with("_if") { 2 } else { 1 };
                let most = match call.arguments.get(at) {
                    Some(a) => match self.scalar(&a.value, &inner)?.folded().integer() {
                        Some(n) => n.min(MOST),
                        None => return fail(error::CONSTANT, a.span, "the most elements must be a constant"),
                    },
                    None => MOST,
                };
                let (once, nulls) = (name == "make_set", name == "make_list_with_nulls");
                let args = vec![value, lit(most), lit(once), lit(nulls)];
                crate::plan::value::raw_call("kql_gathered", args, call.span)?
            }
            (_, Type::String) => coalesce(vec![value, Value::string("").expr]),
            ("sum" | "sumif", _) => coalesce(vec![value, zero(ty)]),
            // To ten digits behind the point (measured).
            ("variance" | "varianceif" | "variancep" | "variancepif", Type::Real) => {
                let value = coalesce(vec![value, lit(0.0)]);
                crate::plan::value::raw_call("kql_round_real", vec![value, lit(10i64)], call.span)?
            }
            // Of no values: documented by example.
            ("stdev" | "stdevif" | "stdevp", Type::Real) => coalesce(vec![value, lit(0.0)]),
            ("avg" | "avgif", Type::Real) => coalesce(vec![value, lit(f64::NAN)]),
            ("avg" | "avgif", Type::DateTime | Type::TimeSpan) => crate::plan::value::cast(value, Type::Long),
            _ => value,
        };
        Ok(Value::new(value, ty))
    }

    /// An aggregate with a single result.
    fn one_aggregate(&self, call: &Call, rows: &Rows<'_>) -> Result<(Plan, Type)> {
        let name = call.name.text.as_str();
        let span = call.span;
        // `count(*)`, and `count(x)`, which counts rows too where x is no truth value.
        if matches!(name, "count" | "cnt") {
            return match call.arguments.first() {
                None => Ok((native::count(None), Type::Long)),
                Some(a) if matches!(a.value.kind, ExprKind::Star) => Ok((native::count(None), Type::Long)),
                Some(a) => {
                    let value = self.scalar(&a.value, rows)?;
                    let filter = (value.ty == Type::Bool).then_some(value.expr);
                    Ok((native::count(filter), Type::Long))
                }
            };
        }
        let mut values = Vec::with_capacity(call.arguments.len());
        for a in &call.arguments {
            values.push(self.scalar(&a.value, rows)?);
        }
        let Some(function) = aggregates().get(name) else {
            return fail(error::UNKNOWN_FUNCTION, call.name.span, format!("there is no aggregate `{name}`"));
        };
        let kinds: Vec<Argument> = values.iter().map(|v| Argument::Value(v.ty)).collect();
        let spans: Vec<Span> = call.arguments.iter().map(|a| a.span).collect();
        let resolved = function.resolve(&kinds).map_err(|m| crate::plan::scalar::mismatch(call, &m, &spans, &kinds))?;
        for ((value, to), span) in values.iter_mut().zip(&resolved.convert).zip(&spans) {
            if let Some(to) = to {
                *value = convert(value.clone(), *to, *span)?;
            }
        }
        // `xif(…, predicate, …)` is `x(…)` over the rows where the predicate holds.
        let (base, filter) = match conditional(name) {
            Some((base, at)) if at < values.len() => {
                let predicate = values.remove(at);
                (base, Some(self.as_bool(predicate, span)?.expr))
            }
            _ => (name, None),
        };
        let result = match base {
            "percentile" | "take_any" | "any" | "percentilew" => kinds.first().map_or(resolved.result, |k| match k {
                Argument::Value(t) | Argument::TypeLiteral(t) => *t,
            }),
            _ => resolved.result,
        };
        self.build_aggregate(base, values, filter, (result, rows.order), span)
    }

    /// The values of rows in an order, as a list that [`Binder::aggregate`] makes a dynamic array of. DataFusion's own
    /// aggregate keeps the order where several threads work on one group.
    fn in_row_order(&self, values: Vec<Value>, filter: Option<Plan>, order: &[OrderKey]) -> Result<(Plan, Type)> {
        let function = datafusion::functions_aggregate::array_agg::array_agg_udaf();
        let args = values.into_iter().take(1).map(|v| v.expr).collect();
        let mut call = native::call(function, args, filter);
        if let Plan::AggregateFunction(function) = &mut call {
            function.params.order_by = order.iter().map(OrderKey::expr).collect();
        }
        Ok((call, Type::Dynamic))
    }

    fn build_aggregate(
        &self,
        name: &str,
        mut values: Vec<Value>,
        filter: Option<Plan>,
        (result, order): (Type, &[OrderKey]),
        span: Span,
    ) -> Result<(Plan, Type)> {
        match (name, values.as_slice()) {
            ("countif", [_]) => {
                let predicate = self.as_bool(values.remove(0), span)?;
                return Ok((native::count(Some(predicate.expr)), Type::Long));
            }
            ("dcount" | "count_distinct", [_, ..]) => {
                values.truncate(1);
                return self.build_aggregate("exact_dcount", values, filter, (Type::Long, order), span);
            }
            ("any", [_]) => return self.build_aggregate("take_any", values, filter, (result, order), span),
            _ => {}
        }
        let name = base_name(name);
        // The library's aggregates over values of any type take dynamics.
        if matches!(name, "make_list" | "make_set" | "make_bag" | "make_list_with_nulls")
            && let Some(first) = values.first_mut()
        {
            *first = convert(first.clone(), Type::Dynamic, span)?;
        }
        // The most elements; without it an order's key would stand in its place.
        if matches!(name, "make_list" | "make_set" | "make_bag") && values.len() == 1 {
            values.push(Value::long(i64::MAX));
        }
        if !order.is_empty() && in_order(name) {
            return self.in_row_order(values, filter, order);
        }
        if name.starts_with("percentile") {
            values = ranks_as_reals(name, values, span)?;
        }
        match (name, values.first_mut()) {
            // What tells values apart, of whatever type they are.
            ("hll", Some(first)) => {
                let value = std::mem::replace(first, Value::null(Type::Long));
                let value = match value.ty {
                    Type::Dynamic | Type::Bool | Type::Decimal => to_string(value, span)?,
                    _ => value,
                };
                *first = invoke("hash_xxhash64", vec![value], Type::Long, span)?;
            }
            ("tdigest", Some(first)) => *first = convert(first.clone(), Type::Dynamic, span)?,
            _ => {}
        }
        let first = values.first().map_or(result, |v| v.ty);
        let typed = format!("kql_{name}_{}", first.name());
        let library = parallax_functions::kql::aggregate(&typed)
            .or_else(|| parallax_functions::kql::aggregate(&format!("kql_{name}")));
        if let Some(function) = library {
            let args = values.into_iter().map(|v| v.expr).collect();
            return Ok((native::call(function, args, filter), result));
        }
        let Some(function) = native::by_name(name) else {
            return fail(error::NO_FUNCTION, span, format!("the aggregate `{name}` is not supported here yet"));
        };
        let Some(value) = values.into_iter().next() else {
            return fail(error::ARGUMENTS, span, format!("`{name}` takes an argument"));
        };
        let operand = match (name, value.ty) {
            ("sum" | "min" | "max", Type::Dynamic) => convert(value, Type::Real, span)?,
            ("sum", Type::Int) => convert(value, Type::Long, span)?,
            ("min" | "max" | "sum" | "bit_and" | "bit_or" | "bit_xor", _) => value,
            (_, Type::Decimal | Type::Real) => value,
            (_, Type::DateTime | Type::TimeSpan) => {
                Value::new(crate::plan::value::cast(value.expr, Type::Real), Type::Real)
            }
            _ => convert(value, Type::Real, span)?,
        };
        let raw = native::call(function, vec![operand.expr], filter);
        Ok((raw, result))
    }
}

/// The percentiles as reals; those of a constant array one by one.
fn ranks_as_reals(name: &str, mut values: Vec<Value>, span: Span) -> Result<Vec<Value>> {
    let ranks = values.split_off(if name.contains('w') { 2 } else { 1 }.min(values.len()));
    for rank in ranks {
        let rank = rank.folded();
        match (rank.ty, rank.text().and_then(crate::plan::scalar::json_items)) {
            (Type::Dynamic, Some(items)) => {
                for item in items {
                    values.push(convert(item, Type::Real, span)?);
                }
            }
            _ => values.push(convert(rank, Type::Real, span)?),
        }
    }
    Ok(values)
}

/// The name under which an aggregate is known below the language.
fn base_name(name: &str) -> &str {
    match name {
        "makelist" | "make_list_if" => "make_list",
        "makeset" | "make_set_if" => "make_set",
        "make_dictionary" => "make_bag",
        "exact_dcount" => "dcount",
        "binary_all_and" => "bit_and",
        "binary_all_or" => "bit_or",
        "binary_all_xor" => "bit_xor",
        other => other,
    }
}

/// Whether the result depends on the order of the rows.
fn in_order(name: &str) -> bool {
    matches!(name, "make_list" | "make_list_with_nulls" | "make_set")
}

/// The most elements of a list where the query says nothing (documented).
const MOST: i64 = 1_048_576;

fn zero(ty: Type) -> Plan {
    use datafusion::common::ScalarValue;
    let zero = match ty {
        Type::Real => ScalarValue::Float64(Some(0.0)),
        Type::Decimal => ScalarValue::Decimal128(Some(0), 34, 14),
        Type::Int => ScalarValue::Int32(Some(0)),
        _ => ScalarValue::Int64(Some(0)),
    };
    Plan::Literal(zero, None)
}

/// The aggregate under a conditional one, and where its predicate stands.
fn conditional(name: &str) -> Option<(&'static str, usize)> {
    Some(match name {
        "sumif" => ("sum", 1),
        "avgif" => ("avg", 1),
        "minif" => ("min", 1),
        "maxif" => ("max", 1),
        "dcountif" => ("dcount", 1),
        "count_distinctif" => ("count_distinct", 1),
        "make_set_if" => ("make_set", 1),
        "make_list_if" => ("make_list", 1),
        "make_bag_if" => ("make_bag", 1),
        "anyif" | "take_anyif" => ("take_any", 1),
        "stdevif" => ("stdev", 1),
        "varianceif" => ("variance", 1),
        "variancepif" => ("variancep", 1),
        "covarianceif" => ("covariance", 2),
        "covariancepif" => ("covariancep", 2),
        "hll_if" => ("hll", 1),
        _ => return None,
    })
}
